"""The use cases of the feed slice."""

from tintype.feed.service.fan_out import Delivered
from tintype.feed.service.feed import Edge
from tintype.feed.service.home import Home
from tintype.feed.service.together import Together

__all__ = ["Delivered", "Edge", "Home", "Together"]
