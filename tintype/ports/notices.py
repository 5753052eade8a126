"""The channel of notices between the processes of one server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class NoticesMissed(Exception):  # noqa: N818 - a state, not a fault of the code
    """Some messages can not be had any more; whoever listens must doubt everything that it holds.

    The next ``catch_up`` goes on with what is published from now on.
    """


class NoticeChannel(Protocol):
    """Carries small messages from every process to every other one.

    Each process has one channel object. Both methods may raise
    ``tintype.kernel.problem.Unavailable``; whether a publication was carried is then unknown.
    """

    async def publish(self, messages: Sequence[bytes]) -> None:
        """Return once every ``catch_up`` that begins from now on, anywhere, finds the messages."""
        ...

    async def catch_up(self, hand: Callable[[Sequence[bytes]], None]) -> None:
        """Hand over, in order, what was published before this call and not handed over here yet.

        Messages that this object published itself may be among them. The first call begins with
        what is published after it. Calls at the same time may share one look at the channel that is
        taken after each of them began; none of them returns before ``hand`` was given all of it.

        Raises:
            NoticesMissed: see there.
        """
        ...

    async def close(self) -> None:
        """Release what is held; every later call raises ``Unavailable``."""
        ...
