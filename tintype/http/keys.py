"""Idempotency keys: the same key and request get the same answer, for at least 24 hours.

The answer is stored by the transaction of the effect itself (``Transaction.answer``); what is
stored here besides are refusals (4xx), which have no effect. Failures (5xx) are never stored.
Answers are sealed with the server's key, because some of them hold fresh session tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from cryptography.fernet import Fernet
from fastapi import Request
from starlette.responses import Response

from tintype.database import AlreadyAnswered, Database, answers
from tintype.database.idempotency import Once, current_once
from tintype.http.attempts import again
from tintype.http.problems import MEDIA_TYPE, problem_of, response_of
from tintype.kernel.ids import Id, shard_for_text, shard_of
from tintype.kernel.problem import Conflict, Invalid, Malformed

HEADER = "Idempotency-Key"
KEPT_MS = 48 * 3600 * 1000
_LONGEST_KEY = 255
_FIRST_ERROR, _FIRST_FAILURE, _RATE_LIMITED = 400, 500, 429


class KeyMalformed(Malformed):
    """An Idempotency-Key is 1 to 255 printable characters."""


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is being worked on."""


class KeyReused(Invalid):
    """This Idempotency-Key was used for a different request."""


class Keeper:
    """Runs a request once per key and replays its answer after that."""

    def __init__(self, database: Database, seal: Fernet) -> None:
        self._database = database
        self._seal = seal
        self._in_flight: set[tuple[int, str, bytes]] = set()

    async def run(
        self,
        request: Request,
        actor: Id | None,
        answer: Callable[[object], tuple[int, bytes]],
        work: Callable[[Request], Awaitable[Response]],
    ) -> Response:
        """Answer the request: from the store when its key was seen, else by doing the work."""
        key = request.headers[HEADER]
        if not (0 < len(key) <= _LONGEST_KEY and key.isprintable()):
            raise KeyMalformed
        once = await self._once(request, actor, key, answer)
        stored = await self._stored(once)
        if stored is not None:
            return stored
        claim = (once.shard, once.scope, once.key_hash)
        if claim in self._in_flight:
            raise RequestInFlight
        self._in_flight.add(claim)
        token = current_once.set(once)
        try:
            return await self._first_time(request, once, work)
        except AlreadyAnswered:
            # Another process finished the same request while this one was working on it.
            if (stored := await self._stored(once)) is None:
                raise
            return stored
        finally:
            current_once.reset(token)
            self._in_flight.discard(claim)

    async def forget_old(self) -> int:
        """Drop the keys that were kept long enough; returns how many."""
        before = self._database.clock.now_ms() - KEPT_MS
        async with self._database.write() as tx:
            return await answers.forget_before(tx, before)

    async def _once(
        self,
        request: Request,
        actor: Id | None,
        key: str,
        answer: Callable[[object], tuple[int, bytes]],
    ) -> Once:
        def encode(view: object) -> tuple[int, bytes]:
            status, body = answer(view)
            return status, self._seal.encrypt(body)

        target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
        route = request.scope["route"].path
        return Once(
            shard=shard_for_text(key) if actor is None else shard_of(actor),
            scope=f"{actor or 'anyone'} {request.method} {route}"[:120],
            key_hash=hashlib.sha256(key.encode()).digest(),
            fingerprint=hashlib.sha256(target + await request.body()).digest(),
            encode=encode,
        )

    async def _stored(self, once: Once) -> Response | None:
        async with self._database.read() as reader:
            row = await answers.find(reader, once)
        if row is None:
            return None
        if row.fingerprint != once.fingerprint:
            raise KeyReused
        body = self._seal.decrypt(row.answer)
        media_type = "application/json" if row.status < _FIRST_ERROR else MEDIA_TYPE
        headers = {"Idempotency-Replayed": "true"}
        return Response(body, status_code=row.status, media_type=media_type, headers=headers)

    async def _first_time(
        self, request: Request, once: Once, work: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            response = await again(lambda: self._attempt(request, once, work))
        except Exception as error:
            problem = problem_of(error)
            if problem is None or problem.status >= _FIRST_FAILURE:
                raise
            response = response_of(problem, request)
        storable = response.status_code < _FIRST_FAILURE and response.status_code != _RATE_LIMITED
        if storable and not once.answered:
            await self._store(once, response)
        return response

    async def _attempt(
        self, request: Request, once: Once, work: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        # The answer of an attempt that was undone went with it.
        once.answered = False
        return await work(request)

    async def _store(self, once: Once, response: Response) -> None:
        body = bytes(response.body)
        sealed = Once(
            once.shard,
            once.scope,
            once.key_hash,
            once.fingerprint,
            lambda _: (response.status_code, self._seal.encrypt(body)),
        )
        token = current_once.set(sealed)
        try:
            async with self._database.write() as tx:
                await tx.answer(None)
        finally:
            current_once.reset(token)
