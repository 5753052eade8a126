"""nginx as the origin shield of media, with the configuration of ``deploy/``."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tools.engines.leftovers import end_leftovers
from tools.engines.nginx import fill, main_configuration
from tools.engines.process import EngineProcess, answers, free_port, program

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "shield.conf.template"
"""The configuration that is shipped; everything here runs exactly that."""


class Shield:
    """A shield on a port of its own in front of API processes at ``servers`` (``host:port`` each).

    ``room`` is what its cache may take, as nginx writes sizes. Its log is ``<folder>/shield.log``.
    """

    def __init__(
        self, folder: Path, servers: Sequence[str], *, bind: str | None = None, room: str = "1g"
    ) -> None:
        self.bind = bind or f"127.0.0.1:{free_port()}"
        self.folder = folder.absolute()
        self._servers = [*servers]
        self._room = room
        self._process = EngineProcess(
            "shield",
            [program("nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
            self.folder,
        )

    @property
    def address(self) -> str:
        """Where callers reach it, as ``http://127.0.0.1:8080``."""
        return f"http://{self.bind}"

    def start(self) -> None:
        """Write the configuration anew and listen.

        Raises:
            RuntimeError: nginx refuses the configuration or the port is taken; the message says so.
        """
        extra, cache = self.folder / "extra", self.folder / "cache"
        for needed in (extra, cache, self.folder / "temp"):
            needed.mkdir(parents=True, exist_ok=True)
        # Workers keep the owner of this folder: they write the cache below it.
        main = main_configuration(self.folder, "shield.conf", "root root")
        (self.folder / "nginx.conf").write_text(main)
        values = {
            "SHIELD_LISTEN": self.bind,
            "SHIELD_SERVERS": "\n    ".join(
                f"server {server} max_fails=3 fail_timeout=2s;" for server in self._servers
            ),
            "SHIELD_CACHE": str(cache),
            "SHIELD_ROOM": self._room,
            "SHIELD_EXTRA": str(extra),
        }
        (self.folder / "shield.conf").write_text(fill(TEMPLATE.read_text(), values))
        end_leftovers(self.folder)
        host, _, port = self.bind.rpartition(":")
        self._process.start(lambda: answers(int(port), host))

    def stop(self) -> None:
        """Let running requests finish, for 20 s at most."""
        self._process.stop(signal.SIGQUIT)

    def kill(self) -> None:
        self._process.kill()

    def said(self, characters: int = 3000) -> str:
        return self._process.said(characters)

    def answers_by_cache(self) -> Counter[str]:
        """How many answers came from where, by nginx's names (``HIT``, ``MISS``, …)."""
        counted: Counter[str] = Counter()
        for line in self._process.log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                counted[json.loads(line)["cache"].rpartition(" ")[2] or "NONE"] += 1
        return counted
