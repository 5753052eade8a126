"""Who is told what about an event: pure rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tintype.graph.events import (
    Followed,
    FollowRequestAccepted,
    FollowRequestClosed,
    FollowRequested,
    Unfollowed,
)
from tintype.kernel.event import Event
from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.posts.events import (
    Commented,
    CommentLiked,
    CommentUnliked,
    PostEdited,
    PostLiked,
    PostPublished,
    PostUnliked,
)

Kind = Literal[
    "follow",
    "follow_request",
    "follow_accepted",
    "like",
    "comment",
    "reply",
    "mention",
    "comment_like",
]

EVENTS: tuple[type[Event], ...] = (
    Followed,
    Unfollowed,
    FollowRequested,
    FollowRequestAccepted,
    FollowRequestClosed,
    PostPublished,
    PostEdited,
    PostLiked,
    PostUnliked,
    Commented,
    CommentLiked,
    CommentUnliked,
)
"""What notifications listen to."""

KEPT_DAYS = 90
MOST_UNREAD = 100
DAY_MS = 24 * 3600 * 1000
SHOWN = 3
"""Actors that a notification shows."""
LATEST = 8
"""Actors that a notification has at hand, so that a few may be hidden from its account."""
EVERYBODY = 0
"""The subject of follows: all followers of a day are one notification."""


class NotificationSettings(BaseModel):
    """How people are told what happens."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    streams: int = Field(default=10_000, ge=0)
    """Live streams that one process keeps open at most; each is a connection. 0: none, and clients
    ask every now and then."""


class AccountNoted(Notice, frozen=True, kw_only=True, tag="account_noted"):
    """What these accounts were told is different."""

    accounts: tuple[Id, ...]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """``actor`` did something that ``account`` is told of.

    Notes of one account, kind, subject and day fold into one notification. ``post`` and
    ``comment`` are what it is about; 0 for nothing.
    """

    account: Id
    kind: Kind
    subject: Id
    actor: Id
    post: Id = 0
    comment: Id = 0


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """``actor`` took back what ``account`` was told of."""

    account: Id
    kind: Kind
    subject: Id
    actor: Id


class ActorKey(NamedTuple):
    """Who did what to whom."""

    account: Id
    kind: Kind
    subject: Id
    actor: Id


class ActorState(msgspec.Struct, frozen=True):
    """The group that a note is in, its place there, and whether it was not withdrawn."""

    day: int
    id: Id
    active: bool


class GroupKey(NamedTuple):
    """What makes a notification one."""

    account: Id
    kind: Kind
    subject: Id
    day: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One notification: ``id`` is that of its newest note, ``actors`` how many are in it.

    ``latest`` are up to 8 of them, the latest first; never fewer than 3 while there are more.
    """

    account: Id
    kind: Kind
    subject: Id
    day: int
    id: Id
    post: Id
    comment: Id
    actors: int
    latest: tuple[Id, ...]

    @property
    def key(self) -> GroupKey:
        return GroupKey(self.account, self.kind, self.subject, self.day)


def changes(event: Event, owners: Mapping[Id, Id]) -> Iterator[Note | Withdrawal]:
    """What an event changes for whom.

    ``owners`` names the authors of the posts and comments that events about undone likes do not
    name; one that is gone has nobody to tell.
    """
    match event:
        case Followed() | Unfollowed() | FollowRequested():
            yield from _of_follow(event)
        case FollowRequestAccepted(requester=requester, followee=followee):
            yield _request_gone(requester, followee)
            yield Note(account=requester, kind="follow_accepted", subject=followee, actor=followee)
        case FollowRequestClosed(requester=requester, followee=followee):
            yield _request_gone(requester, followee)
        case PostPublished(post=post, author=author) | PostEdited(post=post, author=author):
            for account in event.mentioned:
                yield Note(account=account, kind="mention", subject=post, actor=author, post=post)
        case Commented():
            yield from _of_comment(event)
        case _:
            yield from _of_like(event, owners)


def _of_follow(event: Followed | Unfollowed | FollowRequested) -> Iterator[Note | Withdrawal]:
    account = event.followee
    if isinstance(event, FollowRequested):
        asking = event.requester
        yield Note(account=account, kind="follow_request", subject=asking, actor=asking)
    elif isinstance(event, Unfollowed):
        yield Withdrawal(account=account, kind="follow", subject=EVERYBODY, actor=event.follower)
    elif not event.accepted:
        # Whoever granted a request knows of the follow already.
        yield Note(account=account, kind="follow", subject=EVERYBODY, actor=event.follower)


def _request_gone(requester: Id, followee: Id) -> Withdrawal:
    return Withdrawal(account=followee, kind="follow_request", subject=requester, actor=requester)


def _of_comment(event: Commented) -> Iterator[Note]:
    """Everybody hears of a comment once, by the closest reason."""
    reasons: dict[Id, Kind] = {}
    if event.answered is not None:
        reasons[event.answered] = "reply"
    reasons.setdefault(event.post_author, "comment")
    for account in event.mentioned:
        reasons.setdefault(account, "mention")
    for account, kind in reasons.items():
        yield Note(
            account=account,
            kind=kind,
            subject=event.comment,
            actor=event.actor,
            post=event.post,
            comment=event.comment,
        )


def _of_like(event: Event, owners: Mapping[Id, Id]) -> Iterator[Note | Withdrawal]:
    match event:
        case PostLiked(post=post, author=author, actor=actor):
            yield Note(account=author, kind="like", subject=post, actor=actor, post=post)
        case CommentLiked(comment=comment, author=author, actor=actor, post=post):
            yield Note(
                account=author,
                kind="comment_like",
                subject=comment,
                actor=actor,
                post=post,
                comment=comment,
            )
        case PostUnliked(post=post, actor=actor) if post in owners:
            yield Withdrawal(account=owners[post], kind="like", subject=post, actor=actor)
        case CommentUnliked(comment=comment, actor=actor) if comment in owners:
            yield Withdrawal(
                account=owners[comment], kind="comment_like", subject=comment, actor=actor
            )
        case _:
            pass
