"""Who you are: account, profile, credentials, sessions."""

from tintype.accounts.errors import AccountNotFound, SetupDone, SetupTokenWrong
from tintype.accounts.model import AccountSettings, Card, Registration
from tintype.accounts.service import Accounts, Passwords, Sessions
from tintype.accounts.service.accounts import ERASE, Erasure, Newcomer
from tintype.accounts.service.sessions import Device, Signed
from tintype.accounts.views import (
    AccountView,
    AuthorView,
    Counts,
    Instance,
    InviteView,
    Relation,
    SignedIn,
    account_view,
    author_view,
)

__all__ = [
    "ERASE",
    "AccountNotFound",
    "AccountSettings",
    "AccountView",
    "Accounts",
    "AuthorView",
    "Card",
    "Counts",
    "Device",
    "Erasure",
    "Instance",
    "InviteView",
    "Newcomer",
    "Passwords",
    "Registration",
    "Relation",
    "Sessions",
    "SetupDone",
    "SetupTokenWrong",
    "Signed",
    "SignedIn",
    "account_view",
    "author_view",
]
