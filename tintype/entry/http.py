"""Serving one process on one port until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Collection, Iterator

import structlog
import uvicorn

from tintype.database import hand_back_all
from tintype.entry import folder
from tintype.entry.compose import Server, compose
from tintype.entry.roles import WITH_PEOPLE, Concern, Role
from tintype.entry.settings import Settings
from tintype.entry.wire import Instantly, Later, gated, never, nothing
from tintype.http.gate import Gate

log = structlog.get_logger(__name__)

_DRAIN_S = 20
_POLL_S = 0.02
_GC_THRESHOLDS = (50_000, 20, 50)


Beside = Callable[[str | None], None]


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are installed in ``serve``."""
        yield


async def serve(
    settings: Settings,
    beside: Beside | None = None,
    *,
    role: Role = Role.SERVE,
    only: Collection[Concern] = tuple(Concern),
) -> int:
    """Do a role until SIGTERM or SIGINT, then drain; returns the exit status.

    ``beside`` runs in a thread of its own once the server answers, and is given the set-up token
    while there is no admin; its failure ends the server.
    After a failed fsync the status is 70 and nothing more was acknowledged: start again to recover.

    Raises:
        ConfigError: the data folder can not be used, or another server uses it.
    """
    stopping = asyncio.Event()
    fatal: list[BaseException] = []

    def on_fatal(error: BaseException) -> None:
        fatal.append(error)
        stopping.set()

    alone = settings.database.url is None
    folder.make(settings.data)
    lock = folder.FolderLock(settings.data)
    if alone:
        lock.take()
    server = compose(settings, role=role, only=only, on_fatal=on_fatal)
    if alone:
        # Alone on this folder: whoever held a lease before is dead, so its work need not wait.
        await hand_back_all(server.database)
    await server.start()
    token = await server.admin.setup.offered() if role in WITH_PEOPLE else None
    if token is not None and beside is None:
        _offer_setup(settings, token)
    web = _listen(server)
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    _tune_collector()
    serving = asyncio.create_task(web.serve())
    serving.add_done_callback(lambda _: stopping.set())
    company = (
        asyncio.create_task(_accompany(web, lambda: beside(token), stopping)) if beside else None
    )
    await stopping.wait()
    server.admin.health.drain()
    server.live.drain()
    web.should_exit = True
    await serving
    if company is not None:
        company.cancel()
    await server.stop()
    lock.release()
    return 70 if fatal or not web.started else 0


async def _accompany(
    web: uvicorn.Server, beside: Callable[[], None], stopping: asyncio.Event
) -> None:
    while not web.started:  # noqa: ASYNC110 - the framework offers a flag, not an event
        await asyncio.sleep(_POLL_S)
    try:
        await asyncio.to_thread(beside)
    except Exception:
        log.exception("beside.failed")
        stopping.set()


def _offer_setup(settings: Settings, token: str) -> None:
    """Print the way to the first admin."""
    here = settings.address
    lines = (
        "No admin yet. Whoever has this token can become the first one:",
        f"  {token}",
        f"  {here}/setup?token={token}",
    )
    sys.stderr.write("\n".join(lines) + "\n")


def _listen(server: Server) -> uvicorn.Server:
    settings = server.settings
    gate = Gate(
        settings.overload,
        server.admin.metrics.answered,
        changes=server.database.expected_write_s,
    )
    return _Uvicorn(
        uvicorn.Config(
            gate.noting(server.asgi),
            host=settings.host,
            port=settings.port,
            loop="none",
            http=gated(gate, *_ahead(server)),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            # Off unless the operator said so: anybody on this machine could set them.
            proxy_headers=settings.trust_proxy,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )


def _ahead(server: Server) -> tuple[Instantly, Later]:
    """What this process answers as soon as it has read a head.

    From its own memory where nobody else writes, and together with others where a look at what
    other processes wrote has to come first. Behind a proxy the headers have to be looked at before,
    for who asked and under which address.
    """
    if server.settings.trust_proxy or not server.serves_people:
        return nothing, never
    short = server.short
    return (nothing, short.later) if server.engines.shared else (short.instantly, never)


def _tune_collector() -> None:
    """What lives from the start on is never walked again: p99 falls from 42 ms to 4 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
