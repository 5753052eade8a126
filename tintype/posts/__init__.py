"""Posts, slides, captions, comments, likes, saves and hashtags."""

from tintype.posts.errors import CommentNotFound, PostNotFound
from tintype.posts.model import (
    LONGEST_ALT,
    LONGEST_CAPTION,
    LONGEST_COMMENT,
    MOST_MENTIONS,
    MOST_SLIDES,
    MOST_TAGS,
    Delivery,
    PostFacts,
)
from tintype.posts.service import Card, DeliveryPolicy, Posts
from tintype.posts.views import CommentView, PostView, TagView

__all__ = [
    "LONGEST_ALT",
    "LONGEST_CAPTION",
    "LONGEST_COMMENT",
    "MOST_MENTIONS",
    "MOST_SLIDES",
    "MOST_TAGS",
    "Card",
    "CommentNotFound",
    "CommentView",
    "Delivery",
    "DeliveryPolicy",
    "PostFacts",
    "PostNotFound",
    "PostView",
    "Posts",
    "TagView",
]
