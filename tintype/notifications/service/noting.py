"""From events to notes: who is told, and who is not told any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tintype.database import Database
from tintype.graph import Graph
from tintype.kernel.event import Event
from tintype.kernel.ids import Id
from tintype.notifications.model import AccountNoted, Note, Withdrawal, changes
from tintype.notifications.service.folding import fold
from tintype.posts import Posts
from tintype.posts.events import CommentUnliked, PostUnliked

_PER_TRANSACTION = 25


class Noting:
    """Keeps notes of events; the same events again change nothing.

    Everything is decided before a transaction opens, and each is short: nobody waits for notes.
    """

    def __init__(self, database: Database, graph: Graph, posts: Posts) -> None:
        self._database = database
        self._graph = graph
        self._posts = posts

    async def take(self, batch: Sequence[Event]) -> None:
        """Note what a batch of events tells whom, in its order."""
        owners = await self._owners(batch)
        found = [change for event in batch for change in changes(event, owners)]
        told = await self._told([each for each in found if isinstance(each, Note)])
        wanted = [each for each in found if isinstance(each, Withdrawal) or each in told]
        for start in range(0, len(wanted), _PER_TRANSACTION):
            async with self._database.write() as tx:
                await fold(tx, self._database, wanted[start : start + _PER_TRANSACTION])
        if wanted:
            # Not with the commit: who does not hear of it sees it with the next look.
            accounts = tuple({change.account for change in wanted})
            await self._database.notices.publish([AccountNoted(accounts=accounts)])

    async def _owners(self, batch: Sequence[Event]) -> dict[Id, Id]:
        posts = {event.post for event in batch if isinstance(event, PostUnliked)}
        comments = {event.comment for event in batch if isinstance(event, CommentUnliked)}
        owners = {id_: fact.author for id_, fact in (await self._posts.facts(posts)).items()}
        return owners | await self._posts.comments.authors(comments)

    async def _told(self, notes: Sequence[Note]) -> set[Note]:
        """The notes that may be kept: never of oneself, and only between live accounts of which
        neither blocked the other and the one who would be told has not muted the actor.
        """
        others: dict[Id, set[Id]] = defaultdict(set)
        for note in notes:
            if note.account != note.actor:
                others[note.account].add(note.actor)
        live = await self._graph.profiles_seen(None, others)
        kept = {}
        for account in live:
            seen = await self._graph.profiles_seen(account, others[account])
            kept[account] = seen - (await self._graph.sets(account)).muted
        return {
            note
            for note in notes
            if note.account != note.actor and note.actor in kept.get(note.account, ())
        }
