"""First-run set-up: whoever reads the token off the server's terminal becomes its admin."""

from __future__ import annotations

import base64
import hmac

from tintype import __version__
from tintype.accounts import (
    Accounts,
    Device,
    Newcomer,
    OwnInstance,
    Registration,
    SignedIn,
)
from tintype.admin.errors import SetupDone, SetupTokenWrong
from tintype.admin.views import AdminInstanceView, InstanceView, LinksView
from tintype.database import Transaction
from tintype.kernel.links import HERE
from tintype.media import LimitsView

_TOKEN_BYTES = 15


class Setup:
    """Offers set-up until it was taken, once in an instance's life.

    The token is derived from the server's secret, so that every start prints the same one and a
    crash between printing and using it changes nothing. It opens nothing after the first admin.
    """

    def __init__(
        self, accounts: Accounts, instance: OwnInstance, *, secret: bytes, limits: LimitsView
    ) -> None:
        self._accounts = accounts
        self._instance = instance
        self._token = base64.b32encode(secret[:_TOKEN_BYTES]).decode().lower()
        self._limits = limits

    async def offered(self) -> str | None:
        """The token to print; ``None`` once an admin exists."""
        return None if await self._instance.is_set_up() else self._token

    async def run(
        self,
        token: str,
        newcomer: Newcomer,
        *,
        device: Device,
        name: str | None = None,
        registration: Registration | None = None,
    ) -> SignedIn:
        """Create the first admin and name the instance, in one transaction.

        Raises:
            SetupDone: somebody was quicker, or the instance has been set up before.
            SetupTokenWrong: not the token that was printed.
            Invalid, HandleTaken, EmailTaken, TooManySignIns: as for any new account.
        """
        if await self._instance.is_set_up():
            raise SetupDone
        if not hmac.compare_digest(token.strip().lower().encode(), self._token.encode()):
            raise SetupTokenWrong

        async def claim(tx: Transaction) -> None:
            if not await self._instance.set_up(tx, name=name, registration=registration):
                raise SetupDone

        return await self._accounts.sign_up(newcomer, device=device, admin=True, first=claim)

    async def instance(self) -> InstanceView:
        """This server as anybody may know it."""
        found = await self._instance.read()
        return InstanceView(
            name=found.name,
            registration=found.registration,
            setup_required=not await self._instance.is_set_up(),
            version=__version__,
            limits=self._limits,
            links=LinksView(documentation=f"{HERE}/docs", openapi=f"{HERE}/openapi.json"),
        )

    async def decisions(self) -> AdminInstanceView:
        """What an admin decides about this server."""
        found = await self._instance.read()
        return AdminInstanceView(name=found.name, registration=found.registration)

    async def decide(
        self, *, name: str | None, registration: Registration | None
    ) -> AdminInstanceView:
        """Change it; what is ``None`` stays.

        Raises:
            Invalid: the name is too long or more than a line.
        """
        found = await self._instance.change(name=name, registration=registration)
        return AdminInstanceView(name=found.name, registration=found.registration)
