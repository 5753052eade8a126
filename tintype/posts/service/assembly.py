"""From rows to views: everything that a post shows, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tintype.accounts import Accounts, author_view
from tintype.database import Reader
from tintype.database import counts as folded
from tintype.kernel.ids import Id
from tintype.media import Media, SlideView, UploadStatus
from tintype.posts.model import Post, PostSlide, Shown
from tintype.posts.store import posts as store
from tintype.posts.store import reactions
from tintype.posts.views import Marks, PostCounts, PostView, post_view

NO_MARKS = Marks()


class Assembly:
    """Puts posts together; decides nothing about who may see them."""

    def __init__(self, accounts: Accounts, media: Media) -> None:
        self._accounts = accounts
        self._media = media

    async def views(
        self, reader: Reader, posts: Collection[Post], *, viewer: Id | None
    ) -> dict[Id, PostView]:
        """The views of posts; those whose author is gone are left out."""
        ids = [post.id for post in posts]
        slides = await store.slides_of(reader, ids)
        uploads = [slide.upload for each in slides.values() for slide in each]
        ready = await self._media.slides(reader, uploads, viewer=viewer)
        unready = [upload for upload in uploads if upload not in ready]
        states = await self._media.states(reader, unready) if unready else {}
        authors = await self._accounts.cards_in(reader, {post.author for post in posts})
        counted = await folded.read(reader, ids, ["likes", "comments"])
        marks = await marks_of(reader, ids, viewer)
        return {
            post.id: post_view(
                post,
                shown_state(
                    post, [states[s.upload] for s in slides[post.id] if s.upload in states]
                ),
                author_view(authors[post.author]),
                _slides(slides[post.id], ready, states),
                counts=PostCounts(**counted[post.id]),
                marks=marks.get(post.id, NO_MARKS),
            )
            for post in posts
            if post.author in authors
        }

    async def view(self, reader: Reader, post: Post, *, viewer: Id) -> PostView:
        """One post, which its viewer was found to be allowed to see."""
        return (await self.views(reader, [post], viewer=viewer))[post.id]


async def marks_of(reader: Reader, ids: Iterable[Id], viewer: Id | None) -> dict[Id, Marks]:
    """What the viewer did with these posts."""
    wanted = set(ids)
    if viewer is None or not wanted:
        return {}
    liked = await reactions.liked(reader, viewer, wanted)
    saved = await reactions.saved(reader, viewer, wanted)
    return {id_: Marks(liked=id_ in liked, saved=id_ in saved) for id_ in liked | saved}


def shown_state(post: Post, unready: Sequence[UploadStatus]) -> Shown:
    """The state that the API shows: a pending post is processing once all bytes are there."""
    if post.state == "pending":
        waiting = any(status.state == "uploading" for status in unready)
        return "pending" if waiting else "processing"
    return post.state


def _slides(
    slides: Sequence[PostSlide],
    ready: Mapping[Id, SlideView],
    states: Mapping[Id, UploadStatus],
) -> list[SlideView]:
    views = []
    for slide in slides:
        view = ready.get(slide.upload)
        if view is None:
            kind = states[slide.upload].kind if slide.upload in states else "photo"
            view = SlideView(id=str(slide.upload), kind=kind, width=0, height=0, renditions=[])
        focal = None if slide.focal is None else (slide.focal.x, slide.focal.y)
        views.append(view.in_post(slide.alt, focal))
    return views
