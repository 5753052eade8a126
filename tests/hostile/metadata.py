"""What files say about themselves: places, profiles that are monsters, notes that never end."""

from __future__ import annotations

import struct
import zlib

from tests.hostile import seeds
from tests.hostile.canary import PAYLOAD, PLACE
from tests.hostile.jpeg import after_magic, segment
from tests.unit.codecs import originals
from tests.unit.codecs.boxes import chunk

_MOST = 65_519


def _exif(tiff: bytes) -> bytes:
    return after_magic(segment(0xE1, b"Exif\0\0" + tiff))


def _tiff(*entries: tuple[int, int, int, int], more: bytes = b"", link: int = 0) -> bytes:
    """One directory of EXIF: tag, type, count and value or place of each entry."""
    fields = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    head = b"MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + fields
    return head + struct.pack(">I", link) + more


def exif() -> dict[str, bytes]:
    gps = (0x8825, 4, 1, 26)
    place = _tiff(gps, more=struct.pack(">H", 1) + struct.pack(">HHII", 2, 2, 17, 44) + PLACE)
    nested = b"".join(struct.pack(">HHHII", 1, 0x8769, 4, 1, 8 + 14 * each) for each in range(4000))
    small = seeds.photos()["jpeg"]
    return {
        "a jpeg with its place": _exif(place),
        "a jpeg with its place, cut off": _exif(place[:30]),
        "a jpeg with EXIF of 2³² entries": _exif(_tiff((0x10E, 2, 2**32 - 1, 8))),
        "a jpeg with EXIF of 2³² doubles": _exif(_tiff((0x10E, 12, 2**32 - 1, 8))),
        "a jpeg with EXIF of 65 535 entries": _exif(b"MM\0*\0\0\0\x08\xff\xff" + bytes(9000)),
        "a jpeg with EXIF in circles": _exif(_tiff((0x8769, 4, 1, 8), link=8)),
        "a jpeg with EXIF of directories in directories": _exif(b"MM\0*\0\0\0\x08" + nested),
        "a jpeg with EXIF far away": _exif(b"MM\0*\x7f\xff\xff\xff"),
        "a jpeg with EXIF before itself": _exif(b"MM\0*\xff\xff\xff\xff"),
        "a jpeg with EXIF of no order": _exif(b"XX\0*\0\0\0\x08"),
        "a jpeg with EXIF of an unknown type": _exif(_tiff((0x112, 99, 1, 6))),
        "a jpeg turned to the side 9": _exif(_tiff((0x112, 3, 1, 9 << 16))),
        "a jpeg turned to the side 65 535": _exif(_tiff((0x112, 3, 1, 0xFFFF0000))),
        "a jpeg turned a thousand times": _exif(_tiff((0x112, 3, 1000, 6 << 16))),
        "a jpeg turned by words": _exif(_tiff((0x112, 2, 4, 0x41414141))),
        "a jpeg of 0 pixels an inch": _exif(_tiff((0x11A, 5, 1, 26), more=bytes(8))),
        "a jpeg with a small picture of 2³²": _exif(
            _tiff((0x201, 4, 1, 26), (0x202, 4, 1, 2**32 - 1), more=small)
        ),
        "a jpeg with a small picture of its own": _exif(
            _tiff((0x103, 3, 1, 6 << 16), link=26, more=small + PAYLOAD)
        ),
        "a jpeg with maker's notes of 60 kB": _exif(
            _tiff((0x927C, 7, 60_000, 26), more=PAYLOAD * 4000)
        ),
        "a jpeg with EXIF a hundred times": after_magic(
            *[segment(0xE1, b"Exif\0\0" + place)] * 100
        ),
        "a jpeg with EXIF of a script": _exif(
            _tiff((0x10E, 2, 60, 26), more=b"<script>hostile()</script>" + PAYLOAD)
        ),
        "a jpeg with EXIF of shell words": _exif(
            _tiff((0x131, 2, 60, 26), more=b"$(touch /tmp/hostile);`id`|hostile-payload")
        ),
    }


def xmp() -> dict[str, bytes]:
    head = b"http://ns.adobe.com/xap/1.0/\0"
    more = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    place = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><exif:GPS>" + PLACE + b"</exif:GPS></x:xmpmeta>"
    laughs = b"<!DOCTYPE x [<!ENTITY a 'ha'>" + b"<!ENTITY b '&a;&a;'>" * 500 + b"]><x>&b;</x>"
    extended = [
        segment(0xE1, more + struct.pack(">II", 2**32 - 1, each) + b"x" * 60_000)
        for each in range(0, 3_000_000, 60_000)
    ]
    gain = b"<rdf:Description hdrgm:Version='1.0' hdrgm:GainMapMax='1e308'/>"
    return {
        "a jpeg with a packet of its place": after_magic(segment(0xE1, head + place)),
        "a jpeg with a packet that laughs": after_magic(segment(0xE1, head + laughs)),
        "a jpeg with a packet without end": after_magic(segment(0xE1, head + b"<x:xmpmeta>" * 900)),
        "a jpeg with a packet of other files": after_magic(
            segment(
                0xE1, head + b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"
            )
        ),
        "a jpeg with packets of 3 MB": after_magic(*extended),
        "a jpeg with a map of brightness that is not there": after_magic(
            segment(0xE1, head + gain)
        ),
        "a jpeg with notes of a press": after_magic(
            segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff" + PAYLOAD)
        ),
        "a jpeg with a hundred notes of a press": after_magic(
            *[segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + PAYLOAD * 300)] * 100
        ),
    }


def profiles() -> dict[str, bytes]:
    """Colour profiles (ICC.1) that are not what they say."""
    whole = _profile()
    tables = int.from_bytes(whole[128:132], "big")
    entries = whole[132 : 132 + 12 * tables]
    bodies = {
        "of 400 kB": whole + bytes(400_000),
        "of 4 MB": whole + bytes(4_000_000),
        "of 2³² tables": whole[:128] + b"\xff\xff\xff\xff" + whole[132:],
        "of 60 000 tables": whole[:128] + struct.pack(">I", 60_000) + entries * 6000,
        "of tables in tables": whole[:132]
        + b"".join(
            entries[at : at + 4] + struct.pack(">II", 128, 2**31)
            for at in range(0, len(entries), 12)
        ),
        "of no length": bytes(4) + whole[4:],
        "of grey for colours": whole[:16] + b"GRAY" + whole[20:],
        "of inks for colours": whole[:16] + b"CMYK" + whole[20:],
        "of fifteen inks": whole[:16] + b"FCLR" + whole[20:],
        "of names": whole[:12] + b"nmcl" + whole[16:],
        "of a link": whole[:12] + b"link" + whole[16:],
        "of nonsense": b"\xa5" * 3000,
        "without a signature": whole[:36] + b"evil" + whole[40:],
        "with a table of 255 sides": whole + b"mft2" + bytes(4) + b"\x0f\x0f\xff\0" + b"\xff" * 90,
    }
    made = {}
    for name, body in bodies.items():
        made[f"a jpeg with a profile {name}"] = after_magic(*_parts(body))
        packed = chunk(b"iCCP", b"icc\0\0" + zlib.compress(body))
        png = seeds.photos()["png"]
        made[f"a png with a profile {name}"] = png[:33] + packed + png[33:]
    one = b"ICC_PROFILE\0"
    made |= {
        "a jpeg with a profile of 255 parts, of which one is there": after_magic(
            segment(0xE2, one + b"\x07\xff" + whole[:200])
        ),
        "a jpeg with a profile of part 0 of 0": after_magic(segment(0xE2, one + b"\0\0" + whole)),
        "a jpeg with a profile of the same part": after_magic(
            *[segment(0xE2, one + b"\1\2" + whole)] * 20
        ),
        "a jpeg with a profile of no bytes": after_magic(segment(0xE2, one + b"\1\1")),
        "a jpeg with an unfinished profile": after_magic(segment(0xE2, one)),
    }
    return made


def _parts(body: bytes) -> list[bytes]:
    pieces = [body[at : at + _MOST] for at in range(0, len(body), _MOST)]
    count = min(len(pieces), 255)
    return [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number + 1, count]) + piece)
        for number, piece in enumerate(pieces[:count])
    ]


def _profile() -> bytes:
    image = originals.quarters().icc_transform("p3", embedded=False)
    data: bytes = image.get("icc-profile-data")
    return data
