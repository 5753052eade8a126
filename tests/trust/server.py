"""A real server process of an experiment: started, killed, started again on the same data."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
_START_PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """``tintype serve`` on its own port; ``sabotage`` starts one with a planted fault instead."""

    def __init__(self, data: Path, *, sabotage: str | None = None) -> None:
        self.data = data
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self.slowest_start_s = 0.0
        self.sabotage = sabotage
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (data.parent / "server.log").open("ab")

    async def start(self) -> None:
        """Return once it answers; remembers the slowest start."""
        environment = {
            **os.environ,  # noqa: TID251 - a child process inherits the environment
            "TINTYPE_DATA": str(self.data),
            "TINTYPE_BIND": f"127.0.0.1:{self.port}",
            "TINTYPE_RATE_LIMITS__FACTOR": "100000",
            "TINTYPE_OVERLOAD__WAIT_MS": "0",
        }
        module = ["tintype", "serve"]
        if self.sabotage:
            module = ["tests.trust.sabotaged_server", self.sabotage]
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._process = subprocess.Popen(  # noqa: ASYNC220 - starts at once, is never waited for here
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        async with httpx.AsyncClient() as client:
            while not await self._answers(client):
                if self._process.poll() is not None:
                    raise RuntimeError(f"the server ended: {self.log()[-2000:]}")
                if loop.time() - began > _START_PATIENCE_S:
                    raise TimeoutError(self.log()[-2000:])
                await asyncio.sleep(0.02)
        self.starts += 1
        self.slowest_start_s = max(self.slowest_start_s, loop.time() - began)

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.base_url}/livez")).is_success
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """The process that runs now; 0 when none does."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else 0

    def kill(self) -> None:
        """SIGKILL to the whole group, decoders included."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait for the drain; returns the exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, 30)

    def log(self) -> str:
        return (self.data.parent / "server.log").read_text(errors="replace")
