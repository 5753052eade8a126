from __future__ import annotations

import msgspec

from tintype.accounts import AccountView
from tintype.posts import TagView


class SearchResult(msgspec.Struct, frozen=True):
    """What was found, best first; a kind that was not asked for is empty."""

    accounts: list[AccountView]
    tags: list[TagView]
