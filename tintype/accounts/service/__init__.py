"""The use cases of the accounts slice."""

from tintype.accounts.service.accounts import Accounts
from tintype.accounts.service.instance import OwnInstance
from tintype.accounts.service.passwords import Passwords
from tintype.accounts.service.sessions import Sessions

__all__ = ["Accounts", "OwnInstance", "Passwords", "Sessions"]
