"""What a post and a comment are, and the rules that need no database."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.kernel.problem import invalid_field
from tintype.kernel.text import clean_text, hashtags, mentions

Live = Literal["pending", "published", "failed", "held"]
"""What a post can be. A pending one shows as ``pending`` while bytes are missing and as
``processing`` once they are all there."""
State = Literal["pending", "published", "failed", "held", "deleted"]
"""What its row can say: a deleted post is a row that waits for its erasure."""
Shown = Literal["pending", "processing", "published", "failed", "held"]
Delivery = Literal["push", "pull"]

MOST_SLIDES = 20
LONGEST_CAPTION = 2_200
LONGEST_ALT = 1_000
LONGEST_COMMENT = 1_000
MOST_TAGS = 30
MOST_MENTIONS = 30
_HOUR_MS = 3600 * 1000


class Why(StrEnum):
    """Why a feed shows a post to its viewer."""

    FOLLOWED = "followed"
    """The viewer follows its author."""
    CELEBRITY = "celebrity"
    """The viewer follows its author, whom so many follow that the post was merged on read."""
    OWN = "own"
    """The viewer posted it."""
    DISCOVERY = "discovery"
    """A ranked feed found it for the viewer, who does not follow its author."""
    POPULAR = "popular"
    """Many like it, and it stands in while the own feed can not be read."""


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post without its slides; ``version`` grows with every change of what it shows.

    ``retryable`` tells of a failed one that its files may be processed again.
    """

    id: Id
    author: Id
    state: Live
    reason: str | None
    retryable: bool = False
    caption: str
    comments_enabled: bool
    version: int
    delivery: Delivery | None
    edited_ms: int | None


class PostFacts(msgspec.Struct, frozen=True):
    """What other slices decide by: whose post, and whether followers may see it."""

    author: Id
    state: State


class Focal(msgspec.Struct, frozen=True):
    """What of a slide must stay in sight when it is cropped: shares of its width and height."""

    x: float
    y: float


class PostSlide(msgspec.Struct, frozen=True):
    """The place of an upload in a post: its id is the slide's id."""

    upload: Id
    alt: str
    focal: Focal | None = None


class PostChanged(Notice, frozen=True, kw_only=True, tag="post_changed"):
    """A post was created, published, edited or deleted, or failed."""

    post: Id
    author: Id


class CountsMoved(Notice, frozen=True, kw_only=True, tag="counts_moved"):
    """The counts of these posts, or of anything else that has counts, are others."""

    subjects: tuple[Id, ...]


class MarksChanged(Notice, frozen=True, kw_only=True, tag="marks_changed"):
    """A viewer likes or saved a post, or does so no longer.

    What they are now is only true where commits are heard in their order: in a process that is
    alone.
    """

    viewer: Id
    post: Id
    liked: bool
    saved: bool


class MarksForgotten(Notice, frozen=True, kw_only=True, tag="marks_forgotten"):
    """Everything that a viewer liked and saved may be different."""

    viewer: Id


class Comment(msgspec.Struct, frozen=True):
    """Text below a post; ``reply_to`` is the comment at the top of its thread, if it is a reply."""

    id: Id
    post: Id
    author: Id
    reply_to: Id | None
    text: str


class NewFile(msgspec.Struct, frozen=True):
    """A file that is going to be uploaded."""

    content_type: str
    bytes: int


class DraftSlide(msgspec.Struct, frozen=True):
    """A slide to be: an upload that exists, or a file that is going to be uploaded.

    With ``original`` others may download it as it was sent, without its metadata. ``poster_at`` is
    the moment of a video, in seconds, that its poster shows.
    """

    media: Id | NewFile
    alt: str = ""
    focal: Focal | None = None
    original: bool = False
    poster_at: float | None = None


class Draft(msgspec.Struct, frozen=True):
    """What an author wants to publish."""

    slides: Sequence[DraftSlide]
    caption: str = ""
    comments_enabled: bool = True


class PostChanges(msgspec.Struct, frozen=True):
    """What an author wants to be different; what is ``None`` stays.

    ``alt`` maps slide ids to texts, ``focal`` to points, or to ``None`` to have none any more,
    ``original`` to whether others may download it, ``poster_at`` to the moment of a video, in
    seconds, that its poster shows. ``order`` lists every slide id once.
    """

    caption: str | None = None
    alt: dict[Id, str] | None = None
    order: Sequence[Id] | None = None
    comments_enabled: bool | None = None
    focal: dict[Id, Focal | None] | None = None
    original: dict[Id, bool] | None = None
    poster_at: dict[Id, float] | None = None


def check_caption(text: str) -> str:
    """The caption as it is stored.

    Raises:
        Invalid: longer than 2 200 characters, more than 30 hashtags or 30 mentions, or control
            characters.
    """
    caption = _checked(text, LONGEST_CAPTION, "/caption")
    if len(hashtags(caption)) > MOST_TAGS:
        raise invalid_field("/caption", f"At most {MOST_TAGS} hashtags.")
    _check_mentions(caption, "/caption")
    return caption


def check_alt(text: str, pointer: str) -> str:
    """The alternative text of a slide; raises Invalid when it is longer than 1 000 characters."""
    return _checked(text, LONGEST_ALT, pointer)


def check_comment(text: str) -> str:
    """The text of a comment.

    Raises:
        Invalid: empty, longer than 1 000 characters, more than 30 mentions, control characters.
    """
    comment = _checked(text, LONGEST_COMMENT, "/text")
    if not comment:
        raise invalid_field("/text", "Write something.")
    _check_mentions(comment, "/text")
    return comment


def check_draft(draft: Draft) -> Draft:
    """The draft with its texts as they are stored.

    Raises:
        Invalid: a text was refused, or there are not 1 to 20 slides.
    """
    if not 1 <= len(draft.slides) <= MOST_SLIDES:
        raise invalid_field("/slides", f"1 to {MOST_SLIDES} slides.")
    slides = [
        msgspec.structs.replace(slide, alt=check_alt(slide.alt, f"/slides/{place}/alt"))
        for place, slide in enumerate(draft.slides)
    ]
    return Draft(slides, check_caption(draft.caption), draft.comments_enabled)


def rearranged(slides: Sequence[PostSlide], changes: PostChanges) -> list[PostSlide]:
    """The slides with other alternative texts and focal points, in another order.

    Raises:
        Invalid: a text was refused, a slide is unknown, or the order does not name each once.
    """
    known = {slide.upload: slide for slide in slides}
    for id_, text in (changes.alt or {}).items():
        if id_ not in known:
            raise invalid_field(f"/alt/{id_}", "This post has no such slide.")
        checked = check_alt(text, f"/alt/{id_}")
        known[id_] = msgspec.structs.replace(known[id_], alt=checked)
    for id_, focal in (changes.focal or {}).items():
        if id_ not in known:
            raise invalid_field(f"/focal/{id_}", "This post has no such slide.")
        known[id_] = msgspec.structs.replace(known[id_], focal=focal)
    for field, ids in (("original", changes.original), ("poster_at", changes.poster_at)):
        for id_ in ids or {}:
            if id_ not in known:
                raise invalid_field(f"/{field}/{id_}", "This post has no such slide.")
    order = list(known) if changes.order is None else list(changes.order)
    if len(order) != len(known) or set(order) != set(known):
        raise invalid_field("/order", "Name every slide of the post once.")
    return [known[id_] for id_ in order]


def popularity(likes: int, *, age_ms: int) -> float:
    """How far up among popular posts: likes, halved and halved again as hours go by.

    The shape is that of Hacker News: ``(likes + 1) / (hours + 2) ** 1.5``.
    """
    hours = max(0, age_ms) / _HOUR_MS
    return float((likes + 1) / (hours + 2) ** 1.5)


def normal_tag(tag: str) -> str:
    """A hashtag as it is stored: without its sign, composed, case-folded."""
    return unicodedata.normalize("NFC", tag).removeprefix("#").casefold()


def _checked(text: str, longest: int, pointer: str) -> str:
    try:
        return clean_text(text, longest)
    except ValueError as error:
        raise invalid_field(pointer, f"{error}.".capitalize()) from error


def _check_mentions(text: str, pointer: str) -> None:
    if len(mentions(text)) > MOST_MENTIONS:
        raise invalid_field(pointer, f"At most {MOST_MENTIONS} mentions.")
