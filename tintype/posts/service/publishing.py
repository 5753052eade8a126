"""From a draft to a published post: at once when its media are ready, else when they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tintype.accounts import Accounts
from tintype.database import Database, Reader, Transaction
from tintype.graph import Graph
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.problem import Problem
from tintype.kernel.text import hashtags, mentions
from tintype.media import Announced, Media, NewUploadView, Upload, Uploads, UploadStatus
from tintype.posts.errors import NothingToRetry, PostNotFound
from tintype.posts.events import PostFailed, PostPublished
from tintype.posts.model import (
    Delivery,
    Draft,
    DraftSlide,
    NewFile,
    Post,
    PostChanged,
    PostSlide,
    State,
    check_draft,
)
from tintype.posts.service import access
from tintype.posts.service.assembly import Assembly
from tintype.posts.store import posts as store
from tintype.posts.store import tags
from tintype.posts.views import NewPost, PostView

_PENDING: tuple[State, ...] = ("pending",)
_FAILED: tuple[State, ...] = ("failed",)
_BROKEN = ("failed", "expired")
_LOST = "A file of this post is gone."


class DeliveryPolicy(Protocol):
    """Decides how a post reaches its followers' feeds; implemented above this slice."""

    async def class_for(self, tx: Transaction, *, post: Id, author: Id) -> Delivery:
        """The class that is stamped on a post, asked once, in the transaction that publishes it.

        May use ``tx.notify`` to tell that it is out.
        """
        ...


class PushAlways(DeliveryPolicy):
    """Every post is written to its followers' timelines."""

    async def class_for(self, tx: Transaction, *, post: Id, author: Id) -> Delivery:  # noqa: ARG002 - the protocol's
        return "push"


class Publishing:
    """Takes drafts and brings them out; a notice tells of a post after each commit."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        graph: Graph,
        media: tuple[Media, Uploads],
        assembly: Assembly,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._graph = graph
        self._media, self._uploads = media
        self._assembly = assembly
        self.delivery: DeliveryPolicy = PushAlways()

    async def create(self, draft: Draft, *, actor: Id) -> NewPost:
        """Keep a draft, claim its uploads, begin those that are missing.

        The author sees the post from now on; it is published in this very transaction when all
        its media are ready, and as soon as they are otherwise.

        Raises:
            Invalid: a text was refused, or there are not 1 to 20 slides.
            UploadNotFound, UploadInUse, UploadFailed, UploadExpired: a slide names such an upload.
            ContentTypeRefused, UploadEmpty, UploadTooLarge, QuotaExceeded, TooManyUploads,
            NoRoomForUpload: a slide announces such a file.
        """
        draft = check_draft(draft)
        mentioned = await self.mentioned(draft.caption)
        prepared = [await self._prepare(slide, actor) for slide in draft.slides]
        post = Post(
            id=self._database.ids.next(shard_of(actor)),
            author=actor,
            state="pending",
            reason=None,
            retryable=False,
            caption=draft.caption,
            comments_enabled=draft.comments_enabled,
            version=1,
            delivery=None,
            edited_ms=None,
        )
        async with self._database.write() as tx:
            kept = [media for media in prepared if not isinstance(media, Upload)]
            await tx.lock(actor, *kept)
            begun: list[NewUploadView] = []
            slides: list[PostSlide] = []
            for slide, media in zip(draft.slides, prepared, strict=True):
                if isinstance(media, Upload):
                    begun.append(await self._uploads.begin(tx, media))
                    media = media.id  # noqa: PLW2901 - from here on it is an upload like the others
                slides.append(PostSlide(media, slide.alt, slide.focal))
            uploads = [slide.upload for slide in slides]
            await self._media.claim(tx, uploads, owner=actor, subject=post.id)
            offered = [slide.original for slide in draft.slides]
            await self._media.offer(tx, dict(zip(uploads, offered, strict=True)))
            moments = zip(uploads, (slide.poster_at for slide in draft.slides), strict=True)
            await self._media.choose_posters(
                tx, {upload: at for upload, at in moments if at is not None}
            )
            await store.insert(tx, post)
            await store.put_slides(tx, post.id, slides)
            await self._settle(tx, post, uploads, mentioned)
            tx.notify(PostChanged(post=post.id, author=post.author))
            new = NewPost(await self._fresh(tx, post.id, actor), begun)
            await tx.answer(new)
        return new

    async def settle(self, post_id: Id) -> None:
        """Bring a post in line with its media: published once all are ready, failed once one is.

        May be called any number of times; a published post stays published.
        """
        async with self._database.read() as reader:
            seen = await store.read(reader, post_id)
        if seen is None or seen.state != "pending":
            return
        mentioned = await self.mentioned(seen.caption)
        async with self._database.write() as tx:
            await tx.lock(post_id)
            post = await store.read(tx, post_id)
            if post is not None and post.state == "pending":
                await self._settle(tx, post, await _uploads_of(tx, post_id), mentioned)

    async def retry(self, post_id: Id, *, actor: Id, without_failed: bool = False) -> PostView:
        """Process the failed media of an own post again, or let go of them and bring out the rest.

        Raises:
            PostNotFound, NotYourPost.
            NothingToRetry: it did not fail, a file of it fails whenever it is tried, or no file
                would be left.
        """
        async with self._database.write() as tx:
            await tx.lock(post_id)
            post = await access.own(tx, self._graph, post_id, actor)
            if without_failed:
                hopeful = post.state == "failed" and await self._drop_failed(tx, post_id)
            else:
                hopeful = post.retryable and await self._retry_failed(tx, post_id)
            if not hopeful:
                raise NothingToRetry(post.reason or "")
            uploads = await _uploads_of(tx, post_id)
            values = {"state": "pending", "reason": None, "retryable": False}
            await store.change(tx, post_id, values, only_in=_FAILED)
            post = await self._read(tx, post_id)
            await self._settle(tx, post, uploads, await self.mentioned(post.caption))
            tx.notify(PostChanged(post=post.id, author=post.author))
            view = await self._fresh(tx, post_id, actor)
            await tx.answer(view)
        return view

    async def complete(self, post_id: Id, *, actor: Id) -> None:
        """Complete the uploads of an own post that are still open, and look at it anew.

        Raises:
            PostNotFound, NotYourPost.
            UploadIncomplete, UploadExpired: of the first upload that can not be completed; the
                others were.
        """
        async with self._database.read() as reader:
            await access.own(reader, self._graph, post_id, actor)
            uploads = await _uploads_of(reader, post_id)
            states = await self._media.states(reader, uploads)
        problems: list[Problem] = []
        for upload, status in states.items():
            if status.state == "uploading":
                try:
                    await self._uploads.complete(upload, actor=actor)
                except Problem as problem:
                    problems.append(problem)
        if problems:
            raise problems[0]
        await self.settle(post_id)

    async def _retry_failed(self, tx: Transaction, post_id: Id) -> bool:
        return bool(await self._media.retry(tx, await _uploads_of(tx, post_id)))

    async def _drop_failed(self, tx: Transaction, post_id: Id) -> bool:
        """Let go of the slides that can not be shown; tells whether any is left."""
        slides = (await store.slides_of(tx, [post_id]))[post_id]
        states = await self._media.states(tx, [slide.upload for slide in slides])
        kept = [
            slide
            for slide in slides
            if slide.upload in states and states[slide.upload].state not in _BROKEN
        ]
        if not kept:
            return False
        await store.put_slides(tx, post_id, kept)
        gone = {slide.upload for slide in slides} - {slide.upload for slide in kept}
        await self._media.release(tx, gone)
        return True

    async def mentioned(self, text: str) -> dict[str, Id]:
        """The accounts that a text names, by handle."""
        return await self._accounts.by_handles(mentions(text))

    async def _prepare(self, slide: DraftSlide, actor: Id) -> Upload | Id:
        if isinstance(slide.media, NewFile):
            file = Announced(content_type=slide.media.content_type, size=slide.media.bytes)
            return await self._uploads.prepare(file, owner=actor)
        return slide.media

    async def _settle(
        self, tx: Transaction, post: Post, uploads: Sequence[Id], mentioned: dict[str, Id]
    ) -> None:
        states = await self._media.states(tx, uploads)
        broken = _broken(uploads, states)
        if broken is not None:
            values = {
                "state": "failed",
                "reason": broken,
                "retryable": all(
                    status.processable for status in states.values() if status.state in _BROKEN
                )
                and len(states) == len(uploads),
            }
            await store.change(tx, post.id, values, only_in=_PENDING)
            tx.emit(PostFailed(post=post.id, author=post.author, reason=broken))
            tx.notify(PostChanged(post=post.id, author=post.author))
        elif all(status.state == "ready" for status in states.values()):
            await self._publish(tx, post, uploads, mentioned)

    async def _publish(
        self, tx: Transaction, post: Post, uploads: Sequence[Id], mentioned: dict[str, Id]
    ) -> None:
        delivery = await self.delivery.class_for(tx, post=post.id, author=post.author)
        values = {"state": "published", "reason": None, "delivery": delivery}
        await store.change(tx, post.id, values, only_in=_PENDING)
        await self._media.publish(tx, uploads)
        await tags.put(tx, post.id, hashtags(post.caption))
        named = tuple(mentioned[handle] for handle in mentions(post.caption) if handle in mentioned)
        tx.emit(PostPublished(post=post.id, author=post.author, delivery=delivery, mentioned=named))
        tx.notify(PostChanged(post=post.id, author=post.author))

    async def _read(self, tx: Transaction, post_id: Id) -> Post:
        post = await store.read(tx, post_id)
        if post is None:
            raise PostNotFound
        return post

    async def _fresh(self, tx: Transaction, post_id: Id, actor: Id) -> PostView:
        return await self._assembly.view(tx, await self._read(tx, post_id), viewer=actor)


async def _uploads_of(reader: Reader, post_id: Id) -> list[Id]:
    return [slide.upload for slide in (await store.slides_of(reader, [post_id]))[post_id]]


def _broken(uploads: Sequence[Id], states: dict[Id, UploadStatus]) -> str | None:
    """Why a post can not be published with these media; ``None`` while it can.

    Of several files it names the one that is to blame.
    """
    for place, upload in enumerate(uploads, 1):
        status = states.get(upload)
        if status is None:
            return _LOST
        if status.state in _BROKEN:
            reason = status.reason or _LOST
            if len(uploads) == 1:
                return reason
            named = f"{status.filename}, file" if status.filename else "File"
            return f"{named} {place} of {len(uploads)}: {reason}"
    return None
