from __future__ import annotations

import msgspec

from tintype.accounts import AccountView
from tintype.graph.model import FollowState


class FollowAnswer(msgspec.Struct, frozen=True):
    """How a follow stands, and the account as it is seen from now on."""

    state: FollowState
    account: AccountView
