"""The order of a move, from the first look to the mark in the folder that was left."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

from tintype.admin import Finding
from tintype.config import ConfigError
from tintype.entry.folder import FolderLock
from tintype.entry.migrate_store.files import copy_blobs
from tintype.entry.migrate_store.model import Move, MoveRefused, Verdict, Verify
from tintype.entry.migrate_store.progress import Progress
from tintype.entry.migrate_store.rehearsal import findings
from tintype.entry.migrate_store.rows import Snapshot, copy_table, tables
from tintype.entry.migrate_store.source import Source
from tintype.entry.migrate_store.staging import Stage, write_whole
from tintype.entry.migrate_store.target import Target
from tintype.entry.migrate_store.verifying import verified
from tintype.entry.moved import MOVED
from tintype.entry.settings import Settings
from tintype.kernel.clock import SystemClock, to_rfc3339

SECRET = "secret.env"  # noqa: S105 - the name of a file


class Outcome(NamedTuple):
    """How a move ended. ``verdict`` is ``None`` when all of it had been done before."""

    target: str
    secret: Path
    verdict: Verdict | None


async def move(settings: Settings, source: Source, verify: Verify, progress: Progress) -> Outcome:
    """Copy everything, compare it, and mark the folder as left; repeats go on or do nothing.

    A difference leaves the folder unmarked, and the next run copies again what differs.

    Raises:
        MoveRefused: a server runs on the folder, the new home holds something else, or an engine
            stays away.
    """
    with _locked(source):
        async with _opened(settings, source) as target:
            known = await target.refuse_others(source.identity)
            stage = Stage(source)
            if known is not None and known.state == "moved":
                staged = stage.found()
                if staged is not None and staged.snapshot == known.snapshot:
                    return _ended(source, target, None)
                raise MoveRefused(
                    f"{source.folder} was moved there before, and has changed since or is another "
                    "copy of it. What people did in the new home is not overwritten: to move "
                    "again, name an empty database and an empty bucket."
                )
            if known is None:
                await _refuse_what_fails(source, target, settings)
            staged = await stage.make(settings, progress)
            async with target.alone():
                _migrate(target)
                current = Move(source.identity, staged.snapshot, "copying")
                await target.begin(current, anew=known is not None and known != current)
                with contextlib.closing(Snapshot(stage.engine())) as snapshot:
                    await _copy(source, snapshot, target, progress)
                    verdict = await verified(source, snapshot, target, verify, progress)
                if verdict.equal:
                    await target.end(current)
                else:
                    await target.again(verdict.tables, verdict.keys)
            return _ended(source, target, verdict)


async def verify_only(
    settings: Settings, source: Source, verify: Verify, progress: Progress
) -> Verdict:
    """Compare once more what was moved; changes nothing on either side.

    Raises:
        MoveRefused: nothing was moved there from this folder, or the folder went on since.
    """
    with _locked(source):
        async with _opened(settings, source) as target:
            known = await target.refuse_others(source.identity)
            stage = Stage(source)
            staged = stage.found()
            if known is None or staged is None or staged.snapshot != known.snapshot:
                raise MoveRefused(
                    f"There is nothing to compare: the snapshot in {source.moving} is not "
                    "the one that was copied. Run tintype migrate-store first."
                )
            with contextlib.closing(Snapshot(stage.engine())) as snapshot:
                return await verified(source, snapshot, target, verify, progress)


async def rehearse(settings: Settings, source: Source) -> AsyncIterator[Finding]:
    """What a move would do and whether it can; changes nothing on either side.

    Raises:
        MoveRefused: a server runs on the folder, or the target is not set.
    """
    clock = SystemClock()
    with _locked(source):
        async with _opened(settings, source) as target:
            async for finding in findings(source, target, settings, clock):
                yield finding


async def _refuse_what_fails(source: Source, target: Target, settings: Settings) -> None:
    """Find out before the first write what would fail in the middle."""
    async for finding in findings(source, target, settings, SystemClock()):
        if finding.level == "failed":
            raise MoveRefused(f"{finding.name}: {finding.detail}")


async def _copy(source: Source, snapshot: Snapshot, target: Target, progress: Progress) -> None:
    counts = {table.name: snapshot.count(table) for table in tables()}
    with progress.stage("Copying rows", sum(counts.values())) as advance:
        for table in tables():
            await copy_table(table, snapshot, target, advance)
    _, size = source.size_of_blobs()
    with progress.stage("Copying blobs", size, in_bytes=True) as advance:
        await copy_blobs(source, snapshot, target, advance)


def _ended(source: Source, target: Target, verdict: Verdict | None) -> Outcome:
    secret = source.moving / SECRET
    if verdict is None or verdict.equal:
        write_whole(secret, f"TINTYPE_SECRET={source.secret}\n".encode())
        if not (source.folder / MOVED).exists():
            now = to_rfc3339(SystemClock().now_ms())
            write_whole(source.folder / MOVED, f"{target.name}\n{now}\n".encode())
    return Outcome(target.name, secret, verdict)


def _migrate(target: Target) -> None:
    from tintype.database.postgres_migrate import migrate_postgres

    migrate_postgres(target.settings)


@contextlib.contextmanager
def _locked(source: Source) -> Iterator[None]:
    lock = FolderLock(source.folder)
    try:
        lock.take()
    except ConfigError as error:
        raise MoveRefused(f"A server runs on {source.folder}. Stop it first.") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.asynccontextmanager
async def _opened(settings: Settings, source: Source) -> AsyncIterator[Target]:
    """The new home, with the secret of the source or none of its own yet."""
    given = settings.secret
    if given is not None and given.get_secret_value().strip() != source.secret:
        raise MoveRefused(
            "secret (TINTYPE_SECRET) is another one than that of the folder: signed addresses and "
            f"kept answers would end. Unset it, or set what is in {source.folder / 'secret'}."
        )
    target = Target(settings, SystemClock())
    try:
        await target.reach()
        yield target
    finally:
        await target.close()
