"""Who may see whom: asked by every slice, answered here alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tintype.accounts import (
    AccountNotFound,
    Accounts,
    AccountView,
    Card,
    Counts,
    Relation,
    account_view,
)
from tintype.accounts.events import CardChanged
from tintype.database import Database, Reader, counts
from tintype.graph import store
from tintype.graph.model import (
    Action,
    RelationSets,
    SetsChanged,
    Standing,
    Ties,
    can,
    with_oneself,
)
from tintype.graph.service.away import Away
from tintype.graph.service.held import Held
from tintype.kernel.ids import Id

STANDINGS_HELD = 200_000
"""Accounts whose standing is held: about 120 bytes each."""

IDS_HELD = 2_000_000
"""Ids held in relation sets: about 80 bytes each, so 8 000 viewers with 250 followees."""


class Sight:
    """Decides who may see whom. Nothing of what it answers is older than an acknowledged change."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self._standings = Held(self._load_standings, room=STANDINGS_HELD)
        self._away = Away(accounts.away, self._look_who_is_away)
        self._sets = Held(self._load_sets, room=IDS_HELD, weigh=lambda sets: sets.weight)
        self._standing_shelf = database.notices.shelves.shelf("standing", Standing)
        self._tie_shelf = database.notices.shelves.shelf("ties", Ties)
        self._standing_shelf.drop_on(CardChanged, lambda notice: (notice.account,))
        self._tie_shelf.drop_on(SetsChanged, lambda notice: notice.accounts)
        accounts.on_change(self._account_changed)
        database.notices.hear(SetsChanged, lambda notice: self._sets.forget(notice.accounts))
        database.notices.on_doubt(self._standings.clear)
        database.notices.on_doubt(self._sets.clear)
        database.notices.on_doubt(self._away.clear)

    def cached_sets(self, viewer: Id) -> RelationSets | None:
        """The answer of ``sets`` when it is at hand."""
        return self._sets.peek(viewer)

    async def sets(self, viewer: Id) -> RelationSets:
        """What a viewer is to others; the same object until something of it changes."""
        held = self._sets.peek(viewer)
        return held if held is not None else (await self._sets.get([viewer]))[viewer]

    async def may_see(self, viewer: Id | None, author: Id) -> bool:
        """Whether a viewer may see what an author posts, the media files included."""
        return author in await self.authors_seen(viewer, [author])

    async def authors_seen(self, viewer: Id | None, authors: Iterable[Id]) -> frozenset[Id]:
        """Those of the authors whose posts a viewer may see."""
        return await self._allowed(viewer, Action.SEE_POSTS, authors)

    async def profiles_seen(self, viewer: Id | None, ids: Iterable[Id]) -> frozenset[Id]:
        """Those of the accounts whose profile a viewer may see; reads nothing that is at hand."""
        return await self._allowed(viewer, Action.SEE_PROFILE, ids)

    async def may_list(self, viewer: Id | None, account: Id) -> bool:
        """Whether a viewer may see whom an account follows and who follows it."""
        return bool(await self._allowed(viewer, Action.SEE_LISTS, [account]))

    async def visible_accounts(self, viewer: Id | None, ids: Iterable[Id]) -> dict[Id, Card]:
        """The accounts whose profile a viewer may see; the others are left out."""
        seen = await self.profiles_seen(viewer, ids)
        async with self._database.read() as reader:
            return await self._accounts.cards_in(reader, seen)

    async def see_account(self, reference: str, viewer: Id | None) -> AccountView:
        """The profile that an id or an ``@handle`` names, also of somebody whom the viewer blocks.

        Raises:
            AccountNotFound: there is none that the viewer may open.
        """
        account = await self._accounts.resolve(reference)
        if not await self._allowed(viewer, Action.OPEN_PROFILE, [account]):
            raise AccountNotFound
        async with self._database.read() as reader:
            cards = await self._accounts.cards_in(reader, [account])
            return (await self.views(reader, [cards[account]], viewer))[0]

    async def hydrate_accounts(self, ids: Sequence[Id], viewer: Id | None) -> list[AccountView]:
        """Profiles in the order of their ids, without those that the viewer may not see."""
        cards = await self.visible_accounts(viewer, ids)
        async with self._database.read() as reader:
            return await self.views(reader, [cards[id_] for id_ in ids if id_ in cards], viewer)

    async def relations(self, viewer: Id, ids: Collection[Id]) -> dict[Id, Relation]:
        """What a viewer and each of these accounts are to each other."""
        async with self._database.read() as reader:
            return await self._relations(reader, viewer, ids)

    async def follower_count(self, account: Id) -> int:
        """How many follow an account, as last folded (a second old at most in quiet times)."""
        async with self._database.read() as reader:
            return (await counts.read(reader, [account], ["followers"]))[account]["followers"]

    async def views(
        self, reader: Reader, cards: Sequence[Card], viewer: Id | None
    ) -> list[AccountView]:
        """Cards as views, with counts and relations: the caller decided that they may be seen."""
        ids = [card.id for card in cards]
        counted = await counts.read(reader, ids, ["posts", "followers", "following"])
        relations: Mapping[Id, Relation] = {}
        if viewer is not None:
            relations = await self._relations(reader, viewer, ids)
        return [
            account_view(card, Counts(**counted[card.id]), relations.get(card.id)) for card in cards
        ]

    async def _relations(
        self, reader: Reader, viewer: Id, ids: Collection[Id]
    ) -> dict[Id, Relation]:
        followees = await store.among(reader, store.FOLLOWING, viewer, ids)
        fans = await store.among(reader, store.FOLLOWERS, viewer, ids)
        requested = await store.among(reader, store.REQUESTS.table, viewer, ids)
        requested_by = await store.among(reader, store.REQUESTS.mirror, viewer, ids)
        blocking = await store.among(reader, store.BLOCKS.table, viewer, ids)
        muting = await store.among(reader, store.MUTES.table, viewer, ids)
        return {
            id_: Relation(
                following=id_ in followees,
                requested=id_ in requested,
                followed_by=id_ in fans,
                requested_by=id_ in requested_by,
                blocking=id_ in blocking,
                muting=id_ in muting,
            )
            for id_ in ids
        }

    async def _allowed(
        self, viewer: Id | None, action: Action, accounts: Iterable[Id]
    ) -> frozenset[Id]:
        standings = await self._standings.get(accounts)
        # Asked last: a block that was acknowledged meanwhile counts.
        sets = None if viewer is None else await self.sets(viewer)
        return frozenset(
            standing.id for standing in standings.values() if can(sets, action, standing)
        )

    async def _load_standings(self, accounts: Collection[Id]) -> dict[Id, Standing]:
        return await self._standing_shelf.through(accounts, self._read_standings)

    async def _read_standings(self, accounts: Collection[Id]) -> dict[Id, Standing]:
        async with self._database.read() as reader:
            known = await self._accounts.standings_in(reader, accounts)
        return {id_: Standing(id_, live, private) for id_, (live, private) in known.items()}

    async def _load_sets(self, viewers: Collection[Id]) -> dict[Id, RelationSets]:
        ties = await self._tie_shelf.through(viewers, self._read_ties)
        return {viewer: await self._sets_of(viewer, ties[viewer]) for viewer in viewers}

    async def _read_ties(self, viewers: Collection[Id]) -> dict[Id, Ties]:
        found = {}
        async with self._database.read() as reader:
            for viewer in viewers:
                followees = await store.everyone(reader, store.FOLLOWING, viewer)
                muted = await store.everyone(reader, store.MUTES.table, viewer)
                barred_by = await store.everyone(reader, store.BLOCKS.mirror, viewer)
                blocked = await store.everyone(reader, store.BLOCKS.table, viewer)
                found[viewer] = Ties(followees, muted, barred_by, blocked)
        return found

    async def _sets_of(self, viewer: Id, ties: Ties) -> RelationSets:
        followees, muted, barred_by = ties.followees, ties.muted, ties.barred_by
        hidden = barred_by | ties.blocked
        sources = with_oneself(followees, viewer)
        out = muted | await self._away.among(followees)
        shown = sources if sources.isdisjoint(out) else sources - out
        return RelationSets(viewer, sources, shown, hidden, muted, barred_by)

    async def _look_who_is_away(self, accounts: Collection[Id]) -> list[Id]:
        standings = await self._read_standings(accounts)
        return [id_ for id_ in accounts if id_ not in standings or not standings[id_].live]

    def _account_changed(self, account: Id) -> None:
        self._standings.forget([account])
        self._away.doubt(account)
        self._sets.forget_where(lambda sets: account in sets.sources)


def standing_of(card: Card) -> Standing:
    return Standing(id=card.id, live=card.live, private=card.private)
