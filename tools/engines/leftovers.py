"""What a killed supervisor leaves behind: processes that outlive the one that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_PATIENCE_S = 5.0
_POLL_S = 0.02


def end_leftovers(folder: Path, *, name: str | None = None) -> int:
    """Kill the processes that run in this folder or below it, and wait until they are gone.

    Everything that is started here runs in the folder of its own data, so this touches nobody
    else's server. ``name`` narrows it to one program. Returns how many there were.
    """
    found = [pid for pid in _running_in(folder.resolve(), name) if pid != os.getpid()]
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE_S
    while any(_lives(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return len(found)


def _running_in(folder: Path, name: str | None) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes come and go, and those of others do not show where they run.
        with contextlib.suppress(OSError):
            here = (process / "cwd").readlink()
            known = name is None or (process / "comm").read_text().strip() == name
            if known and here.is_relative_to(folder):
                found.append(int(process.name))
    return found


def _lives(pid: int) -> bool:
    """A dead process that nobody reaped holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
