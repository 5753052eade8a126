"""Who you are: account, profile, credentials, sessions."""

from tintype.accounts.errors import JOINING, AccountNotFound
from tintype.accounts.model import AccountSettings, Card, Device, Erasure, Newcomer, Registration
from tintype.accounts.service import Accounts, OwnInstance, Passwords, Sessions
from tintype.accounts.service.accounts import ERASE
from tintype.accounts.views import (
    AccountView,
    AuthorView,
    Counts,
    InviteView,
    Relation,
    SignedIn,
    account_view,
    author_view,
)

__all__ = [
    "ERASE",
    "JOINING",
    "AccountNotFound",
    "AccountSettings",
    "AccountView",
    "Accounts",
    "AuthorView",
    "Card",
    "Counts",
    "Device",
    "Erasure",
    "InviteView",
    "Newcomer",
    "OwnInstance",
    "Passwords",
    "Registration",
    "Relation",
    "Sessions",
    "SignedIn",
    "account_view",
    "author_view",
]
