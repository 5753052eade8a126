from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.accounts import AuthorView
from tintype.kernel.clock import to_rfc3339
from tintype.kernel.ids import timestamp_ms
from tintype.notifications.model import Group, Kind
from tintype.posts import CommentView, PostView


class AboutPost(msgspec.Struct, frozen=True):
    """The post that a notification is about; ``thumb`` is its first slide, small."""

    id: str
    thumb: str | None


class AboutComment(msgspec.Struct, frozen=True):
    """The comment that a notification is about."""

    id: str
    text: str


class NotificationView(msgspec.Struct, frozen=True):
    """What one or more accounts did: at most 3 of ``account_count`` are shown, the latest first.

    Its id changes when somebody joins in, which also makes it unread and the newest again.
    """

    id: str
    kind: Kind
    accounts: list[AuthorView]
    account_count: int
    created_at: str
    read: bool
    post: AboutPost | None = None
    comment: AboutComment | None = None


class NotificationPage(msgspec.Struct, frozen=True):
    """Notifications, the newest first; ``unread`` counts all of them, 100 at most."""

    items: list[NotificationView]
    next_cursor: str | None
    unread: int


class UnreadView(msgspec.Struct, frozen=True):
    """How many notifications were not read yet, 100 at most."""

    unread: int


def notification_view(
    group: Group,
    accounts: Sequence[AuthorView],
    account_count: int,
    *,
    read: bool,
    post: PostView | None,
    comment: CommentView | None,
) -> NotificationView:
    return NotificationView(
        id=str(group.id),
        kind=group.kind,
        accounts=list(accounts),
        account_count=account_count,
        created_at=to_rfc3339(timestamp_ms(group.id)),
        read=read,
        post=None if post is None else AboutPost(id=post.id, thumb=_thumb(post)),
        comment=None if comment is None else AboutComment(id=comment.id, text=comment.text),
    )


def _thumb(post: PostView) -> str | None:
    """The smallest JPEG of the first slide, which every client shows."""
    for slide in post.slides[:1]:
        pictures = [each for each in slide.renditions if each.format == "jpeg"]
        if pictures:
            return min(pictures, key=lambda each: each.width).url
        return slide.poster
    return None
