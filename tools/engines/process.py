"""One engine as a direct child of this process, with its data in a folder of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

CACHE = Path(os.environ.get("TINTYPE_ENGINES") or Path.home() / ".cache" / "tintype" / "engines")
"""Where ``make engines`` keeps what it downloaded and built."""

_PATIENCE_S = 180.0
"""A Java machine on a busy host takes minutes; whatever ended is noticed at once all the same."""
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
# A child dies with the thread that started it, so all are started by one that lasts.
_starter = ThreadPoolExecutor(1, thread_name_prefix="engines")


class EngineMissing(Exception):  # noqa: N818 - it reads as what it says
    """A program of this engine is not installed; ``make engines`` installs it."""


def program(name: str, *places: Path | str) -> str:
    """The path of an engine's program.

    Raises:
        EngineMissing: it is in none of the usual places.
    """
    folders = [str(CACHE / "bin"), *map(str, places), os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin", "/sbin"]))
    if found is None:
        message = f"{name} is not installed. Run: make engines"
        raise EngineMissing(message)
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class EngineProcess:
    """Starts, stops, kills, pauses and starts again; it dies with the process that started it.

    ``command`` is run in ``folder``; what it prints goes to ``<folder>/<name>.log``. ``owner`` runs
    it as somebody else when this process is root and the engine refuses to be.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        owner: str | None = None,
    ) -> None:
        self.name = name
        self.command = [*command]
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._environment = {**os.environ, **(environment or {})}
        self._owner = owner if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            message = f"{self.name} was not started"
            raise RuntimeError(message)
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
        """Start it and return once ``ready`` says so; one that runs already is only asked.

        Raises:
            RuntimeError: it ended before; the message holds the end of its log.
            TimeoutError: it did not become ready in time.
        """
        if not self.running:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._process = _starter.submit(self._spawn, log).result()
        deadline = time.monotonic() + patience_s
        while not ready():
            if not self.running:
                message = f"{self.name} ended at once:\n{self.said()}"
                raise RuntimeError(message)
            if time.monotonic() > deadline:
                self.kill()
                message = f"{self.name} was not ready after {patience_s:.0f} s:\n{self.said()}"
                raise TimeoutError(message)
            time.sleep(_POLL_S)

    def stop(self, sign: signal.Signals = signal.SIGTERM, patience_s: float = 20.0) -> None:
        """Ask it to end and wait; after ``patience_s`` it is killed."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        if self.running:
            self._process.send_signal(sign)
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL to its whole group, and reap it: an unreaped server still counts as alive."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing from when this returns on."""
        self._signal(signal.SIGSTOP)
        if self.running:
            # On a busy host its threads go on for a moment after the signal. Its end ends the
            # waiting, too, and is left for whoever asks whether it runs.
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """It goes on where it was paused."""
        self._signal(signal.SIGCONT)

    def said(self, characters: int = 3000) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def __del__(self) -> None:
        # A test that failed may have dropped it; whoever runs next must not be blamed for that.
        with contextlib.suppress(Exception):
            self.kill()

    def _spawn(self, log: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=self._environment,
            user=self._owner,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call, no locks
            start_new_session=True,
        )

    def _signal(self, sign: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sign)


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
