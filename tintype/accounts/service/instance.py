"""What an admin decides about this server: its name, who may join, and by which invite."""

from __future__ import annotations

import secrets
from typing import cast

from tintype.accounts import store
from tintype.accounts.errors import InviteRefused, RegistrationClosed
from tintype.accounts.model import LONGEST_NAME, AccountSettings, Registration
from tintype.accounts.views import Instance, InviteView
from tintype.database import Database, Reader, Transaction
from tintype.kernel.clock import to_rfc3339
from tintype.kernel.ids import Id
from tintype.kernel.problem import invalid_field
from tintype.kernel.text import clean_line

_DAY_MS = 24 * 3600 * 1000
_NAME, _REGISTRATION, _SET_UP = "name", "registration", "set_up"


class OwnInstance:
    """The facts about this instance that its admins can change while it runs."""

    def __init__(self, database: Database, settings: AccountSettings) -> None:
        self._database = database
        self._settings = settings

    async def read(self) -> Instance:
        """The name and the registration mode of this server."""
        async with self._database.read() as reader:
            return await self._read(reader)

    async def change(
        self, *, name: str | None = None, registration: Registration | None = None
    ) -> Instance:
        """Change what an admin decides about this server; what is ``None`` stays.

        Raises:
            Invalid: the name is too long or more than a line.
        """
        async with self._database.write() as tx:
            await self._put(tx, name, registration)
            return await self._read(tx)

    async def is_set_up(self) -> bool:
        """Whether an admin exists, or ever did: set-up is offered once in an instance's life."""
        async with self._database.read() as reader:
            return await self._is_set_up(reader)

    async def set_up(
        self, tx: Transaction, *, name: str | None = None, registration: Registration | None = None
    ) -> bool:
        """Take the one chance to set this instance up, with the transaction that makes its admin.

        False, and nothing changed, when it was taken before.

        Raises:
            Invalid: the name is too long or more than a line.
        """
        if await self._is_set_up(tx) or not await store.add_instance_fact(tx, _SET_UP, "yes"):
            return False
        await self._put(tx, name, registration)
        return True

    async def invite(self, *, actor: Id, uses: int, days: int) -> InviteView:
        """A new invite, good for so many sign-ups within so many days; ``actor`` 0 is the shell."""
        code = secrets.token_urlsafe(12)
        expires = self._database.clock.now_ms() + days * _DAY_MS
        view = InviteView(code=code, uses=uses, expires_at=to_rfc3339(expires))
        async with self._database.write() as tx:
            await store.insert_invite(
                tx,
                {"code": code, "uses_left": uses, "expires_ms": expires, "created_by": actor},
            )
            await tx.answer(view)
        return view

    async def admit(self, tx: Transaction, invite: str | None) -> None:
        """Let somebody in who is not an admin, using up an invite where one is needed.

        Raises:
            RegistrationClosed, InviteRefused.
        """
        mode = (await self._read(tx)).registration
        if mode == "closed":
            raise RegistrationClosed
        now = self._database.clock.now_ms()
        if mode == "invite" and not (invite and await store.use_invite(tx, invite, now)):
            raise InviteRefused

    async def _is_set_up(self, reader: Reader) -> bool:
        facts = await store.instance_facts(reader)
        return _SET_UP in facts or await store.has_admin(reader)

    async def _read(self, reader: Reader) -> Instance:
        facts = await store.instance_facts(reader)
        stored = facts.get(_REGISTRATION)
        mode = self._settings.registration if stored is None else cast("Registration", stored)
        return Instance(name=facts.get(_NAME, "Tintype"), registration=mode)

    async def _put(
        self, tx: Transaction, name: str | None, registration: Registration | None
    ) -> None:
        if name is not None:
            await store.put_instance_fact(tx, _NAME, check_name(name))
        if registration is not None:
            await store.put_instance_fact(tx, _REGISTRATION, registration)


def check_name(name: str) -> str:
    """The name of the instance, trimmed; ``Tintype`` when it is empty.

    Raises:
        Invalid: too long or more than a line.
    """
    try:
        return clean_line(name, LONGEST_NAME) or "Tintype"
    except ValueError as error:
        raise invalid_field("/name", f"{error}.") from error
