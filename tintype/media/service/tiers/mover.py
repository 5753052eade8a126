"""Carries the plan out: looks up what is due, a range of shards at a time, and brings it there.

    resting ──claim──▶ moving ──copy, read back──▶ switched ──delete the source──▶ resting
    resting ──asked──▶ restoring ──(wake, wait)──copy, read back──▶ switched ──…──▶ resting

A claim is a stamp in the row, renewed while bytes flow; whoever finds one older than a minute takes
over. Every step may run again. Until the row is switched the object is in its old place and only
there believed; from then on in the new one. A row without a target has been switched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from tintype.database import Database, NotYet
from tintype.database.leases import Leases
from tintype.media import store as media_store
from tintype.media.model import LINGER_MS, ORIGINAL, StoredObject, Tier
from tintype.media.service.tiers.carrying import Carrier, Pace
from tintype.media.service.tiers.claims import STALE_MS, Claim, Stopped, take
from tintype.media.service.tiers.clearing import give_way
from tintype.media.service.tiers.plan import Plan, place
from tintype.media.store import objects
from tintype.media.store.objects import Shards
from tintype.ports.blobs import Blobs
from tintype.ports.errors import AdapterError, BlobNotFound, Corrupt, Unavailable

log = structlog.get_logger(__name__)

# A delete that was sent may still arrive when its sender is believed dead: nothing is brought to
# where it was deleted before this has passed.
_SETTLED_MS = 10 * 60_000
_DAY_MS = 24 * 3600 * 1000
# Only other settings misplace anything: looked for at the start, and seldom after that.
_LOOK_AROUND_MS = 3600 * 1000
_ROUND_S = 45.0
_EVERYTHING: Shards = (0, 4095)


class Moved(msgspec.Struct):
    """What rounds came to."""

    objects: int = 0
    bytes: int = 0
    failed: int = 0

    def add(self, other: Moved) -> None:
        self.objects += other.objects
        self.bytes += other.bytes
        self.failed += other.failed


class Mover:
    """Moves, brings back and deletes what is due. Any number of processes may do so at a time."""

    def __init__(
        self, database: Database, stores: Mapping[str, Blobs], plan: Plan, holder: str
    ) -> None:
        self.plan = plan
        self._database = database
        self._stores = stores
        self._carrier = Carrier(stores, Pace(plan.settings.bytes_per_second))
        self._leases = Leases(database, "tiers", holder, ranges=4, seconds=120.0)
        self._free = asyncio.Semaphore(plan.settings.at_once)
        self._look_around_ms: dict[Shards, int] = {}

    async def round(self) -> Moved:
        """Do what is due in this process's share of the shards, for less than a minute."""
        total = Moved()
        loop = asyncio.get_running_loop()
        until = loop.time() + _ROUND_S
        for shards in await self._share():
            while (done := await self.batch(shards)).objects and loop.time() < until:
                total.add(done)
            total.add(done)
        return total

    async def _share(self) -> list[Shards]:
        if self._database.notices.alone:
            return [_EVERYTHING]
        return [(lease.first, lease.last) for lease in await self._leases.share()]

    async def run_due(self, progress: Callable[[Moved], None] | None = None) -> Moved:
        """Do everything that is due in all shards, beside whoever else does; for an operator."""
        total = Moved()
        while (done := await self.batch(_EVERYTHING)).objects:
            total.add(done)
            if progress is not None:
                progress(done)
        total.add(done)
        return total

    async def batch(self, shards: Shards) -> Moved:
        """Do a batch of what is due in these shards; what fails is logged and tried again later."""
        now = self._database.clock.now_ms()
        done = Moved()
        begun = await self._unfinished(shards, now)
        aged = await self._aged(shards, now)
        await self._relabel(aged, now, done)
        travelling = [each for each in aged if self._must_travel(each, now)]
        await asyncio.gather(*(self._one(each, done) for each in [*begun, *travelling]))
        return done

    async def advance(self, seen: StoredObject) -> bool:
        """Take one object as far as it goes; tells whether it came to rest, or was deleted.

        ``False`` also when somebody else is at it, or it has to be waited for.

        Raises:
            AdapterError: a store is not there, or holds something else; it will be tried again.
        """
        now = self._database.clock.now_ms()
        home = self.plan.home(self.plan.tier_of(seen, now))
        begin = {"state": "moving", "target": home.name} if seen.state == "resting" else {}
        claim = await take(self._database, seen, begin)
        if claim is None:
            return False
        try:
            # After the claim is committed, and before anything is copied: see ``clearing``.
            await give_way(self._database, seen.upload)
            return await self._carry(claim)
        except NotYet:
            return False
        except Stopped:
            await self._clean_up(seen)
            return False
        except (Corrupt, BlobNotFound) as error:
            # Trying again at once would find the same; an audit tells the operator.
            log.error("tiers.set_aside", key=seen.key, place=seen.place, error=repr(error))  # noqa: TRY400 - the key says it all
            aside = {"state": "resting", "target": None, "stays_until_ms": now + _DAY_MS}
            await claim.end(aside)
            return False
        finally:
            await claim.let_go()

    async def _carry(self, claim: Claim) -> bool:
        seen = claim.object
        if seen.state == "dropped":
            await self._carrier.delete(seen)
            return await claim.forget()
        if seen.target is not None and not await self._bring(claim):
            return False
        await self._carrier.leave(seen, place(claim.object.place))
        await claim.end({"state": "resting", "changed_ms": self._database.clock.now_ms()})
        return True

    async def _bring(self, claim: Claim) -> bool:
        """Have it in its target and the row say so; ``False``: it has to be waited for."""
        seen, now = claim.object, self._database.clock.now_ms()
        source, target = place(seen.place), place(seen.target or seen.place)
        settings, restoring = self.plan.settings, seen.state == "restoring"
        sha256 = None
        if source != target:
            if restoring and now - seen.changed_ms < _SETTLED_MS:
                return False
            store = self._store(source.store)
            standing = await store.standing(seen.key)
            if not restoring and settings.cold_by == "lifecycle" and source.store == target.store:
                if standing.grade != target.grade:
                    # A rule of the bucket's will see to it.
                    waits = {"state": "resting", "target": None, "tier": "warm"}
                    await claim.end({**waits, "stays_until_ms": now + _DAY_MS})
                    return False
            elif not standing.awake:
                days = max(1, round(settings.restored_days))
                await store.wake(seen.key, days=days, speed=settings.restore_speed)
                return False
            else:
                self._store(target.store)
                sha256 = await self._carrier.copy(seen, source, target, claim.beat)
        known = {} if sha256 is None else {"sha256": sha256}
        stays = {"stays_until_ms": now + self.plan.stays_ms} if restoring else {}
        tier = "warm" if restoring else self.plan.tier_of(seen, now)
        await claim.step({"place": target.name, "target": None, "tier": tier, **known, **stays})
        return True

    def _store(self, name: str) -> Blobs:
        if name not in self._stores:
            raise Unavailable(f"the settings name no place {name}")
        return self._stores[name]

    async def _one(self, seen: StoredObject, done: Moved) -> None:
        async with self._free:
            try:
                if await self.advance(seen):
                    done.objects += 1
                    done.bytes += seen.bytes
            except AdapterError as error:
                done.failed += 1
                log.warning("tiers.failed", key=seen.key, place=seen.place, error=repr(error))

    async def _unfinished(self, shards: Shards, now: int) -> list[StoredObject]:
        """What was begun, what is to be brought back, and what was given up a while ago."""
        found: list[StoredObject] = []
        async with self._database.read() as reader:
            for state, changed in (("restoring", 0), ("moving", 0), ("dropped", LINGER_MS)):
                found += await objects.unfinished(
                    reader,
                    shards,
                    state=state,
                    claimed_before_ms=now - STALE_MS,
                    changed_before_ms=now - changed,
                    limit=self.plan.settings.batch,
                )
        return found

    async def _aged(self, shards: Shards, now: int) -> list[StoredObject]:
        """What rests and is by now due for another tier, or is not where its tier is kept."""
        plan = self.plan
        ages: list[tuple[Tier, str, int]] = [
            ("hot", ORIGINAL, plan.hot_ms),
            ("hot", "rendition", plan.hot_ms),
            ("cold", ORIGINAL, 0) if plan.cold_ms is None else ("warm", ORIGINAL, plan.cold_ms),
        ]
        tiers: tuple[Tier, ...] = ("hot", "warm", "cold")
        asked: Any = {"now_ms": now, "limit": plan.settings.batch}
        found: dict[str, StoredObject] = {}
        async with self._database.read() as reader:
            for tier, kind, age in ages:
                due = await objects.aged(
                    reader, shards, tier=tier, kind=kind, stored_before_ms=now - age + 1, **asked
                )
                found |= {each.key: each for each in due}
            if now >= self._look_around_ms.get(shards, 0):
                misplaced = [
                    each
                    for tier in tiers
                    for each in await objects.misplaced(
                        reader, shards, tier=tier, home=plan.home(tier).name, **asked
                    )
                ]
                found |= {each.key: each for each in misplaced}
                if not misplaced:
                    self._look_around_ms[shards] = now + _LOOK_AROUND_MS
        return list(found.values())

    async def _relabel(self, seen: Sequence[StoredObject], now: int, done: Moved) -> None:
        """Count to its new tier what need not move for it."""
        tiers: tuple[Tier, ...] = ("warm", "cold")
        for tier in tiers:
            stay = [
                each
                for each in seen
                if each.tier != tier == self.plan.tier_of(each, now)
                and self.plan.home(tier).name == each.place
            ]
            if stay:
                async with self._database.write() as tx:
                    await objects.retier(tx, stay, tier)
                done.objects += len(stay)

    def _must_travel(self, seen: StoredObject, now: int) -> bool:
        if now - seen.changed_ms < _SETTLED_MS:
            return False
        return self.plan.home(self.plan.tier_of(seen, now)).name != seen.place

    async def _clean_up(self, seen: StoredObject) -> None:
        """Delete what was copied of an upload that was given up meanwhile."""
        async with self._database.read() as reader:
            upload = await media_store.read(reader, seen.upload)
        if upload is None or upload.state == "released":
            await self._carrier.delete(seen)
