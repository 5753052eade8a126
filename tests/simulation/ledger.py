"""One history of edges, likes, events and counts: outbox → relays → log → folds.

The real graph, relay and consumers over a broker and a database that the seed disturbs.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Collection, Sequence
from contextlib import ExitStack
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from tests.simulation.broker import Broker
from tests.simulation.invariants import COUNTED, MIRRORED, OUTBOX, WHOLE, require
from tests.simulation.ledger_database import RELATIONS, Emitted, LedgerDatabase
from tests.simulation.scheduler import Scheduler, Silent, SkewedClock, VirtualClock, step
from tintype.accounts import AccountNotFound, Card
from tintype.database import consumers, counts, relay
from tintype.database.consumers import ConsumerRunner, Fold
from tintype.database.relay import LaneRelay
from tintype.database.session import Transaction, TryAgain
from tintype.database.tables import counts as counted
from tintype.database.tables import outbox
from tintype.graph import store
from tintype.graph.errors import TooManyFollowees
from tintype.graph.events import Followed, Unfollowed
from tintype.graph.service import graph
from tintype.kernel.ids import Ids
from tintype.kernel.problem import Unavailable
from tintype.ports import events
from tintype.ports.events import Record, ShutOut
from tintype.posts.events import PostLiked, PostUnliked

STEPS = 700
CLIENTS = 4
MOST_FOLLOWEES = 2
GROUP = "counters"
LEASE_S = 1.5
SHARDS = (5, 5, 70, 3_000)
FOLDED = (Followed, Unfollowed, PostLiked, PostUnliked)


class _Aborted(Exception):  # noqa: N818 - nothing is wrong
    """The transaction is given up."""


class Faces:
    """All accounts are there, and everybody may see them."""

    def on_change(self, listener: object) -> None:
        """Nobody changes."""

    async def away(self, limit: int) -> list[int]:
        """Nobody."""
        del limit
        return []

    async def cards_in(self, reader: object, ids: Collection[int]) -> dict[int, Card]:
        del reader
        return {
            id_: Card(
                id=id_,
                handle=f"a{id_}",
                display_name="",
                bio="",
                avatar=None,
                private=False,
                state="active",
                admin=False,
                created_ms=0,
            )
            for id_ in ids
        }


class Ledger:
    """The instance: two hosts whose clocks differ, two relays, two members of the group."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.dice, self.clock)
        self.database = LedgerDatabase(self.clock)
        self.broker = Broker(self.dice)
        faces: Any = Faces()
        self.graph = graph.Graph(self.database, faces)
        skews = self.dice.choice(((0, 0), (-300, 300), (-20, 0)))
        anywhere = partial(self.dice.randrange, 1_024)
        self.hosts = [Ids(SkewedClock(self.clock, skew), first=anywhere) for skew in skews]
        self.accounts = [self.database.ids.next(shard) for shard in SHARDS]
        self.posts = [self.database.ids.next(shard) for shard in SHARDS[:2]]
        self.likes: defaultdict[int, set[int]] = defaultdict(set)
        self.started = 0

    def start(self, kind: str) -> None:
        """A relay or a member starts; it is its own owner, so it can die alone."""
        self.started += 1
        owner = f"{kind}-{self.started}"
        work = self._relay(owner) if kind == "relay" else self._fold()
        self.scheduler.spawn(work, kind)

    def kill(self, kind: str) -> None:
        self.scheduler.kill(kind)
        self.start(kind)
        self.start(kind)

    async def _relay(self, holder: str) -> None:
        lanes = LaneRelay(self.database, self.broker, holder, [GROUP], lease_s=LEASE_S)
        while True:
            try:
                await lanes.share()
                for _ in range(self.dice.randint(1, 8)):
                    await lanes.drain()
                    await step()
                await lanes.tidy()
            except (Unavailable, ShutOut):
                await step()

    async def _fold(self) -> None:
        group = ConsumerRunner(self.database, Fold(GROUP, FOLDED, counts.fold), self.broker)
        while True:
            try:
                await group.step()
            except Unavailable:
                await step()
            self.look()
            await step()

    def look(self) -> None:
        """Nothing is negative, and both sides of every relation agree, whenever one looks."""
        if self.database.busy:
            return
        below = self.database.now(sa.select(counted).where(counted.c.value < 0))
        require(COUNTED, not below, f"negative: {below}")
        for tie in RELATIONS:
            ends, mirror = (
                {(each.account, each.other) for each in self.database.now(_pairs(end))}
                for end in tie
            )
            crossed = {(other, account) for account, other in mirror}
            require(MIRRORED, ends == crossed, f"{tie.table.table.name}: {ends ^ crossed}")

    async def like(self, post: int, actor: int, host: Ids) -> None:
        """Like it, or take it back: on one of two hosts, beside other transactions."""
        try:
            async with self.database.beside(host) as tx:
                await tx.lock(post)
                undo = actor in self.likes[post]
                tx.emit(
                    PostUnliked(post=post, actor=actor)
                    if undo
                    else PostLiked(post=post, author=actor, actor=actor)
                )
                await self._think_better_of_it(tx)
        except (_Aborted, TryAgain):
            return
        self.likes[post] ^= {actor}

    async def _think_better_of_it(self, tx: Transaction) -> None:
        if self.dice.random() < 0.15:
            await tx._store_events()
            raise _Aborted

    async def relate(self, one: int, other: int) -> None:
        try:
            match self.dice.randrange(8):
                case 0:
                    await self.graph.block(other, actor=one)
                case 1:
                    await self.graph.unblock(other, actor=one)
                case 2 | 3 | 4:
                    await self.graph.unfollow(other, actor=one)
                case _:
                    await self.graph.follow(other, actor=one)
        except (AccountNotFound, TooManyFollowees):
            return
        self.look()

    async def lose_the_broker(self) -> None:
        self.broker.away = True
        for _ in range(self.dice.choice((5, 50))):
            await step()
        self.broker.away = False


async def gather(*work: Awaitable[Any], return_exceptions: bool = False) -> list[Any]:
    """One after the other, so that the scheduler decides alone."""
    waiting: list[Any] = list(work)
    results: list[Any] = []
    try:
        while waiting:
            try:
                results.append(await waiting.pop(0))
            except Exception as error:
                if not return_exceptions:
                    raise
                results.append(error)
    finally:
        for each in waiting:
            each.close()
    return results


async def _rest(seconds: float) -> None:
    del seconds
    await step()


def ledger_history(seed: int) -> None:
    """One history, then calm, then the judgement.

    Raises:
        Violation: an invariant broke; the same seed breaks it again.
    """
    still = SimpleNamespace(gather=gather, sleep=_rest)
    with ExitStack() as stack:
        for module in (relay, consumers):
            stack.enter_context(patch.object(module, "asyncio", still))
            stack.enter_context(patch.object(module, "log", Silent()))
        for module in (relay, events):
            stack.enter_context(patch.object(module, "LANES", 2))
        stack.enter_context(patch.object(graph, "MOST_FOLLOWEES", MOST_FOLLOWEES))
        ledger = Ledger(seed)
        try:
            _history(ledger)
            _settle(ledger)
            _judge(ledger)
        finally:
            ledger.scheduler.kill_all()


def _history(ledger: Ledger) -> None:
    dice, scheduler = ledger.dice, ledger.scheduler
    for kind in ("relay", "relay", "member", "member"):
        ledger.start(kind)
    while scheduler.steps < STEPS:
        if len(scheduler) < CLIENTS + 4:
            one, other = dice.sample(ledger.accounts, 2)
            match dice.randrange(40):
                case 0:
                    ledger.kill(dice.choice(("relay", "member")))
                case 1 | 2:
                    scheduler.spawn(ledger.lose_the_broker())
                case 3 if dice.random() < 0.3:
                    ledger.broker.wipe()
                case roll if roll < 20:
                    scheduler.spawn(ledger.relate(one, other))
                case _:
                    work = ledger.like(dice.choice(ledger.posts), one, dice.choice(ledger.hosts))
                    scheduler.spawn(work)
        scheduler.run_one()


def _settle(ledger: Ledger) -> None:
    """Clients finish, nothing is lost any more, and what waits is moved and folded."""
    scheduler = ledger.scheduler
    for kind in ("relay", "member"):
        scheduler.kill(kind)
    scheduler.drain()
    ledger.broker.away, ledger.broker.calm = False, True
    ledger.clock.advance(LEASE_S + 1)

    async def carry_on() -> None:
        lease_s = LEASE_S * 100
        lanes = LaneRelay(ledger.database, ledger.broker, "the-last", [GROUP], lease_s=lease_s)
        await lanes.share()
        await lanes.drain()
        fold = Fold(GROUP, FOLDED, counts.fold)
        await ConsumerRunner(ledger.database, fold, ledger.broker).catch_up()

    scheduler.spawn(carry_on())
    scheduler.drain()


def _judge(ledger: Ledger) -> None:
    database = ledger.database
    ledger.look()
    require(OUTBOX, not database.now(sa.select(outbox.c.id)), "something is left behind")
    committed = _by_key(database.committed)
    known = {each.id for each in database.committed}
    delivered: set[int] = set()
    for log in ledger.broker.logs:
        sent = [record for partition in log for record in partition]
        delivered |= {record.id for record in sent}
        for key, order in _by_key(sent).items():
            require(OUTBOX, len(order) == len(set(order)), f"{key}: twice in one log")
            in_order = [id_ for id_ in committed[key] if id_ in order]
            require(OUTBOX, order == in_order, f"{key}: not in the order of the commits")
    lost = known - delivered
    require(OUTBOX, not lost, f"committed and not delivered: {sorted(lost)}")
    made_up = delivered - known
    require(OUTBOX, not made_up, f"aborted and delivered: {sorted(made_up)}")

    rows = {(row.subject, row.name): row.value for row in database.now(sa.select(counted))}
    truth: dict[tuple[int, str], int] = {(p, "likes"): len(w) for p, w in ledger.likes.items()}
    for end, name in ((store.FOLLOWING, "following"), (store.FOLLOWERS, "followers")):
        held = Counter(each.account for each in database.now(_pairs(end)))
        truth |= {(account, name): number for account, number in held.items()}
    found = {key: value for key, value in rows.items() if value}
    due = {key: value for key, value in truth.items() if value}
    require(COUNTED, found == due, f"counted {found}, there are {due}")
    crowded = [due.get((a, "following"), 0) for a in ledger.accounts]
    require(WHOLE, max(crowded) <= MOST_FOLLOWEES, f"one follows {max(crowded)}")


@cache
def _pairs(end: store.Ends) -> sa.Select[int, int]:
    return sa.select(end.account.label("account"), end.other.label("other"))


def _by_key(found: Sequence[Emitted | Record]) -> dict[int, list[int]]:
    order: defaultdict[int, list[int]] = defaultdict(list)
    for event in found:
        order[event.key].append(event.id)
    return order
