from __future__ import annotations

from tintype.kernel.event import Event
from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice


class AccountCreated(Event, frozen=True, kw_only=True, tag="account_created"):
    """Somebody signed up."""

    account: Id

    def key(self) -> Id:
        return self.account


class AccountChanged(Event, frozen=True, kw_only=True, tag="account_changed"):
    """The public face of an account changed."""

    account: Id

    def key(self) -> Id:
        return self.account


class PrivacyChanged(Event, frozen=True, kw_only=True, tag="privacy_changed"):
    """An account became private or public."""

    account: Id
    private: bool

    def key(self) -> Id:
        return self.account


class AccountDeleting(Event, frozen=True, kw_only=True, tag="account_deleting"):
    """An account was deleted by its holder: hidden now, erased in the background."""

    account: Id

    def key(self) -> Id:
        return self.account


class AccountErased(Event, frozen=True, kw_only=True, tag="account_erased"):
    """Nothing is left of a deleted account but an empty row that says so."""

    account: Id

    def key(self) -> Id:
        return self.account

    def forgets(self) -> tuple[Id, ...]:
        return (self.account,)


class SessionsEnded(Event, frozen=True, kw_only=True, tag="sessions_ended"):
    """Every session of an account was ended from outside the serving process."""

    account: Id

    def key(self) -> Id:
        return self.account


class CardChanged(Notice, frozen=True, kw_only=True, tag="card_changed"):
    """What others see of an account is different: its card, its state, its privacy."""

    account: Id
