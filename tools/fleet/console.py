"""What a fleet says: one line each, with the part's name in its colour before it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_WIDTH = 21
_POLL_S = 0.1
_MOST_BYTES = 64 * 1024 * 1024
_ACCESS = '{"at":"'
"""How a line of the gateway's access log begins; those stay in their file."""


class Console:
    """Prints lines from several threads, whole."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}

    def say(self, name: str, line: str) -> None:
        """One line of this part."""
        with self._lock:
            colour = self._known.setdefault(name, _COLOURS[len(self._known) % len(_COLOURS)])
            label = f"{name:<{_WIDTH}}"
            if self._coloured:
                label = f"\x1b[{colour}m{label}\x1b[0m"
            print(f"{label} {line}", flush=True)

    def follow(self, name: str, log: Path) -> None:
        """Say what is written to this file from now on, until this process ends."""
        threading.Thread(target=self._follow, args=(name, log), daemon=True).start()

    def _follow(self, name: str, log: Path) -> None:
        place = log.stat().st_size if log.exists() else 0
        rest = b""
        while True:
            time.sleep(_POLL_S)
            if not log.exists():
                continue
            size = log.stat().st_size
            if size > _MOST_BYTES:
                # Writers append, so they go on at the new end.
                os.truncate(log, 0)
                place = 0
                continue
            with log.open("rb") as file:
                file.seek(place)
                fresh = file.read()
            place += len(fresh)
            *lines, rest = (rest + fresh).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                if text and not text.startswith(_ACCESS):
                    self.say(name, text)
