"""A blob that comes piece by piece, written aside until it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from tintype.adapters.disk import files
from tintype.adapters.disk.desk import Desk
from tintype.adapters.disk.threads import DiskThreads
from tintype.ports.errors import Corrupt


class Basin:
    """One file on its way in; nothing stays of it unless it is published. Blocking."""

    def __init__(self, root: Path, desk: Desk) -> None:
        self._root = root
        with files.translated(root):
            self._path = desk.new()
            self._file = self._path.open("xb")

    def take(self, piece: bytes) -> None:
        with files.translated(self._root):
            self._file.write(piece)

    def publish(self, final: Path, top: Path, size: int) -> None:
        """Give it its name, durably.

        Raises:
            Corrupt: it has not ``size`` bytes.
        """
        with files.translated(self._root):
            arrived = self._file.tell()
            self._file.close()
            if arrived != size:
                raise Corrupt(f"{arrived} bytes came, and {size} were announced")
            files.publish(self._path, final, top)

    def discard(self) -> None:
        self._file.close()
        files.discard(self._path)


async def pour(
    threads: DiskThreads,
    basin: Basin,
    pieces: AsyncIterator[bytes],
    final: tuple[Path, Path],
    size: int,
) -> None:
    """Fill ``basin`` and publish it as ``final`` (its path, and the top folder that exists).

    Whatever fails leaves nothing behind.

    Raises:
        Corrupt: not as many bytes as were announced.
    """
    try:
        async for piece in pieces:
            await threads.run(lambda piece=piece: basin.take(piece))  # type: ignore[misc] # the value of this round
        await threads.run(lambda: basin.publish(*final, size), patient=True)
    finally:
        await asyncio.shield(threads.run(basin.discard))
