"""Taking results from a decoder without believing the decoder."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from tintype.codecs.model import DiedAtWork, Format, Rendition
from tintype.codecs.sniff import HEAD_BYTES, Kind, sniff
from tintype.codecs.wire import Made

_KINDS: dict[Format, Kind] = {
    "jpeg": Kind.JPEG,
    "webp": Kind.WEBP,
    "avif": Kind.AVIF,
    "png": Kind.PNG,
    "gif": Kind.GIF,
    "mp4": Kind.MP4,
}


def collect(made: Iterable[Made], results: Path, out: Path) -> tuple[Rendition, ...]:
    """Move the files named into ``out``; sizes and hashes are those of what was moved.

    Raises:
        DiedAtWork: a file is missing, is no plain file of its own, or is not of its format.
    """
    out.mkdir(parents=True, exist_ok=True)
    return tuple(_collect_one(each, results / each.name, out / each.name) for each in made)


def _collect_one(made: Made, source: Path, target: Path) -> Rendition:
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DiedAtWork(f"the decoder left no {made.name}") from error
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            raise DiedAtWork(f"the decoder left something odd as {made.name}")
        if sniff(file.read(HEAD_BYTES)) is not _KINDS[made.format]:
            raise DiedAtWork(f"the decoder left something else as {made.name}")
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    shutil.move(source, target)
    return Rendition(
        rung=made.rung,
        format=made.format,
        width=made.width,
        height=made.height,
        bytes=about.st_size,
        sha256=digest,
        path=target,
    )
