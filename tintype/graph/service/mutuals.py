"""Whom a viewer follows who follows an account: proposed from what is near, decided anew.

    followees of the viewer ──┐ (the circle, exact)
                              ├─► candidates ─► still so? visible? ─► shown, counted
    followers of the account ─┘ (kept for a while, and whoever came since)

What is kept may name somebody who left: the database of the moment is asked about everybody who is
shown or counted. Whoever came later is added by the ids of their edges, which grow. Without what is
kept, because it is not there or does not answer, the viewer's followees are asked about one after
the other until there are enough: the same answer, for more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

import msgspec

from tintype.accounts import Accounts, author_view
from tintype.database import Database, Job, JobHandler, LeasedJob
from tintype.graph import store
from tintype.graph.model import Edge
from tintype.graph.service.graph import Graph
from tintype.graph.service.walk import Gather, walk
from tintype.graph.views import MutualsView, ProfileView
from tintype.kernel.ids import MAX_ID, Id, lowest_id_at, shard_of
from tintype.kernel.problem import Unavailable
from tintype.ports.neighbours import Neighbours

MOST_COUNTED = 100
"""A profile says no higher number: it means so many or more."""

NAMED = 3

READ_AT_ONCE = 2_000
"""Followers that are read and kept when somebody asks; more are gathered by a job."""

MOST_KEPT = 50_000
"""Followers that are kept of one account, 400 kB. Of whoever has more, many followees of a viewer
follow them: the first hundred are found soon by asking."""

ASKED_OFTEN = 3
HAND_OVER_S = 10.0
_MOST_ASKED, _HANDED_OVER = 10_000, 50

_MANY, _DENSE = 400, 4
_NEWER = 1_000
"""Followers who came since; beyond that the account is gathered anew."""

_SETTLED_MS = 60_000
"""No transaction takes this long: edges with ids from before are committed, or never will be."""

GATHER = "graph.neighbours"
_LAST = 90


class Gathering(msgspec.Struct, frozen=True):
    """Whose followers are wanted near."""

    account: Id


class Mutuals:
    """Mutuals of a viewer and an account. Nobody is missing and nobody is shown in vain: what was
    acknowledged before a call (a follow, an unfollow, a block, a deletion) is in the answer.
    """

    def __init__(
        self, database: Database, accounts: Accounts, graph: Graph, neighbours: Neighbours
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._graph = graph
        self._neighbours = neighbours
        self._asked: Counter[Id] = Counter()

    async def see_account(self, reference: str, viewer: Id | None) -> ProfileView:
        """A profile with the line of mutuals; raises as ``Graph.see_account`` does."""
        account = await self._graph.see_account(reference, viewer)
        mutuals = await self._line(int(account.id), viewer)
        return ProfileView(**msgspec.structs.asdict(account), mutuals=mutuals)

    async def gatherer(self, viewer: Id, account: Id) -> Gather:
        """The viewer's follows as a list to walk, less those that can not be mutual."""
        candidates = await self._candidates(viewer, account)
        return partial(self._gather, viewer, candidates)

    async def still(self, account: Id, ids: Sequence[Id]) -> frozenset[Id]:
        """Those of the accounts that follow an account now."""
        async with self._database.read() as reader:
            return await store.among(reader, store.FOLLOWERS, account, ids)

    async def hand_over(self) -> None:
        """Have the followers of accounts gathered that were asked for often since the last call."""
        often = [
            account
            for account, times in self._asked.most_common(_HANDED_OVER)
            if times >= ASKED_OFTEN
        ]
        self._asked.clear()
        if not often:
            return
        async with self._database.write() as tx:
            for account in often:
                job = Job(
                    GATHER,
                    shard_of(account),
                    Gathering(account),
                    dedupe=str(account),
                    priority=_LAST,
                )
                await tx.enqueue(job)

    def jobs(self) -> list[JobHandler]:
        """What workers do so that mutuals are near."""
        return [JobHandler(GATHER, Gathering, self._handle)]

    async def gather(self, account: Id) -> None:
        """Keep the followers of an account near, unless there are too many.

        Nothing happens while what keeps them does not answer: who asks again, asks for it again.
        """
        since = self._settled()
        followers: list[Id] = []
        async for chunk in self._graph.followers(account):
            followers += chunk
            if len(followers) > MOST_KEPT:
                return
        await self._keep(account, followers, since)

    async def erase_account(self, account: Id) -> None:
        """Forget who followed an account.

        Raises:
            Unavailable: it may still be kept, for the rest of its time.
        """
        await self._neighbours.drop(account)

    async def _line(self, account: Id, viewer: Id | None) -> MutualsView | None:
        if viewer is None or viewer == account or not await self._graph.may_list(viewer, account):
            return None

        async def keep(ids: Sequence[Id]) -> frozenset[Id]:
            return await self._graph.profiles_seen(viewer, await self.still(account, ids))

        gather = await self.gatherer(viewer, account)
        edges = await walk(gather, keep, MAX_ID, MOST_COUNTED)
        cards = await self._graph.visible_accounts(viewer, [edge.account for edge in edges[:NAMED]])
        named = [author_view(cards[id_]) for _, id_ in edges[:NAMED] if id_ in cards]
        return MutualsView(len(edges), named)

    async def _candidates(self, viewer: Id, account: Id) -> Collection[Id] | None:
        followees = (await self._graph.sets(viewer)).sources
        try:
            common = await self._neighbours.common(account, followees)
        except Unavailable:
            return None
        since = self._settled()
        async with self._database.read() as reader:
            if common is not None:
                newer = await store.others_since(
                    reader, store.FOLLOWERS, account, common.since, _NEWER
                )
                if len(newer) < _NEWER:
                    found = common.accounts | followees.intersection(newer)
                    return None if _met_anyway(found, followees) else found
            followers = await store.followers_after(reader, account, None, READ_AT_ONCE)
        if len(followers) < READ_AT_ONCE:
            await self._keep(account, followers, since)
            return followees.intersection(followers)
        if account in self._asked or len(self._asked) < _MOST_ASKED:
            self._asked[account] += 1
        return None

    async def _gather(
        self, viewer: Id, candidates: Collection[Id] | None, below: Id, limit: int
    ) -> list[Edge]:
        if candidates is not None and not candidates:
            return []
        async with self._database.read() as reader:
            if candidates is None:
                return await store.newest(reader, store.FOLLOWING, viewer, below=below, limit=limit)
            return await store.newest_among(
                reader, store.FOLLOWING, viewer, candidates, below=below, limit=limit
            )

    async def _keep(self, account: Id, followers: Collection[Id], since: Id) -> None:
        try:
            await self._neighbours.keep(account, followers, since)
        except Unavailable:
            return

    async def _handle(self, job: LeasedJob) -> None:
        gathering: Gathering = job.payload
        await self.gather(gathering.account)

    def _settled(self) -> Id:
        return lowest_id_at(self._database.clock.now_ms() - _SETTLED_MS)


def _met_anyway(candidates: Collection[Id], followees: Collection[Id]) -> bool:
    """Whether walking down the follows meets so many of them that nothing else is quicker."""
    return len(candidates) > _MANY and len(candidates) * _DENSE > len(followees)
