from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.accounts import AuthorView
from tintype.kernel.clock import to_rfc3339
from tintype.kernel.ids import timestamp_ms
from tintype.kernel.page import Page
from tintype.media import NewUploadView, SlideView
from tintype.posts.model import Comment, Post, Shown, Why


class PostCounts(msgspec.Struct, frozen=True):
    likes: int = 0
    comments: int = 0


class Marks(msgspec.Struct, frozen=True):
    """What the viewer did with a post; all false when nobody is signed in."""

    liked: bool = False
    saved: bool = False


class PostView(msgspec.Struct, frozen=True):
    """A post as one viewer may see it.

    ``reason`` is a sentence for the author when the state is ``failed``, and ``retryable`` tells
    whether processing its files again may help. Slides that are not ready yet have no renditions
    and no size. ``counts`` and ``viewer`` come last: all before them is the same for every viewer.
    """

    id: str
    author: AuthorView
    caption: str
    state: Shown
    reason: str | None
    retryable: bool
    created_at: str
    edited_at: str | None
    comments_enabled: bool
    slides: list[SlideView]
    counts: PostCounts
    viewer: Marks


class FeedPostView(PostView, frozen=True):
    """A post as a feed shows it: like everywhere else, and ``why`` it is there.

    ``followed`` and ``celebrity``: the viewer follows its author; the second author has so many
    followers that the post was not delivered to each but merged when the feed was read. ``own``:
    the viewer posted it. ``popular``: the feed could not be read, and popular posts stand in.
    ``discovery`` is said of what a ranked feed found for the viewer. Expect further values.
    """

    why: Why


EncodedPage = Page[msgspec.Raw]
"""A page of ``PostView`` whose items are encoded already."""


class NewPost(msgspec.Struct, frozen=True):
    """A post, and the uploads that were begun for those slides that came as ``media``, in order."""

    post: PostView
    uploads: list[NewUploadView]


class Reaction(msgspec.Struct, frozen=True):
    """A post after the viewer reacted to it."""

    viewer: Marks
    counts: PostCounts


class CommentCounts(msgspec.Struct, frozen=True):
    likes: int = 0
    replies: int = 0


class CommentMarks(msgspec.Struct, frozen=True):
    liked: bool = False


class CommentView(msgspec.Struct, frozen=True):
    """A comment; ``reply_to`` is the comment at the top of its thread, or null."""

    id: str
    post_id: str
    author: AuthorView
    text: str
    reply_to: str | None
    created_at: str
    counts: CommentCounts
    viewer: CommentMarks


class CommentReaction(msgspec.Struct, frozen=True):
    """A comment after the viewer reacted to it."""

    viewer: CommentMarks
    counts: CommentCounts


class TagView(msgspec.Struct, frozen=True):
    """A hashtag and how many of its newest 100 posts the viewer sees."""

    tag: str
    posts: int


def post_view(
    post: Post,
    state: Shown,
    author: AuthorView,
    slides: Sequence[SlideView],
    *,
    counts: PostCounts,
    marks: Marks,
) -> PostView:
    return PostView(
        id=str(post.id),
        author=author,
        caption=post.caption,
        state=state,
        reason=post.reason if state == "failed" else None,
        retryable=state == "failed" and post.retryable,
        created_at=to_rfc3339(timestamp_ms(post.id)),
        edited_at=None if post.edited_ms is None else to_rfc3339(post.edited_ms),
        comments_enabled=post.comments_enabled,
        slides=list(slides),
        counts=counts,
        viewer=marks,
    )


def comment_view(
    comment: Comment, author: AuthorView, *, counts: CommentCounts, marks: CommentMarks
) -> CommentView:
    return CommentView(
        id=str(comment.id),
        post_id=str(comment.post),
        author=author,
        text=comment.text,
        reply_to=None if comment.reply_to is None else str(comment.reply_to),
        created_at=to_rfc3339(timestamp_ms(comment.id)),
        counts=counts,
        viewer=marks,
    )
