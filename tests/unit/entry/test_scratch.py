"""Processes that share a data folder do not share their scratch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tintype.entry.media import own_scratch


def test_what_another_live_process_works_on_stays(tmp_path: Path) -> None:
    other = tmp_path / "scratch" / str(os.getppid())
    other.mkdir(parents=True)
    (other / "photo").write_bytes(b"half done")

    own = own_scratch(tmp_path / "scratch")

    assert own.is_dir()
    assert own != other
    assert (other / "photo").exists()


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left = tmp_path / "scratch" / str(dead.pid)
    left.mkdir(parents=True)
    (left / "photo").write_bytes(b"half done")

    own_scratch(tmp_path / "scratch")

    assert not left.exists()
