"""The sheet of small pictures that shows where one is while seeking, and the text that tells them.

The text is WebVTT whose cues name a rectangle of the sheet (Media Fragments URI 1.0, ``xywh``), as
players in general understand it.
"""

from __future__ import annotations

import math

import msgspec

from tintype.codecs.film_rungs import Frame

_MOST = 100
_COLUMNS = 10
_LONG_SIDE = 160
_EVEN = 2


class Sheet(msgspec.Struct, frozen=True):
    """``count`` pictures of ``tile`` size, one for every ``seconds``, row by row."""

    tile: Frame
    seconds: int
    count: int

    @property
    def columns(self) -> int:
        return min(_COLUMNS, self.count)

    @property
    def rows(self) -> int:
        return math.ceil(self.count / self.columns)

    @property
    def frame(self) -> Frame:
        return Frame(self.columns * self.tile.width, self.rows * self.tile.height)


def sheet_for(duration: float, width: int, height: int) -> Sheet:
    """A hundred pictures at most, at least a second apart; whole keyframe distances above that."""
    seconds = max(1, math.ceil(duration / _MOST))
    if seconds > 1:
        seconds += seconds % _EVEN
    scale = _LONG_SIDE / max(width, height)
    tile = Frame(max(_EVEN, round(width * scale)), max(_EVEN, round(height * scale)))
    return Sheet(tile, seconds, max(1, math.ceil(duration / seconds)))


def cues(sheet: Sheet, duration: float, name: str) -> str:
    """The text: which rectangle of the sheet called ``name`` shows which seconds."""
    lines = ["WEBVTT", ""]
    for number in range(sheet.count):
        down, across = divmod(number, sheet.columns)
        start, end = number * sheet.seconds, min((number + 1) * sheet.seconds, duration)
        x, y = across * sheet.tile.width, down * sheet.tile.height
        lines += [
            f"{_clock(start)} --> {_clock(max(end, start + 0.001))}",
            f"{name}#xywh={x},{y},{sheet.tile.width},{sheet.tile.height}",
            "",
        ]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}.{thousandths:03}"
