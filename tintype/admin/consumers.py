from __future__ import annotations

from tintype.accounts import ERASE, Erasure
from tintype.admin.service import Erasing, Repairs
from tintype.admin.service.repairs import REPLAY, Replay
from tintype.database import JobHandler

_ERASE_LEASE_S = 300.0


def jobs(erasing: Erasing, repairs: Repairs) -> list[JobHandler]:
    """The jobs of the operator's side. Erasing never gives up: the account was promised it."""
    return [
        JobHandler(
            ERASE, Erasure, erasing.erase, lease_seconds=_ERASE_LEASE_S, max_attempts=1_000_000
        ),
        JobHandler(REPLAY, Replay, repairs.deliver),
    ]
