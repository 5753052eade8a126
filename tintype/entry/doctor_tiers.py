"""What the doctor says about where the media are: what each tier holds, and its volumes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from tintype.adapters.disk.files import MARKER
from tintype.adapters.s3 import S3Settings
from tintype.admin import Finding
from tintype.database import Database
from tintype.entry import checks
from tintype.entry.database import open_database
from tintype.entry.settings import DATABASE, Settings
from tintype.kernel.clock import SystemClock
from tintype.media.service.tiers import TierSettings
from tintype.media.service.tiers.clearing import HOUR_MS
from tintype.media.store.clearing import Round, last_round
from tintype.media.store.objects import tier_figures
from tintype.ports.errors import AdapterError

_MIB = 1024**2
_LATE = 3


def examine_tiers(settings: Settings) -> Iterator[Finding]:
    """Every finding about tiers and volumes."""
    if settings.database.url is not None or (settings.data / DATABASE).is_file():
        yield from _seen(settings)
    if settings.disk.cold_path is not None:
        yield from _volume(settings, settings.disk.cold_path)
    if settings.cold_s3 is not None:
        yield _cold_bucket(settings.cold_s3)


def _seen(settings: Settings) -> Iterator[Finding]:
    try:
        figures, cleared = asyncio.run(_figures(settings))
    except Exception as error:  # noqa: BLE001 - whatever breaks a look is its finding
        yield Finding("tiers", "failed", f"{type(error).__name__}: {error}")
        return
    if not figures:
        yield Finding("tiers", detail="Nothing is stored yet.")
    for tier, place, state, count, size in figures:
        said = f"{count} objects, {size / _MIB:.1f} MiB in {place}, {state}."
        yield Finding(f"tier {tier}", detail=said)
    yield _cleared(cleared, settings.tiers, SystemClock().now_ms())


def _cleared(last: Round | None, tiers: TierSettings, now_ms: int) -> Finding:
    """When orphans were last looked for, and whether that is long enough ago to worry."""
    every_ms = tiers.clear_every_hours * HOUR_MS
    if last is None:
        said = "None was looked for yet." if every_ms else "Only tintype storage gc looks for them."
        return Finding("orphans", detail=said)
    came_to = f"{last.blobs} blobs ({last.bytes / _MIB:.1f} MiB), {last.uploads} uploads in parts"
    said = f"Looked for {_hours(now_ms - last.began_ms)} ago: {came_to} deleted."
    if last.ended_ms is None:
        said = f"A round began {_hours(now_ms - last.began_ms)} ago and has not ended."
    is_late = every_ms and now_ms - last.began_ms > _LATE * every_ms
    return Finding("orphans", "degraded" if is_late else "ok", said)


def _hours(milliseconds: int) -> str:
    return f"{milliseconds / HOUR_MS:.1f} hours"


async def _figures(
    settings: Settings,
) -> tuple[list[tuple[str, str, str, int, int]], Round | None]:
    database: Database = open_database(settings, SystemClock())
    try:
        async with database.read() as reader:
            return await tier_figures(reader), await last_round(reader)
    finally:
        await database.close()


def _volume(settings: Settings, folder: Path) -> Iterator[Finding]:
    if not (folder / MARKER).exists():
        fix = "Mount the volume, or make it ready: tintype storage setup"
        yield Finding("cold folder", "failed", f"{folder} is not there or not made ready. {fix}")
        return
    room = checks.free_disk(folder, settings.disk.free_floor)
    yield Finding("cold folder", room.level, f"{folder}: {room.detail}")
    if settings.data.is_dir() and folder.stat().st_dev == settings.data.stat().st_dev:
        said = f"{folder} is on the same volume as the data folder: nothing is gained by moving."
        yield Finding("cold volume", "degraded", said)


def _cold_bucket(cold: S3Settings) -> Finding:
    from tintype.adapters.s3.connection import Connection

    with Connection(cold) as connection:
        try:
            asyncio.run(connection.reach())
        except AdapterError as error:
            return Finding("cold bucket", "failed", f"{error}. Check the section cold_s3.")
    return Finding("cold bucket", detail=f"{cold.bucket} answers.")
