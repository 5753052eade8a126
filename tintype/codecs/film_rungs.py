"""The video ladder: which sizes a film is made in, how many bits each may take, and in what order.

Rungs are bounded by the short edge, because phones film upright. Nothing is enlarged: the first
rung above a film takes it at its own size and is the last.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

# Longer than 2.5 : 1 is no film that a player would fill its screen with.
_WIDEST = 2.5
# Two rungs closer than this look the same, and the smaller one is left out.
_APART = 1.2
_FIRST_UP_TO = 720
_FULL_RATE_FROM = 720
# The share of a rung's bits that a burst may take, and what twice the pictures take.
_BURST, _FAST = 1.25, 1.5
FAST_RATE = 30


class Frame(msgspec.Struct, frozen=True):
    """A picture size in pixels."""

    width: int
    height: int


class FilmRung(msgspec.Struct, frozen=True):
    """One step: ``edge`` bounds the shorter side in pixels, ``kbits`` the kilobits per second."""

    name: str
    edge: int
    kbits: int

    def frame(self, width: int, height: int) -> Frame:
        """The size of a film of this size on this rung, even for 4:2:0 colour."""
        short, long = sorted((width, height))
        scale = min(1.0, self.edge / short, _WIDEST * self.edge / long)
        return Frame(_even(width * scale), _even(height * scale))

    def rate(self, steady: Fraction) -> Fraction:
        """Pictures per second: small rungs show every other one of a fast film."""
        fast = steady > FAST_RATE and self.edge < _FULL_RATE_FROM
        return steady / 2 if fast else steady

    def most_kbits(self, steady: Fraction) -> int:
        """The highest rate over a second or two, in kilobits."""
        fast = _FAST if self.rate(steady) > FAST_RATE else 1
        return round(self.kbits * _BURST * fast)


FILM_RUNGS = (
    FilmRung("360p", 360, 600),
    FilmRung("540p", 540, 1300),
    FilmRung("720p", 720, 2400),
    FilmRung("1080p", 1080, 4500),
)


def ladder_for(width: int, height: int) -> tuple[FilmRung, ...]:
    """The rungs that a film of this size gets, lowest first."""
    short = min(width, height)
    chosen: list[FilmRung] = []
    for rung in FILM_RUNGS:
        edge = min(rung.edge, short)
        if chosen and edge < _APART * chosen[-1].edge:
            chosen.pop()
        chosen.append(rung)
        if short <= rung.edge:
            break
    return tuple(chosen)


def rungs_of(width: int, height: int) -> tuple[str, ...]:
    """The names of all rungs of a film's ladder, lowest first."""
    return tuple(rung.name for rung in ladder_for(width, height))


def rung_of(width: int, height: int) -> FilmRung:
    """The rung that a film of this size stands on as it is; the highest for all that are larger."""
    short = min(width, height)
    return next((rung for rung in FILM_RUNGS if short <= rung.edge), FILM_RUNGS[-1])


def first_of(ladder: tuple[FilmRung, ...]) -> tuple[FilmRung, ...]:
    """What is made before a film is published: the lowest rung, and the best one up to 720p."""
    best = max(
        (rung for rung in ladder if rung.edge <= _FIRST_UP_TO),
        default=ladder[0],
        key=lambda rung: rung.edge,
    )
    return (best,) if best == ladder[0] else (best, ladder[0])


def named(names: tuple[str, ...]) -> tuple[FilmRung, ...]:
    """The rungs of these names, highest first."""
    return tuple(rung for rung in reversed(FILM_RUNGS) if rung.name in names)


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
