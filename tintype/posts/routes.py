"""/v1/posts, /v1/comments, /v1/saves, /v1/tags: publishing and everything around a post."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from tintype.accounts import AccountNotFound, Accounts, AccountView
from tintype.http import Access, Body, Call, Cursor, IdField, IdPath, Limit, Routes
from tintype.http.routes import Facts
from tintype.kernel.cursor import UnknownCursor
from tintype.kernel.ids import Id
from tintype.kernel.page import Page
from tintype.kernel.problem import invalid_field
from tintype.media import (
    BEGINNING,
    UploadExpired,
    UploadFailed,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.posts.errors import (
    CommentNotFound,
    CommentsOff,
    NothingToRetry,
    NotYourComment,
    NotYourPost,
    PostNotFound,
    PostUnpublished,
)
from tintype.posts.model import Draft, DraftSlide, Focal, NewFile, PostChanges
from tintype.posts.service import Posts
from tintype.posts.views import (
    CommentReaction,
    CommentView,
    EncodedPage,
    NewPost,
    PostView,
    Reaction,
)

_LONGEST = 10_000
_MOST = 100
_REACT = Facts(
    access=Access.ACCOUNT,
    subject="post",
    rule="visible",
    returns=Reaction,
    problems=[PostNotFound, PostUnpublished],
)
_REACT_TO_COMMENT = Facts(
    access=Access.ACCOUNT,
    subject="comment",
    rule="visible",
    returns=CommentReaction,
    problems=[CommentNotFound],
)


Moment = Annotated[float, Field(ge=0, le=86_400)]


class FileToCome(Body):
    content_type: str = Field(max_length=100)
    bytes: int = Field(ge=0, lt=2**53)


class FocalBody(Body):
    """A point of the picture, in shares of its width and height from the upper left corner."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class SlideDraft(Body):
    upload_id: IdField | None = None
    media: FileToCome | None = None
    alt: str | None = Field(default=None, max_length=_LONGEST)
    focal: FocalBody | None = Field(
        default=None, description="what must stay in sight when the picture is cropped"
    )
    original: bool = Field(
        default=False, description="let others download the photo as it was sent, without metadata"
    )
    poster_at: Moment | None = Field(
        default=None, description="the moment of a video, in seconds, that its poster shows"
    )


class PostDraft(Body):
    caption: str | None = Field(default=None, max_length=_LONGEST)
    slides: list[SlideDraft] = Field(max_length=_MOST)
    comments_enabled: bool = True


class PostEdit(Body):
    caption: str | None = Field(default=None, max_length=_LONGEST)
    alt: dict[IdField, str] | None = Field(default=None, max_length=_MOST)
    order: list[IdField] | None = Field(default=None, max_length=_MOST)
    comments_enabled: bool | None = None
    focal: dict[IdField, FocalBody | None] | None = Field(default=None, max_length=_MOST)
    original: dict[IdField, bool] | None = Field(default=None, max_length=_MOST)
    poster_at: dict[IdField, Moment] | None = Field(default=None, max_length=_MOST)
    complete: bool = Field(
        default=False,
        description="complete the uploads of this post that are still open; so does an empty body",
    )


class Retry(Body):
    without_failed: bool = Field(
        default=False, description="let go of the files that failed, and share the others"
    )


class CommentDraft(Body):
    text: str = Field(max_length=_LONGEST)
    reply_to: IdField | None = None


def _draft(body: PostDraft) -> Draft:
    return Draft(
        slides=[_slide(slide, place) for place, slide in enumerate(body.slides)],
        caption=body.caption or "",
        comments_enabled=body.comments_enabled,
    )


def _slide(slide: SlideDraft, place: int) -> DraftSlide:
    if slide.upload_id is not None and slide.media is None:
        return _placed(slide, slide.upload_id)
    if slide.media is not None and slide.upload_id is None:
        return _placed(slide, NewFile(slide.media.content_type, slide.media.bytes))
    raise invalid_field(f"/slides/{place}", "Give either upload_id or media.")


def _placed(slide: SlideDraft, media: Id | NewFile) -> DraftSlide:
    return DraftSlide(
        media,
        slide.alt or "",
        focal=_focal(slide.focal),
        original=slide.original,
        poster_at=slide.poster_at,
    )


def _focal(body: FocalBody | None) -> Focal | None:
    return None if body is None else Focal(x=body.x, y=body.y)


def _changes(body: PostEdit) -> PostChanges:
    focal = None if body.focal is None else {id_: _focal(x) for id_, x in body.focal.items()}
    return PostChanges(
        caption=body.caption,
        alt=body.alt,
        order=body.order,
        comments_enabled=body.comments_enabled,
        focal=focal,
        original=body.original,
        poster_at=body.poster_at,
    )


def routes(posts: Posts, accounts: Accounts) -> Routes:
    """The routes of the posts slice."""
    table = Routes("posts")

    @table.post(
        "/v1/posts",
        access=Access.ACCOUNT,
        returns=NewPost,
        status=201,
        creates=True,
        problems=[UploadNotFound, UploadInUse, UploadFailed, UploadExpired, *BEGINNING],
    )
    async def create_post(call: Call, body: PostDraft) -> NewPost:
        """Publish 1 to 20 photos and videos, uploaded already or about to be.

        You see the post at once; others see it as soon as all its media are ready.
        """
        return await posts.publishing.create(_draft(body), actor=call.actor)

    @table.get(
        "/v1/posts/{post_id}",
        access=Access.ANYONE,
        subject="post",
        rule="visible",
        returns=PostView,
        problems=[PostNotFound],
    )
    async def read_post(call: Call, post_id: IdPath) -> PostView:
        """One post."""
        return await posts.reading.post(post_id, viewer=call.viewer)

    @table.patch(
        "/v1/posts/{post_id}",
        access=Access.ACCOUNT,
        subject="post",
        rule="owner",
        returns=PostView,
        problems=[PostNotFound, NotYourPost, UploadIncomplete, UploadExpired],
    )
    async def edit_post(call: Call, post_id: IdPath, body: PostEdit) -> PostView:
        """Change the caption, the slides' texts, points, posters and order, or turn comments off.

        `alt` maps slide ids to texts, `focal` to points (or null), `original` to whether others may
        download it, `poster_at` to the second of a video that its poster shows; `order` lists every
        slide id once.
        """
        if body.complete or not body.model_fields_set:
            await posts.publishing.complete(post_id, actor=call.actor)
        return await posts.editing.edit(post_id, _changes(body), actor=call.actor)

    @table.delete(
        "/v1/posts/{post_id}",
        access=Access.ACCOUNT,
        subject="post",
        rule="owner",
        problems=[PostNotFound, NotYourPost],
    )
    async def delete_post(call: Call, post_id: IdPath) -> None:
        """Delete your post: gone from everywhere at once."""
        await posts.editing.delete(post_id, actor=call.actor)

    @table.post(
        "/v1/posts/{post_id}/retry",
        access=Access.ACCOUNT,
        subject="post",
        rule="owner",
        returns=PostView,
        problems=[PostNotFound, NotYourPost, NothingToRetry],
    )
    async def retry_post(call: Call, post_id: IdPath, body: Retry | None = None) -> PostView:
        """Process the failed media of your post again, or bring it out without them."""
        drop = body is not None and body.without_failed
        return await posts.publishing.retry(post_id, actor=call.actor, without_failed=drop)

    @table.put("/v1/posts/{post_id}/like", **_REACT)
    async def like_post(call: Call, post_id: IdPath) -> Reaction:
        """Like a post."""
        return await posts.reactions.like(post_id, actor=call.actor)

    @table.delete("/v1/posts/{post_id}/like", **_REACT)
    async def unlike_post(call: Call, post_id: IdPath) -> Reaction:
        """Take your like back."""
        return await posts.reactions.unlike(post_id, actor=call.actor)

    @table.get(
        "/v1/posts/{post_id}/likes",
        access=Access.ANYONE,
        subject="post",
        rule="visible",
        returns=Page[AccountView],
        problems=[PostNotFound, UnknownCursor],
    )
    async def list_likers(
        call: Call, post_id: IdPath, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Who likes a post, the latest like first."""
        return await posts.reactions.likers(post_id, viewer=call.viewer, cursor=cursor, limit=limit)

    @table.put("/v1/posts/{post_id}/save", **_REACT)
    async def save_post(call: Call, post_id: IdPath) -> Reaction:
        """Keep a post for yourself."""
        return await posts.reactions.save(post_id, actor=call.actor)

    @table.delete("/v1/posts/{post_id}/save", **_REACT)
    async def unsave_post(call: Call, post_id: IdPath) -> Reaction:
        """Stop keeping a post."""
        return await posts.reactions.unsave(post_id, actor=call.actor)

    @table.get(
        "/v1/saves",
        access=Access.ACCOUNT,
        returns=Page[PostView],
        problems=[UnknownCursor],
    )
    async def list_saves(call: Call, cursor: Cursor = None, limit: Limit = None) -> EncodedPage:
        """What you saved, the latest first."""
        return await posts.reading.saved(viewer=call.actor, cursor=cursor, limit=limit)

    @table.get(
        "/v1/tags/{tag}/posts",
        access=Access.ANYONE,
        subject="tag",
        rule="anyone",
        returns=Page[PostView],
        problems=[UnknownCursor],
    )
    async def list_tagged(
        call: Call, tag: str, cursor: Cursor = None, limit: Limit = None
    ) -> EncodedPage:
        """Posts that carry a hashtag, newest first."""
        return await posts.reading.tagged(tag, viewer=call.viewer, cursor=cursor, limit=limit)

    @table.get(
        "/v1/accounts/{account}/posts",
        access=Access.ANYONE,
        subject="account",
        rule="visible",
        returns=Page[PostView],
        problems=[AccountNotFound, UnknownCursor],
    )
    async def list_posts(
        call: Call, account: str, cursor: Cursor = None, limit: Limit = None
    ) -> EncodedPage:
        """The posts of an account (an id or an @handle), newest first."""
        author = await accounts.resolve(account)
        return await posts.reading.of_account(
            author, viewer=call.viewer, cursor=cursor, limit=limit
        )

    @table.post(
        "/v1/posts/{post_id}/comments",
        access=Access.ACCOUNT,
        subject="post",
        rule="visible",
        returns=CommentView,
        status=201,
        creates=True,
        problems=[PostNotFound, PostUnpublished, CommentNotFound, CommentsOff],
    )
    async def write_comment(call: Call, post_id: IdPath, body: CommentDraft) -> CommentView:
        """Comment on a post, or answer a comment."""
        return await posts.comments.write(
            post_id, body.text, reply_to=body.reply_to, actor=call.actor
        )

    @table.get(
        "/v1/posts/{post_id}/comments",
        access=Access.ANYONE,
        subject="post",
        rule="visible",
        returns=Page[CommentView],
        problems=[PostNotFound, CommentNotFound, UnknownCursor],
    )
    async def list_comments(
        call: Call,
        post_id: IdPath,
        reply_to: Annotated[
            IdField | None, Query(description="list the replies to this comment")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> Page[CommentView]:
        """The comments on a post, or the replies to one of them, oldest first."""
        return await posts.comments.list_for(
            post_id, reply_to=reply_to, viewer=call.viewer, cursor=cursor, limit=limit
        )

    @table.delete(
        "/v1/comments/{comment_id}",
        access=Access.ACCOUNT,
        subject="comment",
        rule="owner",
        problems=[CommentNotFound, NotYourComment],
    )
    async def delete_comment(call: Call, comment_id: IdPath) -> None:
        """Delete your comment, or any below your post; its replies go with it."""
        await posts.comments.delete(comment_id, actor=call.actor)

    @table.put("/v1/comments/{comment_id}/like", **_REACT_TO_COMMENT)
    async def like_comment(call: Call, comment_id: IdPath) -> CommentReaction:
        """Like a comment."""
        return await posts.comments.like(comment_id, actor=call.actor)

    @table.delete("/v1/comments/{comment_id}/like", **_REACT_TO_COMMENT)
    async def unlike_comment(call: Call, comment_id: IdPath) -> CommentReaction:
        """Take your like of a comment back."""
        return await posts.comments.unlike(comment_id, actor=call.actor)

    return table
