"""What must be true of whatever becomes of a hostile file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import pyvips

from tests.hostile.canary import MARKS
from tintype.codecs import HEAD_BYTES, Rendition, sniff

_INTERNAL = re.compile(
    r"error|errno|exception|traceback|0x[0-9a-f]|\bnone\b|\bnull\b|\bnan\b|\binf\b|/\w|\\|[<>{}_`]"
    r"|vips|ffmpeg|libav|pyav|pillow|heif|python|decoder|worker|child|process|sandbox|stderr|signal"
    r"|invalid data|segfault|memory address|scratch|rendition",
    re.IGNORECASE,
)
_LONGEST = 240
_PICTURES = {"jpeg", "webp", "avif", "png", "gif"}


def complaint_about(sentence: str) -> str | None:
    """Why a person would not understand this refusal; ``None`` if they would."""
    found = _INTERNAL.search(sentence)
    if found:
        return f"says {found.group()!r}: {sentence}"
    if not sentence[:1].isupper() or not sentence.endswith(".") or sentence.count(" ") < 3:
        return f"is no sentence: {sentence}"
    return f"is too long: {sentence}" if len(sentence) > _LONGEST else None


def unclean(made: Iterable[Rendition]) -> Iterator[str]:
    """What is wrong with files that were made of a hostile one."""
    for each in made:
        data = each.path.read_bytes()
        yield from (f"{each.path.name} holds {mark!r}" for mark in MARKS if mark in data)
        if each.format in _PICTURES:
            yield from _unseen(each)
        elif each.format == "mp4":
            yield from _unplayed(each.path)
    if not made:
        yield "nothing was made"


def _unseen(made: Rendition) -> Iterator[str]:
    try:
        image = pyvips.Image.new_from_file(str(made.path), fail_on="warning")
        if (image.width, image.height) != (made.width, made.height):
            yield f"{made.path.name} is {image.width} × {image.height}"
        image.avg()
    except pyvips.Error as error:
        yield f"{made.path.name} does not decode: {error}"


def _unplayed(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    if kind is None or not kind.is_video:
        yield f"{path.name} is no film"
        return
    try:
        with av.open(str(path), "r", format="mov") as film:
            if not any(True for _ in film.decode()):
                yield f"{path.name} shows nothing"
    except av.error.FFmpegError as error:
        yield f"{path.name} does not decode: {error}"
