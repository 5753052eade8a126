"""Published posts as bytes, ready to be joined into a page.

A card holds a post encoded for nobody in particular. What a viewer adds is the last field of the
view, ``viewer``, so a page is: body, marks, body, marks … in one ``join``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tintype.accounts import Accounts
from tintype.database import Database, Reader
from tintype.database import counts as folded
from tintype.kernel.ids import Id
from tintype.kernel.links import ENCODED_HERE
from tintype.media import Media
from tintype.posts.model import Post
from tintype.posts.service.assembly import Assembly
from tintype.posts.service.held import Held
from tintype.posts.service.marks import NEITHER, HeldMarks
from tintype.posts.store import posts as store
from tintype.posts.views import Marks, PostCounts

HELD = 20_000
_MOST_ADDRESSES = 8
_encode = msgspec.json.Encoder().encode
_UNMARKED = -len(NEITHER)
_NOBODY = _encode(Marks()) + b"}"
_NO_COUNTS = _encode(PostCounts()) + b',"viewer":' + _NOBODY

Around = tuple[bytes, bytes]
"""What comes before and after the items of a page."""


class Card:
    """A published post of a live author, encoded up to the viewer's marks.

    ``private`` tells that the author's posts are for followers alone: the addresses of their media
    need grants of the viewer's own.
    """

    __slots__ = ("author", "counts", "head", "id", "items", "private")

    def __init__(
        self, id_: Id, author: Id, head: bytes, counts: PostCounts, *, private: bool
    ) -> None:
        self.id = id_
        self.author = author
        self.head = head
        self.counts = counts
        self.private = private
        self.items: dict[str, bytes] = {}
        """The unmarked item, by the address under which the caller reaches this server; empty for
        private ones."""

    def item(self, here: str, media: Media, viewer: Id | None, end: bytes) -> bytes:
        """The post with the viewer's marks as its end, and a comma."""
        unmarked = self.items.get(here)
        if unmarked is None:
            head = media.granted(self.head, viewer) if self.private else self.head
            counts = _encode(self.counts)
            pieces = (head, counts, b',"viewer":', NEITHER)
            unmarked = b"".join(pieces).replace(ENCODED_HERE, here.encode())
            if not self.private and len(self.items) < _MOST_ADDRESSES:
                self.items[here] = unmarked
        return unmarked[:_UNMARKED] + end


class Cards:
    """The cards at hand, and how to get the others.

    Every change of a post drops its card after the commit and before it is acknowledged, so a card
    never shows what was edited, deleted or counted differently before the call.
    """

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        media: Media,
        assembly: Assembly,
        marks: HeldMarks,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._media = media
        self._assembly = assembly
        self._marks = marks
        self._held: Held[Id, Card | None] = Held(HELD, on_drop=self._left)
        self._of_author: defaultdict[Id, set[Id]] = defaultdict(set)
        # Their counts moved, nothing else: only the counts are read again.
        self._outdated: dict[Id, Card] = {}
        database.notices.on_doubt(self._forget_all)

    async def cards(self, ids: Sequence[Id]) -> list[Card | None]:
        """A card per id, in order; ``None`` where no published post of a live author is.

        Who may see them is for the caller to decide, by ``author``.
        """
        held = self._held.values
        try:
            return [held[id_] for id_ in ids]
        except KeyError:
            found = await self._load([id_ for id_ in ids if id_ not in held])
            return [found[id_] if id_ in found else held.get(id_) for id_ in ids]

    async def encode(
        self, cards: Sequence[Card], *, viewer: Id | None, here: str, around: Around = (b"", b"")
    ) -> bytes:
        """The posts as the items of a JSON array, between what stands ``around`` them.

        ``here`` is the address under which the caller reaches this server.
        """
        before, after = around
        if not cards:
            return before + after
        marks = None if viewer is None else self._marks.at_hand(viewer)
        if marks is None:
            marks = await self._marks_of(cards, viewer)
        try:
            items = [
                card.items[here]
                if card.id not in marks
                else card.items[here][:_UNMARKED] + marks[card.id]
                for card in cards
            ]
        except KeyError:
            items = [self._item(card, viewer, here, marks) for card in cards]
        items[-1] = items[-1][:-1]
        # One join: a page is some 20 KB, and each further copy would show.
        return b"".join((before, *items, after))

    async def raw(self, cards: Sequence[Card], *, viewer: Id | None) -> list[msgspec.Raw]:
        """The posts as parts of a view that is still to be encoded."""
        if not cards:
            return []
        marks = await self._marks_of(cards, viewer)
        here = ENCODED_HERE.decode()
        return [msgspec.Raw(self._item(card, viewer, here, marks)[:-1]) for card in cards]

    async def _marks_of(self, cards: Sequence[Card], viewer: Id | None) -> Mapping[Id, bytes]:
        return {} if viewer is None else await self._marks.of(viewer, [card.id for card in cards])

    def _item(self, card: Card, viewer: Id | None, here: str, marks: Mapping[Id, bytes]) -> bytes:
        return card.item(here, self._media, viewer, marks.get(card.id, NEITHER))

    def drop(self, ids: Iterable[Id]) -> None:
        """These posts changed."""
        for id_ in (changed := list(ids)):
            self._forget_author(self._outdated.pop(id_, None))
        self._held.drop(changed)

    def drop_author(self, author: Id) -> None:
        """The public face of an author changed."""
        self.drop(self._of_author.get(author, ()))

    def recount(self, ids: Iterable[Id]) -> None:
        """The counts of these posts changed; ids of anything else are ignored."""
        for id_ in (changed := list(ids)):
            if (card := self._held.values.get(id_)) is not None:
                self._outdated[id_] = card
        self._held.drop(changed)
        while len(self._outdated) > HELD:
            self._forget_author(self._outdated.pop(next(iter(self._outdated))))

    def _forget_all(self) -> None:
        self._outdated.clear()
        self._held.clear()
        self._of_author.clear()

    def _left(self, id_: Id, card: Card | None) -> None:
        if id_ not in self._outdated:
            self._forget_author(card)

    def _forget_author(self, card: Card | None) -> None:
        if card is not None:
            known = self._of_author[card.author]
            known.discard(card.id)
            if not known:
                del self._of_author[card.author]

    async def _load(self, ids: Sequence[Id]) -> dict[Id, Card | None]:
        fill = self._held.begin(ids)
        found: dict[Id, Card | None] = {}
        try:
            outdated = {id_: card for id_ in ids if (card := self._outdated.get(id_))}
            async with self._database.read() as reader:
                found = await self._read(reader, [id_ for id_ in ids if id_ not in outdated])
                counted = await folded.read(reader, outdated, ["likes", "comments"])
            for id_, card in outdated.items():
                counts = PostCounts(**counted[id_])
                found[id_] = Card(id_, card.author, card.head, counts, private=card.private)
        finally:
            for id_ in fill:
                self._outdated.pop(id_, None)
                if (kept := found.get(id_)) is not None:
                    self._of_author[kept.author].add(id_)
            self._held.finish(fill, found)
        return found

    async def _read(self, reader: Reader, ids: Sequence[Id]) -> dict[Id, Card | None]:
        found: dict[Id, Card | None] = dict.fromkeys(ids)
        posts: list[Post] = [
            post
            for post in (await store.read_all(reader, ids)).values()
            if post.state == "published"
        ]
        faces = await self._accounts.cards_in(reader, {post.author for post in posts})
        views = await self._assembly.views(reader, posts, viewer=None)
        for post in posts:
            face, view = faces.get(post.author), views.get(post.id)
            if face is None or view is None or not face.live:
                # Not held as absent: the author may come back, and no post would be told.
                del found[post.id]
                continue
            encoded = _encode(msgspec.structs.replace(view, counts=PostCounts()))
            head = encoded.removesuffix(_NO_COUNTS)
            found[post.id] = Card(post.id, post.author, head, view.counts, private=face.private)
        return found
