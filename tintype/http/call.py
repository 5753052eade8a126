"""Who is calling, from where, and what the answer must carry besides its body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Protocol

import msgspec
from fastapi import Depends, Request

from tintype.kernel.ids import Id
from tintype.kernel.problem import Forbidden, Unauthenticated


class SignInRequired(Unauthenticated):
    """Sign in to do this."""


class CrossSiteRequest(Forbidden):
    """This request came from another site than ours."""


class AdminsOnly(Forbidden):
    """Only an admin of this server may do this."""


class Identity(msgspec.Struct, frozen=True):
    """The account and the session that a valid token stands for."""

    account: Id
    session: Id
    admin: bool = False


class Authenticator(Protocol):
    """Turns tokens into identities; implemented by the accounts slice."""

    async def identify(self, token: str) -> Identity | None:
        """The identity behind a token; ``None`` for an unknown, expired or revoked one."""
        ...


@dataclass
class RequestCall:
    """One request, seen by a route."""

    identity: Identity | None
    address: str
    agent: str
    base_url: str
    by_cookie: bool = field(default=False)
    theme: str = field(default="auto")
    cookie: str | None = field(default=None)
    token: str = field(default="", repr=False)
    """What the caller identified by, for answers that outlive the moment; empty: by nothing."""

    @property
    def viewer(self) -> Id | None:
        """The account that a read is for; ``None`` when nobody is signed in."""
        return None if self.identity is None else self.identity.account

    @property
    def actor(self) -> Id:
        """The account that a write is by.

        Raises:
            SignInRequired: nobody is signed in.
        """
        return self.signed_in.account

    @property
    def signed_in(self) -> Identity:
        """The identity of a signed-in caller.

        Raises:
            SignInRequired: nobody is signed in.
        """
        if self.identity is None:
            raise SignInRequired
        return self.identity

    def keep_session(self, token: str) -> None:
        """Hand the session to a browser as a cookie that scripts can not read."""
        self.cookie = token

    def drop_session(self) -> None:
        """Take the session cookie away."""
        self.cookie = ""


async def _current(request: Request) -> RequestCall:
    call: RequestCall = request.scope["tintype.call"]
    return call


Call = Annotated[RequestCall, Depends(_current)]
