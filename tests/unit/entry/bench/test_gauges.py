"""Readings of real processes: who listens, what a tree of processes uses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tintype.entry.bench.gauges import Gauges, Watched, listener

BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
WORK = """
import time
held = bytearray(60 * 2**20)
while time.process_time() < 0.5: pass
print('done', flush=True)
time.sleep(60)
"""


def test_the_process_that_listens_at_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert listener(port) == os.getpid()
    assert listener(port) is None


def test_the_work_and_memory_of_children_count_for_their_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY.format(work=WORK)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as parent:
        gauges = Gauges([Watched("serve", parent.pid)])
        assert parent.stdout is not None
        parent.stdout.readline()
        try:
            (used,) = gauges.reading()
            (nothing,) = gauges.reading()
        finally:
            os.killpg(parent.pid, 9)

    assert 0.4 <= used.cpu_s < 5
    assert used.memory_mb > 60
    assert nothing.cpu_s < 0.2


def test_a_process_that_is_gone_uses_nothing_and_breaks_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as short:
        pid = short.pid

    (used,) = Gauges([Watched("gone", pid)]).reading()

    assert (used.cpu_s, used.memory_mb) == (0.0, 0.0)
