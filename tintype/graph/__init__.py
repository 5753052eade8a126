"""Follow, request, block, mute; the only place that decides who may see whom."""

from tintype.graph.errors import FollowRequestNotFound, ListHidden, TooManyFollowees
from tintype.graph.model import MOST_FOLLOWEES, Action, RelationSets, Standing, can, h16
from tintype.graph.service import Graph, Lists, Mutuals
from tintype.graph.views import FollowAnswer

__all__ = [
    "MOST_FOLLOWEES",
    "Action",
    "FollowAnswer",
    "FollowRequestNotFound",
    "Graph",
    "ListHidden",
    "Lists",
    "Mutuals",
    "RelationSets",
    "Standing",
    "TooManyFollowees",
    "can",
    "h16",
]
