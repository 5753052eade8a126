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
from tintype.media.store.objects import tier_figures
from tintype.ports.errors import AdapterError

_MIB = 1024**2


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
        figures = asyncio.run(_figures(settings))
    except Exception as error:  # noqa: BLE001 - whatever breaks a look is its finding
        yield Finding("tiers", "failed", f"{type(error).__name__}: {error}")
        return
    if not figures:
        yield Finding("tiers", detail="Nothing is stored yet.")
    for tier, place, state, count, size in figures:
        said = f"{count} objects, {size / _MIB:.1f} MiB in {place}, {state}."
        yield Finding(f"tier {tier}", detail=said)


async def _figures(settings: Settings) -> list[tuple[str, str, str, int, int]]:
    database: Database = open_database(settings, SystemClock())
    try:
        async with database.read() as reader:
            return await tier_figures(reader)
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
