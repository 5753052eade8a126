from __future__ import annotations

import msgspec

from tintype.accounts.model import Card, Registration
from tintype.kernel.clock import to_rfc3339


class Counts(msgspec.Struct, frozen=True):
    posts: int = 0
    followers: int = 0
    following: int = 0


class Relation(msgspec.Struct, frozen=True):
    """What the viewer and this account are to each other."""

    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    muting: bool = False


class AuthorView(msgspec.Struct, frozen=True):
    """The short form of an account, as it stands beside what it wrote."""

    id: str
    handle: str
    display_name: str
    avatar: str | None


class AccountView(msgspec.Struct, frozen=True):
    """An account as one viewer may see it; ``relation`` is null when nobody is signed in."""

    id: str
    handle: str
    display_name: str
    bio: str
    avatar: str | None
    private: bool
    created_at: str
    counts: Counts
    relation: Relation | None


class Quota(msgspec.Struct, frozen=True):
    """Bytes of stored media."""

    used: int
    limit: int


class OwnAccountView(AccountView, frozen=True):
    """One's own account, with what nobody else sees."""

    email: str = ""
    admin: bool = False


class SignedIn(msgspec.Struct, frozen=True):
    account: OwnAccountView
    token: str


class SessionView(msgspec.Struct, frozen=True):
    id: str
    created_at: str
    last_seen_at: str
    user_agent: str
    address: str
    current: bool


class SessionList(msgspec.Struct, frozen=True):
    items: list[SessionView]


class DeletionView(msgspec.Struct, frozen=True):
    """How far the erasure of an account is: ``deleting`` until its last byte is gone."""

    state: str
    id: str


class InviteView(msgspec.Struct, frozen=True):
    code: str
    uses: int
    expires_at: str


class Instance(msgspec.Struct, frozen=True):
    """What an admin decides about this server."""

    name: str
    registration: Registration


def author_view(card: Card) -> AuthorView:
    return AuthorView(
        id=str(card.id),
        handle=card.handle,
        display_name=card.display_name,
        avatar=card.avatar,
    )


def account_view(card: Card, counts: Counts, relation: Relation | None) -> AccountView:
    return AccountView(
        id=str(card.id),
        handle=card.handle,
        display_name=card.display_name,
        bio=card.bio,
        avatar=card.avatar,
        private=card.private,
        created_at=to_rfc3339(card.created_ms),
        counts=counts,
        relation=relation,
    )


def own_account_view(card: Card, counts: Counts, email: str) -> OwnAccountView:
    return OwnAccountView(
        id=str(card.id),
        handle=card.handle,
        display_name=card.display_name,
        bio=card.bio,
        avatar=card.avatar,
        private=card.private,
        created_at=to_rfc3339(card.created_ms),
        counts=counts,
        relation=Relation(),
        email=email,
        admin=card.admin,
    )
