"""Requests to the storage: signed by botocore, in a bounded pool of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.loaders import Loader
from botocore.session import get_session

from tintype.adapters.s3.errors import translated
from tintype.adapters.s3.settings import S3Settings
from tintype.ports.errors import BlobNotFound, TimedOut, Unavailable

T = TypeVar("T")

_CONNECT_S = 5.0
_ATTEMPTS = 2


@cache
def _models() -> Loader:
    """The descriptions of AWS's services: slow to read, and the same for every client."""
    return Loader()


class Connection:
    """The clients, which are safe to use from many threads, and the threads.

    ``client`` gives up after ``settings.seconds`` without a byte, ``patient`` after
    ``settings.patience``.
    """

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self._session = get_session()
        self._session.register_component("data_loader", _models())
        self._secret = settings.secret_key.get_secret_value() if settings.secret_key else None
        self.client = self.service("s3", settings.seconds)
        self.patient = self.service("s3", settings.patience)
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="bucket")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self._pool.shutdown()
        self.client.close()
        self.patient.close()

    def service(self, name: str, seconds: float) -> Any:
        """A client of one of AWS's services, with this storage's keys.

        Its methods are made at run time, from the model of the service.
        """
        settings = self.settings
        return self._session.create_client(
            name,
            region_name=settings.region,
            endpoint_url=settings.endpoint if name == "s3" else None,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=self._secret,
            config=Config(
                signature_version="s3v4" if name == "s3" else "v4",
                connect_timeout=min(_CONNECT_S, seconds),
                read_timeout=seconds,
                max_pool_connections=settings.threads,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                # Checksums of newer kinds are unknown to many servers that speak S3.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if settings.path_style else "virtual"},
            ),
        )

    async def run(self, work: Callable[[], T], *, patient: bool = False) -> T:
        """The result of ``work``, done in a thread; a patient caller waits as long as it takes.

        Raises:
            TimedOut: no result in time. The work goes on in its thread.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            async with asyncio.timeout(None if patient else self.settings.seconds):
                return await future
        except TimeoutError as error:
            raise TimedOut("the bucket does not answer") from error

    async def reach(self) -> None:
        """Return if the bucket answers and these keys are good for it.

        Raises:
            Unavailable: it does not, or they are not.
        """

        def work() -> None:
            with translated():
                self.client.head_bucket(Bucket=self.settings.bucket)

        try:
            await self.run(work)
        except BlobNotFound as error:
            raise Unavailable("the bucket does not exist; run: tintype storage setup") from error

    async def credentials(self) -> ReadOnlyCredentials:
        """The keys to sign with; those that AWS lends to a machine change every few hours.

        Raises:
            Unavailable: none are set, and the machine has none.
        """
        if self.settings.access_key is not None and self._secret is not None:
            return ReadOnlyCredentials(self.settings.access_key, self._secret, None)
        return await self.run(self._lent)

    def _lent(self) -> ReadOnlyCredentials:
        found = self._session.get_credentials()
        if found is None:
            raise Unavailable("no keys: set s3.access_key and s3.secret_key")
        frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen
