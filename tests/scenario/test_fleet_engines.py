"""The engines of ``make fleet``: up together, up again after the worst, gone when told to go."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.engines_fleet import need_engines
from tests.fleet import FleetProcess, roomy_folder
from tools.engines.catalog import POSTGRESQL_FOLDERS
from tools.engines.process import answers, program
from tools.engines.redis import ask

pytestmark = pytest.mark.slow
RUNNING = "the engines run"


@pytest.fixture(scope="module")
def cold() -> Iterator[FleetProcess]:
    """A fleet that nobody has started yet; starting one takes long, so all tests use this."""
    need_engines()
    folder = roomy_folder("tintype-engines-")
    opened = FleetProcess(folder / "fleet", "--engines")
    yield opened
    opened.kill()
    shutil.rmtree(folder)


@pytest.fixture
def fleet(cold: FleetProcess) -> FleetProcess:
    if not cold.running:
        cold.start(RUNNING)
    return cold


def test_a_fleet_that_is_stopped_while_it_starts_can_be_started_again(cold: FleetProcess) -> None:
    for sign in (signal.SIGINT, signal.SIGKILL):
        cold.start("data in")
        time.sleep(0.3)
        began = time.monotonic()
        cold.stop(sign)
        assert time.monotonic() - began < 30

    cold.start(RUNNING)


def test_every_engine_answers_on_the_port_that_is_remembered(fleet: FleetProcess) -> None:
    names = ["postgresql", "kafka", "s3", "redis-1", "redis-2", "redis-3"]

    assert [name for name in names if not answers(fleet.port(name))] == []
    assert "cluster_state:ok" in ask(fleet.port("redis-1"), "CLUSTER", "INFO")


def test_an_engine_that_dies_is_started_again(fleet: FleetProcess) -> None:
    said = ask(fleet.port("redis-2"), "INFO", "server")
    os.kill(int(re.findall(r"process_id:(\d+)", said)[0]), signal.SIGKILL)

    fleet.wait_for(r"redis +DIED; starts again in 0\.5 s")
    _until_answers(fleet.port("redis-2"))

    assert "cluster_state:ok" in ask(fleet.port("redis-1"), "CLUSTER", "INFO")


def test_after_kill_nine_of_the_group_nothing_lives_and_everything_is_found_again(
    fleet: FleetProcess,
) -> None:
    _sql(fleet, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('plate')")
    before = (fleet.data / "fleet.json").read_text()

    fleet.kill()
    deadline = time.monotonic() + 10
    while fleet.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert fleet.processes() == []
    fleet.start(RUNNING)

    assert (fleet.data / "fleet.json").read_text() == before
    assert _sql(fleet, "SELECT word FROM kept") == "plate"
    assert "cluster_state:ok" in ask(fleet.port("redis-1"), "CLUSTER", "INFO")


def test_control_c_ends_everything_in_order_with_status_zero(fleet: FleetProcess) -> None:
    status = fleet.stop()

    assert status == 0
    assert fleet.processes() == []
    ended = [line.split()[0] for line in fleet.said().splitlines() if " ended in " in line]
    assert sorted(ended) == ["kafka", "postgresql", "redis", "s3"]


def _sql(fleet: FleetProcess, statement: str) -> str:
    where = ["-h", "127.0.0.1", "-p", str(fleet.port("postgresql")), "-U", "postgres"]
    done = subprocess.run(
        [program("psql", *POSTGRESQL_FOLDERS), *where, "-XAtq", "-d", "tintype", "-c", statement],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _until_answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while not answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
