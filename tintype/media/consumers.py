"""The jobs of the media slice."""

from __future__ import annotations

from tintype.database import JobHandler
from tintype.media.model import Work
from tintype.media.service import ERASE, PROCESS, Erasing, Processing

_ATTEMPTS = 8


def jobs(processing: Processing, erasing: Erasing) -> list[JobHandler]:
    """What workers do for uploads."""
    return [
        JobHandler(
            PROCESS,
            Work,
            processing.process,
            lease_seconds=60,
            max_attempts=_ATTEMPTS,
            on_dead=processing.gave_up,
        ),
        # Deleted means gone: given up only after days of a storage that does not answer.
        JobHandler(ERASE, Work, erasing.erase, lease_seconds=60, max_attempts=400),
    ]
