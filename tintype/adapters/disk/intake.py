"""Taking parts in, piece by piece, so that memory does not grow with them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from tintype.adapters.disk import files
from tintype.adapters.disk.desk import Desk
from tintype.adapters.disk.parts import PartSink, PartStore
from tintype.adapters.disk.signing import PartClaim
from tintype.adapters.disk.threads import DiskThreads
from tintype.ports.blobs import StoredPart
from tintype.ports.errors import NoSuchUpload

_PIECE = 1024 * 1024


class PartIntake:
    """Receives the bytes of parts whose signature was found right."""

    def __init__(
        self,
        root: Path,
        desk: Desk,
        parts: PartStore,
        threads: DiskThreads,
        check_room: Callable[[int], None],
    ) -> None:
        self._root = root
        self._desk = desk
        self._parts = parts
        self._threads = threads
        self._check_room = check_room

    @contextlib.asynccontextmanager
    async def receive(self, claim: PartClaim) -> AsyncGenerator[PartWriter]:
        """Take a part's bytes in; without ``commit`` nothing of them stays.

        Raises:
            NoSuchUpload: see there.
            OutOfSpace: the part would not fit.
        """

        def start() -> PartSink:
            self._parts.folder(claim.upload)
            self._check_room(claim.bytes)
            with files.translated(self._root):
                temporary = self._desk.new()
                return PartSink(temporary, temporary.open("xb", buffering=0))

        sink = await self._threads.run(start)
        try:
            yield PartWriter(self, sink, claim)
        finally:
            await asyncio.shield(self._threads.run(sink.close))

    async def write(self, sink: PartSink, data: bytes) -> None:
        def work() -> None:
            with files.translated(self._root):
                sink.write(data)

        await self._threads.run(work)

    async def keep(self, sink: PartSink, claim: PartClaim) -> StoredPart:
        def work() -> StoredPart:
            folder = self._parts.folder(claim.upload)
            with files.translated(self._root, NoSuchUpload(claim.upload)):
                return sink.commit(folder, claim.number, time.time_ns())

        return await self._threads.run(work)


class PartWriter:
    """One part on its way in: written in large pieces, so that few threads carry many uploads."""

    def __init__(self, intake: PartIntake, sink: PartSink, claim: PartClaim) -> None:
        self._intake = intake
        self._sink = sink
        self._claim = claim
        self._waiting = bytearray()
        self.bytes = 0

    async def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            ValueError: more bytes than the claim permits.
        """
        self.bytes += len(data)
        if self.bytes > self._claim.bytes:
            raise ValueError("more bytes than were signed")
        self._waiting += data
        if len(self._waiting) >= _PIECE:
            await self._flush()

    async def commit(self) -> StoredPart:
        """Keep the part; durable on return.

        Raises:
            ValueError: fewer bytes than the claim demands.
            NoSuchUpload: it was aborted meanwhile.
        """
        if self.bytes != self._claim.bytes:
            raise ValueError("fewer bytes than were signed")
        await self._flush()
        return await self._intake.keep(self._sink, self._claim)

    async def _flush(self) -> None:
        data, self._waiting = bytes(self._waiting), bytearray()
        await self._intake.write(self._sink, data)
