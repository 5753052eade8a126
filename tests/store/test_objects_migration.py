"""What was stored before there was a ledger is in it afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.store.test_migrations import run

UPLOAD = (123_456_789 << 22) | (5 << 10)


def test_files_from_before_the_ledger_are_entered_into_it(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    run(path, "0014")
    with closing(sqlite3.connect(path)) as connection:
        for number, state in enumerate(("ready", "uploading", "expired", "failed")):
            connection.execute(
                "INSERT INTO uploads (shard, id, owner, kind, state, access, content_type, bytes,"
                " held_bytes, remote, width, height, expires_ms, changed_ms)"
                " VALUES (5, ?, 1, 'photo', ?, 'owner', 'image/jpeg', 100, 130, 'r', 1, 1, 0, 0)",
                (UPLOAD + number, state),
            )
        for rung, form, sha256 in (
            ("150", "jpeg", "a"),
            ("240", "jpeg", "a"),
            ("150", "webp", "b"),
        ):
            connection.execute(
                "INSERT INTO renditions (shard, upload, rung, format, width, height, bytes, sha256)"
                " VALUES (5, ?, ?, ?, 1, 1, 15, ?)",
                (UPLOAD, rung, form, sha256 * 64),
            )
        connection.commit()

    run(path, "0015")

    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT upload, name, kind, bytes, tier, state, place, stored_ms FROM objects"
            " ORDER BY upload, name"
        ).fetchall()
    stored = 123_456_789 + 1_704_067_200_000
    rest = ("hot", "resting", "main", stored)
    assert rows == [
        (UPLOAD, "a" * 32 + ".jpg", "rendition", 15, *rest),
        (UPLOAD, "b" * 32 + ".webp", "rendition", 15, *rest),
        (UPLOAD, "original", "original", 100, *rest),
        (UPLOAD + 3, "original", "original", 100, *rest),
    ]
