"""What an account is, and the rules that need no database."""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict

from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.kernel.problem import invalid_field
from tintype.kernel.text import clean_line, clean_text

State = Literal["active", "suspended", "deleting", "deleted"]
LIVE: State = "active"
Registration = Literal["open", "invite", "closed"]

LONGEST_HANDLE = 30
LONGEST_NAME = 60
LONGEST_BIO = 500
LONGEST_EMAIL = 254
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256

_HANDLE = re.compile(r"[a-z0-9_](?:[a-z0-9_.]{0,28}[a-z0-9_])?")
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]+\.[^\s@\x00-\x1f.]{2,}")
_WORDS = (
    "about admin api assets docs explore feed help login me media new notifications openapi p "
    "problems saved search settings setup signin signup static support t tintype v1"
)
_RESERVED = frozenset(_WORDS.split())


class AccountSettings(BaseModel):
    """Who may join and how sessions live."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    registration: Registration = "open"
    """Who may sign up at first: anyone (`open`), holders of an invite, or nobody (`closed`).
    An admin can change it later in the web client."""
    session_idle_days: int = 30
    """A session that was not used for this long ends."""
    session_days: int = 180
    """A session ends after this long in any case."""
    password_workers: int = 1
    """Threads that hash passwords; each takes about 19 MiB while it works."""
    password_queue: int = 32
    """Sign-ins that may wait for a free thread; further ones are told to come back."""


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody gives to join."""

    handle: str
    email: str
    password: str
    display_name: str = ""
    invite: str | None = None


class Device(msgspec.Struct, frozen=True):
    """What a session remembers of where it was opened."""

    address: str
    agent: str


class TokensEnded(Notice, frozen=True, kw_only=True, tag="tokens_ended"):
    """These tokens, named by their SHA-256, stand for nobody any more."""

    hashes: tuple[bytes, ...]


class TokensDoubted(Notice, frozen=True, kw_only=True, tag="tokens_doubted"):
    """Every token of this account is to be looked up again before it is believed."""

    account: Id


class Erasure(msgspec.Struct, frozen=True):
    """The payload of the job that erases an account."""

    account: Id


class Card(msgspec.Struct, frozen=True):
    """The public face of an account, as other slices may show it."""

    id: Id
    handle: str
    display_name: str
    bio: str
    avatar: str | None
    private: bool
    state: State
    admin: bool
    created_ms: int

    @property
    def live(self) -> bool:
        """Whether others may see this account at all."""
        return self.state == LIVE


def check_handle(handle: str) -> str:
    """The handle in lower case.

    Raises:
        Invalid: not 1–30 of letters, digits, ``_`` and inner ``.``, or reserved.
    """
    lowered = handle.lower().removeprefix("@")
    if not _HANDLE.fullmatch(lowered) or ".." in lowered:
        raise invalid_field(
            "/handle",
            f"1 to {LONGEST_HANDLE} of a-z, 0-9, _ and dots between them.",
        )
    if lowered in _RESERVED:
        raise invalid_field("/handle", "This handle is reserved.")
    return lowered


def check_email(email: str) -> str:
    """The address as sign-in compares it: trimmed and in lower case.

    Raises:
        Invalid: it does not look like an e-mail address.
    """
    lowered = email.strip().lower()
    if len(lowered) > LONGEST_EMAIL or not _EMAIL.fullmatch(lowered):
        raise invalid_field("/email", "This does not look like an e-mail address.")
    return lowered


def check_password(password: str, *, handle: str, email: str, pointer: str = "/password") -> str:
    """The password, unchanged.

    Raises:
        Invalid: too short, too long, or a copy of the handle or e-mail address.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise invalid_field(
            pointer, f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; 15 or more are safer."
        )
    if password.lower() in {handle, email, email.split("@", maxsplit=1)[0]}:
        raise invalid_field(pointer, "A password must not repeat the handle or e-mail address.")
    return password


def check_display_name(name: str) -> str:
    """Raises Invalid when it is too long or more than a line."""
    try:
        return clean_line(name, LONGEST_NAME)
    except ValueError as error:
        raise invalid_field("/display_name", f"{error}.") from error


def check_bio(bio: str) -> str:
    """Raises Invalid when it is too long or holds control characters."""
    try:
        return clean_text(bio, LONGEST_BIO)
    except ValueError as error:
        raise invalid_field("/bio", f"{error}.") from error
