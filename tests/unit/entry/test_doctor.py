from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tintype.admin import Finding
from tintype.codecs import SandboxLevel
from tintype.entry import checks, doctor


def _folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    return data


def test_a_folder_that_others_can_look_into_is_warned_of_with_the_fix(tmp_path: Path) -> None:
    data = _folder(tmp_path)
    closed = doctor._folder(data)
    data.chmod(0o755)

    open_ = doctor._folder(data)

    assert closed.level == "ok"
    assert open_.level == "degraded"
    assert f"chmod 700 {data}" in open_.detail


def test_a_secret_that_others_can_read_fails_with_the_fix(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o640)

    found = doctor._secret(secret)

    assert found.level == "failed"
    assert f"chmod 600 {secret}" in found.detail


def test_too_little_room_degrades_and_names_the_setting(tmp_path: Path) -> None:
    assert checks.free_disk(tmp_path, 0).level == "ok"

    found = checks.free_disk(tmp_path, 1 << 62)

    assert found.level == "degraded"
    assert "disk.free_floor" in found.detail


def test_a_damaged_database_fails_and_names_the_way_back(tmp_path: Path) -> None:
    database = tmp_path / "tintype.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE facts (fact TEXT)")
        connection.executemany("INSERT INTO facts VALUES (?)", [("x" * 500,)] * 200)
        connection.commit()
    whole = doctor._integrity(database)
    content = bytearray(database.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    database.write_bytes(content)

    damaged = doctor._integrity(database)

    assert whole.level == "ok"
    assert damaged.level == "failed"
    assert "tintype restore" in damaged.detail


def test_a_clock_behind_what_was_written_fails(tmp_path: Path) -> None:
    database = tmp_path / "tintype.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE event_log (at_ms INTEGER)")
        connection.execute("CREATE TABLE probes (at_ms INTEGER)")
        right = doctor._time(database)
        connection.execute("INSERT INTO event_log VALUES (4102444800000)")
        connection.commit()

    wrong = doctor._time(database)

    assert right.level == "ok"
    assert wrong.level == "failed"
    assert "2100-01-01" in wrong.detail


def test_a_schema_of_another_version_fails_and_a_fresh_one_does_not(tmp_path: Path) -> None:
    database = tmp_path / "tintype.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()

    found = checks.schema(database)

    assert found.level == "failed"
    assert "Install that version" in found.detail


def test_a_weak_sandbox_says_what_stays_open() -> None:
    full = SandboxLevel(
        files=True,
        network=("seccomp",),
        calls=True,
        signals=True,
        privileges=True,
        limits=True,
    )

    assert checks.sandbox(full).level == "ok"
    weak = checks.sandbox(SandboxLevel(limits=True))
    assert weak.level == "degraded"
    assert "files, network, system calls, signals, privileges" in weak.detail


def test_a_look_that_breaks_is_a_finding_and_not_a_crash() -> None:
    def broken() -> Finding:
        raise OSError("no such device")

    found = doctor._seen("disk", broken)

    assert (found.level, found.detail) == ("failed", "OSError: no such device")


def test_a_configuration_that_can_not_be_used_ends_the_examination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINTYPE_BNID", "127.0.0.1:1")

    found = list(doctor.examine())

    assert [(each.name, each.level) for each in found] == [("configuration", "failed")]
    assert "Did you mean bind?" in found[0].detail


def test_an_installation_without_data_is_examined_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = {each.name: each for each in doctor.examine()}

    assert {"configuration", "data folder", "sqlite", "photos", "videos"} <= found.keys()
    assert "first start" in found["data folder"].detail
    assert not [each for each in found.values() if each.level == "failed"]
