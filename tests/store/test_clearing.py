"""Orphans cleared away while somebody stores the same keys: every order of the steps of both."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import pytest

from tests.depot import TYPE, Depot
from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.codecs import Rendition as MadeFile
from tintype.database import (
    Database,
    Job,
    JobHandler,
    JobRunner,
    LeasedJob,
    NotYet,
    Reader,
    SqliteDatabase,
    Transaction,
)
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of
from tintype.media import store
from tintype.media.model import Work, original_key, rendition_key
from tintype.media.service.processing.shared import rendition_of
from tintype.media.service.processing.workshop import Workshop
from tintype.media.service.tiers import COLD, Cleared, Clearing, TierSettings
from tintype.media.service.tiers.clearing import give_way
from tintype.media.store import clearing as marks
from tintype.media.store import objects
from tintype.media.store.objects import MAIN
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound

DAY = 24 * 3600
KIND = "media.grow"
CONTENT = b"the same picture once more"
# Of those who clear: mark, look for jobs, look for rows, delete, take the mark back. Of those who
# store: ask for it, look for marks, store, commit the row.
CLEARING_STEPS, STORING_STEPS = 5, 4
SOME = 12


@pytest.fixture
def clock() -> ManualClock:
    """Three days ahead of the disk's, so that what is written now is old."""
    return ManualClock(datetime.fromtimestamp(datetime.now(UTC).timestamp() + 3 * DAY, UTC))


@pytest.fixture
async def depot(database: Database, tmp_path: Path) -> AsyncIterator[Depot]:
    roomy = DiskSettings(free_floor=0)
    stores = {
        name: DiskBlobs(tmp_path / name, secret=b"k" * 32, settings=roomy) for name in (MAIN, COLD)
    }
    yield Depot(database, stores, TierSettings())
    for each in stores.values():
        each.close()


class Turns:
    """Lets two at work take their steps in a given order; what is left of it when one has ended is
    the other's.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._order = list(order)
        self._holder: str | None = None
        self._changed = asyncio.Condition()

    async def step(self, who: str) -> None:
        """Return when the step before it is done and it is one's own turn."""
        async with self._changed:
            self._end(who)
            await self._changed.wait_for(lambda: self._holder is None and self._is_next(who))
            if self._order:
                self._order.pop(0)
                self._holder = who

    async def over(self, who: str) -> None:
        async with self._changed:
            self._end(who)
            self._order = [each for each in self._order if each != who]
            self._changed.notify_all()

    def _is_next(self, who: str) -> bool:
        return not self._order or self._order[0] == who

    def _end(self, who: str) -> None:
        if self._holder == who:
            self._holder = None
            self._changed.notify_all()


class Stepwise:
    """A database or a store whose every use is a step of somebody's."""

    def __init__(self, real: Any, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._real = real
        self._step = step

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name in {"delete", "store"}:

            async def stepped(*given: Any, **named: Any) -> Any:
                await self._step()
                return await real(*given, **named)

            return stepped
        return real

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        await self._step()
        async with self._real.read() as reader:
            yield reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        await self._step()
        async with self._real.write() as tx:
            yield tx


class Storer:
    """Somebody who asks for a rendition and makes it, as jobs about media do."""

    def __init__(self, depot: Depot, upload: int, folder: Path) -> None:
        self._depot = depot
        self._upload = upload
        path = folder / f"{upload}.jpg"
        path.write_bytes(CONTENT)
        digest = hashlib.sha256(CONTENT).hexdigest()
        self.made = MadeFile("640", "jpeg", 1, 1, len(CONTENT), digest, path)
        self.waited = False

    @property
    def key(self) -> str:
        return rendition_key(self._upload, rendition_of(self.made).name)

    async def work(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Ask, and do what was asked for; when it has to come again, leave that to ``again``."""
        job = Job(KIND, shard_of(self._upload), Work(upload=self._upload), str(self._upload))
        await step()
        async with self._depot.database.write() as tx:
            await tx.enqueue(job)
        await self._run(cast("Database", Stepwise(self._depot.database, step)), step)

    async def again(self) -> None:
        """What the next attempt does, undisturbed."""

        async def at_once() -> None:
            pass

        await self._run(self._depot.database, at_once)

    async def _run(self, database: Database, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        shop = Workshop(
            database=database,
            blobs=cast("Blobs", Stepwise(self._depot.stores[MAIN], step)),
            codecs=cast("Any", None),
            erasing=cast("Any", None),
            avatars=cast("Any", None),
            scratch=Path(),
        )

        async def handle(job: LeasedJob) -> None:
            try:
                await shop.put(self._upload, [self.made])
            except NotYet as wait:
                self.waited = True
                raise NotYet(0, str(wait)) from wait
            async with database.write() as tx:
                await store.put_renditions(tx, self._upload, [rendition_of(self.made)])
                await job.finish(tx)

        handler = JobHandler(KIND, Work, handle)
        leased = await JobRunner(self._depot.database, [handler])._lease_of_many()
        if leased is not None:
            runner = JobRunner(self._depot.database, [handler])
            await runner._slots.acquire()
            await runner._work(*leased)


class Outcome(NamedTuple):
    """Whether the storer had to wait, whether the orphan was deleted, and whether a row was left
    without its file.
    """

    waited: bool
    cleared: bool
    lost: bool


def _clearing(depot: Depot) -> Clearing:
    return Clearing(depot.database, depot.stores, grace_ms=DAY * 1000)


async def _one_order(depot: Depot, order: str, folder: Path) -> Outcome:
    upload = await depot.keep(b"original")
    storer = Storer(depot, upload, folder)
    main = depot.stores[MAIN]
    orphan = await main.write(storer.key, CONTENT, content_type=TYPE)
    turns, cleared = Turns(order), Cleared()

    async def clear() -> None:
        step = lambda: turns.step("c")  # noqa: E731 - it is called so
        stores = {MAIN: cast("Blobs", Stepwise(main, step))}
        stepwise = cast("Database", Stepwise(depot.database, step))
        clearing = Clearing(stepwise, stores, grace_ms=DAY * 1000)
        await clearing.clear(upload, [(MAIN, orphan)], cleared)
        await turns.over("c")

    async def keep() -> None:
        await storer.work(lambda: turns.step("s"))
        await turns.over("s")

    async with asyncio.timeout(60):
        await asyncio.gather(clear(), keep())
    await storer.again()
    async with depot.database.read() as reader:
        row = await objects.read_object(reader, upload, rendition_of(storer.made).name)
        assert not await marks.doomed(reader, upload, now_ms=0)
    assert row is not None
    try:
        await main.head(storer.key)
    except BlobNotFound:
        return Outcome(storer.waited, bool(cleared.blobs), lost=True)
    return Outcome(storer.waited, bool(cleared.blobs), lost=False)


def _orders(database: Database) -> list[str]:
    """Every order of the steps of both; some of them where a commit takes its time."""
    length = CLEARING_STEPS + STORING_STEPS
    every = [
        "".join("c" if place in chosen else "s" for place in range(length))
        for chosen in itertools.combinations(range(length), CLEARING_STEPS)
    ]
    if isinstance(database, SqliteDatabase):
        return every
    return random.Random(7).sample(every, SOME)


@pytest.mark.slow  # 126 orders, some ten commits each
async def test_in_no_order_of_their_steps_a_row_is_left_without_its_file(
    depot: Depot, tmp_path: Path
) -> None:
    outcomes = {await _one_order(depot, each, tmp_path) for each in _orders(depot.database)}

    assert [outcome for outcome in outcomes if outcome.lost] == []
    assert {outcome.cleared for outcome in outcomes} == {True, False}
    assert {outcome.waited for outcome in outcomes} == {True, False}


@pytest.mark.parametrize(
    ("blinded", "order"),
    [
        pytest.param("tintype.media.service.tiers.clearing.is_under_way", "sscccscsc", id="jobs"),
        pytest.param("tintype.media.store.clearing.doomed", "ccsscscsc", id="marks"),
    ],
)
async def test_when_one_side_does_not_look_for_the_other_a_file_is_lost(
    depot: Depot, tmp_path: Path, blinded: str, order: str
) -> None:
    async def see_nothing(*_given: object, **_named: object) -> bool:
        return False

    with patch(blinded, see_nothing):
        outcome = await _one_order(depot, order, tmp_path)

    assert outcome.lost


async def test_a_mark_whose_maker_died_counts_for_ten_minutes_and_can_be_taken_over(
    depot: Depot, clock: ManualClock
) -> None:
    upload = await depot.keep(b"x")
    until = clock.now_ms() + 600_000

    async with depot.database.write() as tx:
        assert await marks.doom(tx, upload, 1, until)
    async with depot.database.write() as tx:
        assert not await marks.doom(tx, upload, 2, until)
    with pytest.raises(NotYet):
        await give_way(depot.database, upload)
    clock.advance(601)
    await give_way(depot.database, upload)
    async with depot.database.write() as tx:
        assert await marks.doom(tx, upload, 2, clock.now_ms() + 600_000)
        await marks.spare(tx, upload, 1)

    with pytest.raises(NotYet):
        await give_way(depot.database, upload)


async def test_a_mover_gives_way_to_who_clears_and_goes_on_afterwards(
    depot: Depot, clock: ManualClock
) -> None:
    upload = await depot.keep(b"original")
    clock.advance(40 * DAY)
    async with depot.database.write() as tx:
        await marks.doom(tx, upload, 1, clock.now_ms() + 60_000)

    assert not await depot.mover().advance(await depot.original(upload))
    assert await depot.where(upload) == [MAIN]
    async with depot.database.write() as tx:
        await marks.spare(tx, upload, 1)
    await depot.mover().run_due()

    assert await depot.where(upload) == [COLD]


async def test_a_copy_of_what_is_being_moved_is_no_orphan(depot: Depot, clock: ManualClock) -> None:
    upload = await depot.keep(b"original")
    cold = depot.stores[COLD]
    copy = await cold.write(original_key(upload), b"original", content_type=TYPE)
    await depot.change(
        await depot.original(upload), state="moving", target=COLD, claimed_ms=clock.now_ms()
    )

    cleared = Cleared()
    await _clearing(depot).clear(upload, [(COLD, copy)], cleared)

    assert cleared.blobs == []
    assert await depot.where(upload) == [MAIN, COLD]


async def test_rounds_are_held_once_a_day_by_one_process_and_say_what_they_came_to(
    depot: Depot, clock: ManualClock
) -> None:
    async def orphan() -> None:
        key = original_key(depot.database.ids.next(5))
        await depot.stores[MAIN].write(key, b"xyz", content_type=TYPE)

    await orphan()
    rounds = [await _clearing(depot).run_due(DAY * 1000) for _ in range(2)]
    await orphan()
    clock.advance(DAY - 60)
    rounds.append(await _clearing(depot).run_due(DAY * 1000))
    clock.advance(120)
    rounds.append(await _clearing(depot).run_due(DAY * 1000))
    async with depot.database.read() as reader:
        last = await marks.last_round(reader)

    assert [None if each is None else each.bytes for each in rounds] == [3, None, None, 3]
    assert last is not None
    assert (last.blobs, last.bytes, last.ended_ms) == (1, 3, clock.now_ms())


async def test_parts_that_a_job_will_put_together_are_not_aborted(depot: Depot) -> None:
    upload, done = await depot.keep(b"x"), await depot.keep(b"y")
    main = depot.stores[MAIN]
    for each, state in ((upload, "processing"), (done, "expired")):
        remote = await main.create_upload(original_key(each), size=1, content_type=TYPE)
        async with depot.database.write() as tx:
            await store.change(tx, each, {"state": state, "remote": remote})

    cleared = await _clearing(depot).run(dry_run=False)

    assert cleared.uploads == [f"main: {original_key(done)}"]
    assert [left.key async for left in main.uploads()] == [original_key(upload)]
