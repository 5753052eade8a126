"""Fan-out, timelines and the home feed."""

from tintype.feed.errors import FeedUnavailable, NoRanker
from tintype.feed.model import FanOutFigures, FeedFlags, FeedSettings, Tier
from tintype.feed.service import Home, Together
from tintype.feed.views import FeedPage

__all__ = [
    "FanOutFigures",
    "FeedFlags",
    "FeedPage",
    "FeedSettings",
    "FeedUnavailable",
    "Home",
    "NoRanker",
    "Tier",
    "Together",
]
