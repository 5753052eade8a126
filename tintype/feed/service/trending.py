"""The last rung: popular posts that everybody may see, less those that this viewer must not."""

from __future__ import annotations

from tintype.feed.errors import FeedUnavailable
from tintype.feed.model import Tier
from tintype.graph import Graph, RelationSets
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.posts import Card, Posts

_END = f'],"next_cursor":null,"tier":"{Tier.TRENDING}","caught_up":null}}'
_AROUND = b'{"items":[', _END.encode()


class Trending:
    """Serves from what this process holds. A viewer whose blocks and mutes are not known here, and
    can not be asked for, is served nothing.
    """

    def __init__(self, graph: Graph, posts: Posts) -> None:
        self._graph = graph
        self._posts = posts

    async def page(self, viewer: Id, limit: int, here: str) -> bytes:
        """The only page there is, encoded as ``FeedPage``.

        Likes and saves of the viewer show only as far as they are held.

        Raises:
            FeedUnavailable: nothing can be shown safely.
        """
        try:
            sets = await self._graph.sets(viewer)
        except Unavailable as error:
            raise FeedUnavailable("Nothing can be shown before your blocks are known.") from error
        # Looked at last, so that what was deleted while the sets were read is not shown.
        popular = self._posts.popular.posts
        if popular is None:
            raise FeedUnavailable("There is no list of popular posts to show instead.")
        shown = [card for card in popular if _may_meet(sets, card)][:limit]
        return self._posts.popular.encode(shown, viewer=viewer, here=here, around=_AROUND)


def _may_meet(sets: RelationSets, card: Card) -> bool:
    return card.author not in sets.hidden and card.author not in sets.muted
