"""Films that mean harm: boxes that lie (ISO/IEC 14496-12), EBML without end, and odd whole ones."""

from __future__ import annotations

import struct
from functools import cache
from itertools import pairwise

from tests.hostile import seeds
from tests.hostile.canary import PAYLOAD, Cage
from tests.unit.codecs import boxes
from tests.unit.codecs.boxes import box

_HEAD = box(b"ftyp", b"isom\0\0\2\0isommp41")
_ENDLESS = b"\x01" + b"\xff" * 7
_EBML = bytes.fromhex("1a45dfa3")


@cache
def _mp4() -> bytes:
    return seeds.films()["mp4"]


@cache
def _fitting() -> bytes:
    return seeds.films()["fitting mp4"]


def _track(film: bytes) -> bytes:
    moov = dict(boxes.outermost(film))[b"moov"]
    return box(b"trak", dict(boxes.outermost(moov))[b"trak"])


def _with_tracks(film: bytes, *tracks: bytes) -> bytes:
    """The film with more boxes inside its movie box; offsets stay right where data come first."""
    moov = dict(boxes.outermost(film))[b"moov"]
    return film.replace(box(b"moov", moov), box(b"moov", moov, *tracks))


def numbers() -> dict[str, bytes]:
    """Counts, sizes and times of the tables that lie."""
    film = _mp4()
    most, half, none = b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4)
    made = {}
    tables = {"stsz": 12, "stts": 8, "stsc": 8, "stco": 8, "stss": 8}
    for table, at in tables.items():
        name = table.encode()
        for said, value in (("2³²", most), ("2³¹", half), ("no", none)):
            made[f"a film of {said} entries of {table}"] = boxes.patched(film, name, at, value)
    wide = struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF)
    return made | {
        "a film of samples of one size of 2³²": boxes.patched(film, b"stsz", 8, most),
        "a film of samples of 1 byte, 2³² of them": boxes.patched(
            film, b"stsz", 8, b"\0\0\0\1" + most
        ),
        "a film whose chunks hold 2³² samples": boxes.patched(film, b"stsc", 16, most),
        "a film whose samples last 2³²": boxes.patched(film, b"stts", 16, most),
        "a film whose samples last nothing": boxes.patched(film, b"stts", 16, none),
        "a film whose samples last −1": boxes.patched(film, b"stts", 16, most),
        "a film of a clock of 0": boxes.patched(film, b"mdhd", 16, none),
        "a film of a clock of 2³²": boxes.patched(film, b"mdhd", 16, most),
        "a film of a clock of 1": boxes.patched(film, b"mdhd", 16, b"\0\0\0\1"),
        "a film that lasts 2³² seconds": boxes.patched(film, b"mvhd", 16, b"\0\0\0\1" + most),
        "a film that lasts −1": boxes.patched(film, b"mdhd", 20, most),
        "a film of 65 535 × 65 535": boxes.patched(film, b"avc1", 28, most),
        "a film of 16 384 × 16": boxes.patched(film, b"avc1", 28, b"\x40\0\0\x10"),
        "a film shown 2³² wide": boxes.patched(film, b"tkhd", 80, wide),
        "a film turned by nonsense": boxes.patched(film, b"tkhd", 44, b"\x7f" * 36),
        "a film turned by nothing": boxes.patched(film, b"tkhd", 44, bytes(36)),
        "a film of 2³² descriptions": boxes.patched(film, b"stsd", 8, most),
        "a film of no descriptions": boxes.patched(film, b"stsd", 8, none),
        "a film of a wrong description": boxes.patched(film, b"avcC", 4, b"\xff" * 30),
        "a film of 31 parameter sets": boxes.patched(film, b"avcC", 9, b"\xff"),
        "a film of parameter sets of 64 kB": boxes.patched(film, b"avcC", 10, b"\xff\xff"),
        "a film of a coding without a name": boxes.patched(film, b"avc1", 0, bytes(4)),
        "a film of a coding of another": boxes.patched(film, b"avc1", 0, b"hvc1"),
        "a film of an unknown coding": boxes.patched(film, b"avc1", 0, b"evil"),
        "a film of sound of 2³² hertz": boxes.patched(film, b"mp4a", 28, most),
        "a film of 65 535 channels": boxes.patched(film, b"mp4a", 20, b"\xff\xff"),
        "a film of the same track twice": _with_tracks(film, _track(film)),
        "a film of twenty tracks": _with_tracks(film, _track(film) * 20),
        "a film of 5 000 tracks": _with_tracks(film, _track(film) * 5000),
        "a film of 2 000 empty tracks": _with_tracks(film, box(b"trak") * 2000),
    }


def trees() -> dict[str, bytes]:
    """Boxes of wrong lengths, in wrong places, in themselves."""
    film = _mp4()
    moov = dict(boxes.outermost(film))[b"moov"]
    fragmented = seeds.films()["fragmented mp4"]
    deep = b""
    for _ in range(60):
        deep = box(b"trak", box(b"mdia", box(b"minf", deep)))
    edits = b"".join(struct.pack(">IiI", 1, 0, 0x10000) for _ in range(50_000))
    backwards = struct.pack(">IiI", 0xFFFFFFFF, -2_000_000_000, 0x10000) * 20
    made = {
        "a film of boxes of length 0 all along": _HEAD + bytes(4) + b"moov" + b"\0\0\0\0trak" * 50,
        "a film of a thousand boxes of length 1": _HEAD + b"\0\0\0\1moov" * 1000,
        "a film of a box of 2⁶⁴": _HEAD + b"\0\0\0\1moov" + b"\xff" * 8 + moov,
        "a film of a box of −1": _HEAD + b"\0\0\0\1moov" + b"\x80" + bytes(7) + moov,
        "a film of boxes that overlap": _HEAD
        + struct.pack(">I", len(moov) // 2)
        + b"moov"
        + moov
        + box(b"mdat", bytes(99)),
        "a film of deep tracks": _HEAD + box(b"moov", deep),
        "a film of a million empty boxes": _HEAD + box(b"free") * 200_000 + film[32:],
        "a film of two films": film + film,
        "a film of two indexes": film + box(b"moov", moov),
        "a film whose index is in an index": _HEAD + box(b"moov", box(b"moov", moov)),
        "a film whose index is compressed": _HEAD
        + box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", b"\x7f" * 90))),
        "a film of fragments alone": fragmented[fragmented.find(b"moof") - 4 :],
        "a film with fragments of 2³² samples": boxes.patched(
            fragmented, b"trun", 8, b"\xff\xff\xff\xff"
        ),
        "a film with fragments far away": boxes.patched(fragmented, b"tfhd", 12, b"\x7f" * 8),
        "a film with fragments of time 2⁶⁴": boxes.patched(fragmented, b"tfdt", 8, b"\xff" * 8),
        "a film with fragments of no track": boxes.patched(fragmented, b"tfhd", 8, b"\xff" * 4),
        "a film with a thousand fragments of nothing": fragmented
        + box(b"moof", box(b"mfhd", bytes(8))) * 1000,
        "a film with fragments in fragments": fragmented
        + box(b"moof", box(b"moof", box(b"moof", b""))) * 50,
        "a film with an index of fragments that lies": fragmented
        + box(b"sidx", bytes(28) + b"\xff\xff" + b"\xff" * 900),
        "a film of fifty thousand edits": _edited(film, edits),
        "a film of edits that go back": _edited(film, backwards),
        "a film of an edit without a rate": _edited(film, struct.pack(">IiI", 300, 0, 0) * 5),
        "a film of 2³² edits": boxes.patched(film, b"elst", 8, b"\xff\xff\xff\xff"),
        "a film locked by a key": boxes.patched(film, b"avc1", 0, b"encv"),
        "a film with a protection that lies": film
        + box(b"pssh", b"\1\0\0\0" + bytes(16) + b"\xff" * 40),
    }
    order = [box(name, body) for name, body in boxes.outermost(film)]
    made |= {
        f"a film in the order {place}": b"".join(order[place:] + order[:place])
        for place in range(1, len(order))
    }
    return made


def _edited(film: bytes, edits: bytes) -> bytes:
    body = bytes(4) + struct.pack(">I", len(edits) // 12) + edits
    if b"elst" in film:
        return _edit_lists(film, body)
    return _with_tracks(film, box(b"edts", box(b"elst", body)))


def _edit_lists(film: bytes, body: bytes) -> bytes:
    """With the index behind the data, it may grow."""
    return boxes.rewritten(film, b"elst", body)


def references(cage: Cage) -> dict[str, bytes]:
    """Films whose data, or more of them, are said to lie in other files or on the network."""
    film = _mp4()
    targets = {
        "the network": cage.address + b"film.mp4",
        "a file": b"file://" + cage.path,
        "a path": cage.path,
        "a path upwards": b"../../../../../../../.." + cage.path,
        "a share": b"//127.0.0.1/share/film.mp4",
        "data": b"data:video/mp4;base64,AAAA",
        "a pipe": b"pipe:0",
        "a command": b"|cat " + cage.path,
        "two files": b"concat:" + cage.path + b"|" + cage.path,
        "a stream": b"rtmp://127.0.0.1:%d/x" % cage.port,
        "a datagram": b"udp://127.0.0.1:%d" % cage.port,
        "a part of a file": b"subfile,,start,0,end,9,,:" + cage.path,
        "a secret of a file": b"crypto+file:" + cage.path,
    }
    made = {}
    for name, target in targets.items():
        body = bytes(4) + b"\0\0\0\1" + box(b"url ", bytes(4), target + b"\0")
        named = bytes(4) + b"\0\0\0\1" + box(b"urn ", bytes(4), b"x\0" + target + b"\0")
        made[f"a film whose data are in {name}"] = boxes.rewritten(film, b"dref", body)
        made[f"a film whose name leads to {name}"] = boxes.rewritten(film, b"dref", named)
    made["a film whose data are behind an alias"] = boxes.rewritten(
        film, b"dref", bytes(4) + b"\0\0\0\1" + _alias(cage)
    )
    for name in ("the network", "a file"):
        pointer = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", 99), targets[name] + b"\0")
        chosen = box(b"moov", box(b"rmra", box(b"rmda", pointer)))
        made[f"a film that sends players to {name}"] = _HEAD + chosen
    return made


def _alias(cage: Cage) -> bytes:
    """A Mac alias to the canary's file, as QuickTime knows them: names, then typed records."""
    path = cage.path
    record = struct.pack(">hH", 2, len(path)) + path + b"\0" * (len(path) % 2)
    folder = struct.pack(">hH", 18, 1) + b"/\0"
    body = bytes(4) + struct.pack(">IHH", 0, 150, 2) + b"\0" + bytes(27) + bytes(12)
    body += b"\x0asecret.txt".ljust(64, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    return box(b"alis", body + record + folder + b"\xff\xff\0\0")


def ebml() -> dict[str, bytes]:
    """WebM that lies: sizes of unknown length, elements in themselves, packing inside."""
    webm = seeds.films()["webm"]
    head = webm[: webm.find(bytes.fromhex("18538067"))]
    segment, cluster, track = (bytes.fromhex(each) for each in ("18538067", "1f43b675", "1654ae6b"))
    deep = cluster + _ENDLESS
    made = {
        "a webm without an end": head + segment + _ENDLESS + webm[len(head) + 12 :],
        "a webm of nothing without end": head + segment + _ENDLESS,
        "a webm of clusters in clusters": head + segment + _ENDLESS + deep * 20_000,
        "a webm of a size of 2⁵⁶": head + segment + b"\x01" + b"\xfe" * 7,
        "a webm of sizes of eight zeros": head + segment + bytes(8),
        "a webm of tracks without end": head + segment + _ENDLESS + (track + _ENDLESS) * 3000,
        "a webm of voids": head + segment + _ENDLESS + b"\xec\x80" * 200_000,
        "a webm named so by force": _EBML + b"\x8b\x42\x82\x84webm\x42\x86\x81\x01" + bytes(400),
        "a webm of another kind": webm.replace(b"webm", b"mkvX", 1),
        "a webm of a version of 255": webm.replace(b"\x42\x87\x81", b"\x42\x87\xff", 1),
        "a webm of no head": webm[len(head) :],
        "a webm of an unknown coding": webm.replace(b"V_VP8", b"V_EVL"),
        "a webm of a coding of another": webm.replace(b"V_VP8", b"V_AV1"),
        "a webm of a Windows coding": webm.replace(b"V_VP8", b"V_MS/"),
        "a webm of 2⁶⁴ nanoseconds": webm.replace(
            b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\xff\xff\xff"
        ),
        "a webm without time": webm.replace(
            b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\0\0\0"
        ),
        "a webm that lasts for ever": _lasting(webm, b"\x7f\xf0" + bytes(6)),
        "a webm that lasts no number": _lasting(webm, b"\x7f\xf8" + bytes(5) + b"\1"),
        "a webm that lasts less than nothing": _lasting(webm, b"\xc0\xf0" + bytes(6)),
        "a webm that lasts for years": _lasting(webm, struct.pack(">d", 1e15)),
        "a webm with an attached page": webm + bytes.fromhex("1941a469") + _ENDLESS + PAYLOAD,
    }
    sizes = {"16 384 each way": b"\x40\0", "65 535 each way": b"\xff\xff"}
    for name, value in sizes.items():
        made[f"a webm of {name}"] = webm.replace(b"\xb0\x81\x40", b"\xb0\x82" + value, 1)
    return made


def _lasting(webm: bytes, number: bytes) -> bytes:
    at = webm.find(b"\x44\x89\x88")
    return webm[: at + 3] + number + webm[at + 11 :] if at > 0 else webm


def odd() -> dict[str, bytes]:
    """Whole films that no camera makes."""
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    two = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=2")
    base = {
        "a film of a million pictures a second": (
            *("-vf", "settb=1/1000000,setpts=N", "-fps_mode", "passthrough"),
            *("-enc_time_base", "1/1000000", *x264, "-video_track_timescale", "1000000"),
        ),
        "a film of negative times": (*x264, "-output_ts_offset", "-5", "-avoid_negative_ts", "0"),
        "a film that begins in a year": (*x264, "-output_ts_offset", "31000000"),
        "a film of pixels of 1 000 : 1": (*x264, "-vf", "setsar=1000"),
        "a film of pixels of 1 : 1 000": (*x264, "-vf", "setsar=1/1000"),
        "a film of two by two thousand": (*x264, "-vf", "scale=2:2000"),
        "a film of two thousand by two": (*x264, "-vf", "scale=2000:2"),
        "a film of lossless pictures": ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p"),
        "a film of ten bits": ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
        "a film in between lines": (*x264, "-flags", "+ilme+ildct", "-x264opts", "tff=1"),
        "a film of one picture": (*x264, "-frames:v", "1"),
        "a film of motion pictures of JPEG": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
        "a film of PNG pictures": ("-c:v", "png"),
        "a film of pictures of Microsoft": ("-c:v", "msmpeg4v2"),
        "a film with words that filter": (
            *(*x264, "-metadata", "title=[in]movie=/etc/passwd[out]"),
            *("-metadata", "comment=$(touch pwned);`id`|drawtext=textfile=/etc/passwd"),
        ),
        "a film with a place": (*x264, "-metadata", "location=51.5007N-hostile"),
        "a film with a thousand words": (
            *x264,
            *(word for each in range(300) for word in ("-metadata", f"note{each}={'x' * 200}")),
        ),
    }
    made = {}
    for name, output in base.items():
        suffix = "mov" if any(c in output for c in ("png", "msmpeg4v2", "mjpeg")) else "mp4"
        made[name] = seeds.film_of(*output, suffix=suffix)
    far = "setpts=if(eq(N\\,0)\\,0\\,3500/TB)"
    made["a film of two pictures an hour apart"] = seeds.film_of(
        *("-vf", far, "-fps_mode", "passthrough", "-enc_time_base", "1/1000", *x264), source=two
    )
    made["a film of subtitles"] = _with_subtitles()
    return made


def _with_subtitles() -> bytes:
    """Words inside a film that name other files in every syntax of subtitles."""
    film = _fitting()
    words = b"{\\fn/etc/passwd}<img src='file:///etc/passwd'>" + PAYLOAD
    return film.replace(dict(boxes.outermost(film))[b"mdat"][: len(words)], words, 1)


def overlaps() -> dict[str, bytes]:
    """Samples that share their bytes, and tables that point into themselves."""
    film = _mp4()
    moov = film.find(b"moov")
    places = {
        "the header": 0,
        "the index": moov,
        "the end": len(film),
        "itself": film.find(b"stco"),
    }
    made = {
        f"a film whose data are {name}": boxes.patched(film, b"stco", 12, struct.pack(">I", place))
        for name, place in places.items()
    }
    sizes = film.find(b"stsz")
    count = int.from_bytes(film[sizes + 12 : sizes + 16], "big")
    made["a film of samples of the whole file"] = boxes.patched(
        film, b"stsz", 16, struct.pack(">I", len(film)) * count
    )
    for one, other in pairwise((b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"stbl", b"stsd")):
        made[f"a film whose {one.decode()} is a {other.decode()}"] = boxes.patched(
            film, one, 0, other
        )
    return made
