"""What a fleet says: one line each, with the part's name in its colour before it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from pathlib import Path

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_WIDTH = 21
_POLL_S = 0.1
_MOST_BYTES = 64 * 1024 * 1024
_HIDDEN = re.compile(
    r'^\{"at":"'  # the access log of the gateway stays in its file
    # Each API process offers the set-up at its own address; the fleet says it once, with its own.
    r"|^No admin yet\.|^  [a-z0-9]{16,}$|/setup\?token="
)


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
        place = log.stat().st_size if log.exists() else 0
        threading.Thread(target=self._follow, args=(name, log, place), daemon=True).start()

    def _follow(self, name: str, log: Path, place: int) -> None:
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
                if text and not _HIDDEN.search(text):
                    self.say(name, text)
