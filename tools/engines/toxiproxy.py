"""toxiproxy: stands between a client and an engine, and slows, cuts or resets what passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tools.engines.process import EngineProcess, answers, free_port, program

_SECONDS = 5.0


class Link:
    """One way to an engine through the proxy: connect to ``port`` instead of the engine's own."""

    def __init__(self, proxy: Toxiproxy, name: str, upstream: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._proxy = proxy
        self._path = f"/proxies/{name}"
        self._made = {"name": name, "listen": f"127.0.0.1:{self.port}", "upstream": upstream}
        proxy.call("POST", "/proxies", self._made)

    def slow(self, milliseconds: int, jitter: int = 0) -> None:
        """Answers arrive this much later, open connections included."""
        self._add("latency", {"latency": milliseconds, "jitter": jitter})

    def silence(self) -> None:
        """Connections stay open and nothing comes back: a half-open link."""
        self._add("timeout", {"timeout": 0})

    def reset(self) -> None:
        """Every connection is reset as soon as it is used."""
        self._add("reset_peer", {"timeout": 0})

    def narrow(self, kilobytes_a_second: int) -> None:
        """Answers come no faster than this."""
        self._add("bandwidth", {"rate": kilobytes_a_second})

    def cut(self) -> None:
        """Open connections end and new ones are refused."""
        self._proxy.call("POST", self._path, {"enabled": False})

    def mend(self) -> None:
        """As if nothing had ever happened; open connections end."""
        # Taking a toxic off a link that it holds up may never return: the link is made anew.
        self._proxy.call("DELETE", self._path)
        self._proxy.call("POST", "/proxies", self._made)

    def _add(self, kind: str, attributes: dict[str, int]) -> None:
        toxic = {"name": kind, "type": kind, "stream": "downstream", "attributes": attributes}
        self._proxy.call("POST", f"{self._path}/toxics", toxic)


class Toxiproxy:
    """The proxy's process; ``link`` makes the ways through it, which end with it."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        command = [program("toxiproxy-server"), "-host", "127.0.0.1", "-port", str(self.port)]
        self._process = EngineProcess("toxiproxy", command, folder)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process.start(lambda: answers(self.port))

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def pause(self) -> None:
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()

    def link(
        self, name: str, port: int, host: str = "127.0.0.1", *, listen: int | None = None
    ) -> Link:
        """A new way to ``host:port``, at a port of one's choice or at any."""
        return Link(self, name, f"{host}:{port}", listen)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that the proxy's own API answers.

        Raises:
            OSError: it refused, or does not answer.
        """
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data=data, method=method)  # noqa: S310 - our own proxy
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the same
            text = answer.read()
        return json.loads(text) if text else None
