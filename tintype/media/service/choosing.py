"""Which rendition fits whoever asks: a format, a width and a thrift out of many headers.

However many browsers there are, what they say comes down to three formats and two thrifts, so that
caches keep six answers an address and not one for every browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import msgspec

from tintype.media.model import Rendition

Token = Literal["avif", "webp", "jpeg"]

BUCKETS = (150, 240, 480, 640, 750, 1080, 1440)
"""The widths that are told apart, in pixels of the screen; others count as the next one."""

UNASKED_WIDTH = 1080
"""The width for somebody who names none."""

_FORMATS: tuple[Token, ...] = get_args(Token)
_SLOW = frozenset({"slow-2g", "2g"})
_NUMBER = re.compile(r"\d{1,5}(?:\.\d{1,4})?")
_NO_WEIGHT = re.compile(r"q=0(?:\.0{0,3})?")


class Wish(msgspec.Struct, frozen=True):
    """What somebody asks for: ``width`` in pixels of the screen, ``frugal`` for one rung less."""

    width: int
    format: Token
    frugal: bool


def wish_in(headers: Mapping[str, str], width: int | None) -> Wish:
    """What a request asks for: ``width`` if it names one, or what its Client Hints tell.

    ``headers`` are looked up by lower-case names.
    """
    return Wish(
        width=bucket_for(width or _hinted_width(headers) or UNASKED_WIDTH),
        format=format_in(headers.get("accept", "")),
        frugal=is_frugal(headers),
    )


def bucket_for(width: int) -> int:
    """The width that a width counts as: the next wider one, or the widest there is."""
    return next((bucket for bucket in BUCKETS if bucket >= width), BUCKETS[-1])


def format_in(accept: str) -> Token:
    """The newest format that an Accept header names; ``*/*`` promises JPEG and nothing else."""
    named = set()
    for each in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        if not any(_NO_WEIGHT.fullmatch(parameter) for parameter in parameters):
            named.add(kind)
    return next((token for token in _FORMATS if f"image/{token}" in named), "jpeg")


def is_frugal(headers: Mapping[str, str]) -> bool:
    """Whether the caller saves data, or is on a connection that makes everybody wait."""
    saves = headers.get("save-data", "").strip().lower() == "on"
    return saves or headers.get("ect", "").strip().lower() in _SLOW


def choose(made: Sequence[Rendition], wish: Wish) -> Rendition | None:
    """The stored picture that fits the wish best; ``None`` where there is no picture.

    The narrowest that is wide enough, or the widest there is, in the wished format as soon as that
    has one as good; one rung below for the frugal. Nothing is ever made because of a wish.
    """
    pictures = sorted(
        (each for each in made if each.rung.isdigit() or each.rung == "poster"),
        key=lambda each: each.width,
    )
    wanted = _FORMATS[_FORMATS.index(wish.format) :]
    ladders = {token: [each for each in pictures if each.format == token] for token in wanted}
    needed = min([wish.width, *(each.width for each in pictures[-1:])])
    for token in wanted:
        ladder = ladders[token]
        step = next((at for at, each in enumerate(ladder) if each.width >= needed), None)
        if step is not None:
            return ladder[max(0, step - 1) if wish.frugal else step]
    return next((ladder[-1] for ladder in ladders.values() if ladder), None)


def _hinted_width(headers: Mapping[str, str]) -> int | None:
    """The width that Client Hints tell: that of the picture, or that of the window."""
    if (exact := _number(headers, "sec-ch-width")) is not None:
        return round(exact)
    if (window := _number(headers, "sec-ch-viewport-width")) is not None:
        return round(window * (_number(headers, "sec-ch-dpr") or 1.0))
    return None


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if _NUMBER.fullmatch(text) and float(text) > 0 else None
