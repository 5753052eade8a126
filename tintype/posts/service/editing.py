"""What an author does with a post that is there: change it, delete it."""

from __future__ import annotations

import msgspec

from tintype.codecs import Recipe, follow
from tintype.database import Database, Job, Transaction
from tintype.graph import Graph
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.text import hashtags, mentions
from tintype.media import Media
from tintype.posts.errors import PostNotFound
from tintype.posts.events import PostDeleted, PostEdited
from tintype.posts.model import (
    Focal,
    Post,
    PostChanged,
    PostChanges,
    check_caption,
    rearranged,
)
from tintype.posts.service import access
from tintype.posts.service.assembly import Assembly
from tintype.posts.service.erasing import ERASE, PostErasure
from tintype.posts.service.publishing import Publishing
from tintype.posts.store import posts as store
from tintype.posts.store import tags
from tintype.posts.views import PostView


class Editing:
    """Edits and deletions act for everybody before they are acknowledged."""

    def __init__(
        self,
        database: Database,
        graph: Graph,
        media: Media,
        assembly: Assembly,
        publishing: Publishing,
    ) -> None:
        self._database = database
        self._graph = graph
        self._media = media
        self._assembly = assembly
        self._publishing = publishing

    async def edit(self, post_id: Id, changes: PostChanges, *, actor: Id) -> PostView:
        """Change an own post.

        Raises:
            PostNotFound, NotYourPost.
            Invalid: a text was refused, or the order does not name every slide once.
        """
        caption = None if changes.caption is None else check_caption(changes.caption)
        mentioned = await self._publishing.mentioned(caption or "")
        async with self._database.write() as tx:
            await tx.lock(post_id)
            post = await access.own(tx, self._graph, post_id, actor)
            slides = (await store.slides_of(tx, [post_id]))[post_id]
            wanted = rearranged(slides, changes)
            values: dict[str, object] = {}
            if caption is not None and caption != post.caption:
                values["caption"] = caption
                await self._retag(tx, post, caption)
            if wanted != slides:
                await store.put_slides(tx, post_id, wanted)
            offered = await self._media.offer(tx, changes.original or {})
            await self._media.choose_posters(tx, changes.poster_at or {})
            if values or wanted != slides or offered:
                values["edited_ms"] = self._database.clock.now_ms()
            if changes.comments_enabled not in {None, post.comments_enabled}:
                values["comments_enabled"] = changes.comments_enabled
            if values:
                await self._store(tx, post, values, mentioned)
            edited = await access.own(tx, self._graph, post_id, actor)
            return await self._assembly.view(tx, edited, viewer=actor)

    async def redraw(self, post_id: Id) -> None:
        """Show a post anew to everybody: its media changed without its author's doing."""
        async with self._database.write() as tx:
            post = await store.read(tx, post_id)
            if post is not None:
                tx.notify(PostChanged(post=post.id, author=post.author))

    async def reframe(
        self, tx: Transaction, post_id: Id, upload: Id, before: Recipe, after: Recipe
    ) -> None:
        """Keep a slide's focal point on what it was on, or forget it where that is cropped away.

        Said of the picture that is being made: until it is there, the post is shown as it was.
        """
        post = await store.read(tx, post_id)
        if post is None:
            return
        slides = (await store.slides_of(tx, [post_id]))[post_id]
        wanted = [
            msgspec.structs.replace(slide, focal=_followed(slide.focal, before, after))
            if slide.upload == upload and slide.focal
            else slide
            for slide in slides
        ]
        if wanted != slides:
            await store.put_slides(tx, post_id, wanted)
        if post.state == "published":
            values = {"edited_ms": self._database.clock.now_ms()}
            await store.change(tx, post_id, values, only_in=(post.state,))

    async def delete(self, post_id: Id, *, actor: Id) -> None:
        """Delete an own post: gone from everywhere at once, its bytes and rows soon after.

        Harmless to repeat: a post that is not there and could have been the actor's, because it
        would live on the same shard, counts as deleted.

        Raises:
            PostNotFound, NotYourPost.
        """
        async with self._database.write() as tx:
            await tx.lock(post_id)
            try:
                post = await access.own(tx, self._graph, post_id, actor)
            except PostNotFound:
                if shard_of(post_id) != shard_of(actor):
                    raise
                return
            await self.remove(tx, post)

    async def remove(self, tx: Transaction, post: Post) -> None:
        """Take a post away within a transaction, whoever wants it; one that is gone is a no-op."""
        await tx.lock(post.id)
        current = await store.read(tx, post.id)
        if current is None:
            return
        post = current
        uploads = [slide.upload for slide in (await store.slides_of(tx, [post.id]))[post.id]]
        await store.change(tx, post.id, {"state": "deleted"}, only_in=(post.state,))
        await tags.forget(tx, post.id, hashtags(post.caption))
        await self._media.release(tx, uploads)
        tx.emit(PostDeleted(post=post.id, author=post.author, published=post.state == "published"))
        await tx.enqueue(
            Job(
                kind=ERASE,
                shard=shard_of(post.id),
                payload=PostErasure(post=post.id),
                dedupe=str(post.id),
                priority=5,
            )
        )
        tx.notify(PostChanged(post=post.id, author=post.author))

    async def _retag(self, tx: Transaction, post: Post, caption: str) -> None:
        if post.state == "published":
            before, after = hashtags(post.caption), hashtags(caption)
            await tags.forget(tx, post.id, set(before) - set(after))
            await tags.put(tx, post.id, set(after) - set(before))

    async def _store(
        self,
        tx: Transaction,
        post: Post,
        values: dict[str, object],
        mentioned: dict[str, Id],
    ) -> None:
        version = post.version + 1
        await store.change(tx, post.id, values | {"version": version}, only_in=(post.state,))
        known = set(mentions(post.caption))
        named = tuple(id_ for handle, id_ in mentioned.items() if handle not in known)
        tx.emit(PostEdited(post=post.id, author=post.author, version=version, mentioned=named))
        tx.notify(PostChanged(post=post.id, author=post.author))


def _followed(focal: Focal, before: Recipe, after: Recipe) -> Focal | None:
    point = follow((focal.x, focal.y), before, after)
    return None if point is None else Focal(*point)
