"""A disk that loses power: what was not synced is lost, kept or torn, as a seed decides."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


@dataclass
class _Shadow:
    """What a file holds for certain, and what was written since."""

    durable: bytearray = field(default_factory=bytearray)
    exists: bool = False
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, data in self.pending:
            _put(self.durable, offset, data)
        self.pending.clear()
        self.exists = True


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class LyingDisk(apsw.VFS):
    """Passes everything on to the real files and remembers what a power cut would leave.

    ``honest=False`` is the sabotage: syncs are ignored, as a disk with a lying cache would.
    """

    def __init__(self, name: str, *, honest: bool = True) -> None:
        self.shadows: dict[str, _Shadow] = {}
        self.honest = honest
        self.name = name
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's names
        super().xDelete(filename, syncdir)
        # The only deletion is that of the first journal, and the database syncs its folder then.
        self.shadows.pop(filename, None)

    def cut(self, folder: Path, seed: int) -> None:
        """Write into ``folder`` what the files hold after the power came back."""
        dice = random.Random(seed)
        for name, shadow in self.shadows.items():
            content = bytearray(shadow.durable)
            kept = 0
            for offset, data in shadow.pending:
                fate = dice.random()
                if fate < 0.4:
                    _put(content, offset, data)
                    kept += 1
                elif fate < 0.6 and data is not None:
                    sectors = dice.randrange(len(data) // SECTOR + 1)
                    _put(content, offset, data[: sectors * SECTOR])
                    kept += 1
            if shadow.exists or kept:
                (folder / Path(name).name).write_bytes(content)


class _File(apsw.VFSFile):
    def __init__(self, disk: LyingDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._shadow = disk.shadows.setdefault(path, _Shadow())

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._shadow.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        super().xTruncate(newsize)
        self._shadow.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        super().xSync(flags)
        if self._disk.honest:
            self._shadow.sync()
