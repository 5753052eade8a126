"""Erasing an account: every slice lets go of its part, the account's own row last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tintype.accounts import Accounts, Erasure
from tintype.admin import store
from tintype.database import Database, LeasedJob
from tintype.kernel.ids import Id

EraseAccount = Callable[[Id], Awaitable[None]]


class Erasing:
    """Runs each slice's ``erase_account`` in the given order, content before relations.

    Each may run again after a failure, so that the job as a whole may too.
    """

    def __init__(
        self, database: Database, accounts: Accounts, steps: Sequence[EraseAccount]
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._steps = steps

    async def erase(self, job: LeasedJob) -> None:
        """The job ``accounts.erase``: the account says ``deleted`` only when all of it is gone."""
        payload: Erasure = job.payload
        for step in self._steps:
            await step(payload.account)
        async with self._database.write() as tx:
            await store.forget_answers(tx, payload.account)
            await self._accounts.erase(tx, payload.account)
            await job.finish(tx)
