from tintype.kernel.problem import Conflict, Forbidden, NotFound, Unavailable


class SetupDone(Conflict):
    """This server already has an admin."""


class SetupTokenWrong(Forbidden):
    """This is not the set-up token that the server printed."""


class MetricsClosed(Forbidden):
    """The figures are for this machine, or for holders of the metrics token."""


class NotReady(Unavailable):
    """This server can not take requests now."""


class NotAlive(Unavailable):
    """This process hangs; start it again."""


class FlagNotFound(NotFound):
    """There is no flag of this name."""
