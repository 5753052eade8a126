"""A stand-in for a sharded cluster: plain PostgreSQL, every table cut into partitions by ``shard``.

``Inspector`` listens to every statement that a test runs there. Each has to name ``shard``, and its
plan with the very parameters of the test may touch only the partitions that these shards live in:
what a router in front of several servers would do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from tintype.database.postgres import PostgresDatabase

PARTITIONS = 4

EVERY_SHARD = {
    "FROM outbox WHERE outbox.shard BETWEEN": "the relay looks for events on its range of shards",
    "FROM jobs WHERE jobs.shard BETWEEN": "workers look for due jobs; operators list them",
    "UPDATE jobs SET state=$1::VARCHAR, run_at_ms": "an operator revives jobs that were given up",
    "FROM dead_letters WHERE dead_letters.shard BETWEEN": "an operator lists the dead letters",
    "UPDATE dead_letters SET reason": "a replay that failed notes its new reason",
    "FROM event_log WHERE event_log.shard BETWEEN": "figures of the operator",
    "FROM consumer_offsets WHERE consumer_offsets.shard BETWEEN": "figures of the operator",
    "UPDATE consumer_offsets SET position=consumer_offsets": "a group arrives at another log",
    "FROM idempotency WHERE idempotency.at_ms <": "old answers are forgotten",
    "FROM feed_reaches WHERE feed_reaches.shard BETWEEN": "a process that starts reads all",
    "FROM notifications WHERE notifications.id <": "old notifications are forgotten",
    "FROM notification_actors WHERE notification_actors.id <": "the same",
    "FROM notification_actors WHERE notification_actors.actor =": "an account is erased",
    "FROM comments WHERE comments.author =": "an account is erased",
    "FROM comment_likes WHERE comment_likes.account =": "an account is erased",
    "FROM saves WHERE saves.post =": "a post is erased: whoever saved it lives anywhere",
    "FROM uploads WHERE uploads.state": "the sweeper looks for uploads that nobody asks for",
    "FROM objects WHERE objects.shard >=": "figures of the operator",
    "FROM objects JOIN uploads ON uploads.shard = objects.shard": "what is due to move, by ranges",
    "FROM objects WHERE objects.shard BETWEEN": "what was begun and not finished, by ranges",
    "FROM objects LEFT OUTER JOIN uploads": "an audit reads the whole ledger",
    "FROM accounts WHERE accounts.shard BETWEEN": "a process that starts reads who is not live",
    "FROM accounts WHERE accounts.admin IS true": "whether an admin exists, at set-up",
    "FROM feed_tasks WHERE feed_tasks.shard BETWEEN": "workers share tasks of fan-out by ranges",
    "FROM tagged WHERE tagged.tag >=": "search by the start of a tag asks everybody",
    "FROM handles WHERE handles.handle >=": "search by the start of a handle asks everybody",
    "FROM accounts WHERE lower(accounts.display_name)": "search by name asks everybody",
}
"""The statements that ask more shards than they name ids of, and why: jobs that no request waits
for, what an operator looks at, and search, which design §11 gives an index of its own.
"""
TEST_ONLY = "test_only"
"""The execution option of statements with which a test looks at the outcome from above."""

_dialect: Any = asyncpg_dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
_WORD = re.compile(r"^\s*(\w+)")
_NAMES_SHARD = re.compile(r"\bshard\b\s*(=|IN\b|BETWEEN\b)|\(\s*shard\b", re.IGNORECASE)
_PARTITION = re.compile(r'"Relation Name": "(\w+)_p(\d+)"')


def created(metadata: sa.MetaData) -> Iterator[str]:
    """The statements that create every table as it is."""
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=_dialect)).strip()
        yield from _indexes(table)


def partitioned(metadata: sa.MetaData) -> Iterator[str]:
    """The statements that create every table in partitions, with their indexes."""
    for table in metadata.sorted_tables:
        create = str(CreateTable(table).compile(dialect=_dialect)).strip()
        yield f"{create} PARTITION BY HASH (shard)"
        for number in range(PARTITIONS):
            yield (
                f"CREATE TABLE {table.name}_p{number} PARTITION OF {table.name} "
                f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
        yield from _indexes(table)


def _indexes(table: sa.Table) -> Iterator[str]:
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield str(CreateIndex(index).compile(dialect=_dialect))


def from_above(statement: sa.Select[Any]) -> sa.Select[Any]:
    """A query with which a test looks at all shards; the product has none like it."""
    return statement.execution_options(**{TEST_ONLY: True})


@dataclass(frozen=True)
class Recorded:
    """One statement as it went over the wire."""

    text: str
    parameters: tuple[Any, ...]


class Inspector:
    """Records what the database is asked, and finds what a sharded cluster would not like."""

    def __init__(self, database: PostgresDatabase, url: str) -> None:
        self._url = url
        self._seen: dict[str, Recorded] = {}
        for engine in (database.engine, database.reading_engine):
            sa.event.listen(engine.sync_engine, "before_cursor_execute", self._record)

    def _record(
        self,
        _connection: Any,
        _cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        executemany: bool,
    ) -> None:
        if context is not None and context.execution_options.get(TEST_ONLY):
            return
        first = parameters[0] if executemany else parameters
        self._seen.setdefault(statement, Recorded(statement, tuple(first)))

    async def check(self) -> None:
        """Fail on the first statement that is not fit for a sharded cluster."""
        connection = await asyncpg.connect(self._url)
        try:
            for recorded in self._seen.values():
                if complaint := await self._complaint(connection, recorded):
                    message = f"{complaint}:\n{recorded.text}\n{recorded.parameters}"
                    raise AssertionError(message)
        finally:
            await connection.close()

    async def _complaint(self, connection: Any, recorded: Recorded) -> str | None:
        if "pg_advisory_xact_lock" in recorded.text or not _is_ours(recorded.text):
            return None
        flat = " ".join(recorded.text.split())
        if any(shape in flat for shape in EVERY_SHARD):
            return None
        if not _NAMES_SHARD.search(flat):
            return "names no shard"
        if flat.startswith("INSERT"):
            return None
        plan = await connection.fetchval(
            f"EXPLAIN (FORMAT JSON, COSTS OFF) {recorded.text}", *recorded.parameters
        )
        named = await self._named(connection, recorded)
        touched = {int(number) for _, number in _PARTITION.findall(plan)}
        if not touched <= named:
            return f"touches partitions {sorted(touched)} for {sorted(named)}"
        return None

    async def _named(self, connection: Any, recorded: Recorded) -> set[int]:
        """The partitions of the shards that the statement names."""
        found: set[int] = set()
        for shard in _shards(recorded):
            for number in range(PARTITIONS):
                if await connection.fetchval(
                    "SELECT satisfies_hash_partition('outbox'::regclass, $1, $2, $3::int)",
                    PARTITIONS,
                    number,
                    shard,
                ):
                    found.add(number)
        return found


def _is_ours(text: str) -> bool:
    word = _WORD.match(text)
    return word is not None and word[1].upper() in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}


def _shards(recorded: Recorded) -> Sequence[int]:
    """Every value that is compared with a column called shard."""
    found: list[int] = []
    compared = re.compile(
        r"\bshard\s*(?:=\s*(\$\d+|ANY\s*\([^()]*\))|IN\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\))",
        re.IGNORECASE,
    )
    for one, many in compared.findall(recorded.text):
        for number in re.findall(r"\$(\d+)", one or many):
            value = recorded.parameters[int(number) - 1]
            found += value if isinstance(value, list) else [int(value)]
    return found
