from __future__ import annotations

from tintype.kernel.event import Delta, Event
from tintype.kernel.ids import Id


class PostPublished(Event, frozen=True, kw_only=True, tag="post_published"):
    """A post became visible to its author's followers.

    ``delivery`` (``push`` or ``pull``) is how it reaches their feeds, decided once. ``mentioned``
    are the accounts that its caption names, whether or not they may see it.
    """

    post: Id
    author: Id
    delivery: str
    mentioned: tuple[Id, ...] = ()

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.author, "posts", 1),)


class PostFailed(Event, frozen=True, kw_only=True, tag="post_failed"):
    """A post can not be published, for a reason that its author understands."""

    post: Id
    author: Id
    reason: str

    def key(self) -> Id:
        return self.post


class PostEdited(Event, frozen=True, kw_only=True, tag="post_edited"):
    """What a post shows was changed; ``mentioned`` are the accounts newly named."""

    post: Id
    author: Id
    version: int
    mentioned: tuple[Id, ...] = ()

    def key(self) -> Id:
        return self.post


class PostDeleted(Event, frozen=True, kw_only=True, tag="post_deleted"):
    """A post is gone from everywhere; ``published`` tells whether others could see it."""

    post: Id
    author: Id
    published: bool

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.author, "posts", -1),) if self.published else ()

    def forgets(self) -> tuple[Id, ...]:
        return (self.post,)


class PostLiked(Event, frozen=True, kw_only=True, tag="post_liked"):
    """Somebody likes a post who did not before."""

    post: Id
    author: Id
    actor: Id

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.post, "likes", 1),)


class PostUnliked(Event, frozen=True, kw_only=True, tag="post_unliked"):
    """Somebody took back a like."""

    post: Id
    actor: Id

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.post, "likes", -1),)


class Commented(Event, frozen=True, kw_only=True, tag="post_commented"):
    """Somebody wrote a comment.

    ``reply_to`` is the comment at the top of the thread and ``answered`` the author of the comment
    that was answered; both are ``None`` for a comment that is no reply.
    """

    comment: Id
    post: Id
    post_author: Id
    actor: Id
    reply_to: Id | None = None
    answered: Id | None = None
    mentioned: tuple[Id, ...] = ()

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        one = Delta(self.post, "comments", 1)
        return (one,) if self.reply_to is None else (one, Delta(self.reply_to, "replies", 1))


class CommentDeleted(Event, frozen=True, kw_only=True, tag="comment_deleted"):
    """A comment is gone, and with it its ``replies``, of which there were so many."""

    comment: Id
    post: Id
    reply_to: Id | None = None
    replies: int = 0

    def key(self) -> Id:
        return self.post

    def deltas(self) -> tuple[Delta, ...]:
        gone = Delta(self.post, "comments", -1 - self.replies)
        return (gone,) if self.reply_to is None else (gone, Delta(self.reply_to, "replies", -1))

    def forgets(self) -> tuple[Id, ...]:
        return (self.comment,)


class CommentLiked(Event, frozen=True, kw_only=True, tag="comment_liked"):
    """Somebody likes a comment who did not before."""

    comment: Id
    post: Id
    author: Id
    actor: Id

    def key(self) -> Id:
        return self.comment

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.comment, "likes", 1),)


class CommentUnliked(Event, frozen=True, kw_only=True, tag="comment_unliked"):
    """Somebody took back the like of a comment."""

    comment: Id
    actor: Id

    def key(self) -> Id:
        return self.comment

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.comment, "likes", -1),)
