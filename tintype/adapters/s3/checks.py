"""What a storage really does, found out by trying: servers that speak S3 differ."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Literal

import msgspec
import urllib3

from tintype.adapters.s3.blobs import S3Blobs
from tintype.adapters.s3.errors import translated
from tintype.adapters.s3.settings import S3Settings
from tintype.adapters.s3.setup import SCRATCH, set_up
from tintype.kernel.clock import SystemClock
from tintype.ports.blobs import PART_URL_SECONDS, SignedPart, StoredPart
from tintype.ports.errors import AdapterError, NoSuchUpload

_TYPE = "text/plain"
_BODY = b"probe"
_MS = 1000
_OK, _REFUSED, _SERVERS = 200, 400, 500
# AWS refuses signatures that are older than 15 minutes; a minute of them is worth a word.
_SKEW_S, _WIDE_SKEW_S = 60, 600
_SETUP = "Run: tintype storage setup."

Level = Literal["ok", "degraded", "failed"]


class Observation(msgspec.Struct, frozen=True):
    """What was seen; a ``failed`` one keeps media from being safe or from working."""

    name: str
    level: Level
    detail: str


class _Past(SystemClock):
    """The time at which an address must have been signed to be over by now."""

    def now_ms(self) -> int:
        return super().now_ms() - (PART_URL_SECONDS + 60) * _MS


async def observe(settings: S3Settings, origins: Sequence[str]) -> list[Observation]:
    """Try the storage out; leaves nothing behind. ``origins`` are where the web client lives."""
    blobs = S3Blobs(settings)
    http = urllib3.PoolManager(timeout=settings.seconds, retries=False)
    try:
        return [seen async for seen in _Trial(blobs, http, origins).all()]
    except AdapterError as error:
        return [Observation("bucket", "failed", f"{error}. Check the section s3 of the settings.")]
    except urllib3.exceptions.HTTPError as error:
        where = "the address in s3.public_endpoint"
        return [Observation("bucket", "degraded", f"From here {where} is not reached: {error}.")]
    finally:
        blobs.close()
        http.clear()


class _Trial:
    """One look at one bucket, under a key of its own."""

    def __init__(self, blobs: S3Blobs, http: urllib3.PoolManager, origins: Sequence[str]) -> None:
        self._blobs = blobs
        self._http = http
        self._origins = origins
        self._key = f"{SCRATCH}probe-{secrets.token_hex(8)}"

    async def all(self) -> AsyncIterator[Observation]:
        upload = await self._blobs.create_upload(self._key, size=len(_BODY), content_type=_TYPE)
        try:
            yield Observation("bucket", "ok", f"{self._blobs.settings.bucket} answers.")
            yield await self._clock()
            yield await self._signatures(upload)
            yield await self._completion(upload)
            yield await self._privacy()
            yield await self._browsers()
            yield await self._rules()
        finally:
            await self._blobs.abort(self._key, upload)
            await self._blobs.delete(self._key)

    async def _clock(self) -> Observation:
        answer = await self._send("GET", self._blobs.settings.origin)
        try:
            skew = abs(time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp())
        except (KeyError, ValueError):
            return Observation("bucket clock", "ok", "It does not tell its time.")
        said = f"It differs from this machine's by {skew:.0f} s."
        if skew < _SKEW_S:
            return Observation("bucket clock", "ok", said)
        level: Level = "failed" if skew > _WIDE_SKEW_S else "degraded"
        return Observation("bucket clock", level, f"{said} Keep both with NTP: signatures expire.")

    async def _signatures(self, upload: str) -> Observation:
        """Whether parts are taken exactly as they were signed."""
        signed = await self._sign(self._blobs, upload)
        past = S3Blobs(self._blobs.settings, clock=_Past())
        over = await self._sign(past, upload)
        past.close()
        forged = signed.url[:-1] + ("0" if signed.url[-1] != "0" else "1")
        tries = {
            "another signature": await self._put(forged, _BODY),
            "another length": await self._put(signed.url, _BODY + b"!"),
            "an address that is over": await self._put(over.url, _BODY),
        }
        taken = [name for name, status in tries.items() if status < _REFUSED]
        if taken:
            said = f"It takes parts with {', '.join(taken)}: limits and quotas are not kept."
            return Observation("bucket signatures", "failed", said)
        if await self._put(signed.url, _BODY) != _OK:
            said = "It refuses a part that is signed well. Check region, endpoint and path_style."
            return Observation("bucket signatures", "failed", said)
        return Observation("bucket signatures", "ok", "Signature, length and end are checked.")

    async def _completion(self, upload: str) -> Observation:
        parts = await self._blobs.parts(self._key, upload)
        if [(part.number, part.bytes) for part in parts] != [(1, len(_BODY))]:
            return Observation("bucket uploads", "failed", "It does not list the parts it has.")
        await self._blobs.complete(self._key, upload, parts)
        again = await self._complete_plainly(upload, parts)
        said = f"Parts become one blob; completed a second time it {again}."
        return Observation("bucket uploads", "ok", said)

    async def _complete_plainly(self, upload: str, parts: Sequence[StoredPart]) -> str:
        """How the server itself answers a second completion; either way is dealt with."""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        client = self._blobs.connection.patient

        def work() -> str:
            try:
                with translated(self._key):
                    client.complete_multipart_upload(
                        Bucket=self._blobs.settings.bucket,
                        Key=self._key,
                        UploadId=upload,
                        MultipartUpload={"Parts": named},
                    )
            except NoSuchUpload:
                return "has forgotten the upload"
            return "answers the same"

        return await self._blobs.connection.run(work, patient=True)

    async def _privacy(self) -> Observation:
        """Whether a signed address is the only way in."""
        url = await self._blobs.sign_read(self._key, seconds=60)
        whole, bare = await self._send("GET", url), await self._send("GET", url.partition("?")[0])
        if whole.status != _OK or whole.data != _BODY:
            said = f"A signed address does not give the file ({whole.status})."
            return Observation("bucket reading", "failed", said)
        if bare.status < _REFUSED:
            said = "Anybody reads every file without a signature. Make the bucket private."
            return Observation("bucket reading", "failed", said)
        if whole.headers.get("Content-Type") != _TYPE:
            said = "Files do not keep their content type: browsers would guess it."
            return Observation("bucket reading", "failed", said)
        return Observation("bucket reading", "ok", "By signed addresses, and by nothing else.")

    async def _browsers(self) -> Observation:
        settings = self._blobs.settings
        url = f"{settings.origin}{settings.path}{self._key}"
        refused = []
        for origin in self._origins:
            asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
            answer = await self._send("OPTIONS", url, asked)
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            if answer.status >= _REFUSED or allowed not in {origin, "*"}:
                refused.append(origin)
        if refused:
            said = f"Pages of {', '.join(refused)} may not send files to it. {_SETUP}"
            return Observation("bucket cors", "failed", said)
        return Observation("bucket cors", "ok", f"Open to {', '.join(self._origins)}.")

    async def _rules(self) -> Observation:
        connection, origins = self._blobs.connection, self._origins

        def look() -> str:
            return [*set_up(connection, origins, dry_run=True)][-1].outcome

        outcome = await connection.run(look)
        if outcome == "unknown":
            said = "It has none: this server aborts what was left behind by itself, every hour."
            return Observation("bucket lifecycle", "ok", said)
        if outcome == "would":
            return Observation("bucket lifecycle", "degraded", f"Rules are missing. {_SETUP}")
        return Observation("bucket lifecycle", "ok", "It aborts what was left behind by itself.")

    async def _sign(self, blobs: S3Blobs, upload: str) -> SignedPart:
        return await blobs.sign_part(self._key, upload, number=1, size=len(_BODY))

    async def _put(self, url: str, body: bytes) -> int:
        answer = await self._send("PUT", url, body=body)
        return min(_SERVERS, answer.status)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        request = partial(self._http.request, method, url, headers=headers, body=body)
        return await asyncio.to_thread(request)
