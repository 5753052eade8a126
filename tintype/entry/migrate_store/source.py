"""The embedded instance that is moved. Nothing in here writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tintype.entry.folder import RESTORING
from tintype.entry.migrate_store.model import MoveRefused
from tintype.entry.secret import Secret
from tintype.entry.settings import DATABASE
from tintype.ports.blobs import checked_key


class LocalBlob(NamedTuple):
    """A blob of the source, as a file that may be read and nothing else."""

    key: str
    path: Path
    bytes: int


class Source:
    """The data folder of an embedded instance.

    ``moving`` in it is what a move keeps from one run to the next, ``assembled`` the originals that
    were still in parts.

    Raises:
        MoveRefused: it is none, or half of one.
        ConfigError: others may read its secret.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / DATABASE
        self.moving = folder / "moving"
        self.assembled = self.moving / "assembled"
        # The layout that DiskBlobs promises, here and beside the snapshot.
        self._roots = (folder / "blobs" / "blobs", self.assembled)
        if (folder / RESTORING).exists():
            raise MoveRefused(f"A restore into {folder} was interrupted. Restore it again first.")
        for path in (self.database, folder / "secret"):
            if not path.is_file():
                raise MoveRefused(
                    f"{path} is missing: {folder} is not the data folder of an embedded instance. "
                    "Name it with --from, or set TINTYPE_DATA."
                )
        self._root = Secret.in_folder(folder)

    @property
    def secret(self) -> str:
        """The secret as TINTYPE_SECRET takes it."""
        return (self.folder / "secret").read_text().strip()

    @property
    def identity(self) -> str:
        """A name for this instance that gives nothing of its secret away."""
        return self._root.key("migrate-store").hex()[:32]

    def stamp(self) -> str:
        """Differs once anything was committed since."""
        log = self.database.with_name(DATABASE + "-wal")
        stats = [path.stat() for path in (self.database, log) if path.exists()]
        return "/".join(f"{each.st_size}.{each.st_mtime_ns}" for each in stats if each.st_size)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that can not write."""
        where = f"file:{quote(str(self.database.absolute()))}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=30)) as connection:
            yield connection

    def rows(self, tables: Sequence[str]) -> dict[str, int]:
        """How many rows each table has; tables that an older schema lacks are left out."""
        with self.reading() as connection:
            there = {
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = ?", ("table",)
                )
            }
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own tables
                for name in tables
                if name in there
            }

    def open_uploads(self) -> int:
        """Uploads that are under way: their parts can not go on in a bucket."""
        with self.reading() as connection:
            asked = "SELECT count(*) FROM uploads WHERE state = 'uploading'"
            found: int = connection.execute(asked).fetchone()[0]
            return found

    def tops(self) -> set[str]:
        """The first segments of all keys."""
        return {path.name for root in self._roots if root.is_dir() for path in root.iterdir()}

    def path_of(self, key: str) -> Path | None:
        """The file of a blob; ``None`` when there is no such blob."""
        return next((root / key for root in self._roots if (root / key).is_file()), None)

    def groups(self) -> Iterator[tuple[str, list[LocalBlob]]]:
        """Every blob, with the prefix of two segments that it shares with its neighbours."""
        for root in self._roots:
            for folder in sorted(root.glob("*/*")):
                flat = folder.is_file()
                paths = [folder] if flat else sorted(filter(Path.is_file, folder.rglob("*")))
                if paths:
                    top = folder.parent if flat else folder
                    prefix = top.relative_to(root).as_posix() + "/"
                    yield prefix, [_blob(root, path) for path in paths]

    def size_of_blobs(self) -> tuple[int, int]:
        """How many blobs there are, and how many bytes they take."""
        count = total = 0
        for _, blobs in self.groups():
            count += len(blobs)
            total += sum(each.bytes for each in blobs)
        return count, total


def _blob(root: Path, path: Path) -> LocalBlob:
    key = path.relative_to(root).as_posix()
    return LocalBlob(checked_key(key), path, path.stat().st_size)
