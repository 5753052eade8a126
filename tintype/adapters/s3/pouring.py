"""A blob that comes piece by piece, sent in parts as they fill."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.errors import translated
from tintype.ports.errors import Corrupt

_PART = 16 * 1024 * 1024


class Basin:
    """One blob on its way; nothing is seen of it before it is whole.

    What fits into one part goes in one request.
    """

    def __init__(
        self, connection: Connection, place: dict[str, str], about: dict[str, str]
    ) -> None:
        self._connection = connection
        self._place = place
        self._about = about
        self._waiting = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self.bytes = 0

    async def take(self, piece: bytes) -> None:
        self._waiting += piece
        self.bytes += len(piece)
        if len(self._waiting) > _PART:
            await self._send(_PART)

    async def finish(self, size: int) -> None:
        if self.bytes != size:
            raise Corrupt(f"{self.bytes} bytes came, and {size} were announced")
        if self._upload is None:
            body = bytes(self._waiting)
            await self._run(lambda client: client.put_object(**self._named(), Body=body))
            return
        await self._send(len(self._waiting))
        done = {"Parts": self._parts}
        named = {**self._place, "UploadId": self._upload}
        patient = self._connection.patient

        def work() -> None:
            with translated(self._place["Key"]):
                patient.complete_multipart_upload(**named, MultipartUpload=done)

        await self._connection.run(work, patient=True)
        self._upload = None

    async def discard(self) -> None:
        """Throw away what was sent; the bucket's own rules do it where this fails."""
        if self._upload is None:
            return
        named = {**self._place, "UploadId": self._upload}
        with contextlib.suppress(Exception):
            await self._run(lambda client: client.abort_multipart_upload(**named))

    async def _send(self, size: int) -> None:
        if self._upload is None:
            begun = await self._run(lambda client: client.create_multipart_upload(**self._named()))
            self._upload = str(begun["UploadId"])
        body = bytes(self._waiting[:size])
        del self._waiting[:size]
        named = {**self._place, "UploadId": self._upload, "PartNumber": len(self._parts) + 1}
        sent = await self._run(lambda client: client.upload_part(**named, Body=body))
        self._parts.append({"PartNumber": named["PartNumber"], "ETag": sent["ETag"]})

    async def _run(self, work: Any) -> Any:
        def do() -> Any:
            with translated(self._place["Key"]):
                return work(self._connection.client)

        return await self._connection.run(do)

    def _named(self) -> dict[str, str]:
        return {**self._place, **self._about}


async def pour(basin: Basin, pieces: AsyncIterator[bytes], size: int) -> None:
    """Fill ``basin`` and make it the blob; whatever fails leaves nothing to be seen.

    Raises:
        Corrupt: not as many bytes as were announced.
    """
    try:
        async for piece in pieces:
            await basin.take(piece)
        await basin.finish(size)
    except BaseException:
        await asyncio.shield(basin.discard())
        raise
