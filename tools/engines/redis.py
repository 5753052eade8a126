"""Redis alone, behind Sentinels, and as a Cluster."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import hiredis

from tools.engines.process import EngineProcess, free_port, program

_CONFIG = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "zset-max-listpack-entries": "1024",
    "maxmemory-policy": "volatile-lru",
    "repl-diskless-sync-delay": "0",
    "stop-writes-on-bgsave-error": "no",
}
_PATIENCE_S = 60.0
_BUS = 10_000


class RedisServer:
    """One Redis that keeps an append-only file in ``folder``; ``config`` overrides its settings."""

    def __init__(
        self, folder: Path, port: int | None = None, *, config: Mapping[str, str] | None = None
    ) -> None:
        self.port = port or free_port()
        self._password = (config or {}).get("requirepass", "")
        settings = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(folder)}
        settings |= _CONFIG | dict(config or {})
        self._folder = folder
        self._lines = [f"{name} {value}" for name, value in settings.items()]
        command = [program("redis-server"), str(folder / "redis.conf")]
        self.process = EngineProcess(f"redis-{self.port}", command, folder)

    @property
    def url(self) -> str:
        secret = f":{self._password}@" if self._password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, or start it again on what it had stored."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "redis.conf").write_text("\n".join(self._lines) + "\n")
        self.process.start(self.is_ready)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def is_ready(self) -> bool:
        """Whether it has read its files and answers."""
        return self.ask("PING") == "PONG"

    def ask(self, *words: str) -> str:
        """The answer to one inline command; empty when there is none."""
        return ask(self.port, *words, password=self._password)


class RedisCluster:
    """A Cluster of masters with one replica each, or with none.

    ``announced`` names the ports, by those of the nodes, where clients are told to reach them: that
    of a proxy, for example. The nodes reach each other directly.
    """

    def __init__(
        self,
        folder: Path,
        *,
        masters: int = 3,
        replicas: int = 1,
        node_timeout_ms: int = 1000,
        ports: Iterable[int] | None = None,
        announced: Mapping[int, int] | None = None,
    ) -> None:
        chosen = list(ports) if ports else _cluster_ports(masters * (1 + replicas))
        config = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(node_timeout_ms),
            "cluster-require-full-coverage": "no",
            "cluster-config-file": "nodes.conf",
        }
        self._replicas = replicas
        self._formed = folder / "formed"
        self.nodes = [
            RedisServer(
                folder / str(port), port, config=config | _announcement(port, announced or {})
            )
            for port in chosen
        ]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start every node; the first time, form the Cluster. All replicas are linked after it."""
        for node in self.nodes:
            if not node.process.running:
                node.start()
        if not self._formed.exists():
            addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
            subprocess.run(
                [
                    *(program("redis-cli"), "--cluster", "create", *addresses),
                    *("--cluster-replicas", str(self._replicas), "--cluster-yes"),
                ],
                check=True,
                capture_output=True,
            )
            self._formed.touch()
        _until(self.is_ready)

    def is_ready(self) -> bool:
        """Whether all slots are served and every replica follows its master."""
        if not all("cluster_state:ok" in node.ask("CLUSTER", "INFO") for node in self.nodes):
            return False
        roles = [node.ask("INFO", "replication") for node in self.nodes]
        linked = sum("role:slave" in role and "master_link_status:up" in role for role in roles)
        masters = sum("role:master" in role for role in roles)
        return linked == len(self.nodes) - masters and linked == masters * self._replicas

    def masters(self) -> list[RedisServer]:
        """The nodes that are masters now."""
        return [node for node in self.nodes if "role:master" in node.ask("INFO", "replication")]

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def pause(self) -> None:
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        for node in self.nodes:
            node.resume()


class RedisSentinel:
    """A master with replicas, and three Sentinels that promote one of them when it dies."""

    NAME = "tintype"

    def __init__(self, folder: Path, *, replicas: int = 1, down_after_ms: int = 1000) -> None:
        self._folder = folder
        self._down_after_ms = down_after_ms
        self.nodes = [RedisServer(folder / f"node-{number}") for number in range(1 + replicas)]
        self._ports = [free_port() for _ in range(3)]
        self.sentinels = [
            EngineProcess(
                f"sentinel-{port}",
                [program("redis-server"), str(folder / f"sentinel-{port}.conf"), "--sentinel"],
                folder,
            )
            for port in self._ports
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"redis+sentinel://{hosts}/{self.NAME}"

    def start(self) -> None:
        """Start everything, or what is dead of it; ready when the replicas follow the master."""
        for node in self.nodes:
            if not node.process.running:
                node.start()
        first = not (self._folder / f"sentinel-{self._ports[0]}.conf").exists()
        if first:
            for replica in self.nodes[1:]:
                replica.ask("REPLICAOF", "127.0.0.1", str(self.nodes[0].port))
            _until(self._linked)
        for port, sentinel in zip(self._ports, self.sentinels, strict=True):
            if first:
                (self._folder / f"sentinel-{port}.conf").write_text(self._config(port))
            if not sentinel.running:
                sentinel.start(lambda port=port: ask(port, "PING") == "PONG")  # type: ignore[misc]
        _until(self.is_ready)

    def is_ready(self) -> bool:
        """Whether the Sentinels know each other and every replica follows the master."""
        known = [ask(port, "SENTINEL", "MASTER", self.NAME) for port in self._ports]
        return self._linked() and all("\nnum-other-sentinels\n2\n" in text for text in known)

    def master(self) -> RedisServer:
        """The node that the Sentinels call the master now."""
        said = ask(self._ports[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME).split()
        return next(node for node in self.nodes if str(node.port) in said)

    def stop(self) -> None:
        for process in [*self.sentinels, *(node.process for node in self.nodes)]:
            process.stop()

    def kill(self) -> None:
        for process in [*self.sentinels, *(node.process for node in self.nodes)]:
            process.kill()

    def pause(self) -> None:
        """The nodes answer nothing; the Sentinels go on."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        for node in self.nodes:
            node.resume()

    def _linked(self) -> bool:
        roles = [node.ask("INFO", "replication") for node in self.nodes]
        linked = sum("role:slave" in role and "master_link_status:up" in role for role in roles)
        return linked == len(self.nodes) - 1

    def _config(self, port: int) -> str:
        name, master = self.NAME, self.nodes[0].port
        return (
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\n"
            f"sentinel monitor {name} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {name} {self._down_after_ms}\n"
            f"sentinel failover-timeout {name} 3000\n"
            f"sentinel parallel-syncs {name} 2\n"
        )


def ask(port: int, *words: str, password: str = "") -> str:
    """The answer to one command as text, a list line by line; empty when nobody answers."""
    commands = [("AUTH", password)] if password else []
    reader = hiredis.Reader(encoding="utf-8", errors="replace")
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
        for command in [*commands, words]:
            link.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]
            while (answer := reader.gets()) is False:
                piece = link.recv(65536)
                if not piece:
                    return ""
                reader.feed(piece)
        return "\n".join(map(str, answer)) if isinstance(answer, list) else str(answer)
    return ""


def _announcement(port: int, announced: Mapping[int, int]) -> dict[str, str]:
    return {"cluster-announce-port": str(announced[port])} if port in announced else {}


def _cluster_ports(count: int) -> list[int]:
    """Free ports whose bus ports, 10 000 above, are free as well."""
    found: list[int] = []
    start = 12_000 + free_port() % 8_000
    for port in range(start, 2**16 - _BUS):
        with socket.socket() as here, socket.socket() as bus:
            try:
                here.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + _BUS))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    message = f"there are no {count} free pairs of ports"
    raise RuntimeError(message)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("Redis was not ready in time")
        time.sleep(0.05)
