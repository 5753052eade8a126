"""Joining, the public face of an account, and leaving."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping

from tintype.accounts import store
from tintype.accounts.errors import (
    AccountNotFound,
    EmailTaken,
    HandleTaken,
    RegistrationClosed,
)
from tintype.accounts.events import (
    AccountChanged,
    AccountCreated,
    AccountDeleting,
    AccountErased,
    CardChanged,
    PrivacyChanged,
)
from tintype.accounts.model import (
    AccountSettings,
    Card,
    Device,
    Erasure,
    Newcomer,
    check_bio,
    check_display_name,
    check_email,
    check_handle,
    check_password,
)
from tintype.accounts.service.instance import OwnInstance
from tintype.accounts.service.passwords import Passwords
from tintype.accounts.service.sessions import Sessions
from tintype.accounts.views import (
    Counts,
    DeletionView,
    OwnAccountView,
    SignedIn,
    own_account_view,
)
from tintype.database import Database, Job, Reader, Transaction
from tintype.database import counts as folded
from tintype.kernel.ids import SHARDS, Id, parse_id, shard_of

ERASE = "accounts.erase"


class Accounts:
    """Accounts by id and handle, and their holders' own changes to them."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sessions: Sessions,
        settings: AccountSettings,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._instance = OwnInstance(database, settings)

    def on_change(self, listener: Callable[[Id], None]) -> None:
        """Hear of every account whose card changed, after the commit and before it is acknowledged.

        For what a process holds of accounts: whoever wants facts listens to the events.
        """
        self._database.notices.hear(CardChanged, lambda notice: listener(notice.account))

    async def sign_up(
        self,
        newcomer: Newcomer,
        *,
        device: Device,
        admin: bool = False,
        first: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> SignedIn:
        """Create an account and open its first session.

        An admin may join whatever the registration mode is: only set-up and the operator's command
        line say ``admin``. ``first`` runs in the same transaction, before anything else of it.

        Raises:
            Invalid, HandleTaken, EmailTaken, RegistrationClosed, InviteRefused, TooManySignIns.
        """
        handle = check_handle(newcomer.handle)
        email = check_email(newcomer.email)
        check_password(newcomer.password, handle=handle, email=email)
        name = check_display_name(newcomer.display_name) or handle
        if not admin and (await self._instance.read()).registration == "closed":
            raise RegistrationClosed
        password_hash = await self._passwords.hash(newcomer.password)
        now = self._database.clock.now_ms()
        card = Card(
            id=self._database.ids.next(secrets.randbelow(SHARDS)),
            handle=handle,
            display_name=name,
            bio="",
            avatar=None,
            private=False,
            state="active",
            admin=admin,
            created_ms=now,
        )
        async with self._database.write() as tx:
            if first is not None:
                await first(tx)
            if not admin:
                await self._instance.admit(tx, newcomer.invite)
            if not await store.claim_handle(tx, handle, card.id):
                raise HandleTaken
            if not await store.claim_email(tx, email, card.id):
                raise EmailTaken
            await store.insert_account(tx, card)
            await store.put_credentials(
                tx, card.id, email=email, password_hash=password_hash, now_ms=now
            )
            signed_in = await self._sessions.open(tx, card, email=email, device=device)
            tx.emit(AccountCreated(account=card.id))
            await tx.answer(signed_in)
        return signed_in

    async def resolve(self, reference: str) -> Id:
        """The account that an id or an ``@handle`` names, whatever its state.

        Raises:
            AccountNotFound: there is none.
        """
        if not reference.startswith("@"):
            return parse_id(reference)
        async with self._database.read() as reader:
            found = await store.account_by_handle(reader, reference[1:].lower())
        if found is None:
            raise AccountNotFound
        return found

    async def by_handles(self, handles: Iterable[str]) -> dict[str, Id]:
        """The accounts behind handles (lower case, no @); unknown handles are left out."""
        found = {}
        async with self._database.read() as reader:
            for handle in handles:
                account = await store.account_by_handle(reader, handle)
                if account is not None:
                    found[handle] = account
        return found

    async def cards(self, ids: Iterable[Id]) -> dict[Id, Card]:
        """The public faces of accounts, whatever their state; unknown ids are left out."""
        async with self._database.read() as reader:
            return await store.cards(reader, ids)

    async def cards_in(self, reader: Reader, ids: Iterable[Id]) -> dict[Id, Card]:
        """The same, as one transaction sees it."""
        return await store.cards(reader, ids)

    async def standings_in(self, reader: Reader, ids: Iterable[Id]) -> dict[Id, tuple[bool, bool]]:
        """Of each account, whether it is live and whether it is private; nothing else is read."""
        return await store.standings(reader, ids)

    async def away(self, limit: int) -> list[Id]:
        """At most so many of the accounts that are not live and not erased to the end yet; of who
        is erased, nothing is left that could name them.
        """
        async with self._database.read() as reader:
            return await store.away(reader, limit)

    async def search(self, text: str, *, limit: int) -> list[Id]:
        """Accounts whose handle starts with the text, then those whose name holds it."""
        wanted = text.strip().lower().removeprefix("@")
        if not wanted:
            return []
        async with self._database.read() as reader:
            found = await store.handles_starting(reader, wanted, limit)
            found += await store.names_holding(reader, wanted, limit)
        return list(dict.fromkeys(found))[:limit]

    async def own(self, account: Id) -> OwnAccountView:
        """One's own account.

        Raises:
            AccountNotFound: it is gone.
        """
        async with self._database.read() as reader:
            return await self._own(reader, account)

    async def _own(self, reader: Reader, account: Id) -> OwnAccountView:
        card = (await store.cards(reader, [account])).get(account)
        known = await store.credentials_of(reader, account)
        if card is None or known is None:
            raise AccountNotFound
        counted = await folded.read(reader, [account], ["posts", "followers", "following"])
        return own_account_view(card, Counts(**counted[account]), known.email)

    async def update(
        self,
        *,
        actor: Id,
        display_name: str | None = None,
        bio: str | None = None,
        private: bool | None = None,
    ) -> OwnAccountView:
        """Change one's own public face; what is ``None`` stays.

        Raises:
            Invalid: a field was refused.
        """
        changes: dict[str, object] = {}
        if display_name is not None:
            changes["display_name"] = check_display_name(display_name)
        if bio is not None:
            changes["bio"] = check_bio(bio)
        if private is not None:
            changes["private"] = private
        async with self._database.write() as tx:
            await tx.lock(actor)
            before = (await store.cards(tx, [actor]))[actor]
            if changes:
                await self._change(tx, actor, changes)
                tx.emit(AccountChanged(account=actor))
            if private is not None and private != before.private:
                tx.emit(PrivacyChanged(account=actor, private=private))
            return await self._own(tx, actor)

    async def set_avatar(self, tx: Transaction, account: Id, avatar: str | None) -> None:
        """Show another picture beside the account, from this transaction on."""
        await self._change(tx, account, {"avatar": avatar})
        tx.emit(AccountChanged(account=account))

    async def delete(self, password: str, *, actor: Id) -> DeletionView:
        """Leave: hidden and signed out everywhere at once, erased by a job after that.

        Raises:
            PasswordWrong: the password does not fit.
        """
        card, email = await self._sessions.confirm(password, actor=actor)
        async with self._database.write() as tx:
            await tx.lock(actor)
            await self._change(tx, actor, {"state": "deleting"})
            await store.free_names(tx, handle=card.handle, email=email)
            await store.delete_credentials(tx, actor)
            await self._sessions.end(tx, actor)
            tx.emit(AccountDeleting(account=actor))
            await tx.enqueue(
                Job(
                    kind=ERASE,
                    shard=shard_of(actor),
                    payload=Erasure(account=actor),
                    dedupe=str(actor),
                )
            )
        return DeletionView(state="deleting", id=str(actor))

    async def deletion(self, account: Id) -> DeletionView:
        """How far the erasure of an account is.

        Raises:
            AccountNotFound: it was never deleted.
        """
        async with self._database.read() as reader:
            card = (await store.cards(reader, [account])).get(account)
        if card is None or card.state not in {"deleting", "deleted"}:
            raise AccountNotFound
        return DeletionView(state=card.state, id=str(account))

    async def erase(self, tx: Transaction, account: Id) -> None:
        """Wipe what is left of a leaving account; its empty row says that it is gone."""
        await self._change(
            tx,
            account,
            {
                "state": "deleted",
                "handle": f"deleted-{account % 10**12}",
                "display_name": "",
                "bio": "",
                "avatar": None,
            },
        )
        tx.emit(AccountErased(account=account))

    async def _change(self, tx: Transaction, account: Id, values: Mapping[str, object]) -> None:
        await store.update_account(tx, account, values)
        tx.notify(CardChanged(account=account))
