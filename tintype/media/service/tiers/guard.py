"""Jobs that need an original wait until it is back, however long an archive takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tintype.database import JobHandler, LeasedJob, NotYet
from tintype.media.service.tiers.originals import Originals

_LOOK_AGAIN_S = 300.0


def needing_originals(handlers: Sequence[JobHandler], originals: Originals) -> list[JobHandler]:
    """The same handlers, each begun only when the original of its upload can be read.

    Waiting is no failed attempt. The payload of every one is ``Work``.
    """
    return [_patient(each, originals) for each in handlers]


def _patient(handler: JobHandler, originals: Originals) -> JobHandler:
    async def handle(job: LeasedJob) -> None:
        if not await originals.at_hand(job.payload.upload):
            raise NotYet(_LOOK_AGAIN_S, "the original is being brought back")
        await handler.handle(job)

    return replace(handler, handle=handle)
