from tintype.kernel.problem import (
    Conflict,
    Forbidden,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
)


class AccountNotFound(NotFound):
    """No account with this id or handle is visible to you."""


class SessionNotFound(NotFound):
    """You have no session with this id."""


class HandleTaken(Conflict):
    """Somebody else has this handle."""


class EmailTaken(Conflict):
    """This e-mail address can not be used for a new account."""


class RegistrationClosed(Forbidden):
    """This server does not take new accounts."""


class InviteRefused(Forbidden):
    """This invite is unknown, used up or expired."""


class SignInFailed(Unauthenticated):
    """The login or the password is wrong."""


class PasswordWrong(Forbidden):
    """The current password is wrong."""


class TooManySignIns(RateLimited):
    """Too many people are signing in right now."""


JOINING: tuple[type[Problem], ...] = (HandleTaken, EmailTaken, TooManySignIns)
"""What may stand in the way of any new account, whoever makes it."""
