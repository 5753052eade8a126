"""Which posts viewers have seen: told by their clients, kept as one small row each."""

from __future__ import annotations

from collections.abc import Collection

from tintype.database import Database
from tintype.feed import store
from tintype.feed.model import SeenChanged, SeenPosts
from tintype.graph import Graph
from tintype.kernel.ids import Id
from tintype.posts import Posts

VIEWERS_HELD = 20_000
IDS_HELD = 2_000_000
"""Ids that one process holds at most, eight bytes each."""


class Seen:
    """What viewers have seen, as of the last acknowledged report.

    ``held`` is what is at hand; read it, never write to it.
    """

    def __init__(self, database: Database, graph: Graph, posts: Posts) -> None:
        self._database = database
        self._graph = graph
        self._posts = posts
        self.held: dict[Id, SeenPosts] = {}
        self._ids = 0
        # Who reads a row says so; what changes meanwhile is not kept.
        self._reading: dict[Id, object] = {}
        database.notices.hear(SeenChanged, lambda notice: self._forget(notice.viewer))
        database.notices.on_doubt(self._forget_all)

    async def of(self, viewer: Id) -> SeenPosts:
        """What this viewer has seen."""
        held = self.held.get(viewer)
        return await self._load(viewer) if held is None else held

    async def report(self, posts: Collection[Id], *, actor: Id) -> None:
        """Remember that the actor has looked at these posts, as far as they may see them.

        Ids of anything else are passed over. Repeats are harmless.
        """
        known = await self.of(actor)
        seen = await self._visible([id_ for id_ in posts if id_ not in known], actor)
        async with self._database.write() as tx:
            await tx.lock(actor)
            before = await store.seen_by(tx, actor)
            after = before.and_also(seen, tx.now_ms()) if seen else before
            if after is not before:
                await store.put_seen(tx, actor, after)
                tx.notify(SeenChanged(viewer=actor))
            await tx.answer(None)

    async def _visible(self, posts: Collection[Id], viewer: Id) -> list[Id]:
        cards = [card for card in await self._posts.cards([*posts]) if card is not None]
        authors = await self._graph.authors_seen(viewer, {card.author for card in cards})
        return [card.id for card in cards if card.author in authors]

    async def _load(self, viewer: Id) -> SeenPosts:
        mine = self._reading[viewer] = object()
        try:
            async with self._database.read() as reader:
                seen = await store.seen_by(reader, viewer)
            if self._reading.get(viewer) is mine:
                self._keep(viewer, seen)
        finally:
            if self._reading.get(viewer) is mine:
                del self._reading[viewer]
        return seen

    def _keep(self, viewer: Id, seen: SeenPosts) -> None:
        self._leave(viewer)
        self.held[viewer] = seen
        self._ids += len(seen)
        while self._ids > IDS_HELD or len(self.held) > VIEWERS_HELD:
            self._leave(next(iter(self.held)))

    def _leave(self, viewer: Id) -> None:
        self._ids -= len(self.held.pop(viewer, ()))

    def _forget(self, viewer: Id) -> None:
        self._reading.pop(viewer, None)
        self._leave(viewer)

    def _forget_all(self) -> None:
        self._reading.clear()
        self.held.clear()
        self._ids = 0
