"""Looking a whole installation over: every finding says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http import HTTPStatus
from pathlib import Path

from tintype.adapters.s3 import S3Settings
from tintype.admin import Finding
from tintype.codecs import Codecs, CodecSettings, DecoderDied
from tintype.config import ConfigError, load
from tintype.database.sqlite import open_engine
from tintype.entry import checks
from tintype.entry.cli_storage import origins_of
from tintype.entry.doctor_engines import examine_engines
from tintype.entry.doctor_feed import examine_feed
from tintype.entry.doctor_tiers import examine_tiers
from tintype.entry.fetching import fetch
from tintype.entry.settings import DATABASE, Settings
from tintype.kernel.clock import to_rfc3339
from tintype.media.service.origins import PROBED

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
)
_OLDEST_SQLITE = (3, 35, 0)
_FILES = 1024
_AHEAD_MS = 2_000
_PROGRAM_S = 20
_MARKS = {"ok": "ok", "degraded": "warn", "failed": "fail"}


def examine() -> Iterator[Finding]:
    """Every finding, in the order in which a person would mend them."""
    try:
        settings = load(Settings)
    except ConfigError as error:
        yield Finding("configuration", "failed", str(error))
        return
    yield Finding("configuration", detail=f"Serves {settings.bind}, data in {settings.data}.")
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("sqlite", _sqlite),
        ("photos", _photos),
        ("videos", _videos),
        ("sandbox", _sandbox),
        ("open files", _open_files),
    ]
    if settings.data.is_dir():
        database = settings.data / DATABASE
        looks = [
            ("data folder", lambda: _folder(settings.data)),
            ("file system", lambda: _file_system(settings.data)),
            ("secret", lambda: _secret(settings.data / "secret")),
            ("disk", lambda: checks.free_disk(settings.data, settings.disk.free_floor)),
            *looks,
        ]
        if database.is_file():
            looks += [
                ("schema", lambda: checks.schema(database)),
                ("pragmas", lambda: _pragmas(database)),
                ("database", lambda: _integrity(database)),
                ("time", lambda: _time(database)),
            ]
    else:
        yield Finding("data folder", detail=f"{settings.data} is made at the first start.")
    for name, look in looks:
        yield _seen(name, look)
    yield from examine_engines(settings)
    yield from examine_tiers(settings)
    yield from examine_feed(settings)
    if settings.s3 is not None:
        yield from _bucket(settings, settings.s3)
    for edge in settings.media.edges:
        yield _seen("cdn", partial(_edge, edge.address))


def _edge(address: str) -> Finding:
    """Whether a CDN hands out what this server answers; needs a running server behind it."""
    try:
        status = asyncio.run(fetch(address + PROBED, {}))
    except OSError as error:
        return Finding("cdn", "degraded", f"{address} does not answer: {error}.")
    if status != HTTPStatus.OK:
        fix = f"Let it pass {PROBED} on to this server."
        return Finding("cdn", "degraded", f"{address} answers {status}. {fix}")
    return Finding("cdn", detail=f"{address} answers.")


def mark(finding: Finding) -> str:
    """``ok``, ``warn`` or ``fail``."""
    return _MARKS[finding.level]


def _seen(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - whatever breaks a look is its finding
        return Finding(name, "failed", f"{type(error).__name__}: {error}")


def _folder(folder: Path) -> Finding:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        fix = f"Run: chown -R {os.getuid()} {folder}"
        return Finding("data folder", "failed", f"{folder} can not be written. {fix}")
    if folder.stat().st_mode & _OTHERS:
        fix = f"Run: chmod 700 {folder}"
        return Finding("data folder", "degraded", f"Others may look into {folder}. {fix}")
    return Finding("data folder", detail=f"{folder} is this account's own.")


def _file_system(folder: Path) -> Finding:
    kind = _kind_of(folder.resolve())
    if kind in _REMOTE:
        fix = "Put data on a local disk: commits and locks are not reliable over a network."
        return Finding("file system", "failed", f"{folder} is on {kind}. {fix}")
    return Finding("file system", detail=f"{kind or 'Local'}.")


def _kind_of(folder: Path) -> str | None:
    """The kind of file system that holds a folder, where the machine tells."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return None
    found = [line.split()[1:3] for line in mounts.read_text(encoding="utf-8").splitlines()]
    holding = [(point, kind) for point, kind in found if folder.is_relative_to(point)]
    return max(holding, key=lambda each: len(each[0]))[1] if holding else None


def _secret(path: Path) -> Finding:
    if not path.exists():
        return Finding("secret", detail="It is made at the first start.")
    if path.stat().st_mode & _OTHERS:
        return Finding("secret", "failed", f"Others may read {path}. Run: chmod 600 {path}")
    return Finding("secret", detail="For this account's eyes only.")


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        fix = f"Use a Python that brings {oldest} or newer."
        return Finding("sqlite", "failed", f"SQLite {version} is too old. {fix}")
    return Finding("sqlite", detail=f"SQLite {version}.")


def _pragmas(database: Path) -> Finding:
    engine = open_engine(database)
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
    engine.dispose()
    text = f"journal_mode={journal} synchronous={synchronous}"
    if (journal, synchronous) != ("wal", 2):
        fix = "The file system refuses write-ahead logging: put data on a local disk."
        return Finding("pragmas", "failed", f"{text}, wanted wal and 2 (FULL). {fix}")
    return Finding("pragmas", detail=f"{text} (FULL).")


def _integrity(database: Path) -> Finding:
    with closing(sqlite3.connect(database)) as connection:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        return Finding("database", "failed", f"{verdict}. Restore a backup: tintype restore.")
    return Finding("database", detail=f"Whole, {database.stat().st_size / 1024**2:.1f} MiB.")


def _photos() -> Finding:
    pyvips = importlib.import_module("pyvips")
    importlib.import_module("pillow_heif")
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    return Finding("photos", detail=f"libvips {version}, HEIC included.")


def _videos() -> Finding:
    importlib.import_module("av")
    program = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    done = subprocess.run(  # noqa: S603 - the program of our own dependency
        [program, "-hide_banner", "-version"],
        capture_output=True,
        check=True,
        text=True,
        timeout=_PROGRAM_S,
    )
    return Finding("videos", detail=done.stdout.splitlines()[0].split(" Copyright")[0] + ".")


def _sandbox() -> Finding:
    scratch = Path(tempfile.mkdtemp(prefix="tintype-doctor-"))

    async def trial() -> Finding:
        codecs = Codecs(CodecSettings(scratch=scratch))
        try:
            await codecs.start()
            return checks.sandbox(codecs.level())
        except DecoderDied as death:
            fix = "Photos and videos can not be processed here."
            return Finding("sandbox", "failed", f"No decoder starts: {death}. {fix}")
        finally:
            await codecs.stop()

    try:
        return asyncio.run(trial())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _bucket(settings: Settings, s3: S3Settings) -> Iterator[Finding]:
    """What the storage of the media really does."""
    from tintype.adapters.s3.checks import observe

    for seen in asyncio.run(observe(s3, origins_of(settings))):
        yield Finding(seen.name, seen.level, seen.detail)


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        fix = f"Run: ulimit -n {_FILES * 4}"
        return Finding("open files", "degraded", f"{soft} at once limits callers. {fix}")
    return Finding("open files", detail=f"{soft} at once.")


def _time(database: Path) -> Finding:
    """The clock against the newest moment that the database knows: it must not have gone back."""
    now = time.time_ns() // 1_000_000
    with closing(sqlite3.connect(database)) as connection:
        newest = connection.execute(
            "SELECT max(at_ms) FROM (SELECT max(at_ms) AS at_ms FROM event_log"
            " UNION ALL SELECT max(at_ms) FROM probes)"
        ).fetchone()[0]
    if newest is not None and newest > now + _AHEAD_MS:
        fix = "Set the clock, and keep it with NTP: ids and sessions go by it."
        return Finding("time", "failed", f"The clock is behind {to_rfc3339(newest)}. {fix}")
    return Finding("time", detail=f"{to_rfc3339(now)}.")
