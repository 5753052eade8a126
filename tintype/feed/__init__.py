"""Fan-out, timelines and the home feed."""

from tintype.feed.model import FeedSettings, Tier
from tintype.feed.service import Home
from tintype.feed.views import FeedPage

__all__ = ["FeedPage", "FeedSettings", "Home", "Tier"]
