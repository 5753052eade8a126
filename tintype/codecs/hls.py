"""Playlists of HLS (RFC 8216): ffmpeg's are read for their numbers alone, ours are written anew.

A playlist sends players to addresses, so that no text of a decoder may reach one: what is taken
from it are durations and byte ranges, checked against the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

_MAP = re.compile(r'#EXT-X-MAP:URI="[^"]*",BYTERANGE="(\d{1,12})@0"')
_LENGTH = re.compile(r"#EXTINF:(\d{1,6}(?:\.\d{1,9})?),")
_RANGE = re.compile(r"#EXT-X-BYTERANGE:(\d{1,12})@(\d{1,12})")
_AVC, _AV1 = b"avcC", b"av1C"
_LONGEST_INIT = 65_536
_BITS = 8
SOUND = "mp4a.40.2"
"""AAC-LC, the only sound there is in tracks."""
_GROUP = "audio"
_STREAM = "#EXT-X-STREAM-INF:"
_SIZE = re.compile(r"RESOLUTION=(\d+)x(\d+)")
_FIRST_EDGE = 720


class Segment(msgspec.Struct, frozen=True):
    """A few seconds of a track: ``length`` bytes that follow on those before."""

    seconds: float
    length: int


class Segments(msgspec.Struct, frozen=True):
    """Where the pieces of a track lie in its file: ``init`` bytes, then one after the other."""

    init: int
    pieces: tuple[Segment, ...]

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.pieces)

    @property
    def average(self) -> int:
        """Bits per second over the whole."""
        return math.ceil(sum(each.length for each in self.pieces) * _BITS / self.seconds)

    @property
    def peak(self) -> int:
        """The highest bits per second of any piece, short last ones aside."""
        longest = max(each.seconds for each in self.pieces)
        rates = [
            each.length * _BITS / each.seconds
            for each in self.pieces
            if each.seconds >= longest / 2
        ]
        return math.ceil(max(rates))


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What a master playlist says of one rung; ``name`` is that of its playlist's file."""

    name: str
    width: int
    height: int
    rate: float
    codecs: str
    peak: int
    average: int


class Sound(msgspec.Struct, frozen=True):
    """The sound that all rungs share, with the bits per second that it adds to each."""

    name: str
    peak: int
    average: int


def read(text: str, size: int) -> Segments:
    """The pieces that a playlist of ffmpeg's tells of, for a file of ``size`` bytes.

    Raises:
        ValueError: they do not cover exactly this file.
    """
    init = _MAP.search(text)
    lengths = [float(each) for each in _LENGTH.findall(text)]
    ranges = [(int(length), int(start)) for length, start in _RANGE.findall(text)]
    if init is None or not lengths or len(lengths) != len(ranges):
        raise ValueError("no playlist of one file")
    at = int(init.group(1))
    for length, start in ranges:
        if start != at or length < 1:
            raise ValueError("pieces do not follow on one another")
        at += length
    if at != size or sum(lengths) <= 0:
        raise ValueError("pieces do not cover the file")
    pieces = [
        Segment(seconds, length) for seconds, (length, _) in zip(lengths, ranges, strict=True)
    ]
    # A piece without duration joins no timeline: players divide by it.
    return Segments(int(init.group(1)), tuple(each for each in _joined(pieces)))


def _joined(pieces: Sequence[Segment]) -> list[Segment]:
    kept: list[Segment] = []
    for each in pieces:
        if kept and each.seconds <= 0:
            kept[-1] = Segment(kept[-1].seconds, kept[-1].length + each.length)
        else:
            kept.append(each)
    return kept


def codecs_of(init: bytes) -> str:
    """The pictures' coding as RFC 6381 names it, from the beginning of a track.

    Raises:
        ValueError: neither H.264 nor AV1.
    """
    init = init[:_LONGEST_INIT]
    at = init.find(_AVC)
    if at >= 0 and len(init) > at + 7:
        return f"avc1.{init[at + 5 : at + 8].hex()}"
    at = init.find(_AV1)
    if at >= 0 and len(init) > at + 6:
        profile, level = init[at + 5] >> 5, init[at + 5] & 0x1F
        tier = "H" if init[at + 6] & 0x80 else "M"
        depth = 10 if init[at + 6] & 0x40 else 8
        return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"
    raise ValueError("a track of unknown pictures")


def media_playlist(segments: Segments, name: str) -> str:
    """The playlist of one track, whose file of this name lies in the same folder."""
    longest = max(each.seconds for each in segments.pieces)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, math.floor(longest + 0.5))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{name}",BYTERANGE="{segments.init}@0"',
    ]
    at = segments.init
    for each in segments.pieces:
        lines += [f"#EXTINF:{each.seconds:.6f},", f"#EXT-X-BYTERANGE:{each.length}@{at}", name]
        at += each.length
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def master_playlist(variants: Sequence[Variant], sound: Sound | None) -> str:
    """The playlist that a player starts with: the rungs to choose from, and the sound of all.

    The rung nearest to 720 pixels comes first: many players begin with that one.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if sound:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_GROUP}",NAME="{_GROUP}",DEFAULT=YES,'
            f'AUTOSELECT=YES,CHANNELS="2",URI="{sound.name}"'
        )
    entries = [_entry(each, sound) for each in variants]
    return _master(lines, entries)


def with_more(master: str, variants: Sequence[Variant], sound: Sound | None) -> str:
    """A master playlist of ours with more rungs in it.

    Raises:
        ValueError: it is none of ours.
    """
    lines = master.splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith(_STREAM)), None)
    if first is None or (len(lines) - first) % 2:
        raise ValueError("no master playlist of ours")
    entries = list(zip(lines[first::2], lines[first + 1 :: 2], strict=True))
    return _master(lines[:first], entries + [_entry(each, sound) for each in variants])


def _master(head: Sequence[str], entries: Sequence[tuple[str, str]]) -> str:
    ordered = sorted(entries, key=lambda entry: abs(_edge(entry[0]) - _FIRST_EDGE))
    return "\n".join([*head, *(line for entry in ordered for line in entry), ""])


def _entry(variant: Variant, sound: Sound | None) -> tuple[str, str]:
    peak, average, codecs = variant.peak, variant.average, variant.codecs
    if sound:
        peak, average = peak + sound.peak, average + sound.average
        codecs += f",{SOUND}"
    told = (
        f"{_STREAM}BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},"
        f'CODECS="{codecs}",RESOLUTION={variant.width}x{variant.height},'
        f"FRAME-RATE={variant.rate:.3f}"
    )
    return (f'{told},AUDIO="{_GROUP}"' if sound else told), variant.name


def _edge(told: str) -> int:
    found = _SIZE.search(told)
    return min(int(found.group(1)), int(found.group(2))) if found else 0
