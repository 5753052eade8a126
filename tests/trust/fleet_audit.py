"""What is true once a fleet has settled: its rows, its counts, its log and its timelines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import asyncpg
from confluent_kafka import Consumer, KafkaError, TopicPartition
from pydantic import SecretStr

from tests.simulation import invariants as named
from tests.trust.fleet_faults import Rig
from tests.trust.fleet_judge import Reader
from tests.trust.fleet_load import POLL_S
from tests.trust.fleet_walkers import Walkers
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines
from tintype.kernel.clock import SystemClock
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelineState

_TOPIC = "tintype.events"
_NEWEST = 2**63 - 1
_MOST = 400
_MIRRORS = (
    ("following", "follower, followee", "followers"),
    ("blocks", "blocker, blocked", "blocked_by"),
    ("mutes", "muter, muted", "muted_by"),
    ("requested_follows", "requester, followee", "follow_requests"),
)
_COUNTED = (("followers", "followee"), ("following", "follower"))


class Sent(NamedTuple):
    """An event as it stands in the log."""

    kind: str
    id: int
    number: int
    key: int
    author: str


class Audit:
    """Looks at the engines themselves; everything is judged by the walkers' judge."""

    def __init__(self, rig: Rig, walkers: Walkers) -> None:
        self._rig = rig
        self._walkers = walkers
        self._judge = walkers.judge
        self._facts = walkers.facts
        settings = RedisSettings(url=SecretStr(rig.redis.url), timeout_ms=2_000)
        self._timelines = RedisTimelines(Redis(settings), SystemClock())
        self._turn = 0

    async def close(self) -> None:
        await self._timelines.close()

    async def evict(self, reader: Reader) -> str:
        """By turns the timeline is dropped, cut short, or goes with all of its node."""
        self._turn += 1
        with contextlib.suppress(Unavailable, OSError, AssertionError):
            match self._turn % 3:
                case 0:
                    await self._timelines.drop(int(reader.person.id))
                    return named.NO_PARTIAL
                case 1:
                    await self._timelines.trim(int(reader.person.id), 3)
                    return named.FLOOR
                case _:
                    node = self._rig.redis.nodes[self._turn // 3 % 3]
                    if node.process.running:
                        await self._rig.do(node.ask, "FLUSHALL")
                        return named.NO_PARTIAL
        return named.NO_SKIPS

    async def all(self, patience_s: float) -> None:
        """Everything, once there is nothing left to be done."""
        await self.feeds(named.CONVERGES, patience_s)
        await self.timelines()
        await self.mirrored()
        await self.counted(patience_s)
        await self.outbox(patience_s)

    # ---- feeds -----------------------------------------------------------------------------------

    async def feeds(self, name: str, patience_s: float, tier: str = "chronological") -> None:
        """Both doors answer with this tier, and with the truth."""
        deadline = time.monotonic() + patience_s
        for reader in self._walkers.readers:
            for door in self._walkers.doors.addresses:
                truth = self._facts.truth(reader)
                while True:
                    page = await self._walkers.page(reader.person, None, 1, door)
                    found = await self._walkers.walk(reader, limit=7, door=door)
                    right = found == truth and page.tier == tier
                    if right or time.monotonic() > deadline:
                        break
                    await asyncio.sleep(POLL_S)
                lost, extra = {*truth} - {*found}, {*found} - {*truth}
                said = f"{reader.person.id} ({page.tier}): lost {lost}, extra {extra}"
                self._judge.require(name, right, said)
        self._facts.check_patience()

    async def timelines(self) -> None:
        """A timeline that is trusted holds the truth above its floor."""
        for reader in self._walkers.readers:
            page = await self._timelines.page(int(reader.person.id), _NEWEST, _MOST)
            if page.state is TimelineState.READY:
                due = {post for post in self._facts.truth(reader) if post > page.floor}
                missing = due - {*page.ids}
                said = f"the timeline of {reader.person.id} lacks {sorted(missing)}"
                self._judge.require(named.NO_PARTIAL, not missing, said)

    async def tiers(self, patience_s: float) -> None:
        """With timelines switched off, and on again, the same walk gives the same ids."""
        await self._rig.command("admin", "flags", "set", "feed-timelines", "off")
        try:
            await self.feeds(named.TIERS, patience_s, "database")
        finally:
            await self._rig.command("admin", "flags", "clear", "feed-timelines")
        await self.feeds(named.TIERS, patience_s)

    async def returned(self, patience_s: float) -> None:
        """Every timeline is pruned; all come back while posts arrive."""
        walkers = self._walkers
        for node in self._rig.redis.nodes:
            await self._rig.do(node.ask, "FLUSHALL")
        authors = (walkers.steady, walkers.second)
        publishing = [walkers.publish(author) for author in authors]
        reading = [walkers.walk(reader, limit=3) for reader in walkers.readers]
        await asyncio.gather(*publishing, *reading)
        await self.feeds(named.RETURN, patience_s)

    # ---- rows ------------------------------------------------------------------------------------

    async def _ask(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self._rig.postgres.url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def mirrored(self) -> None:
        """Each relation and its mirror agree, in one snapshot, whatever goes on."""
        for table, columns, mirror in _MIRRORS:
            here, there = (f"SELECT {columns} FROM {each}" for each in (table, mirror))
            odd = await self._ask(f"({here} EXCEPT {there}) UNION ALL ({there} EXCEPT {here})")
            said = f"{table} and {mirror}: {[tuple(row) for row in odd][:5]}"
            self._judge.require(named.MIRRORED, not odd, said)

    async def counted(self, patience_s: float) -> None:
        """No count is negative, and once all are folded each is the number of its rows."""
        below = await self._ask("SELECT subject, name, value FROM counts WHERE value < 0")
        self._judge.require(named.COUNTED, not below, f"negative: {[tuple(row) for row in below]}")
        wrong = await self._waited(self._miscounted, patience_s)
        self._judge.require(named.COUNTED, not wrong, f"counts are not the rows: {wrong[:5]}")

    async def _miscounted(self) -> list[str]:
        wrong = []
        for name, account in _COUNTED:
            rows = await self._ask(
                f"SELECT coalesce(c.subject, r.subject) AS subject, coalesce(c.value, 0) AS told,"
                f" coalesce(r.n, 0) AS there FROM"
                f" (SELECT subject, value FROM counts WHERE name = '{name}') c FULL JOIN"
                f" (SELECT {account} AS subject, count(*) AS n FROM {name} GROUP BY 1) r"
                f" ON r.subject = c.subject WHERE coalesce(c.value, 0) <> coalesce(r.n, 0)"
            )
            wrong += [f"{name} of {row['subject']}: {row['told']}, {row['there']}" for row in rows]
        posts = Counter(self._facts.authors[post] for post in self._facts.live)
        told = {
            str(row["subject"]): row["value"]
            for row in await self._ask("SELECT subject, value FROM counts WHERE name = 'posts'")
        }
        wrong += [
            f"posts of {author}: {told.get(author)}, {there}"
            for author, there in posts.items()
            if told.get(author, 0) != there
        ]
        return wrong

    async def _waited(
        self, look: Callable[[], Awaitable[list[str]]], patience_s: float
    ) -> list[str]:
        deadline = time.monotonic() + patience_s
        while (wrong := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(POLL_S)
        return wrong

    # ---- the log ---------------------------------------------------------------------------------

    async def outbox(self, patience_s: float) -> None:
        """What was acknowledged is in the log, once, in order per key; and nothing else is."""
        left = await self._waited(self._left_behind, patience_s)
        self._judge.require(named.OUTBOX, not left, f"in the outbox: {left[:5]}")
        partitions = await self._rig.do(self._log)
        times, kinds = Counter[int](), defaultdict[str, Counter[int]](Counter)
        people = {self._walkers.steady.id, self._walkers.second.id, self._walkers.fickle.id}
        ours = self._facts.published
        for partition in partitions:
            reached: dict[int, int] = {}
            for event in partition:
                times[event.id] += bool(event.kind)
                kinds[event.kind][event.key] += 1
                if event.key in ours:
                    in_order = event.number > reached.get(event.key, 0)
                    said = f"{event.kind} of {event.key} is out of order"
                    self._judge.require(named.OUTBOX, in_order, said)
                    reached[event.key] = event.number
                if event.kind == "post_published" and event.author in people:
                    said = f"{event.key} is in the log and was never acknowledged"
                    self._judge.require(named.OUTBOX, event.key in ours, said)
        twice = [id_ for id_, seen in times.items() if seen > 1]
        self._judge.require(named.OUTBOX, not twice, f"more than once in the log: {twice[:5]}")
        for kind, due in (("post_published", ours), ("post_deleted", self._facts.deleted)):
            lost = [post for post in due if not kinds[kind][post]]
            said = f"acknowledged, and no {kind} is in the log: {lost[:5]}"
            self._judge.require(named.OUTBOX, not lost, said)

    async def _left_behind(self) -> list[str]:
        return [str(row["id"]) for row in await self._ask("SELECT id FROM outbox")]

    def _log(self) -> list[list[Sent]]:
        """Everything that is committed in the log, by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._rig.kafka.bootstrap,
                "group.id": "auditor",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        try:
            topic = consumer.list_topics(_TOPIC, timeout=30).topics[_TOPIC]
            found: dict[int, list[Sent]] = {number: [] for number in topic.partitions}
            consumer.assign([TopicPartition(_TOPIC, number, 0) for number in found])
            open_, deadline = {*found}, time.monotonic() + 60
            while open_ and time.monotonic() < deadline:
                for message in consumer.consume(500, timeout=1.0):
                    partition, error = message.partition(), message.error()
                    assert partition is not None
                    if error is None:
                        found[partition].append(_sent(message))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        open_.discard(partition)
            assert not open_, f"the ends of {open_} were not reached"
        finally:
            consumer.close()
        return list(found.values())


def _sent(message: Any) -> Sent:
    """What a message says; of one that is not ours, nothing."""
    headers = {name: (value or b"").decode() for name, value in message.headers() or []}
    try:
        author = str(json.loads(message.value()).get("author", ""))
        id_, number = int(headers["id"]), int(headers["number"])
        return Sent(headers["kind"], id_, number, int(message.key()), author)
    except (ValueError, KeyError, TypeError):
        return Sent("", 0, 0, 0, "")
