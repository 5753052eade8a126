"""What a hostile file tries to reach: a listener that nobody calls, a file that nobody reads."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path


class Canary:
    """A listener on this machine, by TCP and by UDP, that nobody is supposed to call."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for each in (self._tcp, self._udp):
            each.setblocking(False)

    def visits(self) -> int:
        """How many called since the last time that was asked."""
        found = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._tcp.accept()[0].close()
                found += 1
        with contextlib.suppress(BlockingIOError):
            while self._udp.recv(100) is not None:
                found += 1
        return found

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()


SECRET = b"the canary's own words, 5f1c9d"
PAYLOAD = b"hostile-payload"
PLACE = b"51.5007N-hostile"
MARKS = (SECRET, PAYLOAD, PLACE, b"Exif\0\0", b"http://ns.adobe.com/xap")
"""Bytes that are in hostile files, and must be in nothing that is made of them."""


class Cage:
    """Where a hostile file is told to look: the canary's port, and a file that is not its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        folder.mkdir(parents=True, exist_ok=True)
        self.secret = folder / "secret.txt"
        self.secret.write_bytes(SECRET + b"\n")

    @property
    def address(self) -> bytes:
        return b"http://127.0.0.1:%d/" % self.port

    @property
    def path(self) -> bytes:
        return str(self.secret).encode()
