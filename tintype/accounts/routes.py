"""/v1/accounts and /v1/sessions: joining, signing in and out, one's own account."""

from __future__ import annotations

from pydantic import Field

from tintype.accounts.errors import (
    AccountNotFound,
    EmailTaken,
    HandleTaken,
    InviteRefused,
    PasswordWrong,
    RegistrationClosed,
    SessionNotFound,
    SignInFailed,
    TooManySignIns,
)
from tintype.accounts.model import Device, Newcomer
from tintype.accounts.service import Accounts, Sessions
from tintype.accounts.views import DeletionView, OwnAccountView, SessionList, SignedIn
from tintype.http import Access, Body, Call, IdPath, RequestCall, Routes

_LONGEST = 1000


class SignUp(Body):
    handle: str = Field(max_length=_LONGEST)
    email: str = Field(max_length=_LONGEST)
    password: str = Field(max_length=_LONGEST)
    display_name: str = Field(default="", max_length=_LONGEST)
    invite: str | None = Field(default=None, max_length=100)


class SignIn(Body):
    login: str = Field(max_length=_LONGEST)
    password: str = Field(max_length=_LONGEST)
    otp: str | None = Field(
        default=None,
        max_length=20,
        description="one-time code of an account with a second factor; no account has one yet",
    )


class ProfileChanges(Body):
    display_name: str | None = Field(default=None, max_length=_LONGEST)
    bio: str | None = Field(default=None, max_length=_LONGEST)
    private: bool | None = None


class PasswordChange(Body):
    current_password: str = Field(max_length=_LONGEST)
    new_password: str = Field(max_length=_LONGEST)


class Confirmation(Body):
    password: str = Field(max_length=_LONGEST)


def _device(call: RequestCall) -> Device:
    return Device(address=call.address, agent=call.agent)


def routes(accounts: Accounts, sessions: Sessions) -> Routes:
    """The routes of the accounts slice."""
    table = Routes("accounts")

    @table.post(
        "/v1/accounts",
        access=Access.ANYONE,
        returns=SignedIn,
        status=201,
        limit="sign-up",
        creates=True,
        signs_in=True,
        problems=[HandleTaken, EmailTaken, RegistrationClosed, InviteRefused, TooManySignIns],
    )
    async def sign_up(call: Call, body: SignUp) -> SignedIn:
        """Join: creates an account and opens its first session."""
        newcomer = Newcomer(**body.model_dump())
        return await accounts.sign_up(newcomer, device=_device(call))

    @table.post(
        "/v1/sessions",
        access=Access.ANYONE,
        returns=SignedIn,
        status=201,
        limit="sign-in",
        creates=True,
        signs_in=True,
        problems=[SignInFailed, TooManySignIns],
    )
    async def sign_in(call: Call, body: SignIn) -> SignedIn:
        """Sign in with a handle or e-mail address and a password."""
        return await sessions.sign_in(body.login, body.password, device=_device(call))

    @table.get("/v1/sessions", access=Access.ACCOUNT, returns=SessionList)
    async def list_sessions(call: Call) -> SessionList:
        """Your open sessions, the one used last first."""
        return await sessions.list_for(call.actor, current=call.signed_in.session)

    @table.delete("/v1/sessions/current", access=Access.ACCOUNT)
    async def sign_out(call: Call) -> None:
        """Sign out: this token stops working at once."""
        await sessions.revoke(call.signed_in.session, actor=call.actor)
        call.drop_session()

    @table.delete(
        "/v1/sessions/{session_id}",
        access=Access.ACCOUNT,
        subject="session",
        rule="owner",
        problems=[SessionNotFound],
    )
    async def revoke_session(call: Call, session_id: IdPath) -> None:
        """End one of your sessions on another device."""
        await sessions.revoke(session_id, actor=call.actor)

    @table.get("/v1/accounts/me", access=Access.ACCOUNT, returns=OwnAccountView)
    async def read_own_account(call: Call) -> OwnAccountView:
        """Your own account."""
        return await accounts.own(call.actor)

    @table.patch("/v1/accounts/me", access=Access.ACCOUNT, returns=OwnAccountView)
    async def update_own_account(call: Call, body: ProfileChanges) -> OwnAccountView:
        """Change your name, your bio, or whether your account is private."""
        return await accounts.update(actor=call.actor, **body.model_dump())

    @table.post(
        "/v1/accounts/me/password",
        access=Access.ACCOUNT,
        limit="sign-in",
        problems=[PasswordWrong, TooManySignIns],
    )
    async def change_password(call: Call, body: PasswordChange) -> None:
        """Set a new password; every other session ends."""
        await sessions.change_password(
            body.current_password,
            body.new_password,
            actor=call.actor,
            session=call.signed_in.session,
        )

    @table.delete(
        "/v1/accounts/me",
        access=Access.ACCOUNT,
        returns=DeletionView,
        status=202,
        limit="sign-in",
        problems=[PasswordWrong, TooManySignIns],
    )
    async def delete_own_account(call: Call, body: Confirmation) -> DeletionView:
        """Delete your account: hidden at once, erased to the last byte in the background."""
        view = await accounts.delete(body.password, actor=call.actor)
        call.drop_session()
        return view

    @table.get(
        "/v1/deletions/{account_id}",
        access=Access.ANYONE,
        subject="deletion",
        rule="anyone",
        returns=DeletionView,
        problems=[AccountNotFound],
    )
    async def read_deletion(call: Call, account_id: IdPath) -> DeletionView:  # noqa: ARG001 - every route takes a call
        """How far the erasure of a deleted account is."""
        return await accounts.deletion(account_id)

    return table
