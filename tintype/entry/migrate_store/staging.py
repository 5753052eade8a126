"""The state that is moved: a snapshot of the database in which everything that waited is settled.

What was committed but not yet handled stands in the log at other places for each consumer group.
A log elsewhere begins empty and gives every group everything, so nothing may wait: the groups are
run to the end of the log here, by the product's own consumers, and each handles each event once.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import closing
from pathlib import Path

import msgspec
import sqlalchemy as sa
from pydantic import SecretStr

from tintype.database import ConsumerRunner, Database, Relay, hand_back_all
from tintype.database.migrate import migrate
from tintype.database.settings import DatabaseSettings
from tintype.database.sqlite import open_engine
from tintype.database.tables import leases
from tintype.entry.compose import compose
from tintype.entry.migrate_store.arriving import settle_uploads
from tintype.entry.migrate_store.progress import Progress
from tintype.entry.migrate_store.source import Source
from tintype.entry.settings import DATABASE, Settings
from tintype.kernel.ids import SHARDS

_NOTE = "staged.json"
_JUNK = ("blobs", "scratch", "backups", "secret", "lock")


class Staged(msgspec.Struct, frozen=True):
    """A snapshot that is ready. ``stamp`` is what the source's files looked like."""

    snapshot: str
    stamp: str


class Stage:
    """The folder ``moving`` in the data folder."""

    def __init__(self, source: Source) -> None:
        self.folder = source.moving
        self.database = self.folder / DATABASE
        self._source = source

    def engine(self) -> sa.Engine:
        """The snapshot, to be read."""
        return open_engine(self.database)

    def found(self) -> Staged | None:
        """The snapshot of an earlier run; ``None`` when the source went on since, or none is."""
        try:
            staged = msgspec.json.decode((self.folder / _NOTE).read_bytes(), type=Staged)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None
        return staged if staged.stamp == self._source.stamp() else None

    async def make(self, settings: Settings, progress: Progress) -> Staged:
        """The snapshot of an earlier run, or a new one."""
        staged = self.found()
        if staged is not None:
            return staged
        progress.say(f"Taking a snapshot of {self._source.database} …")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        stamp = self._source.stamp()
        with self._source.reading() as connection:
            connection.execute("VACUUM INTO ?", (str(self.database),))
        self.database.chmod(0o600)
        migrate(self.database, self.folder / "backups")
        await self._settle(settings, progress)
        for name in _JUNK:
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        staged = Staged(secrets.token_hex(16), stamp)
        write_whole(self.folder / _NOTE, msgspec.json.encode(staged))
        return staged

    async def _settle(self, settings: Settings, progress: Progress) -> None:
        alone = {
            "data": self.folder,
            "secret": SecretStr(self._source.secret),
            "database": DatabaseSettings(),
            "redis": type(settings.redis)(),
            "kafka": type(settings.kafka)(),
            "s3": None,
        }
        server = compose(settings.model_copy(update=alone))
        try:
            await hand_back_all(server.database)
            await _end_leases(server.database)
            ended = await settle_uploads(self._source, server.database)
            if ended:
                progress.say(
                    f"Uploads that had not arrived completely: {ended}. They are to begin again."
                )
            runners = [
                ConsumerRunner(server.database, each) for each in server.background.consumers
            ]
            handled = await _run_out(Relay(server.database), runners)
            if handled:
                progress.say(f"Deliveries of events that had been waiting: {handled}.")
        finally:
            await server.stop()
        engine = self.engine()
        with closing(engine.connect()) as connection:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        engine.dispose()


async def _end_leases(database: Database) -> None:
    async with database.write() as tx:
        everywhere = leases.c.shard.between(0, SHARDS - 1)
        await tx.execute(sa.update(leases).where(everywhere).values(until_ms=0))


async def _run_out(relay: Relay, runners: list[ConsumerRunner]) -> int:
    """Deliver until nothing waits, what comes of it included; returns how many deliveries."""
    handled = 0
    while True:
        moved = await relay.drain()
        passed = sum([await runner.catch_up() for runner in runners])
        handled += passed
        if not moved and not passed:
            return handled


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for its owner's eyes: after a power cut it is there whole, or not at all."""
    arriving = path.with_name(path.name + ".arriving")
    arriving.unlink(missing_ok=True)
    descriptor = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    arriving.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
