from __future__ import annotations

from tintype.graph.events import (
    Followed,
    FollowRequestAccepted,
    FollowRequestClosed,
    FollowRequested,
    Unfollowed,
)
from tintype.kernel.event import Event
from tintype.notifications.model import Note, Withdrawal, changes
from tintype.posts.events import (
    Commented,
    CommentLiked,
    CommentUnliked,
    PostEdited,
    PostLiked,
    PostPublished,
    PostUnliked,
)

ADA, BO, CY, DEE = 1, 2, 3, 4
POST, COMMENT, TOP = 100, 200, 300


def _told(event: Event, owners: dict[int, int] | None = None) -> list[Note | Withdrawal]:
    return list(changes(event, owners or {}))


def _comment(**more: object) -> Commented:
    facts = {"comment": COMMENT, "post": POST, "post_author": ADA, "actor": BO} | more
    return Commented(**facts)  # type: ignore[arg-type] # the test names what differs


def test_a_follow_tells_the_followee_and_its_end_takes_that_back() -> None:
    began = _told(Followed(follower=BO, followee=ADA))
    ended = _told(Unfollowed(follower=BO, followee=ADA))

    assert began == [Note(account=ADA, kind="follow", subject=0, actor=BO)]
    assert ended == [Withdrawal(account=ADA, kind="follow", subject=0, actor=BO)]


def test_whoever_grants_a_request_is_not_told_of_the_follow() -> None:
    assert _told(Followed(follower=BO, followee=ADA, accepted=True)) == []


def test_a_request_is_told_until_it_is_answered() -> None:
    asked = _told(FollowRequested(requester=BO, followee=ADA))
    granted = _told(FollowRequestAccepted(requester=BO, followee=ADA))
    closed = _told(FollowRequestClosed(requester=BO, followee=ADA))

    gone = Withdrawal(account=ADA, kind="follow_request", subject=BO, actor=BO)
    assert asked == [Note(account=ADA, kind="follow_request", subject=BO, actor=BO)]
    assert granted == [gone, Note(account=BO, kind="follow_accepted", subject=ADA, actor=ADA)]
    assert closed == [gone]


def test_a_like_is_told_and_taken_back_by_the_author_of_the_post() -> None:
    liked = _told(PostLiked(post=POST, author=ADA, actor=BO))
    unliked = _told(PostUnliked(post=POST, actor=BO), {POST: ADA})

    assert liked == [Note(account=ADA, kind="like", subject=POST, actor=BO, post=POST)]
    assert unliked == [Withdrawal(account=ADA, kind="like", subject=POST, actor=BO)]


def test_a_like_taken_back_below_a_post_that_is_gone_tells_nobody() -> None:
    assert _told(PostUnliked(post=POST, actor=BO)) == []
    assert _told(CommentUnliked(comment=COMMENT, actor=BO)) == []


def test_a_liked_comment_is_told_to_who_wrote_it() -> None:
    liked = _told(CommentLiked(comment=COMMENT, post=POST, author=CY, actor=BO))
    unliked = _told(CommentUnliked(comment=COMMENT, actor=BO), {COMMENT: CY})

    assert [(each.account, each.kind, each.subject) for each in liked + unliked] == [
        (CY, "comment_like", COMMENT),
        (CY, "comment_like", COMMENT),
    ]


def test_a_comment_is_told_to_the_author_of_the_post() -> None:
    assert [(each.account, each.kind) for each in _told(_comment())] == [(ADA, "comment")]


def test_a_reply_is_told_to_the_answered_and_to_the_author() -> None:
    told = _told(_comment(reply_to=TOP, answered=CY))

    assert [(each.account, each.kind) for each in told] == [(CY, "reply"), (ADA, "comment")]


def test_nobody_is_told_of_a_comment_twice() -> None:
    told = _told(_comment(reply_to=TOP, answered=ADA, mentioned=(ADA, CY, DEE)))

    assert [(each.account, each.kind) for each in told] == [
        (ADA, "reply"),
        (CY, "mention"),
        (DEE, "mention"),
    ]


def test_captions_tell_whom_they_mention_and_edits_the_newly_mentioned() -> None:
    published = _told(PostPublished(post=POST, author=ADA, delivery="push", mentioned=(BO, CY)))
    edited = _told(PostEdited(post=POST, author=ADA, version=2, mentioned=(DEE,)))

    assert [(each.account, each.kind, each.actor) for each in published + edited] == [
        (BO, "mention", ADA),
        (CY, "mention", ADA),
        (DEE, "mention", ADA),
    ]
