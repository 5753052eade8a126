"""People on a server, its clock, a mover in its own process, and every raw byte on the disks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from tests.cast import BASE, World, settings_in
from tests.media_rig import eventually
from tests.scenario.storage.town import MovedClock
from tintype.entry.compose import compose
from tintype.entry.settings import Settings
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.model import ORIGINAL, StoredObject
from tintype.media.service.tiers import Audit, Found
from tintype.media.store import objects

HOUR = 3600
_SLOW = 40_000
"""Bytes a second: a small photo takes seconds to move."""


@dataclass
class Life:
    """One instance, and where its bytes are."""

    world: World
    clock: MovedClock
    folders: Sequence[Path]

    async def wait(self, hours: float) -> None:
        """Let time pass, and everything happen that happens on a clock."""
        self.clock.ahead += timedelta(hours=hours)
        await self.beat()

    async def beat(self) -> None:
        for periodic in self.world.server.media.periodic:
            if periodic.name != "read storage events":
                await periodic.do()
        await self.world.settle()

    async def original(self, upload: Id) -> StoredObject | None:
        async with self.world.server.database.read() as reader:
            return await objects.read_object(reader, upload, ORIGINAL)

    async def uploads_of(self, owner: str) -> list[Id]:
        async with self.world.server.database.read() as reader:
            return await store.ids_of(reader, int(owner))

    async def files_of(self, upload: Id) -> list[bytes]:
        """What is stored of an upload now: its original and all renditions."""
        async with self.world.server.database.read() as reader:
            rows = await objects.objects_of(reader, upload)
        blobs = self.world.server.media.tiers.blobs
        return [await blobs.read(each.key) for each in rows]

    async def audit(self) -> Found:
        server = self.world.server
        audit = Audit(server.database, server.media.storage.stores, grace_ms=0)
        return await audit.run(hashes=True)

    def hits(self, needles: Sequence[bytes]) -> list[str]:
        """Every file on the disks in which any of these bytes are found."""
        return [
            str(path)
            for folder in self.folders
            for path in _files(folder)
            if any(needle in content for content in [_content(path)] for needle in needles)
        ]

    def command(self, *words: str, **tiers: object) -> subprocess.Popen[str]:
        """``tintype`` with these words, as an operator runs it beside the server."""
        settings = self.world.server.settings
        more = {f"TINTYPE_TIERS__{name.upper()}": str(value) for name, value in tiers.items()}
        environment = os.environ | _variables(settings) | more  # noqa: TID251 - a process of its own
        return subprocess.Popen(
            [sys.executable, "-m", "tintype", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def kill_while(self, upload: Id, state: str) -> None:
        """Have a slow mover of its own process begin with an original, and end it by force."""
        slow = {"bytes_per_second": _SLOW, "hot_hours": 0, "cold_days": 0.00001}
        before = await self._older(upload)
        mover = self.command("storage", "move", **slow)

        async def begun() -> bool:
            assert mover.poll() is None, mover.communicate()
            now = await self.original(upload)
            return now is not None and now.state == state and now.claimed_ms > before.claimed_ms

        try:
            await eventually(begun, seconds=60)
            await asyncio.sleep(0.5)  # until it is in the middle of the bytes
        finally:
            mover.send_signal(signal.SIGKILL)
            mover.communicate()

    async def _older(self, upload: Id) -> StoredObject:
        """Have an original stored a day ago by the machine's clock, which the mover goes by."""
        seen = await self.original(upload)
        assert seen is not None
        ago = round((datetime.now(UTC) - timedelta(days=1)).timestamp() * 1000)
        async with self.world.server.database.write() as tx:
            await objects.change_object(tx, seen, {"stored_ms": ago, "changed_ms": ago})
        return seen


@asynccontextmanager
async def open_life(folder: Path, folders: Sequence[Path], **settings: Any) -> AsyncIterator[Life]:
    clock = MovedClock()
    chosen = settings_in(folder, **settings)
    server = compose(chosen, clock=clock)
    await server.start()
    transport = httpx.ASGITransport(app=server.asgi)
    outside = {} if chosen.s3 is None else {chosen.s3.origin: httpx.AsyncHTTPTransport()}
    client = httpx.AsyncClient(transport=transport, mounts=outside, base_url=BASE, timeout=60)
    world = World(server, client)
    try:
        yield Life(world, clock, folders)
    finally:
        await world.close()


def needles_in(files: Sequence[bytes]) -> list[bytes]:
    """A piece from the middle of each file, long enough to be nowhere else."""
    return [data[len(data) // 2 : len(data) // 2 + 48] for data in files]


def told(done: subprocess.Popen[str]) -> tuple[int, Any]:
    """How a command ended, and the JSON that it printed."""
    out, err = done.communicate(timeout=120)
    return done.returncode, json.loads(out) if out.startswith("{") else out + err


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _variables(settings: Settings) -> dict[str, str]:
    """The settings of a server as variables of the environment."""
    found = {"TINTYPE_DATA": str(settings.data), "TINTYPE_DISK__FREE_FLOOR": "0"}
    if settings.disk.cold_path is not None:
        found["TINTYPE_DISK__COLD_PATH"] = str(settings.disk.cold_path)
    for name, bucket in (("S3", settings.s3), ("COLD_S3", settings.cold_s3)):
        if bucket is not None:
            for key, value in bucket.model_dump(exclude_defaults=True).items():
                plain = value.get_secret_value() if isinstance(value, SecretStr) else value
                found[f"TINTYPE_{name}__{key.upper()}"] = str(plain)
    for key, value in settings.tiers.model_dump(exclude_defaults=True).items():
        found[f"TINTYPE_TIERS__{key.upper()}"] = str(value)
    return found
