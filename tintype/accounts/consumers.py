from __future__ import annotations

from collections.abc import Sequence

from tintype.accounts.events import SessionsEnded
from tintype.accounts.service import Sessions
from tintype.database import Consumer
from tintype.kernel.event import Event


def consumers(sessions: Sessions) -> list[Consumer]:
    """What the accounts slice does with events: believe no token that was ended elsewhere."""

    async def forget(batch: Sequence[Event]) -> None:
        for event in batch:
            if isinstance(event, SessionsEnded):
                await sessions.doubt(event.account)

    return [Consumer("sessions", (SessionsEnded,), forget)]
