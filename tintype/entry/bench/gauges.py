"""What processes on this machine use: processor time and memory, from /proc."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tintype.entry.bench.figures import Machine, Usage

_PROC = Path("/proc")
_LISTENING = "0A"
_TICKS = os.sysconf("SC_CLK_TCK")


class Watched(NamedTuple):
    """A process that is watched with all its children, by a name for the report."""

    name: str
    pid: int


def listener(port: int) -> int | None:
    """The process that listens on a port of this machine; the oldest when several share it.

    ``None`` when there is none, or none that may be looked at.
    """
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    found = []
    for process in _PROC.glob("[0-9]*"):
        try:
            if any(str(each.readlink()) in sockets for each in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue  # it ended, or is somebody else's
    return min(found, default=None)


class Gauges:
    """Readings of several processes; each reading tells what was used since the last."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = watched
        self._before = self._seconds()

    def reading(self) -> list[Usage]:
        """Since the last reading, or since the start. A process that ended used nothing."""
        trees, now = self._trees(), self._seconds()
        found = [
            Usage(
                name=each.name,
                cpu_s=round(max(0.0, now[each] - self._before[each]), 3),
                memory_mb=round(sum(map(_memory_mb, trees[each])), 1),
            )
            for each in self._watched
        ]
        self._before = now
        return found

    def _seconds(self) -> dict[Watched, float]:
        trees = self._trees()
        return {each: sum(map(_cpu_s, trees[each])) for each in self._watched}

    def _trees(self) -> dict[Watched, list[int]]:
        children = _children()
        return {each: list(_tree(each.pid, children)) for each in self._watched}


def _children() -> Mapping[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for process in _PROC.glob("[0-9]*"):
        if fields := _stat(int(process.name)):
            found[int(fields[1])].append(int(process.name))
    return found


def _tree(pid: int, children: Mapping[int, list[int]]) -> Iterable[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _tree(child, children)


def _stat(pid: int) -> list[str]:
    """The fields of a process behind its name; none when it ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_s(pid: int) -> float:
    """Its own time and that of its children that ended."""
    return sum(map(int, _stat(pid)[11:15])) / _TICKS


def _memory_mb(pid: int) -> float:
    try:
        rolled = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+)", rolled, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def load_now() -> float:
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def machine() -> Machine:
    """This machine, as it stands now."""
    facts, memory = (_PROC / "cpuinfo").read_text(), (_PROC / "meminfo").read_text()
    model = re.search(r"model name\s*: (.*)", facts)
    total = re.search(r"MemTotal:\s+(\d+)", memory)
    return Machine(
        processor=model[1] if model else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gb=round(int(total[1]) / 2**20, 1) if total else 0.0,
        python=platform.python_version(),
        load_before=load_now(),
    )


def commit() -> str:
    """The commit of a clone, marked when its tree differs; empty when this is no clone."""
    root = Path(__file__).parents[3]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    done = subprocess.run(  # noqa: S603 - a program of the system, with words of our own
        [git, "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
