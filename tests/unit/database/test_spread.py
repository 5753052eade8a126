"""Spreading the schema over a cluster: what is asked of it, in which order, and again after a stop.

Citus is in no package registry, so nothing here runs on one. The statements are recorded, and the
layout they make is stood in for by the hash partitions on which every store test runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import tintype.entry.compose  # noqa: F401 - its slices declare the tables
from tintype.database import metadata
from tintype.database.postgres_pool import autocommit, open_engine
from tintype.database.settings import DatabaseSettings
from tintype.database.spread import REFERENCE, CannotSpread, plan, spread
from tintype.entry.cli_database import _Coordinator

TABLES = sorted(metadata.tables)
_SPREAD = re.compile(r"SELECT create_distributed_table\('(\w+)', 'shard', (.*)\)")
_REFERENCE = re.compile(r"SELECT create_reference_table\('(\w+)'\)")


class Recording:
    """Remembers what it was asked and shows tables as spread once they were; may break off."""

    def __init__(self, *, breaks_after: int | None = None, extension: bool = True) -> None:
        self.ran: list[str] = []
        self.placed: dict[str, dict[str, Any]] = {}
        self.breaks_after = breaks_after
        self._extension = extension

    async def rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        if "pg_extension" in statement:
            return [{"extversion": "12.1"}] if self._extension else []
        assert "citus_tables" in statement
        return list(self.placed.values())

    async def run(self, statement: str) -> None:
        if len(self.ran) == self.breaks_after:
            raise ConnectionError
        self.ran.append(statement)
        if cut := _SPREAD.fullmatch(statement):
            self.place(cut[1], "distributed", "shard", 1)
        elif copied := _REFERENCE.fullmatch(statement):
            self.place(copied[1], "reference", "<none>", 2)
        else:
            pytest.fail(statement)

    def place(self, name: str, kind: str, key: str, colocation: int) -> None:
        self.placed[name] = {"name": name, "kind": kind, "key": key, "colocation": colocation}


def _nothing(_: str) -> None:
    pass


def test_every_table_has_its_step_and_accounts_is_the_first() -> None:
    steps = plan(TABLES, shards=32)

    assert sorted(step.table for step in steps) == sorted([*TABLES, "alembic_version"])
    first, *others = steps
    assert first.statement == (
        "SELECT create_distributed_table('accounts', 'shard', shard_count => 32)"
    )
    cut = [step for step in others if "distributed" in step.statement]
    assert all(step.statement.endswith("colocate_with => 'accounts')") for step in cut)
    copied = {step.table for step in others} - {step.table for step in cut}
    assert copied == REFERENCE & {*TABLES, "alembic_version"}


async def test_the_whole_schema_is_spread_once() -> None:
    cluster = Recording()

    done = await spread(cluster, TABLES, tell=_nothing)
    again = await spread(cluster, TABLES, tell=_nothing)

    assert done == len(TABLES) + 1
    assert again == 0
    assert cluster.ran == [step.statement for step in plan(TABLES)]


@pytest.mark.parametrize("after", [0, 1, 7])
async def test_after_an_interruption_the_rest_is_done_and_nothing_twice(after: int) -> None:
    cluster = Recording(breaks_after=after)
    with pytest.raises(ConnectionError):
        await spread(cluster, TABLES, tell=_nothing)

    cluster.breaks_after = None
    done = await spread(cluster, TABLES, tell=_nothing)

    assert done == len(TABLES) + 1 - after
    assert cluster.ran == [step.statement for step in plan(TABLES)]


async def test_a_dry_run_tells_every_statement_and_runs_none() -> None:
    cluster = Recording()
    told: list[str] = []

    await spread(cluster, TABLES, dry_run=True, tell=told.append)

    assert told == [f"{step.statement};" for step in plan(TABLES)]
    assert cluster.ran == []


@pytest.mark.parametrize(
    ("name", "kind", "key", "colocation"),
    [
        pytest.param("posts", "distributed", "author", 1, id="by another column"),
        pytest.param("posts", "distributed", "shard", 9, id="apart from accounts"),
        pytest.param("instance", "distributed", "shard", 1, id="a reference table cut up"),
        pytest.param("posts", "reference", "<none>", 2, id="a big table copied everywhere"),
    ],
)
async def test_a_table_that_is_spread_in_another_way_is_refused(
    name: str, kind: str, key: str, colocation: int
) -> None:
    cluster = Recording()
    cluster.place("accounts", "distributed", "shard", 1)
    cluster.place(name, kind, key, colocation)

    with pytest.raises(CannotSpread, match=rf"undistribute_table\('{name}'\)"):
        await spread(cluster, TABLES, tell=_nothing)

    assert cluster.ran == []


async def test_without_the_extension_it_is_said_what_to_do() -> None:
    with pytest.raises(CannotSpread, match="CREATE EXTENSION citus"):
        await spread(Recording(extension=False), TABLES, tell=_nothing)


@pytest.mark.engines
async def test_a_plain_postgresql_is_no_cluster(postgres_url: str) -> None:
    engine = open_engine(postgres_url, DatabaseSettings(url=postgres_url))

    with pytest.raises(CannotSpread, match="CREATE EXTENSION citus"):
        await spread(_Coordinator(autocommit(engine)), TABLES, tell=_nothing)

    await engine.dispose()
