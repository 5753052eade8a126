"""kill -9 at any place of a move: the next run goes on, and both sides end up equal."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.scenario.moving.home import Home, fingerprints
from tintype.entry.moved import MOVED
from tintype.entry.settings import DATABASE
from tools.engines.postgres import PostgresServer

pytestmark = pytest.mark.slow

ROWS = 20_000
"""Twenty batches of the command."""
ANSWERS = 2_500
BLOBS = 200
PLACES = [
    ("Taking a snapshot", 0),
    ("Copying rows", 0),
    ("Copying rows", 1),
    ("Copying rows", ROWS // 2),
    ("Copying blobs", 0),
    ("Verifying rows", 0),
    ("Verifying blobs", 0),
]
"""What it has said when it is killed, and how many rows have arrived."""


@pytest.mark.timeout(900)
async def test_a_move_that_is_killed_again_and_again_ends_equal(home: Home) -> None:
    _fill(home)
    before = fingerprints(home.data)
    reached: list[int] = []

    for line, rows in PLACES:
        await _killed(home, line, rows)
        assert not (home.data / MOVED).exists()
        reached.append(await _counted(home))
    status, out, err = await home.move()

    assert status == 0, out + err
    assert await _counted(home) == ROWS
    # Some of the kills met the copying half-way, and nothing that had arrived was given up.
    assert reached == sorted(reached)
    assert any(0 < rows < ROWS for rows in reached)
    assert fingerprints(home.data) == before


async def test_a_source_that_went_on_meanwhile_is_copied_anew(home: Home) -> None:
    _fill(home)
    await _killed(home, "Copying blobs")
    with closing(sqlite3.connect(home.data / DATABASE)) as connection, connection:
        connection.execute("DELETE FROM counts WHERE name = 'filling' AND value % 2 = 0")
    gone = next((home.data / "blobs" / "blobs" / "originals" / "fff").iterdir())
    gone.unlink()

    status, out, err = await home.move()

    assert status == 0, out + err
    assert await _counted(home) == ROWS // 2
    assert f"originals/fff/{gone.name}" not in home.objects()


async def test_a_restart_of_postgresql_in_the_middle_is_waited_for(
    home: Home, own_postgres: PostgresServer
) -> None:
    _fill(home)
    home.url = own_postgres.url
    process = await home.start("migrate-store")
    assert process.stderr is not None
    async with asyncio.timeout(120):
        while b"Copying rows" not in await process.stderr.readline():
            continue
    await asyncio.sleep(0.3)

    own_postgres.kill()
    await asyncio.sleep(1.0)
    await asyncio.to_thread(own_postgres.start)
    out, err = await process.communicate()

    assert process.returncode == 0, (out + err).decode()
    assert await _counted(home) == ROWS


async def _killed(home: Home, line: str, rows: int = 0) -> None:
    """Start the command and kill it once it said something and so many rows have arrived."""
    process = await home.start("migrate-store")
    assert process.stderr is not None
    async with asyncio.timeout(120):
        while line.encode() not in (said := await process.stderr.readline()):
            assert said, f"it ended before it said {line!r}"
        while rows and await _counted(home) < rows:
            continue
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()


async def _counted(home: Home) -> int:
    there = await home.sql("SELECT to_regclass('counts') IS NOT NULL AS made")
    if not there[0]["made"]:
        return 0
    rows = await home.sql("SELECT count(*) AS rows FROM counts WHERE name = 'filling'")
    return int(rows[0]["rows"])


def _fill(home: Home) -> None:
    """So much that a kill meets it half-way: rows with keys of every type, and blobs."""
    with closing(sqlite3.connect(home.data / DATABASE)) as connection, connection:
        connection.executemany(
            "INSERT INTO counts (shard, subject, name, value) VALUES (?, ?, 'filling', ?)",
            [(number % 4096, number, number) for number in range(1, ROWS + 1)],
        )
        connection.executemany(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, 201, ?, 1)",
            [
                (number % 7, "somebody", os.urandom(32), os.urandom(32), os.urandom(200))
                for number in range(ANSWERS)
            ],
        )
    folder = home.data / "blobs" / "blobs" / "originals" / "fff"
    folder.mkdir(parents=True)
    for number in range(BLOBS):
        (folder / str(number)).write_bytes(os.urandom(20_000))
