"""From events to notes: who is told, and who is not told any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tintype.accounts import Accounts
from tintype.database import Database
from tintype.graph import Graph
from tintype.kernel.event import Event
from tintype.kernel.ids import Id, shard_of
from tintype.notifications import store
from tintype.notifications.model import DAY_MS, Note, Withdrawal, changes
from tintype.posts import Posts
from tintype.posts.events import CommentUnliked, PostUnliked

_PER_TRANSACTION = 50


class Noting:
    """Keeps notes of events; the same events again change nothing.

    Everything is decided before a transaction opens, and each is short: nobody waits for notes.
    """

    def __init__(self, database: Database, accounts: Accounts, graph: Graph, posts: Posts) -> None:
        self._database = database
        self._accounts = accounts
        self._graph = graph
        self._posts = posts

    async def take(self, batch: Sequence[Event]) -> None:
        """Note what a batch of events tells whom, in its order."""
        owners = await self._owners(batch)
        found = [change for event in batch for change in changes(event, owners)]
        told = await self._told([each for each in found if isinstance(each, Note)])
        wanted = [each for each in found if isinstance(each, Withdrawal) or each in told]
        for chunk in _chunks(wanted):
            await self._write(chunk)

    async def _owners(self, batch: Sequence[Event]) -> dict[Id, Id]:
        posts = {event.post for event in batch if isinstance(event, PostUnliked)}
        comments = {event.comment for event in batch if isinstance(event, CommentUnliked)}
        owners = {id_: fact.author for id_, fact in (await self._posts.facts(posts)).items()}
        return owners | await self._posts.comments.authors(comments)

    async def _told(self, notes: Sequence[Note]) -> set[Note]:
        """The notes that may be kept: between two live accounts that are nothing ill to each
        other, and never about oneself.
        """
        others = [note for note in notes if note.account != note.actor]
        people = {note.account for note in others} | {note.actor for note in others}
        cards = await self._accounts.cards(people)
        live = {id_ for id_, card in cards.items() if card.live}
        told = set()
        for note in others:
            if note.account in live and note.actor in live:
                sets = await self._graph.sets(note.account)
                if note.actor not in sets.hidden and note.actor not in sets.muted:
                    told.add(note)
        return told

    async def _write(self, chunk: Sequence[Note | Withdrawal]) -> None:
        day = self._database.clock.now_ms() // DAY_MS
        async with self._database.write() as tx:
            for change in chunk:
                if isinstance(change, Withdrawal):
                    await store.withdraw(tx, change)
                else:
                    id_ = self._database.ids.next(shard_of(change.account))
                    await store.add(tx, change, id_=id_, day=day)


def _chunks(found: Sequence[Note | Withdrawal]) -> Iterator[Sequence[Note | Withdrawal]]:
    for start in range(0, len(found), _PER_TRANSACTION):
        yield found[start : start + _PER_TRANSACTION]
