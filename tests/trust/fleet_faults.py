"""The engines and roles of a fleet, each within reach of whoever wants to break it.

Every Redis node stands behind a fault proxy; the rest is broken by signals and on its disk. What
dies of itself is noted and started again, as a service manager would.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import urlopen

from tools.engines.kafka import KafkaBroker
from tools.engines.postgres import PostgresServer
from tools.engines.process import EngineProcess
from tools.engines.redis import RedisCluster, RedisServer
from tools.engines.s3 import S3Server
from tools.engines.toxiproxy import Link, Toxiproxy
from tools.fleet import layout
from tools.fleet.layout import Place
from tools.fleet.state import State, choose_ports

DOORS = ("api-1", "api-2")
ROLES = {
    "api-1": ["api"],
    "api-2": ["api"],
    **{name: ["worker", "--only", concerns] for name, concerns in layout.WORKERS.items()},
    "relay": ["relay"],
}
_NOTICES_KEY = "n"
_SECRET = base64.b64encode(bytes(32)).decode()
_SPARE = "relay-2"


def _way(name: str) -> str:
    """What the way to an engine through the proxy is called."""
    return f"way-to-{name}"


class Role:
    """One process of Tintype; ``plant`` starts it again with a planted fault, or without one."""

    def __init__(
        self, name: str, words: Sequence[str], folder: Path, port: int, env: dict[str, str]
    ) -> None:
        self.name = name
        self.words = [*words]
        self.folder = folder
        self.port = port
        self.wanted = False
        self._env = {**env, "TINTYPE_BIND": f"127.0.0.1:{self.port}"}
        self.process = self._made(())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process.start(self.is_ready)
        # Not before: somebody who looks after it would start it as well.
        self.wanted = True

    def stop(self) -> None:
        """Drain it."""
        self.wanted = False
        self.process.stop(patience_s=30.0)

    def kill(self) -> None:
        self.wanted = False
        self.process.kill()

    def plant(self, *faults: str) -> None:
        """Start it anew with these faults of ``faulty_role``, or with none."""
        self.stop()
        self.process = self._made(faults)
        self.start()

    def is_ready(self) -> bool:
        try:
            with urlopen(self.address + "/readyz", timeout=1.0) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _made(self, faults: Sequence[str]) -> EngineProcess:
        start = ["-m", "tests.trust.faulty_role", ",".join(faults)] if faults else ["-m", "tintype"]
        command = [sys.executable, *start, *self.words]
        return EngineProcess(self.name, command, self.folder, environment=self._env)


class Rig:
    """PostgreSQL, a Redis Cluster of three, Kafka, S3, two APIs, three workers and a relay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deaths: list[str] = []
        self.ports = choose_ports([*layout.PORTS, _SPARE, *map(_way, layout.REDIS_PORTS)], {})
        self.postgres = PostgresServer(folder / "postgresql", self.ports["postgresql"])
        self.kafka = KafkaBroker(folder / "kafka", self.ports["kafka"])
        self.s3 = S3Server(folder / "s3", self.ports["s3"])
        self.proxy = Toxiproxy(folder / "proxy")
        self.links: dict[int, Link] = {}
        self.redis: RedisCluster
        self.roles: dict[str, Role] = {}
        self.spare: Role
        """A second relay, which is not started with the others."""
        # Engines wait for their ports: several of them at once must not starve each other.
        self._threads = ThreadPoolExecutor(12, thread_name_prefix="rig")

    @property
    def doors(self) -> list[str]:
        """The addresses of the API processes."""
        return [self.roles[name].address for name in DOORS]

    async def start(self) -> None:
        """Start everything, and return when people can come."""
        await self.do(self.proxy.start)
        nodes = [self.ports[name] for name in layout.REDIS_PORTS]
        for name, port in zip(layout.REDIS_PORTS, nodes, strict=True):
            self.links[port] = self.proxy.link(name, port, listen=self.ports[_way(name)])
        self.redis = RedisCluster(
            self.folder / "redis",
            replicas=0,
            ports=nodes,
            announced={port: link.port for port, link in self.links.items()},
        )
        engines = (self.postgres, self.kafka, self.s3, self.redis)
        await asyncio.gather(*(self.do(engine.start) for engine in engines))
        env = self._settings()
        self.spare = Role(_SPARE, ["relay"], self.folder / "roles", self.ports[_SPARE], env)
        for name, words in ROLES.items():
            self.roles[name] = Role(name, words, self.folder / "roles", self.ports[name], env)
        for words in (["db", "migrate"], ["storage", "setup"]):
            await self.command(*words)
        await asyncio.gather(*(self.do(role.start) for role in self.roles.values()))

    async def do(self, work: Callable[..., Any], *arguments: object) -> Any:
        """Run something that blocks, while people go on."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def look_after(self) -> None:
        """Start again whatever died by itself, and note it; until cancelled."""
        while True:
            await asyncio.sleep(0.3)
            for role in self.roles.values():
                if role.wanted and not role.process.running:
                    self.deaths.append(f"{role.name}: {role.process.said(300)}")
                    await self.do(role.start)

    def holder_of_notices(self) -> RedisServer:
        """The Redis node that the processes tell each other through."""
        slot = int(self.redis.nodes[0].ask("CLUSTER", "KEYSLOT", _NOTICES_KEY))
        for line in self.redis.nodes[0].ask("CLUSTER", "NODES").splitlines():
            fields = line.split()
            for first, _, last in (each.partition("-") for each in fields[8:]):
                if int(first) <= slot <= int(last or first):
                    port = int(fields[1].partition("@")[0].rpartition(":")[2])
                    return next(
                        node for node in self.redis.nodes if self.links[node.port].port == port
                    )
        raise AssertionError("nobody serves the slot of the notices")

    def close(self) -> None:
        """End every process and remove every file."""
        for role in self.roles.values():
            role.kill()
        for engine in (self.postgres, self.kafka, self.s3, self.proxy):
            engine.kill()
        if self.links:
            self.redis.kill()
        if self.roles:
            self.spare.kill()
        self._threads.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _settings(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()  # noqa: TID251 - a child inherits it
            if not name.startswith("TINTYPE_")
        }
        place = Place.of(
            {
                **inherited,
                "TINTYPE_DATA": str(self.folder),
                "TINTYPE_RATE_LIMITS__FACTOR": "100000",
                "TINTYPE_OVERLOAD__WAIT_MS": "0",
                # All of this shares two processors: what is slow here is not the engine.
                "TINTYPE_FEED__BUDGET_MS": "3000",
                "TINTYPE_REDIS__TIMEOUT_MS": "1000",
            }
        )
        through = {
            name: self.links[self.ports[name]].port if name in layout.REDIS_PORTS else port
            for name, port in self.ports.items()
        }
        state = cast("State", SimpleNamespace(ports=through, secret=_SECRET))
        return layout.settings(place, state)

    async def command(self, *words: str) -> None:
        """What an operator does at a shell: ``tintype`` with these words."""
        folder = self.folder / "roles"
        folder.mkdir(exist_ok=True)
        done = await asyncio.create_subprocess_exec(
            *layout.command(*words),
            cwd=folder,
            env={**self._settings(), "TINTYPE_BIND": f"127.0.0.1:{self.roles['api-1'].port}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await done.communicate()
        assert done.returncode == 0, f"tintype {' '.join(words)}:\n{said.decode()}"
