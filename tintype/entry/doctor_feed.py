"""What the doctor says about fan-out: what waits in its lanes, and who is pulled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tintype.admin import Finding
from tintype.entry.database import open_database
from tintype.entry.settings import DATABASE, Settings
from tintype.feed import FanOutFigures
from tintype.feed.service.reach import ByReach
from tintype.kernel.clock import SystemClock

_SECONDS = 10.0
_LATE_S = 120


def examine_feed(settings: Settings) -> Iterator[Finding]:
    """Every finding about fan-out."""
    if settings.database.url is None and not (settings.data / DATABASE).is_file():
        return
    try:
        figures = asyncio.run(_figures(settings))
    except Exception as error:  # noqa: BLE001 - whatever breaks a look is its finding
        yield Finding("fan-out", "failed", f"{type(error).__name__}: {error}".rstrip(": "))
        return
    yield from judged(figures, SystemClock().now_ms())


def judged(figures: FanOutFigures, now_ms: int) -> Iterator[Finding]:
    """What to say of these figures."""
    why = "as the settings say" if figures.pinned else "by the measured pace of fan-out"
    detail = f"Posts of authors with {figures.threshold} followers or more are pulled, {why}."
    yield Finding("threshold", detail=detail)
    if not figures.waiting:
        yield Finding("fan-out", detail="Nothing waits.")
    for lane, waiting in figures.waiting.items():
        age_s = max(0, now_ms - waiting.oldest_ms) // 1000
        text = f"{waiting.tasks} tasks in the lane {lane}, the oldest for {age_s} s."
        if age_s > _LATE_S:
            fix = "Start more workers with --only fan-out, or lower feed.celebrity_threshold."
            yield Finding("fan-out", "degraded", f"{text} {fix}")
        else:
            yield Finding("fan-out", detail=text)


async def _figures(settings: Settings) -> FanOutFigures:
    clock = SystemClock()
    database = open_database(settings, clock)
    try:
        async with asyncio.timeout(_SECONDS), database.read() as reader:
            return await ByReach(settings.feed.threshold(), clock).figures(reader)
    finally:
        await database.close()
