from tintype.kernel.problem import Conflict, Unavailable


class FeedUnavailable(Unavailable):
    """The feed can not be put together now."""


class NoRanker(Conflict):
    """This server has no ranker that could order feeds."""
