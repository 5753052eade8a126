from tintype.kernel.problem import Conflict, Forbidden, NotFound


class PostNotFound(NotFound):
    """No post with this id is visible to you."""


class CommentNotFound(NotFound):
    """No comment with this id is visible to you."""


class NotYourPost(Forbidden):
    """Only the author of a post may do this."""


class NotYourComment(Forbidden):
    """Only the author of a comment, or of its post, may delete it."""


class CommentsOff(Forbidden):
    """The author has turned comments off for this post."""


class PostUnpublished(Conflict):
    """This post is not published yet."""


class NothingToRetry(Conflict):
    """Nothing about this post can be tried again."""
