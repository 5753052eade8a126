"""Following, requests, blocks and mutes: every change of who is what to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence

from tintype.accounts import AccountNotFound, Accounts
from tintype.database import Database, Transaction, counts
from tintype.graph import store
from tintype.graph.errors import FollowRequestNotFound, TooManyFollowees
from tintype.graph.events import (
    Blocked,
    Followed,
    FollowRequestAccepted,
    FollowRequestClosed,
    FollowRequested,
    Muted,
    Unblocked,
    Unfollowed,
    Unmuted,
)
from tintype.graph.model import (
    MOST_FOLLOWEES,
    Action,
    EdgeMade,
    FollowState,
    RelationSets,
    SetsChanged,
    Standing,
    can,
    pair,
    with_oneself,
)
from tintype.graph.service.sight import Sight, standing_of
from tintype.graph.views import FollowAnswer
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.problem import invalid_field

FAN_OUT_CHUNK = 2_000
_BATCH = 50


class Graph(Sight):
    """Changes who is what to whom. Repeats are harmless; what they hide is hidden at once."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        super().__init__(database, accounts)

    def on_follow(self, listener: Callable[[Id, Id], None]) -> None:
        """Hear of every new (follower, followee) after its commit, before it is acknowledged."""
        self._database.notices.hear(
            EdgeMade, lambda notice: listener(notice.follower, notice.followee)
        )

    async def sources_now(self, viewer: Id) -> frozenset[Id]:
        """``sets(viewer).sources`` as committed by now, whether this process was told or not."""
        async with self._database.read() as reader:
            return with_oneself(await store.everyone(reader, store.FOLLOWING, viewer), viewer)

    async def followers(self, author: Id, *, after: Id | None = None) -> AsyncIterator[list[Id]]:
        """Every follower, in chunks of at most 2 000 whose order does not move.

        A follow that is committed before the call and stays is seen exactly once, whoever else
        follows or leaves meanwhile. ``after`` goes on behind a follower that was seen before.
        """
        while True:
            async with self._database.read() as reader:
                chunk = await store.followers_after(reader, author, after, FAN_OUT_CHUNK)
            if chunk:
                yield chunk
            if len(chunk) < FAN_OUT_CHUNK:
                return
            after = chunk[-1]

    async def followers_in(
        self, author: Id, first: int, last: int, *, after: Id, limit: int
    ) -> list[Id]:
        """At most ``limit`` followers whose hash lies in ``first`` to ``last``, in the order of
        ``followers``, those behind ``after`` (0: from the start).
        """
        async with self._database.read() as reader:
            return await store.followers_in(reader, author, first, last, after=after, limit=limit)

    async def crowded(self, accounts: Collection[Id], followees: int) -> dict[Id, int]:
        """Those of the accounts who follow more than so many, and how many they follow by now.

        One who came above it within the last seconds may be missing: counts are folded.
        """
        async with self._database.read() as reader:
            counted = await counts.read(reader, [*accounts], ["following"])
            many = [each for each in accounts if counted[each]["following"] > followees]
            return {each: await store.count(reader, store.FOLLOWING, each) for each in many}

    async def follow(self, followed: Id, *, actor: Id) -> FollowAnswer:
        """Follow a public account, or ask a private one.

        Raises:
            Invalid: following oneself.
            AccountNotFound: the actor may not see the account.
            TooManyFollowees: the actor has no room for another one.
        """
        _refuse_oneself(followed, actor, "/followed_id", "You can not follow yourself.")
        async with self._database.write() as tx:
            # Alone, so that two follows at once count each other; the followed stays as it is.
            await tx.lock(actor, pair(actor, followed), shared=[followed])
            subject = await self._subject(tx, followed, actor=actor, action=Action.FOLLOW)
            state = await self._follow(tx, subject, actor)
            card = (await self._accounts.cards_in(tx, [followed]))[followed]
            answer = FollowAnswer(state, (await self.views(tx, [card], actor))[0])
            await tx.answer(answer)
        return answer

    async def unfollow(self, followee: Id, *, actor: Id) -> None:
        """Stop following an account, or withdraw the request to."""
        async with self._database.write() as tx:
            await tx.lock(pair(actor, followee), shared=[actor, followee])
            await self._part(tx, actor, followee)
            await self._close_request(tx, actor, followee)

    async def remove_follower(self, follower: Id, *, actor: Id) -> None:
        """Make an account stop following the actor; it is not told."""
        async with self._database.write() as tx:
            await tx.lock(pair(actor, follower), shared=[actor, follower])
            await self._part(tx, follower, actor)

    async def accept_request(self, requester: Id, *, actor: Id) -> None:
        """Let somebody who asked follow.

        Raises:
            FollowRequestNotFound: nobody visible with this id asks, and nobody follows.
        """
        async with self._database.write() as tx:
            await tx.lock(pair(actor, requester), shared=[actor, requester])
            cards = await self._accounts.cards_in(tx, [requester, actor])
            if not all(id_ in cards and cards[id_].live for id_ in (requester, actor)):
                raise FollowRequestNotFound
            if await store.among(tx, store.REQUESTS.table, requester, [actor]):
                await self._accept(tx, requester, actor)
            elif not await store.follows(tx, requester, actor):
                raise FollowRequestNotFound
            await tx.answer(None)

    async def decline_request(self, requester: Id, *, actor: Id) -> None:
        """Drop a request; the requester is not told."""
        async with self._database.write() as tx:
            await tx.lock(pair(actor, requester), shared=[actor, requester])
            await self._close_request(tx, requester, actor)

    async def accept_waiting(self, account: Id) -> None:
        """Accept every waiting request of an account that is public now."""
        while True:
            async with self._database.write() as tx:
                card = (await self._accounts.cards_in(tx, [account])).get(account)
                if card is None or card.private or not card.live:
                    return
                waiting = await store.newest(tx, store.REQUESTS.mirror, account, limit=_BATCH)
                people = [edge.account for edge in waiting]
                await tx.lock(*(pair(each, account) for each in people), shared=[account, *people])
                # Some may have thought better of it while this one waited.
                still = await store.among(tx, store.REQUESTS.mirror, account, people)
                for each in people:
                    if each in still:
                        await self._accept(tx, each, account)
            if len(waiting) < _BATCH:
                return

    async def block(self, blocked: Id, *, actor: Id) -> None:
        """Hide two accounts from each other; follows and requests between them end, both ways.

        Raises:
            Invalid: blocking oneself.
            AccountNotFound: there is no live account with this id.
        """
        _refuse_oneself(blocked, actor, "/account_id", "You can not block yourself.")
        async with self._database.write() as tx:
            await tx.lock(pair(actor, blocked), shared=[actor, blocked])
            await self._subject(tx, blocked, actor=actor, action=Action.BLOCK)
            if await store.tie(tx, store.BLOCKS, actor, blocked, self._new_edge(actor)):
                for one, other in ((actor, blocked), (blocked, actor)):
                    await self._part(tx, one, other)
                    await self._close_request(tx, one, other)
                tx.emit(Blocked(blocker=actor, blocked=blocked))
                self._sets_change(tx, actor, blocked)
            await tx.answer(None)

    async def unblock(self, blocked: Id, *, actor: Id) -> None:
        """End a block; a block in the other direction stays."""
        async with self._database.write() as tx:
            await tx.lock(pair(actor, blocked), shared=[actor, blocked])
            if await store.among(tx, store.BLOCKS.table, actor, [blocked]):
                await self._unblock(tx, [(actor, blocked)])

    async def mute(self, muted: Id, *, actor: Id) -> None:
        """Keep an account's posts out of the actor's feed; nobody is told.

        Raises:
            Invalid: muting oneself.
            AccountNotFound: the actor may not see the account.
        """
        _refuse_oneself(muted, actor, "/account_id", "You can not mute yourself.")
        async with self._database.write() as tx:
            await tx.lock(pair(actor, muted), shared=[actor, muted])
            await self._subject(tx, muted, actor=actor, action=Action.MUTE)
            if await store.tie(tx, store.MUTES, actor, muted, self._new_edge(actor)):
                tx.emit(Muted(muter=actor, muted=muted))
                self._sets_change(tx, actor)
            await tx.answer(None)

    async def unmute(self, muted: Id, *, actor: Id) -> None:
        """Let an account's posts into the actor's feed again."""
        async with self._database.write() as tx:
            await tx.lock(pair(actor, muted), shared=[actor, muted])
            if await store.among(tx, store.MUTES.table, actor, [muted]):
                await self._unmute(tx, [(actor, muted)])

    async def erase_account(self, account: Id) -> None:
        """Remove everything between an account and others, in batches whose counts stay exact.

        The account must not be live any more, so that nothing is added meanwhile. Safe to repeat
        from the start after any interruption.
        """
        while True:
            async with self._database.write() as tx:
                if not await self._erase_some(tx, account):
                    return

    async def _erase_some(self, tx: Transaction, account: Id) -> bool:
        # Whoever was at it when the account left has ended; nobody begins any more.
        await tx.lock(account)
        followees = await store.newest(tx, store.FOLLOWING, account, limit=_BATCH)
        fans = await store.newest(tx, store.FOLLOWERS, account, limit=_BATCH)
        follows = [(account, edge.account) for edge in followees]
        follows += [(edge.account, account) for edge in fans]
        if follows:
            await self._unlink(tx, follows)
            return True
        for kind, end in (
            (store.REQUESTS, self._close_requests),
            (store.BLOCKS, self._unblock),
            (store.MUTES, self._unmute),
        ):
            own = await store.newest(tx, kind.table, account, limit=_BATCH)
            theirs = await store.newest(tx, kind.mirror, account, limit=_BATCH)
            pairs = [(account, edge.account) for edge in own]
            pairs += [(edge.account, account) for edge in theirs]
            if pairs:
                await end(tx, pairs)
                return True
        return False

    async def _subject(
        self, tx: Transaction, account: Id, *, actor: Id, action: Action
    ) -> Standing:
        """The standing of an account as this transaction sees it.

        Raises:
            AccountNotFound: the actor may not do this to it, or is not live.
        """
        cards = await self._accounts.cards_in(tx, [account, actor])
        if account not in cards or actor not in cards or not cards[actor].live:
            raise AccountNotFound
        hidden = await store.among(tx, store.BLOCKS.table, actor, [account])
        hidden |= await store.among(tx, store.BLOCKS.mirror, actor, [account])
        own = frozenset([actor])
        subject = standing_of(cards[account])
        if not can(RelationSets(actor, own, own, hidden), action, subject):
            raise AccountNotFound
        return subject

    async def _follow(self, tx: Transaction, subject: Standing, actor: Id) -> FollowState:
        if await store.follows(tx, actor, subject.id):
            return "following"
        asked = bool(await store.among(tx, store.REQUESTS.table, actor, [subject.id]))
        if not asked:
            taken = await store.count(tx, store.FOLLOWING, actor)
            taken += await store.count(tx, store.REQUESTS.table, actor)
            if taken >= MOST_FOLLOWEES:
                raise TooManyFollowees(f"{MOST_FOLLOWEES} at most; requests count.")
        if not subject.private:
            if asked:
                await self._accept(tx, actor, subject.id)
            else:
                await self._link(tx, actor, subject.id, accepted=False)
            return "following"
        if not asked:
            await store.tie(tx, store.REQUESTS, actor, subject.id, self._new_edge(actor))
            tx.emit(FollowRequested(requester=actor, followee=subject.id))
        return "requested"

    async def _accept(self, tx: Transaction, requester: Id, followee: Id) -> None:
        await store.untie(tx, store.REQUESTS, [(requester, followee)])
        await self._link(tx, requester, followee, accepted=True)
        tx.emit(FollowRequestAccepted(requester=requester, followee=followee))

    async def _link(self, tx: Transaction, follower: Id, followee: Id, *, accepted: bool) -> None:
        if await store.tie(tx, store.FOLLOWS, follower, followee, self._new_edge(follower)):
            tx.emit(Followed(follower=follower, followee=followee, accepted=accepted))
            self._sets_change(tx, follower)
            tx.notify(EdgeMade(follower=follower, followee=followee))

    async def _part(self, tx: Transaction, follower: Id, followee: Id) -> None:
        if await store.follows(tx, follower, followee):
            await self._unlink(tx, [(follower, followee)])

    async def _unlink(self, tx: Transaction, pairs: Sequence[tuple[Id, Id]]) -> None:
        await store.untie(tx, store.FOLLOWS, pairs)
        for follower, followee in pairs:
            tx.emit(Unfollowed(follower=follower, followee=followee))
        self._sets_change(tx, *(follower for follower, _ in pairs))

    async def _close_request(self, tx: Transaction, requester: Id, followee: Id) -> None:
        if await store.among(tx, store.REQUESTS.table, requester, [followee]):
            await self._close_requests(tx, [(requester, followee)])

    async def _close_requests(self, tx: Transaction, pairs: Sequence[tuple[Id, Id]]) -> None:
        await store.untie(tx, store.REQUESTS, pairs)
        for requester, followee in pairs:
            tx.emit(FollowRequestClosed(requester=requester, followee=followee))

    async def _unblock(self, tx: Transaction, pairs: Sequence[tuple[Id, Id]]) -> None:
        await store.untie(tx, store.BLOCKS, pairs)
        for blocker, blocked in pairs:
            tx.emit(Unblocked(blocker=blocker, blocked=blocked))
            self._sets_change(tx, blocker, blocked)

    async def _unmute(self, tx: Transaction, pairs: Sequence[tuple[Id, Id]]) -> None:
        await store.untie(tx, store.MUTES, pairs)
        for muter, muted in pairs:
            tx.emit(Unmuted(muter=muter, muted=muted))
            self._sets_change(tx, muter)

    def _sets_change(self, tx: Transaction, *accounts: Id) -> None:
        tx.notify(SetsChanged(accounts=accounts))

    def _new_edge(self, account: Id) -> Id:
        return self._database.ids.next(shard_of(account))


def _refuse_oneself(account: Id, actor: Id, pointer: str, detail: str) -> None:
    if account == actor:
        raise invalid_field(pointer, detail)
