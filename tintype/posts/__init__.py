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
    Why,
)
from tintype.posts.service import FOLLOWED, Card, DeliveryPolicy, Posts, Whys
from tintype.posts.views import CommentView, FeedPostView, PostView, TagView

__all__ = [
    "FOLLOWED",
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
    "FeedPostView",
    "PostFacts",
    "PostNotFound",
    "PostView",
    "Posts",
    "TagView",
    "Why",
    "Whys",
]
