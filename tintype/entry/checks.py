"""What readiness and the doctor look at: one finding each, with the fix in its sentence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tintype.admin import Check, Finding
from tintype.codecs import SandboxLevel
from tintype.database.migrate import revisions
from tintype.media.service import Origins

_GIB = 1024**3


def free_disk(folder: Path, floor: int) -> Finding:
    """Whether the volume has more than ``floor`` bytes left; below it uploads are refused."""
    free = shutil.disk_usage(folder).free
    text = f"{free / _GIB:.1f} GiB free"
    if free < floor:
        fix = "Uploads are refused: make room on this volume, or lower disk.free_floor."
        return Finding("disk", "degraded", f"{text}, less than the floor. {fix}")
    return Finding("disk", detail=f"{text}.")


def edges(origins: Origins) -> Check:
    """Which CDNs are left out. The others, or this server, do their work: nothing fails."""

    async def cdns() -> Finding:
        away = [each.cdn.address for each in origins.health if not each.well]
        if away:
            said = f"{', '.join(away)} did not answer; files come from elsewhere."
            return Finding("cdns", "degraded", said)
        return Finding("cdns", detail=f"{len(origins.health)} answer.")

    return cdns


def schema(database: Path) -> Finding:
    """Whether the database has the schema that this version works with."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            row = None
    return schema_finding(None if row is None else str(row[0]), revisions())


def schema_finding(current: str | None, known: Sequence[str]) -> Finding:
    """What a revision means to a version that knows these, oldest first."""
    newest = known[-1] if known else None
    if current == newest:
        return Finding("schema", detail=f"Revision {current or 'of a first start'}.")
    fix = "Install that version, or restore a backup." if current not in known else "Start again."
    return Finding(
        "schema", "failed", f"Revision {current}, this version works with {newest}. {fix}"
    )


def sandbox(level: SandboxLevel) -> Finding:
    """How well decoders are locked in."""
    if level.name == "full":
        return Finding("sandbox", detail="Decoders are locked in fully.")
    fix = "Use a Linux kernel from 5.13 on with Landlock and seccomp, which a container may forbid."
    detail = f"Level {level.name}, not closed: {', '.join(level.gaps)}. {fix}"
    return Finding("sandbox", "degraded", detail)


def check(name: str, look: Callable[[], Finding]) -> Check:
    """A look as readiness runs it, under its own name."""

    async def run() -> Finding:
        return look()

    run.__name__ = name
    return run
