"""A fleet as an operator starts it: a process of its own, talked to by signals and its terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tools.engines.process import free_port

ROOT = Path(__file__).resolve().parents[1]
_START_S = 180.0
_STOP_S = 90.0


def roomy_folder(prefix: str) -> Path:
    """A new folder that the account of PostgreSQL can reach, which pytest's own ones are not."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


class FleetProcess:
    """``python -m tools.fleet`` on a folder; started again it takes the same folder and address."""

    def __init__(
        self, data: Path, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self.bind = f"127.0.0.1:{free_port()}"
        self.address = f"http://{self.bind}"
        self._arguments = arguments
        self._variables = dict(variables or {})
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self.took_s = 0.0

    def start(self, until: str) -> None:
        """Start it, and return when it says the words.

        Raises:
            AssertionError: it ended before, or said nothing like it in time; with what it said.
        """
        began = time.monotonic()
        own = {"TINTYPE_BIND": self.bind, "TINTYPE_DATA": str(self.data)}
        self._lines = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.fleet", *self._arguments],
            cwd=ROOT,
            env={**os.environ, **self._variables, **own},  # noqa: TID251 - a child inherits it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.wait_for(until, _START_S)
        self.took_s = time.monotonic() - began

    def wait_for(self, words: str, patience_s: float = 30.0) -> str:
        """The first line with these words (a regular expression), waited for."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            for line in [*self._lines]:
                if re.search(words, line):
                    return line
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {words!r} in:\n{self.said()}")

    def said(self) -> str:
        return "\n".join(self._lines)

    def port(self, name: str) -> int:
        return int(json.loads((self.data / "fleet.json").read_text())["ports"][name])

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the group of the fleet: nobody is told, nothing is put away."""
        if self._process is not None and self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int:
        """As Ctrl-C; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(sign)
        return self._process.wait(_STOP_S)

    def processes(self) -> list[str]:
        """The processes that run in the fleet's folder, by name."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink().is_relative_to(self.data):
                    found.append((process / "comm").read_text().strip())
            except OSError:
                continue
        return found

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line.rstrip("\n"))
