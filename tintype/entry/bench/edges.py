"""Follows from a list of edges: lines ``follower followee``, plain or gzipped, of any source.

Fields are separated by blanks, tabs or commas; further fields (weights, times) are ignored, and so
are empty lines and lines that begin with ``#``. Ids may be any words. Memory is bounded by the
number of accounts, not by that of edges.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tintype.entry.bench.sorting import Sorted
from tintype.entry.bench.worlds import packed

MOST_TOLD = 20
"""Of so many lines that are none it is told where they are; the rest is counted."""
LONGEST_LINE, LONGEST_ID = 4_096, 200

_BATCH = 200_000
_SEPARATORS = bytes.maketrans(b",;\t", b"   ")
_GZIP = b"\x1f\x8b"


class Unreadable(Exception):  # noqa: N818 - it reads as what it says
    """The file is no list of edges; the message says where it breaks off."""


class Edges:
    """What a file held, once ``read`` has returned; the follows are in ``follows``."""

    def __init__(self, follows: Sorted) -> None:
        self.follows = follows
        self.numbers: dict[bytes, int] = {}
        self.lines = 0
        self.of_oneself = 0
        self.malformed = 0
        self.told: list[str] = []
        """The first malformed lines, each with its number and what is wrong with it."""

    @property
    def accounts(self) -> int:
        return len(self.numbers)

    def read(self, path: Path, advance: Callable[[int], object]) -> None:
        """Take everything in; ``advance`` hears of each further bytes of the file.

        Raises:
            Unreadable: it can not be opened, or is broken gzip.
        """
        try:
            with path.open("rb") as raw:
                self._take(_opened(raw), raw, advance)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            message = f"{path} is broken gzip behind line {self.lines}: {error}."
            raise Unreadable(message) from error
        except OSError as error:
            raise Unreadable(f"{path} can not be read: {error.strerror}.") from error

    def _take(self, file: BinaryIO, raw: BinaryIO, advance: Callable[[int], object]) -> None:
        followers: list[int] = []
        followees: list[int] = []
        before = 0
        for follower, followee in self._pairs(file):
            followers.append(follower)
            followees.append(followee)
            if len(followers) == _BATCH:
                self._keep(followers, followees)
                followers, followees = [], []
                place = raw.tell()
                advance(place - before)
                before = place
        self._keep(followers, followees)
        advance(raw.tell() - before)

    def _pairs(self, file: BinaryIO) -> Iterator[tuple[int, int]]:
        numbers = self.numbers
        for line in _lines(file):
            self.lines += 1
            fields = line.translate(_SEPARATORS).split()
            if not fields or fields[0].startswith(b"#"):
                continue
            if wrong := _wrong(line, fields):
                self._tell(wrong)
                continue
            follower, followee = fields[0], fields[1]
            if follower == followee:
                self.of_oneself += 1
                continue
            one = numbers.setdefault(follower, len(numbers))
            yield one, numbers.setdefault(followee, len(numbers))

    def _keep(self, followers: list[int], followees: list[int]) -> None:
        if followers:
            self.follows.add(packed(np.array(followers, np.int64), np.array(followees, np.int64)))

    def _tell(self, wrong: str) -> None:
        self.malformed += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(f"line {self.lines}: {wrong}")


def _opened(raw: BinaryIO) -> BinaryIO:
    gzipped = raw.read(2) == _GZIP
    raw.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if gzipped else raw


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; of one that is too long its beginning, one byte longer than is allowed."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield line


def _wrong(line: bytes, fields: list[bytes]) -> str | None:
    """Why this is not an edge; ``None`` when it is one."""
    if len(line) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE} bytes"
    if b"\0" in line:
        return "holds zero bytes: this is no text"
    if len(fields) == 1:
        return "one word, where follower and followee are expected"
    if max(len(fields[0]), len(fields[1])) > LONGEST_ID:
        return f"an id longer than {LONGEST_ID} bytes"
    return None
