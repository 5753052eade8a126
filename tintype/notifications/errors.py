from tintype.kernel.problem import Unavailable


class NoMoreStreams(Unavailable):
    """This server has as many live streams open as it may."""
