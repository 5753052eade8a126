"""Jobs: imperative work that is asked for in the transaction that needs it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tintype.kernel.ids import Id

QUEUED, RUNNING, DEAD = "queued", "running", "dead"


class Permanent(Exception):  # noqa: N818 - it reads as what it says: permanent("reason")
    """The job can never succeed: no retry, straight to the dead letters with this reason."""


class NotYet(Exception):  # noqa: N818 - a state, not a fault of the code
    """The job can not be done yet: look again after ``seconds``; this was no failed attempt."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds


class LeaseLost(Exception):  # noqa: N818 - a state, not a fault of the code
    """Another worker took this job over; whatever this one was about to write must not land."""


@dataclass(frozen=True)
class Job:
    """Work to be done after the commit.

    ``dedupe`` makes asking twice harmless: while a job of the same shard, kind and dedupe text is
    waiting or running, a second one is not stored. Lower ``priority`` goes first.
    """

    kind: str
    shard: int
    payload: msgspec.Struct
    dedupe: str | None = None
    priority: int = 0


def job_row(job: Job, id_: Id, now_ms: int) -> dict[str, object]:
    return {
        "shard": job.shard,
        "id": id_,
        "kind": job.kind,
        "dedupe": job.dedupe or str(id_),
        "payload": msgspec.json.encode(job.payload),
        "state": QUEUED,
        "priority": job.priority,
        "run_at_ms": now_ms,
        "attempts": 0,
        "fence": 0,
        "leased_until_ms": 0,
        "reason": None,
    }
