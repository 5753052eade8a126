from __future__ import annotations

import msgspec

from tintype.accounts import AccountView, AuthorView
from tintype.graph.model import FollowState


class FollowAnswer(msgspec.Struct, frozen=True):
    """How a follow stands, and the account as it is seen from now on."""

    state: FollowState
    account: AccountView


class MutualsView(msgspec.Struct, frozen=True):
    """Those whom the viewer follows and who follow an account; ``count`` is 100 for more, too."""

    count: int
    accounts: list[AuthorView]


class ProfileView(AccountView, frozen=True):
    """An account read by itself.

    ``mutuals`` is null for oneself, where nobody is signed in, and where the viewer may not see
    who follows the account.
    """

    mutuals: MutualsView | None = None
