"""What a fleet remembers between two starts: its ports and its secret, and that it runs once."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.engines.leftovers import end_leftovers

FILE = "fleet.json"
_LOCK = "fleet.lock"
_SECRET_BYTES = 32
# Below the ports that the kernel gives to outgoing connections (32768 and up), the bus ports of a
# Redis Cluster, which lie 10 000 above, included: what was chosen once stays free over restarts.
_LOWEST, _HIGHEST = 17_000, 21_000
_BUS = 10_000


class FleetError(Exception):
    """The fleet can not run; the message says what to do about it."""


class State:
    """The file in the fleet's folder; whoever holds it is the only fleet of that folder."""

    def __init__(self, folder: Path, names: Sequence[str], *, secret: str | None = None) -> None:
        """Read or make it; a ``secret`` that is given replaces the one in the file.

        Raises:
            FleetError: another fleet runs on this folder, or the file is damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            message = f"another fleet runs on {folder}; stop it, or set TINTYPE_DATA"
            raise FleetError(message) from error
        # Before the ports are looked at: what is left of a killed fleet still listens on them.
        self.ended = end_leftovers(folder)
        """How many processes an earlier fleet had left behind."""
        self._path = folder / FILE
        before, known = self._read()
        self.secret = secret or known
        self.ports = choose_ports(names, before)
        self.moved = {name for name, port in before.items() if self.ports.get(name) != port}
        """The names whose port was taken by somebody else since, and which have another one now."""
        self._write()

    def release(self) -> None:
        """Let the next fleet in; the kernel does so when this process ends in any other way."""
        os.close(self._lock)

    def _read(self) -> tuple[dict[str, int], str]:
        if not self._path.exists():
            return {}, base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        try:
            known = json.loads(self._path.read_text())
            return {str(k): int(v) for k, v in known["ports"].items()}, str(known["secret"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"{self._path} is damaged; remove it: ports and secret are chosen anew"
            raise FleetError(message) from error

    def _write(self) -> None:
        text = json.dumps({"ports": self.ports, "secret": self.secret}, indent=2)
        fresh = self._path.with_suffix(".new")
        # Written whole and moved: a power cut leaves the old file or the new one.
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - with a mode
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._path)


def choose_ports(names: Sequence[str], before: Mapping[str, int]) -> dict[str, int]:
    """A port for each name: the one it had if it is free, else a new one."""
    chosen: dict[str, int] = {}
    for name in names:
        port = before.get(name)
        if port is None or not _is_free(port):
            taken = {*chosen.values(), *before.values()}
            port = next(found for found in _candidates() if found not in taken and _is_free(found))
        chosen[name] = port
    return chosen


def _candidates() -> Sequence[int]:
    # A random start keeps two fleets that are born together apart.
    start = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311 - no secret
    return [*range(start, _HIGHEST), *range(_LOWEST, start)]


def _is_free(port: int) -> bool:
    for wanted in (port, port + _BUS):
        with socket.socket() as probe:
            # As servers do: connections that linger from before are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                return False
    return True
