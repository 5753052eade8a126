"""nginx as the gateway in front of API processes, with the configuration of ``deploy/``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.engines.leftovers import end_leftovers
from tools.engines.process import EngineProcess, answers, free_port, program

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "gateway.conf.template"
"""The configuration that is shipped; everything here runs exactly that."""

_CONNECTIONS, _MOST_CONNECTIONS = 200, 4000
_MAIN = """\
daemon off;
{run_as}
worker_processes 2;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    default_type application/octet-stream;
    sendfile on;
    include {part};
}}
"""


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with each ``${NAME}`` replaced; variables of nginx itself stay.

    Raises:
        KeyError: the template asks for a name without a value.
    """
    return re.sub(r"\$\{([A-Z_]+)\}", lambda found: values[found[1]], template)


def main_configuration(folder: Path, part: str, account: str) -> str:
    """What stands around a shipped part, which is a file of ``folder``.

    Where this process is root, workers run as ``account`` (a user and a group).
    """
    run_as = f"user {account};" if os.geteuid() == 0 else ""
    return _MAIN.format(folder=folder, part=part, run_as=run_as)


class Nginx:
    """A gateway on ``bind`` in front of API processes at ``servers`` (``host:port`` each).

    Its access log goes to the same file as its errors, ``<folder>/nginx.log``. ``rate`` is how many
    requests a second one address may make, and beyond 200 how many connections it may hold at
    once; ``extra`` becomes part of the server block.
    """

    def __init__(
        self,
        folder: Path,
        servers: Sequence[str],
        *,
        bind: str | None = None,
        rate: int = 100,
        extra: str = "",
    ) -> None:
        self.bind = bind or f"127.0.0.1:{free_port()}"
        self.folder = folder.absolute()
        self._servers = [*servers]
        self._rate = rate
        self._extra = extra
        self._process = EngineProcess(
            "nginx",
            [program("nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
            self.folder,
        )

    @property
    def address(self) -> str:
        """Where callers reach it, as ``http://127.0.0.1:8000``."""
        return f"http://{self._host}:{self._port}"

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._process.log

    def start(self) -> None:
        """Write the configuration anew and listen.

        Raises:
            RuntimeError: nginx refuses the configuration or the port is taken; the message says so.
        """
        self.write()
        # Workers outlive a master that was killed, and go on listening.
        end_leftovers(self.folder)
        self._process.start(lambda: answers(self._port, self._host))

    def write(self) -> None:
        """Write the configuration without starting anything."""
        extra = self.folder / "extra"
        for needed in (extra, self.folder / "temp"):
            needed.mkdir(parents=True, exist_ok=True)
        (extra / "extra.conf").write_text(self._extra)
        # Workers give up root; nothing but the log is theirs to write.
        main = main_configuration(self.folder, "gateway.conf", "nobody nogroup")
        (self.folder / "nginx.conf").write_text(main)
        values = {
            "GATEWAY_LISTEN": self.bind,
            "GATEWAY_SERVERS": "\n    ".join(
                f"server {server} max_fails=3 fail_timeout=2s;" for server in self._servers
            ),
            "GATEWAY_SCHEME": "$scheme",
            "GATEWAY_RATE": str(self._rate),
            "GATEWAY_CONNECTIONS": str(min(max(_CONNECTIONS, self._rate), _MOST_CONNECTIONS)),
            "GATEWAY_EXTRA": str(extra),
        }
        (self.folder / "gateway.conf").write_text(fill(TEMPLATE.read_text(), values))

    def complaints(self) -> str:
        """What ``nginx -t`` says against the written configuration; empty when nothing."""
        command = [*self._process.command, "-t", "-q"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        # The test run has no log of its own: what it can not open there is no complaint.
        return done.stderr if done.returncode else ""

    def stop(self) -> None:
        """Let running requests finish, for 20 s at most."""
        self._process.stop(signal.SIGQUIT)

    def kill(self) -> None:
        self._process.kill()

    def pause(self) -> None:
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()

    def said(self, characters: int = 3000) -> str:
        return self._process.said(characters)

    @property
    def _host(self) -> str:
        host = self.bind.rpartition(":")[0]
        return "127.0.0.1" if host in {"0.0.0.0", "*", ""} else host  # noqa: S104 - asked, not bound

    @property
    def _port(self) -> int:
        return int(self.bind.rpartition(":")[2].split()[0])
