"""Claims on objects: one at a time is at each, and whoever fell asleep over it is shut out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tintype.database import Database
from tintype.media import store
from tintype.media.model import StoredObject
from tintype.media.store import objects

STALE_MS = 60_000
"""Age at which a claim counts as given up."""


class Stopped(Exception):  # noqa: N818 - a state, not a fault
    """Somebody else is at it, or nobody shall be any more."""


def is_held(object_: StoredObject, now_ms: int) -> bool:
    """Whether somebody is at it, as far as can be told."""
    return object_.claimed_ms > now_ms - STALE_MS


class Claim:
    """The right to change one object, for as long as it is shown to be used.

    ``object`` is the row as this claim left it last.
    """

    def __init__(self, database: Database, object_: StoredObject) -> None:
        self.object = object_
        self._database = database
        self._over = False

    async def beat(self) -> None:
        """Show that somebody is still at it.

        Raises:
            Stopped: somebody else is, or the upload was given up.
        """
        await self.step({})

    async def step(self, values: Mapping[str, object]) -> None:
        """Change the object and keep the claim.

        Raises:
            Stopped: somebody else has it, or the upload was given up.
        """
        stamp = max(self._database.clock.now_ms(), self.object.claimed_ms + 1)
        await self._change({**values, "claimed_ms": stamp})

    async def end(self, values: Mapping[str, object]) -> None:
        """Change the object and give the claim up.

        Raises:
            Stopped: somebody else has it, or the upload was given up.
        """
        await self._change({**values, "claimed_ms": 0})
        self._over = True

    async def forget(self) -> bool:
        """Drop the row of an object whose bytes are gone; tells whether it was still ours."""
        self._over = True
        async with self._database.write() as tx:
            return await objects.forget_object(tx, self.object)

    async def let_go(self) -> None:
        """Let anybody go on at once, unless the claim is over."""
        if self._over:
            return
        self._over = True
        stale = self._database.clock.now_ms() - STALE_MS - 1
        async with self._database.write() as tx:
            await objects.change_object(tx, self.object, {"claimed_ms": stale})

    async def _change(self, values: Mapping[str, object]) -> None:
        async with self._database.write() as tx:
            await tx.lock(self.object.upload)
            upload = await store.read(tx, self.object.upload)
            if upload is None or upload.state == "released":
                raise Stopped
            if not await objects.change_object(tx, self.object, values):
                raise Stopped
        self.object = msgspec.structs.replace(self.object, **values)


async def take(
    database: Database, seen: StoredObject, values: Mapping[str, object]
) -> Claim | None:
    """Claim an object as it was seen; ``None`` when somebody was quicker or it is being erased."""
    claim = Claim(database, seen)
    if is_held(seen, database.clock.now_ms()):
        return None
    try:
        await claim.step(values)
    except Stopped:
        return None
    return claim
