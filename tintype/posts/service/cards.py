"""Published posts as bytes, ready to be joined into a page.

A card holds a post encoded for nobody in particular. What a viewer adds is the last field of the
view, ``viewer``, so a page is: body, marks, body, marks … in one ``join``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from tintype.accounts import Accounts, author_view
from tintype.accounts.events import CardChanged
from tintype.database import Database
from tintype.database import counts as folded
from tintype.kernel.ids import Id
from tintype.kernel.links import ENCODED_HERE
from tintype.media import Media
from tintype.posts.model import CountsMoved, PostChanged, Why
from tintype.posts.service.assembly import Assembly
from tintype.posts.service.held import Held
from tintype.posts.service.marks import ENDS_ELSEWHERE, ENDS_OF, NEITHER, HeldMarks
from tintype.posts.store import posts as store
from tintype.posts.views import Marks, PostCounts, PostView

HELD = 20_000
_MOST_ADDRESSES = 8
_encode = msgspec.json.Encoder().encode
_NOBODY = _encode(Marks()) + b"}"
_NO_COUNTS = _encode(PostCounts()) + b',"viewer":' + _NOBODY

Around = tuple[bytes, bytes]
"""What comes before and after the items of a page."""

Whys = Mapping[Id, Why]
"""Why posts are in a feed, by post: those that are there because their author is followed may be
left out."""

FOLLOWED: Whys = {}
"""Every post is there because its author is followed."""


class Head(msgspec.Struct, frozen=True):
    """A published post, encoded up to its counts, without its author's face in the middle."""

    author: Id
    before: bytes
    after: bytes
    pulled: bool = False


class Face(msgspec.Struct, frozen=True):
    """An author as posts show them, encoded."""

    view: bytes
    live: bool
    private: bool


class Card:
    """A published post of a live author, encoded up to the viewer's marks.

    ``private`` tells that the author's posts are for followers alone: the addresses of their media
    need grants of the viewer's own. ``pulled`` tells that it is stamped to be merged on read.
    """

    __slots__ = ("author", "counts", "head", "id", "items", "private", "pulled")

    def __init__(
        self, id_: Id, author: Id, head: bytes, counts: PostCounts, *, private: bool, pulled: bool
    ) -> None:
        self.id = id_
        self.author = author
        self.head = head
        self.counts = counts
        self.private = private
        self.pulled = pulled
        self.items: dict[str, bytes] = {}
        """The item up to its marks, by the address under which the caller reaches this server;
        empty for private ones."""

    def item(self, here: str, media: Media, viewer: Id | None) -> bytes:
        """The post up to the viewer's marks."""
        item = self.items.get(here)
        if item is None:
            head = media.granted(self.head, viewer) if self.private else self.head
            pieces = (head, _encode(self.counts), b',"viewer":')
            item = media.origins.addressed(b"".join(pieces), here)
            if not self.private and len(self.items) < _MOST_ADDRESSES:
                self.items[here] = item
        return item


def joined(
    cards: Sequence[Card],
    marks: Mapping[Id, bytes],
    media: Media,
    *,
    viewer: Id | None,
    here: str,
    around: Around,
    whys: Whys,
) -> bytes:
    """The posts of a feed with the viewer's ``marks``, between what is ``around`` them."""
    end = marks.get
    pieces = [around[0]]
    try:
        for card in cards:
            pieces += (card.items[here], end(card.id, NEITHER))
    except KeyError:
        pieces = [around[0]]
        for card in cards:
            pieces += (card.item(here, media, viewer), end(card.id, NEITHER))
    if whys:
        for place, card in enumerate(cards):
            if (why := whys.get(card.id)) is not None:
                pieces[2 * place + 2] = ENDS_OF[why][pieces[2 * place + 2]]
    if cards:
        pieces[-1] = pieces[-1][:-1]
    pieces.append(around[1])
    # The one copy: a page is some 70 KB, and each further copy would show.
    return b"".join(pieces)


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
        self.widely_followed: set[Id] = set()
        """Authors of pulled posts, of all that have been handed out here."""
        database.notices.on_doubt(self._forget_all)
        media.origins.on_moved(self._forget_items)
        shelves = database.notices.shelves
        self._heads = shelves.shelf("head", Head)
        self._faces = shelves.shelf("face", Face)
        self._counts = shelves.shelf("counts", PostCounts)
        self._heads.drop_on(PostChanged, lambda notice: (notice.post,))
        self._faces.drop_on(CardChanged, lambda notice: (notice.account,))
        self._counts.drop_on(CountsMoved, lambda notice: notice.subjects)

    async def cards(self, ids: Sequence[Id]) -> list[Card | None]:
        """A card per id, in order; ``None`` where no published post of a live author is.

        Who may see them is for the caller to decide, by ``author``.
        """
        if (at_hand := self.at_hand(ids)) is not None:
            return at_hand
        held = self._held.values
        found: dict[Id, Card | None] = {}
        asked: set[Id] = set()
        # What was at hand may be dropped while the rest is read: then it is read as well.
        while missing := [id_ for id_ in ids if id_ not in held and id_ not in asked]:
            asked.update(missing)
            found.update(await self._load(missing))
        return [found.get(id_) if id_ in asked else held[id_] for id_ in ids]

    def at_hand(self, ids: Sequence[Id]) -> list[Card | None] | None:
        """The answer of ``cards`` when all of it is held."""
        held = self._held.values
        try:
            return [held[id_] for id_ in ids]
        except KeyError:
            return None

    async def encode(
        self, cards: Sequence[Card], *, viewer: Id, here: str, around: Around, whys: Whys
    ) -> bytes:
        """The posts of a feed as the items of a JSON array, between what stands ``around`` them.

        ``here`` is the address under which the caller reaches this server.
        """
        page = self.encode_at_hand(cards, viewer=viewer, here=here, around=around, whys=whys)
        if page is not None:
            return page
        marks = await self._marks_of(cards, viewer)
        return joined(cards, marks, self._media, viewer=viewer, here=here, around=around, whys=whys)

    def encode_at_hand(
        self, cards: Sequence[Card], *, viewer: Id, here: str, around: Around, whys: Whys
    ) -> bytes | None:
        """The answer of ``encode`` when the viewer's marks are held."""
        if not cards:
            return b"".join(around)
        # Feeds go down: the last one is the lowest.
        marks = self._marks.at_hand(viewer, cards[-1].id)
        if marks is None:
            return None
        return joined(cards, marks, self._media, viewer=viewer, here=here, around=around, whys=whys)

    async def raw(self, cards: Sequence[Card], *, viewer: Id | None) -> list[msgspec.Raw]:
        """The posts as parts of a view that is still to be encoded."""
        if not cards:
            return []
        marks = await self._marks_of(cards, viewer)
        here = ENCODED_HERE.decode()
        return [
            msgspec.Raw(card.item(here, self._media, viewer) + ENDS_ELSEWHERE[end])
            for card in cards
            for end in (marks.get(card.id, NEITHER),)
        ]

    async def _marks_of(self, cards: Sequence[Card], viewer: Id | None) -> Mapping[Id, bytes]:
        return {} if viewer is None else await self._marks.of(viewer, [card.id for card in cards])

    def drop(self, ids: Iterable[Id]) -> None:
        """These posts changed."""
        for id_ in (changed := list(ids)):
            self._forget_author(self._outdated.pop(id_, None))
        self._held.drop(changed)

    def drop_author(self, author: Id) -> None:
        """The public face of an author changed."""
        self._held.interrupt_all()
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

    def _forget_items(self) -> None:
        for card in self._held.values.values():
            if card is not None:
                card.items.clear()

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
            found = await self._put_together([id_ for id_ in ids if id_ not in outdated])
            counted = await self._counts.through(outdated, self._read_counts)
            for id_, card in outdated.items():
                found[id_] = Card(
                    id_,
                    card.author,
                    card.head,
                    counted[id_],
                    private=card.private,
                    pulled=card.pulled,
                )
        finally:
            for id_ in fill:
                self._outdated.pop(id_, None)
                if (kept := found.get(id_)) is not None:
                    self._of_author[kept.author].add(id_)
            self._held.finish(fill, found)
        return found

    async def _put_together(self, ids: Sequence[Id]) -> dict[Id, Card | None]:
        found: dict[Id, Card | None] = dict.fromkeys(ids)
        heads = await self._heads.through(ids, self._read_heads)
        authors = {head.author for head in heads.values()}
        faces = await self._faces.through(authors, self._read_faces)
        counted = await self._counts.through(heads, self._read_counts)
        for id_, head in heads.items():
            face = faces.get(head.author)
            if face is None or not face.live:
                # Not held as absent: the author may come back, and no post would be told.
                del found[id_]
                continue
            whole = head.before + face.view + head.after
            if head.pulled:
                self.widely_followed.add(head.author)
            found[id_] = Card(
                id_,
                head.author,
                whole,
                counted[id_],
                private=face.private,
                pulled=head.pulled,
            )
        return found

    async def _read_heads(self, ids: Collection[Id]) -> dict[Id, Head]:
        async with self._database.read() as reader:
            posts = [
                post
                for post in (await store.read_all(reader, ids)).values()
                if post.state == "published"
            ]
            views = await self._assembly.views(reader, posts, viewer=None)
        return {
            post.id: _head(views[post.id], post.author, pulled=post.delivery == "pull")
            for post in posts
            if post.id in views
        }

    async def _read_faces(self, authors: Collection[Id]) -> dict[Id, Face]:
        async with self._database.read() as reader:
            cards = await self._accounts.cards_in(reader, authors)
        return {
            id_: Face(_encode(author_view(card)), live=card.live, private=card.private)
            for id_, card in cards.items()
        }

    async def _read_counts(self, ids: Collection[Id]) -> dict[Id, PostCounts]:
        async with self._database.read() as reader:
            counted = await folded.read(reader, ids, ["likes", "comments"])
        return {id_: PostCounts(**counts) for id_, counts in counted.items()}


def _head(view: PostView, author: Id, *, pulled: bool) -> Head:
    encoded = _encode(msgspec.structs.replace(view, counts=PostCounts()))
    before, _, after = encoded.removesuffix(_NO_COUNTS).partition(_encode(view.author))
    return Head(author, before, after, pulled)
