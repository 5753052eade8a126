from tintype.kernel.problem import Conflict, NotFound


class FollowRequestNotFound(NotFound):
    """This account does not ask to follow you."""


class ListHidden(NotFound):
    """This list is only visible to the followers of a private account."""


class TooManyFollowees(Conflict):
    """You follow as many accounts as one account can."""
