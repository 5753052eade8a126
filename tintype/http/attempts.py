"""Requests that the database gave back undone are run again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from tintype.database import TryAgain

log = structlog.get_logger(__name__)

MOST = 3
_FIRST_PAUSE_S = 0.02

T = TypeVar("T")


async def again(work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, up to three times while it is given back undone, with a jittered pause.

    Nothing of an attempt that was given back is stored, so the next one is the first again.

    Raises:
        TryAgain: every attempt was given back.
    """
    for attempt in range(1, MOST):
        try:
            return await work()
        except TryAgain as undone:
            log.info("http.attempt_undone", attempt=attempt, cause=repr(undone.__cause__))
            await asyncio.sleep(_FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
    return await work()
