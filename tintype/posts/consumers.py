"""The consumer and the job of the posts slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from tintype.database import Consumer, JobHandler
from tintype.kernel.event import Event
from tintype.media import Media
from tintype.media.events import MediaEdited, MediaFailed, MediaGrown, MediaReady
from tintype.posts.events import PostLiked, PostPublished
from tintype.posts.service import ERASE, PostErasure, Posts


def consumers(posts: Posts) -> list[Consumer]:
    """The consumer groups of the posts slice."""

    async def settle(batch: Sequence[Event]) -> None:
        """What became of the media decides about their posts, and about what posts show.

        The events only say which posts to look at, so delivery in any number and order ends the
        same.
        """
        subjects = {
            event.subject
            for event in batch
            if isinstance(event, (MediaReady, MediaFailed, MediaEdited))
        }
        for subject in subjects:
            if subject is not None and subject.isdigit():
                await posts.publishing.settle(int(subject))

        others = {event.subject for event in batch if isinstance(event, (MediaGrown, MediaEdited))}
        for subject in others:
            if subject is not None and subject.isdigit():
                await posts.editing.redraw(int(subject))

    return [Consumer("posts", (MediaReady, MediaFailed, MediaGrown, MediaEdited), settle)]


def warming_consumer(posts: Posts, media: Media) -> Consumer:
    """Has the files of a post fetched through every CDN when many are about to want them.

    Those are posts that many like within a minute, and posts of accounts with so many followers
    that they are not pushed into feeds. A repeated event costs at most another fetch.
    """

    async def watch(batch: Sequence[Event]) -> None:
        wanted = [event.post for event in batch if _is_wanted(event, media)]
        for post in wanted:
            await posts.warm(post)

    return Consumer("warming", (PostPublished, PostLiked), watch)


def _is_wanted(event: Event, media: Media) -> TypeGuard[PostPublished | PostLiked]:
    if isinstance(event, PostPublished):
        return event.delivery == "pull" and media.warming.velocity.first(event.post)
    return isinstance(event, PostLiked) and media.warming.velocity.note(event.post)


def jobs(posts: Posts) -> list[JobHandler]:
    """What workers do for posts."""
    return [JobHandler(ERASE, PostErasure, posts.erasing.erase, lease_seconds=600)]
