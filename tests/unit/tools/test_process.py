"""What becomes of an engine's process when its launcher is used wrongly or forgotten."""

import os
import signal
import time
from pathlib import Path

import pytest

from tools.engines.process import EngineProcess

SLEEPS = ["sleep", "600"]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_runs_is_not_started_a_second_time(tmp_path: Path) -> None:
    engine = EngineProcess("sleeper", SLEEPS, tmp_path)
    engine.start(lambda: True)
    first = engine.pid

    engine.start(lambda: True)

    assert engine.pid == first
    engine.kill()
    assert not lives(first)


def test_one_that_does_not_become_ready_is_ended(tmp_path: Path) -> None:
    engine = EngineProcess("sleeper", SLEEPS, tmp_path)
    pids = []

    def never() -> bool:
        pids.append(engine.pid)
        return False

    with pytest.raises(TimeoutError):
        engine.start(never, patience_s=0.1)

    assert not engine.running
    assert not lives(pids[0])


def test_one_that_ends_at_once_says_what_it_printed(tmp_path: Path) -> None:
    engine = EngineProcess("talker", ["sh", "-c", "echo no room; exit 3"], tmp_path)

    with pytest.raises(RuntimeError, match="no room"):
        engine.start(lambda: False)


def test_one_whose_launcher_is_dropped_ends_with_it(tmp_path: Path) -> None:
    engine = EngineProcess("sleeper", SLEEPS, tmp_path)
    engine.start(lambda: True)
    pid = engine.pid

    del engine

    deadline = time.monotonic() + 10
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(pid)


def test_one_that_was_paused_does_nothing_from_then_on(tmp_path: Path) -> None:
    engine = EngineProcess("counter", ["sh", "-c", "while :; do echo more; done"], tmp_path)
    engine.start(lambda: engine.said() != "")

    for _ in range(20):
        engine.pause()
        paused_at = engine.log.stat().st_size
        assert _state(engine.pid) == "T"
        assert engine.log.stat().st_size == paused_at
        engine.resume()
    engine.kill()


def test_one_that_has_just_ended_can_be_paused(tmp_path: Path) -> None:
    engine = EngineProcess("sleeper", SLEEPS, tmp_path)
    engine.start(lambda: True)

    os.kill(engine.pid, signal.SIGKILL)
    engine.pause()

    assert not engine.running


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
