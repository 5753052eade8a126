"""What a fleet remembers, and when it starts again what died."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tools.engines.leftovers import end_leftovers
from tools.fleet.layout import Place
from tools.fleet.part import Part
from tools.fleet.state import FleetError, State

NAMES = ("api-1", "api-2", "kafka")


def test_ports_and_secret_are_the_same_the_next_time(tmp_path: Path) -> None:
    first = State(tmp_path, NAMES)
    first.release()

    second = State(tmp_path, NAMES)

    assert second.ports == first.ports
    assert second.secret == first.secret
    assert not second.moved


def test_every_name_has_a_port_of_its_own_that_no_outgoing_connection_takes(
    tmp_path: Path,
) -> None:
    state = State(tmp_path, NAMES)

    assert len({*state.ports.values()}) == len(NAMES)
    assert all(17_000 <= port < 21_000 for port in state.ports.values())


def test_a_port_that_somebody_else_took_is_replaced_and_named(tmp_path: Path) -> None:
    first = State(tmp_path, NAMES)
    first.release()

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first.ports["kafka"]))
        stranger.listen()
        second = State(tmp_path, NAMES)

    assert second.moved == {"kafka"}
    assert second.ports["kafka"] != first.ports["kafka"]
    assert second.ports["api-1"] == first.ports["api-1"]


def test_a_second_fleet_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = State(tmp_path, NAMES)

    with pytest.raises(FleetError, match="another fleet runs"):
        State(tmp_path, NAMES)

    first.release()
    State(tmp_path, NAMES).release()


def test_nobody_else_may_read_the_secret(tmp_path: Path) -> None:
    State(tmp_path, NAMES)

    assert (tmp_path / "fleet.json").stat().st_mode & 0o077 == 0


def test_a_damaged_file_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "fleet.json").write_text(json.dumps({"ports": 7}))

    with pytest.raises(FleetError, match="remove it"):
        State(tmp_path, NAMES)


class Nothing:
    """A server that is there at once."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


def test_what_dies_often_waits_longer_before_it_starts_again() -> None:
    part = Part("api-1", Nothing(), lambda: True, 0)
    part.start()
    now = part._started

    waits = [part.note_death(now + 1) for _ in range(9)]

    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == 30.0


def test_after_a_steady_minute_the_first_death_counts_as_the_first_again() -> None:
    part = Part("api-1", Nothing(), lambda: True, 0)
    part.start()
    for _ in range(5):
        part.note_death(part._started + 1)

    wait = part.note_death(part._started + 61)

    assert wait == 0.5
    assert not part.is_due(part._started + 61)
    assert part.is_due(part._started + 62)


def test_the_fleets_own_variables_do_not_reach_the_roles(tmp_path: Path) -> None:
    place = Place.of(
        {
            "TINTYPE_BIND": "0.0.0.0:8000",
            "TINTYPE_DATA": str(tmp_path),
            "TINTYPE_ENGINES": "/elsewhere",
            "TINTYPE_RATE_LIMITS__FACTOR": "10",
        }
    )

    assert dict(place.variables) == {"TINTYPE_RATE_LIMITS__FACTOR": "10"}
    assert place.data == tmp_path
    assert place.address == "http://localhost:8000"


def test_only_engines_that_run_in_the_folder_count_as_left_behind(tmp_path: Path) -> None:
    inside, outside = tmp_path / "fleet" / "deep", tmp_path / "fleet-of-somebody"
    inside.mkdir(parents=True)
    outside.mkdir()
    sleepers = [subprocess.Popen(["sleep", "60"], cwd=folder) for folder in (inside, outside)]
    try:
        spared = end_leftovers(tmp_path / "fleet")
        ended = end_leftovers(tmp_path / "fleet", {"sleep"})

        assert (spared, ended) == (0, 1)
        assert sleepers[0].wait(5) == -9
        assert sleepers[1].poll() is None
        os.kill(sleepers[1].pid, 0)
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
