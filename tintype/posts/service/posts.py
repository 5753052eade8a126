"""The door of the slice: its parts, put together, and what other slices ask of posts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet

from tintype.accounts import Accounts
from tintype.database import Database, Transaction
from tintype.graph import Graph
from tintype.kernel.ids import MAX_ID, Id
from tintype.media import Media, Uploads
from tintype.posts.model import CountsMoved, PostChanged, PostFacts
from tintype.posts.service.assembly import Assembly
from tintype.posts.service.cards import Around, Card, Cards, Whys
from tintype.posts.service.comments import Comments
from tintype.posts.service.editing import Editing
from tintype.posts.service.erasing import Erasing
from tintype.posts.service.marks import HeldMarks
from tintype.posts.service.popular import Popular
from tintype.posts.service.publishing import DeliveryPolicy, Publishing
from tintype.posts.service.reactions import Reactions
from tintype.posts.service.reading import Reading
from tintype.posts.store import posts as store
from tintype.posts.views import PostView, TagView

_BATCH = 20


class Posts:
    """Posts of all kinds of use: published, read, reacted to, commented on, deleted."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        graph: Graph,
        media: Media,
        uploads: Uploads,
    ) -> None:
        self._database = database
        self._media = media
        assembly = Assembly(accounts, media)
        marks = HeldMarks(database)
        self._cards = Cards(database, accounts, media, assembly, marks)
        self.cards_at_hand = self._cards.at_hand
        """The answer of ``cards``, if nobody needs to be asked for it."""
        self.encode_at_hand = self._cards.encode_at_hand
        """The answer of ``encode``, if nobody needs to be asked for the viewer's marks."""
        self.reading = Reading(database, graph, assembly, self._cards)
        self.publishing = Publishing(database, accounts, graph, (media, uploads), assembly)
        self.editing = Editing(database, graph, media, assembly, self.publishing)
        media.recipes.shown_in(self.editing.reframe)
        self.reactions = Reactions(database, graph)
        self.comments = Comments(database, graph, self.publishing)
        self.erasing = Erasing(database)
        self.popular = Popular(database, self._cards, marks, media)
        accounts.on_change(self._cards.drop_author)
        accounts.on_change(self.popular.drop_author)
        database.notices.hear(PostChanged, self._changed)
        database.notices.hear(CountsMoved, lambda notice: self._cards.recount(notice.subjects))

    def deliver_by(self, policy: DeliveryPolicy) -> None:
        """Let this policy decide how posts that are published from now on reach their followers."""
        self.publishing.delivery = policy

    def on_change(self, hear: Callable[[Id, Id], None]) -> None:
        """Call ``hear(post, author)`` when a post was created, published, edited, deleted or
        failed, once everybody can read it so.
        """
        self._database.notices.hear(PostChanged, lambda notice: hear(notice.post, notice.author))

    async def warm(self, post: Id) -> None:
        """Have the files of a post fetched by those who will hand them out, soon."""
        async with self._database.write() as tx:
            slides = (await store.slides_of(tx, [post])).get(post, [])
            await self._media.warming.ask(tx, [slide.upload for slide in slides])

    async def hydrate(self, ids: Sequence[Id], *, viewer: Id | None) -> list[PostView]:
        """Views in the order of their ids, without those that the viewer may not see."""
        return await self.reading.hydrate(ids, viewer=viewer)

    async def cards(self, ids: Sequence[Id]) -> list[Card | None]:
        """A card per id, in order; ``None`` where no published post of a live author is.

        Who may see them is for the caller to decide, by ``author``. Costs a dictionary look-up
        per id when they are at hand.
        """
        return await self._cards.cards(ids)

    @property
    def widely_followed(self) -> AbstractSet[Id]:
        """The author of every pulled post of which this process handed out a card; few."""
        return self._cards.widely_followed

    async def encode(
        self, cards: Sequence[Card], *, viewer: Id, here: str, around: Around, whys: Whys
    ) -> bytes:
        """Posts of a feed as the items of a JSON array, as ``hydrate`` shows them to this viewer,
        who was found to be allowed to see them, and why they are there, between what stands
        ``around`` them.

        ``here`` is the address under which the caller reaches this server.
        """
        return await self._cards.encode(cards, viewer=viewer, here=here, around=around, whys=whys)

    async def published_ids_of(
        self, authors: Collection[Id], *, below: Id = MAX_ID, limit: int
    ) -> list[Id]:
        """The newest published posts of these authors, newest first; whoever may see them."""
        return await self.reading.published_ids_of(authors, below=below, limit=limit)

    async def unpublished(self, author: Id) -> tuple[Id, ...]:
        """An author's newest posts that only the author sees, newest first; usually none.

        Costs a dictionary look-up when it was asked before and nothing changed.
        """
        return await self.reading.unpublished(author)

    async def facts(self, ids: Iterable[Id]) -> dict[Id, PostFacts]:
        """Whose posts these are and how they stand; unknown ids are left out."""
        return await self.reading.facts(ids)

    async def tags_starting(self, prefix: str, *, viewer: Id | None, limit: int) -> list[TagView]:
        """Hashtags that start so and have a post that the viewer sees, the most used first."""
        return await self.reading.tags_starting(prefix, viewer=viewer, limit=limit)

    def counted(self, tx: Transaction, ids: Collection[Id]) -> None:
        """The counts of these change with this transaction; ids of anything else are ignored."""
        tx.notify(CountsMoved(subjects=tuple(ids)))

    async def erase_account(self, account: Id) -> None:
        """Erase everything that an account posted, wrote, liked and saved; counts follow.

        May be called again after a failure, and carries on. The bytes of the media are deleted by
        jobs of their own.
        """
        while ids := await self._some_of(account):
            async with self._database.write() as tx:
                for post in (await store.read_all(tx, ids)).values():
                    await self.editing.remove(tx, post)
            for id_ in ids:
                await self.erasing.erase_post(id_)
        await self.erasing.erase_reactions(account)

    async def _some_of(self, account: Id) -> list[Id]:
        async with self._database.read() as reader:
            return await store.newest(
                reader,
                [account],
                below=MAX_ID,
                limit=_BATCH,
                states=("pending", "published", "failed", "held", "deleted"),
            )

    def _changed(self, notice: PostChanged) -> None:
        self._cards.drop([notice.post])
        self.popular.drop(notice.post)
        self.reading.unpublished_changed(notice.author)
