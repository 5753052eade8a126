"""The consumer and the job of the posts slice."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.database import Consumer, JobHandler
from tintype.kernel.event import Event
from tintype.media.events import MediaFailed, MediaGrown, MediaReady
from tintype.posts.service import ERASE, PostErasure, Posts


def consumers(posts: Posts) -> list[Consumer]:
    """The consumer groups of the posts slice."""

    async def settle(batch: Sequence[Event]) -> None:
        """What became of the media decides about their posts, and about what posts show.

        The events only say which posts to look at, so delivery in any number and order ends the
        same.
        """
        subjects = {
            event.subject for event in batch if isinstance(event, (MediaReady, MediaFailed))
        }
        for subject in subjects:
            if subject is not None and subject.isdigit():
                await posts.publishing.settle(int(subject))

        grown = {event.subject for event in batch if isinstance(event, MediaGrown)}
        for subject in grown - subjects:
            if subject is not None and subject.isdigit():
                await posts.editing.redraw(int(subject))

    return [Consumer("posts", (MediaReady, MediaFailed, MediaGrown), settle)]


def jobs(posts: Posts) -> list[JobHandler]:
    """What workers do for posts."""
    return [JobHandler(ERASE, PostErasure, posts.erasing.erase, lease_seconds=600)]
