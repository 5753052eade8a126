"""Signing in and out: opaque tokens, of which only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from tintype.accounts import store
from tintype.accounts.errors import (
    AccountNotFound,
    PasswordWrong,
    SessionNotFound,
    SignInFailed,
)
from tintype.accounts.events import SessionsEnded
from tintype.accounts.model import (
    AccountSettings,
    Card,
    Device,
    TokensDoubted,
    TokensEnded,
    check_password,
)
from tintype.accounts.service.passwords import Passwords
from tintype.accounts.views import (
    Counts,
    SessionList,
    SessionView,
    SignedIn,
    own_account_view,
)
from tintype.database import Database, Row, Transaction, within
from tintype.database import counts as folded
from tintype.kernel.clock import to_rfc3339
from tintype.kernel.ids import SHARDS, Id, shard_of
from tintype.kernel.problem import OutOfSpace, Unavailable

_DAY_MS = 24 * 3600 * 1000
_TOUCH_MS = 10 * 60 * 1000
_TOUCH_S = 0.1
_MOST_CACHED = 100_000
_SHARD_DIGITS = 3


class Signed(msgspec.Struct, frozen=True):
    """Who a live token stands for."""

    account: Id
    session: Id
    admin: bool
    ends_ms: int


class Sessions:
    """Opens, finds and ends sessions; a revoked token stops working before the answer is sent."""

    def __init__(self, database: Database, passwords: Passwords, settings: AccountSettings) -> None:
        self._database = database
        self._passwords = passwords
        self._settings = settings
        self._cache: OrderedDict[str, tuple[Signed, int]] = OrderedDict()
        self._tokens: dict[bytes, str] = {}
        self._endings = 0
        database.notices.hear(TokensEnded, lambda notice: self._forget(notice.hashes))
        database.notices.hear(TokensDoubted, lambda notice: self._forget_of(notice.account))
        database.notices.on_doubt(self._forget_all)

    async def sign_in(self, login: str, password: str, *, device: Device) -> SignedIn:
        """Open a session for a handle or e-mail address with its password.

        Raises:
            SignInFailed: the same for an unknown login, a wrong password and a closed account.
            TooManySignIns: come back in a moment.
        """
        wanted = login.strip().lower()
        async with self._database.read() as reader:
            if "@" in wanted.removeprefix("@"):
                account = await store.account_by_email(reader, wanted)
            else:
                account = await store.account_by_handle(reader, wanted.removeprefix("@"))
            known = None if account is None else await store.credentials_of(reader, account)
            card = (await store.cards(reader, [account or 0])).get(account or 0)
        fits = await self._passwords.verify(known.password_hash if known else None, password)
        if not fits or known is None or card is None or not card.live:
            raise SignInFailed
        fresh = None
        if self._passwords.outdated(known.password_hash):
            fresh = await self._passwords.hash(password)
        async with self._database.write() as tx:
            if not await _still(tx, card.id, known):
                raise SignInFailed
            if fresh is not None:
                await store.put_credentials(
                    tx,
                    card.id,
                    email=known.email,
                    password_hash=fresh,
                    now_ms=self._database.clock.now_ms(),
                )
            signed_in = await self.open(tx, card, email=known.email, device=device)
            await tx.answer(signed_in)
        return signed_in

    async def open(self, tx: Transaction, card: Card, *, email: str, device: Device) -> SignedIn:
        """Open a session within a transaction; the token exists nowhere but in the answer."""
        now = self._database.clock.now_ms()
        token = f"{shard_of(card.id):03x}{secrets.token_urlsafe(32)}"
        await store.insert_session(
            tx,
            {
                "shard": shard_of(card.id),
                "id": self._database.ids.next(shard_of(card.id)),
                "account": card.id,
                "token_hash": _hash(token),
                "created_ms": now,
                "seen_ms": now,
                "agent": device.agent,
                "address": device.address,
            },
        )
        counted = await folded.read(tx, [card.id], ["posts", "followers", "following"])
        view = own_account_view(card, Counts(**counted[card.id]), email)
        return SignedIn(account=view, token=token)

    def cached(self, token: str) -> Signed | None:
        """The answer of ``identify`` when it is at hand and the session needs no care.

        Never an ended session; ``None`` also when it is time to note that the session was used.
        """
        found = self._cache.get(token)
        if found is None:
            return None
        signed, seen = found
        now = self._database.clock.now_ms()
        return None if signed.ends_ms <= now or now - seen > _TOUCH_MS else signed

    async def identify(self, token: str) -> Signed | None:
        """Who a token stands for; ``None`` for an unknown, ended or revoked one."""
        now = self._database.clock.now_ms()
        found = self._cache.get(token)
        if found is not None:
            signed, seen = found
            if signed.ends_ms <= now:
                return None
            if now - seen > _TOUCH_MS:
                self._cache[token] = (signed, now)
                await self._touch(signed, now)
            return signed
        shard = _shard_in(token)
        if shard is None:
            return None
        endings = self._endings
        async with self._database.read() as reader:
            row = await store.session_by_token(reader, shard, _hash(token))
        if row is None or row.state != "active":
            return None
        ends = self._ends_ms(row)
        if ends <= now:
            return None
        signed = Signed(account=row.account, session=row.id, admin=row.admin, ends_ms=ends)
        if endings == self._endings:
            self._remember(token, signed, row.seen_ms)
        return signed

    async def _touch(self, signed: Signed, now_ms: int) -> None:
        """Note that a session was used; not worth a failure, nor a wait."""

        async def note() -> None:
            async with self._database.write() as tx:
                await store.touch_session(tx, signed.account, signed.session, now_ms)

        with suppress(TimeoutError, Unavailable, OutOfSpace):
            await within(_TOUCH_S, note())

    async def is_signed_in(self, account: Id, *, session: Id | None = None) -> bool:
        """Whether an account is live and this session of it (``None``: any) has not ended."""
        now = self._database.clock.now_ms()
        async with self._database.read() as reader:
            card = (await store.cards(reader, [account])).get(account)
            rows = await store.sessions_of(reader, account)
        open_ = {row.id for row in rows if self._ends_ms(row) > now}
        kept = bool(open_) if session is None else session in open_
        return card is not None and card.live and kept

    async def list_for(self, account: Id, *, current: Id) -> SessionList:
        """The open sessions of an account, the one used last first."""
        async with self._database.read() as reader:
            rows = await store.sessions_of(reader, account)
        return SessionList(
            items=[
                SessionView(
                    id=str(row.id),
                    created_at=to_rfc3339(row.created_ms),
                    last_seen_at=to_rfc3339(row.seen_ms),
                    user_agent=row.agent,
                    address=row.address,
                    current=row.id == current,
                )
                for row in rows
            ]
        )

    async def revoke(self, session: Id, *, actor: Id) -> None:
        """End one of one's own sessions, at once.

        Raises:
            SessionNotFound: not a session of the actor.
        """
        async with self._database.write() as tx:
            if not await self.end(tx, actor, only=session):
                raise SessionNotFound

    async def end(
        self, tx: Transaction, account: Id, *, only: Id | None = None, but: Id | None = None
    ) -> int:
        """End sessions within a transaction; their tokens stop working with its commit."""
        hashes = await store.delete_sessions(tx, account, only=only, but=but)
        tx.notify(TokensEnded(hashes=tuple(hashes)))
        return len(hashes)

    async def change_password(self, current: str, new: str, *, actor: Id, session: Id) -> None:
        """Set a new password and end every other session.

        Raises:
            PasswordWrong: the current password does not fit.
            Invalid: the new password is too short, too long or too close to the names.
        """
        card, email = await self.confirm(current, actor=actor)
        check_password(new, handle=card.handle, email=email, pointer="/new_password")
        fresh = await self._passwords.hash(new)
        async with self._database.write() as tx:
            await tx.lock(actor)
            if await store.credentials_of(tx, actor) is None:
                raise PasswordWrong
            await store.put_credentials(
                tx,
                actor,
                email=email,
                password_hash=fresh,
                now_ms=self._database.clock.now_ms(),
            )
            await self.end(tx, actor, but=session)

    async def reset_password(self, handle: str, new: str) -> None:
        """Set a new password in the operator's name and end every session.

        A server that runs beside this process hears of it by an event, within seconds.

        Raises:
            AccountNotFound: nobody has this handle.
            Invalid: the new password is too short, too long or too close to the names.
        """
        async with self._database.read() as reader:
            account = await store.account_by_handle(reader, handle.lower().removeprefix("@"))
            known = None if account is None else await store.credentials_of(reader, account)
            card = (await store.cards(reader, [account or 0])).get(account or 0)
        if known is None or card is None:
            raise AccountNotFound(f"Nobody here has the handle {handle}.")
        check_password(new, handle=card.handle, email=known.email)
        fresh = await self._passwords.hash(new)
        now = self._database.clock.now_ms()
        async with self._database.write() as tx:
            if not await _still(tx, card.id, known):
                raise AccountNotFound(f"Nobody here has the handle {handle}.")
            await store.put_credentials(
                tx, card.id, email=known.email, password_hash=fresh, now_ms=now
            )
            await self.end(tx, card.id)
            tx.emit(SessionsEnded(account=card.id))

    async def doubt(self, account: Id) -> None:
        """Look every token of an account up again before it is believed, in every process."""
        await self._database.notices.publish([TokensDoubted(account=account)])

    def _forget_of(self, account: Id) -> None:
        tokens = [token for token, (signed, _) in self._cache.items() if signed.account == account]
        self._forget([_hash(token) for token in tokens])

    async def confirm(self, password: str, *, actor: Id) -> tuple[Card, str]:
        """The actor's card and e-mail address, once the password was shown to fit.

        Raises:
            PasswordWrong: it does not.
        """
        async with self._database.read() as reader:
            known = await store.credentials_of(reader, actor)
            card = (await store.cards(reader, [actor])).get(actor)
        fits = await self._passwords.verify(known.password_hash if known else None, password)
        if not fits or known is None or card is None:
            raise PasswordWrong
        return card, known.email

    def _ends_ms(self, session: Row) -> int:
        return int(
            min(
                session.created_ms + self._settings.session_days * _DAY_MS,
                session.seen_ms + self._settings.session_idle_days * _DAY_MS,
            )
        )

    def _remember(self, token: str, signed: Signed, seen_ms: int) -> None:
        self._cache[token] = (signed, seen_ms)
        self._tokens[_hash(token)] = token
        if len(self._cache) > _MOST_CACHED:
            oldest, _ = self._cache.popitem(last=False)
            self._tokens.pop(_hash(oldest), None)

    def _forget_all(self) -> None:
        self._endings += 1
        self._cache.clear()
        self._tokens.clear()

    def _forget(self, hashes: Iterable[bytes]) -> None:
        # A session that is being looked up right now may be one of these: it is not kept.
        self._endings += 1
        for token_hash in hashes:
            token = self._tokens.pop(token_hash, None)
            if token is not None:
                self._cache.pop(token, None)


async def _still(tx: Transaction, account: Id, known: Row) -> bool:
    """Whether the credentials are those that were looked at before this transaction."""
    await tx.lock(account)
    now = await store.credentials_of(tx, account)
    return now is not None and now.password_hash == known.password_hash


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _shard_in(token: str) -> int | None:
    try:
        shard = int(token[:_SHARD_DIGITS], 16)
    except ValueError:
        return None
    return shard if 0 <= shard < SHARDS else None
