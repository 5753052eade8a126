"""What is said about a PostgreSQL, from its own settings."""

from __future__ import annotations

from tintype.entry.doctor_engines import _judged

GOOD = {
    "server_version": "15.8",
    "server_version_num": "150008",
    "fsync": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "max_connections": "100",
}


def test_a_good_server_has_nothing_to_mend() -> None:
    assert {found.level for found in _judged(GOOD, 10)} == {"ok"}


def test_a_server_that_does_not_sync_fails() -> None:
    found = {each.name: each for each in _judged(GOOD | {"fsync": "off"}, 10)}

    assert found["postgresql fsync"].level == "failed"
    assert "power cut" in found["postgresql fsync"].detail


def test_an_old_server_fails() -> None:
    old = GOOD | {"server_version": "13.1", "server_version_num": "130001"}

    assert next(_judged(old, 10)).level == "failed"


def test_pools_that_would_take_every_connection_are_named() -> None:
    found = {each.name: each.level for each in _judged(GOOD, 40)}

    assert found["postgresql connections"] == "degraded"
