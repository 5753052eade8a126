"""N11: from the start of ``tintype serve`` to its first answer, and its memory when idle.

Peer: none; the bars are absolute, the interpreter's own start is printed beside them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

START_BAR_S, MEMORY_BAR_MB = 2.0, 200.0
RUNS, IDLE_S = 5, 8.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resident_mb(group: int) -> float:
    """Resident memory of every process of a group, shared pages counted once (PSS)."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) != group:
                continue
            for line in (entry / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except (ProcessLookupError, FileNotFoundError, PermissionError):
            continue
    return total / 1024


def start_once(folder: Path) -> tuple[float, float]:
    """Seconds to the first answer, and megabytes after a while of doing nothing."""
    port = free_port()
    environment = dict(os.environ) | {  # noqa: TID251 - a child process inherits the environment
        "TINTYPE_DATA": str(folder),
        "TINTYPE_BIND": f"127.0.0.1:{port}",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tintype", "serve"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1):
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.005)
        seconds = time.perf_counter() - began
        time.sleep(IDLE_S)
        return seconds, resident_mb(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        runs = [start_once(Path(folder)) for _ in range(RUNS)]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    bare = time.perf_counter() - began
    seconds = statistics.median(run[0] for run in runs[1:])
    megabytes = max(run[1] for run in runs)
    rows = [
        {
            "n": "N11",
            "figure": "start to first answer (median of warm starts)",
            "measured": f"{seconds:.2f} s (bare interpreter {bare:.2f} s, cold {runs[0][0]:.2f} s)",
            "bar": f"< {START_BAR_S:.0f} s",
            "ok": seconds < START_BAR_S,
        },
        {
            "n": "N11",
            "figure": "idle memory of `tintype serve` (PSS of all its processes)",
            "measured": f"{megabytes:.0f} MB",
            "bar": f"< {MEMORY_BAR_MB:.0f} MB",
            "ok": megabytes < MEMORY_BAR_MB,
        },
    ]
    for row in rows:
        print(json.dumps(row))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
