"""A load test from the world to the page, as an operator does it: one world, one server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from tests.trust.server import ROOT, ServerProcess
from tintype.entry.bench.figures import read_results
from tintype.entry.bench.world_file import WORLD_FILE, read_world
from tintype.entry.cli_bench import bench_app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SHORT = ("--stratum-seconds", "1", "--stratum-rate", "20", "--viewers", "8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("bench") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINTYPE_DATA", str(server.data))
        patch.setenv("TINTYPE_BIND", f"127.0.0.1:{server.port}")
        made = _tintype("world", "--accounts", "60", "--viewers", "12")
        assert made.exit_code == 0, made.output
        asyncio.run(server.start())
        yield server
        asyncio.run(server.stop())


def test_a_world_is_asked_and_reported_with_plots_that_a_person_can_read(
    server: ServerProcess, tmp_path: Path
) -> None:
    results, page = tmp_path / "results.json", tmp_path / "load" / "index.md"

    told = ("--rates", "20,60", "--seconds", "1", "--lag-posts", "2", "--out", str(results))
    ran = _tintype("run", *told, *SHORT)
    wrote = _tintype("report", str(results), "--to", str(page.parent))

    assert ran.exit_code == 0, ran.output
    assert wrote.exit_code == 0, wrote.output
    measured = read_results(results)
    assert measured.complete
    assert [step.rate for step in measured.steps] == [20, 60]
    assert all(step.answered == step.asked > 0 for step in measured.steps)
    assert all(step.usage[0].memory_mb > 0 for step in measured.steps)
    assert sum(step.cpu_us for step in measured.steps) > 0
    assert measured.lag is not None
    assert (measured.lag.missing, measured.lag.posts) == (0, 2)
    assert len(measured.strata) > 1
    plots = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    assert len(plots) == 3
    for plot in plots:
        drawn = (page.parent / plot).read_text()
        ET.fromstring(drawn)
        assert "prefers-color-scheme: dark" in drawn
    assert read_results(page.parent / "embedded.json").steps == measured.steps


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_had_measured(
    server: ServerProcess, tmp_path: Path, sign: signal.Signals
) -> None:
    results = tmp_path / "results.json"
    arguments = ["bench", "run", "--rates", "20,20", "--seconds", "30", "--out", str(results)]
    running = subprocess.Popen(
        [sys.executable, "-m", "tintype", *arguments, *SHORT],
        cwd=ROOT,
        env=dict(os.environ),  # noqa: TID251 - a child process inherits the environment
        stderr=subprocess.PIPE,
    )
    assert running.stderr is not None
    before = _feeds(server)
    while _feeds(server) < before + 30:
        assert running.poll() is None
        time.sleep(0.1)
    running.send_signal(sign)
    running.communicate(timeout=60)

    assert running.returncode == 130
    measured = read_results(results)
    assert not measured.complete
    assert measured.steps[0].seconds < 30
    assert measured.steps[0].answered > 0


def test_a_server_that_does_not_know_the_world_is_never_written_to(
    server: ServerProcess, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    world = json.loads((server.data / WORLD_FILE).read_text())
    for each in [*world["viewers"], *world["authors"]]:
        each["token"] = each["token"][::-1]
    (other / WORLD_FILE).write_text(json.dumps(world))
    before = _posts(server)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINTYPE_DATA", str(other))
        refused = _tintype("run", "--rates", "50", "--seconds", "1", *SHORT)

    assert refused.exit_code == 1
    assert "does not know the accounts of this world" in refused.output
    assert _posts(server) == before


def test_an_instance_without_a_world_is_only_read_and_only_when_told_so(
    server: ServerProcess, tmp_path: Path
) -> None:
    tokens, results = tmp_path / "tokens", tmp_path / "results.json"
    tokens.write_text(read_world(server.data).viewers[0].token + "\n")
    told = ("run", "--rates", "50", "--seconds", "1", "--out", str(results), *SHORT)
    before = _posts(server)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINTYPE_DATA", str(tmp_path))
        refused = _tintype(*told, "--tokens", str(tokens))
        allowed = _tintype(*told, "--tokens", str(tokens), "--force")

    assert refused.exit_code == 1
    assert "holds no world" in refused.output
    assert allowed.exit_code == 0, allowed.output
    assert set(read_results(results).steps[0].latency) <= {"feed", "deeper", "profile"}
    assert _posts(server) == before


def _tintype(*arguments: str) -> Result:
    return CliRunner().invoke(bench_app, list(arguments), catch_exceptions=False)


def _feeds(server: ServerProcess) -> float:
    """How many pages of feeds were answered so far."""
    with urllib.request.urlopen(f"{server.base_url}/metrics", timeout=30) as said:
        lines = said.read().decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("tintype_feed_answers_t")
    )


def _posts(server: ServerProcess) -> list[int]:
    """How many posts each author of the world has."""
    found = []
    for author in read_world(server.data).authors[:10]:
        url = f"{server.base_url}/v1/accounts/{author.account}"
        with urllib.request.urlopen(url, timeout=30) as said:
            found.append(json.load(said)["counts"]["posts"])
    return found
