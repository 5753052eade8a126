"""Looking at work that was given up, and doing it again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.admin import store
from tintype.database import Consumer, Database, Fold, Job, LeasedJob, LeaseLost, Row
from tintype.kernel.event import wire_name
from tintype.kernel.ids import Id

REPLAY = "dead-letters.replay"


class Replay(msgspec.Struct, frozen=True):
    """The payload of the job that delivers one dead letter to its group again."""

    group: str
    position: int


class Repairs:
    """Jobs and events that were given up after their last attempt; nothing of them is lost."""

    def __init__(self, database: Database, consumers: Sequence[Consumer | Fold] = ()) -> None:
        self._database = database
        self._consumers = {consumer.group: consumer for consumer in consumers}

    async def jobs(self, *, state: str | None, limit: int) -> Sequence[Row]:
        """Jobs in one state (``queued``, ``running``, ``dead``) or in any, the oldest first."""
        async with self._database.read() as reader:
            return await store.list_jobs(reader, state=state, limit=limit)

    async def retry(self, *, only: Id | None = None, kind: str | None = None) -> int:
        """Queue dead jobs again, with all their attempts; returns how many."""
        now = self._database.clock.now_ms()
        async with self._database.write() as tx:
            return await store.revive_jobs(tx, only=only, kind=kind, now_ms=now)

    async def dead_letters(self, *, group: str | None = None, limit: int) -> Sequence[Row]:
        """Events that a consumer group gave up, in log order."""
        async with self._database.read() as reader:
            return await store.list_dead_letters(reader, group=group, position=None, limit=limit)

    async def replay(self, *, group: str | None = None, position: int | None = None) -> int:
        """Ask for the delivery of dead letters to their own groups again; returns how many.

        The serving process does it, as a job each. One that fails again stays where it is.
        """
        async with self._database.write() as tx:
            rows = await store.list_dead_letters(tx, group=group, position=position, limit=10_000)
            for row in rows:
                replay = Replay(group=row.consumer_group, position=row.position)
                dedupe = f"{row.consumer_group} {row.position}"
                await tx.enqueue(Job(kind=REPLAY, shard=row.shard, payload=replay, dedupe=dedupe))
        return len(rows)

    async def deliver(self, job: LeasedJob) -> None:
        """The job itself: a letter that is taken is gone, one that fails again has a new reason."""
        wanted: Replay = job.payload
        async with self._database.read() as reader:
            letter = await store.read_dead_letter(reader, wanted.group, wanted.position)
        if letter is None:
            return
        try:
            await self._deliver(job, letter)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - the letter keeps whatever went wrong
            async with self._database.write() as tx:
                await store.note_reason(tx, wanted.group, wanted.position, repr(error))
                await job.finish(tx)

    async def _deliver(self, job: LeasedJob, letter: Row) -> None:
        consumer = self._consumers.get(letter.consumer_group)
        if consumer is None:
            raise LookupError(f"there is no consumer group {letter.consumer_group} here")
        types = {wire_name(type_): type_ for type_ in consumer.events}
        event = msgspec.json.decode(letter.payload, type=types[letter.kind])
        if isinstance(consumer, Consumer):
            await consumer.handle([event])
        async with self._database.write() as tx:
            taken = await store.forget_dead_letter(tx, letter.consumer_group, letter.position)
            if isinstance(consumer, Fold) and taken:
                await consumer.fold(tx, [event])
            await job.finish(tx)
