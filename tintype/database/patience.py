"""Waiting for the database no longer than the caller has time for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_given_up: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of the work.

    The time is kept to whatever the work does: a statement that nobody waits for any more is
    cancelled, and its connection closed, behind the caller's back.

    Raises:
        TimeoutError: it did not end in time.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    give_up(task)
    raise TimeoutError


def give_up(task: asyncio.Task[Any]) -> None:
    """Cancel what nobody waits for any more, and let it end behind everybody's back."""
    task.cancel()
    _given_up.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        # Nobody is left to hear of it.
        task.exception()
