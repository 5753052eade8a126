"""What a killed supervisor leaves behind: processes that outlive the one that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

_PATIENCE_S = 5.0
_POLL_S = 0.02


PROGRAMS = frozenset({"java", "nginx", "postgres", "redis-server", "versitygw"})
"""The engines, as the kernel names their processes."""


def end_leftovers(folder: Path, programs: Collection[str] = PROGRAMS) -> int:
    """Kill the processes of these programs that run in this folder or below it; wait for their end.

    Every engine runs in the folder of its own data, so nobody else's server is touched, and no
    shell that happens to be there. Returns how many there were.
    """
    found = _running_in(folder.resolve(), programs)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE_S
    while any(_lives(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return len(found)


def _running_in(folder: Path, programs: Collection[str]) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes come and go, and those of others do not show where they run.
        with contextlib.suppress(OSError):
            here = (process / "cwd").readlink()
            known = (process / "comm").read_text().strip() in programs
            if known and here.is_relative_to(folder):
                found.append(int(process.name))
    return found


def _lives(pid: int) -> bool:
    """A dead process that nobody reaped holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
