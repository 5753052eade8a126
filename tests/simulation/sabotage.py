"""Planted bugs: each breaks the code under test in one way that some feed out there was broken in.

A simulator that stays green with any of them planted proves nothing.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from itertools import count, pairwise
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.simulation import invariants as named
from tests.simulation import kept
from tests.simulation.processes import CAP, Card, Queries
from tests.simulation.stored import SteppedTimelines, StoredTimelines
from tintype.adapters.memory import timelines as memory
from tintype.feed import model
from tintype.feed.service import carrier, fan_out, feed, pulled, reading, recent
from tintype.graph.service.held import Held
from tintype.kernel.ids import shard_of
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelinePage, TimelineState


class Sabotage(NamedTuple):
    invariant: str
    """The invariant that it is planted for; another one may notice it first."""
    history: str
    """The kind of history that runs the broken code."""
    plant: Callable[[], AbstractContextManager[object]]


SABOTAGES: dict[str, Sabotage] = {}


def plants(
    name: str, invariant: str, target: Any, attribute: str, history: str = "feed"
) -> Callable[[Any], Any]:
    """Register a replacement for one attribute of the code under test."""

    def register(replacement: Any) -> Any:
        SABOTAGES[name] = Sabotage(
            invariant, history, lambda: patch.object(target, attribute, replacement)
        )
        return replacement

    return register


# ---- the store -----------------------------------------------------------------------------------

_push, _page, _trim = SteppedTimelines.push, SteppedTimelines.page, memory._Timeline.trim


@plants("a-delivery-creates-a-timeline", named.NO_PARTIAL, memory.MemoryTimelines, "push")
async def _push_creates(self: Any, accounts: Sequence[int], post: int) -> int:
    for account in accounts:
        if account not in self._timelines:
            created = memory._Timeline(8, 10, 0, self._clock.now_ms())
            created.state = TimelineState.READY
            self._timelines[account] = created
        self._timelines[account].add([post], 0)
    return len(accounts)


@plants("late-ids-are-dropped", named.NO_SKIPS, memory._Timeline, "insert")
def _append_only(self: Any, post: int) -> None:
    del self, post


@plants("repeats-are-stored-twice", named.UNIQUE, memory._Timeline, "insert")
def _insert_again(self: Any, post: int) -> None:
    at = next(i for i, stored in enumerate(self.ids) if stored >= post)
    self.ids.insert(at, post)


@plants("a-repeat-undoes-the-delivery", named.NO_SKIPS, memory._Timeline, "insert")
def _toggle(self: Any, post: int) -> None:
    if post in self.ids:
        self.ids.remove(post)
    else:
        self.add([post], 0)


@plants("a-trim-keeps-the-floor", named.NO_SKIPS, memory._Timeline, "trim")
def _trim_in_secret(self: Any, keep: int) -> None:
    floor = self.floor
    _trim(self, keep)
    self.floor = floor


@plants("nothing-is-trimmed", named.BOUNDED, memory._Timeline, "trim")
def _never_trim(self: Any, keep: int) -> None:
    del self, keep


@plants("a-backfill-lowers-the-floor", named.FLOOR, memory._Timeline, "add")
def _add_below(self: Any, ids: Collection[int], floor: int) -> None:
    self.ids = array("q", sorted({*self.ids, *ids}))
    self.floor = floor
    if len(self.ids) > self.limit:
        self.trim(self.cap)


@plants("pages-shift-when-posts-arrive", named.STABLE, SteppedTimelines, "page")
async def _page_by_rank(self: Any, account: int, below: int, limit: int) -> TimelinePage:
    # Whoever asks for the same page again gets it by its rank, counted from a head that has moved.
    timeline = self._timelines.get(account)
    newest = timeline.ids[-1] if timeline is not None and timeline.ids else 0
    heads: dict[int, int] = self.stored.__dict__.setdefault("heads", {})
    last: dict[int, int] = self.stored.__dict__.setdefault("last", {})
    if below == model.NEWEST:
        heads[account] = newest
    again = last.get(account) == below != model.NEWEST and bool(heads.get(account))
    shift = int(again and newest > heads[account])
    last[account] = below
    ids, floor, state = await _page(self, account, below, limit + shift)
    return TimelinePage(ids[shift:], floor, state)


@plants("a-promoted-replica-is-trusted", named.NO_PARTIAL, StoredTimelines, "sift")
def _sift_nothing(self: Any) -> None:
    del self


@plants("the-pruned-keep-an-old-timeline", named.RETURN, memory.MemoryTimelines, "_evict")
def _evict_by_halves(self: Any, now: int) -> None:
    for timeline in self._timelines.values():
        if now - timeline.read_ms > self._idle_ms:
            del timeline.ids[len(timeline.ids) // 2 :]


_pushed = memory.MemoryTimelines.push


@plants("a-heavy-reader-gets-a-sample", named.WHOLE, memory.MemoryTimelines, "push")
async def _push_by_chance(self: Any, accounts: Sequence[int], post: int) -> int:
    sampled = self.__dict__.setdefault("deliveries", count())
    kept = [
        account
        for account in accounts
        if (timeline := self._timelines.get(account)) is None
        or timeline.cap == CAP
        or next(sampled) % 3
    ]
    return await _pushed(self, kept, post)


# ---- building, following, leaving ----------------------------------------------------------------

_build, _backfill = reading.Reading.build, reading.Reading.backfill


@plants("the-snapshot-comes-before-the-subscription", named.CONVERGES, reading.Reading, "build")
async def _snapshot_first(self: Any, viewer: int) -> bool:
    timelines, held, catalogue, *_ = self._sources
    ids = await catalogue.published_ids_of(
        (await held.sets(viewer)).sources, below=model.NEWEST, limit=self._cap
    )
    snapshot = model.run_of(ids, self._cap, 0)
    build = await timelines.begin(viewer, self._cap)
    finished: bool = await timelines.finish(viewer, build, snapshot.ids, snapshot.complete_above)
    return finished


@plants("a-build-leaves-the-muted-out", named.CONVERGES, reading.Reading, "build")
async def _build_shown(self: Any, viewer: int) -> bool:
    timelines, held, catalogue, *_ = self._sources
    build = await timelines.begin(viewer, self._cap)
    ids = await catalogue.published_ids_of(
        (await held.sets(viewer)).shown, below=model.NEWEST, limit=self._cap
    )
    snapshot = model.run_of(ids, self._cap, 0)
    finished: bool = await timelines.finish(viewer, build, snapshot.ids, snapshot.complete_above)
    return finished


@plants("a-follow-backfills-too-little", named.FOLLOW, reading.Reading, "backfill")
async def _backfill_one(self: Any, viewer: int, author: int) -> None:
    timelines, _, catalogue, *_, followed, _ = self._sources
    ids = await catalogue.published_ids_of((author,), below=model.NEWEST, limit=1)
    await timelines.backfill(viewer, ids, 0)
    followed.pop(viewer, None)


@plants("a-follow-backfills-nothing", named.FOLLOW, reading.Reading, "backfill")
async def _backfill_none(self: Any, viewer: int, author: int) -> None:
    del author
    self._sources.followed.pop(viewer, None)


@plants("an-unfollow-purges-the-whole-shard", named.CONVERGES, reading.Reading, "purge")
async def _purge_shard(self: Any, viewer: int, author: int) -> None:
    timelines = self._sources.timelines
    await timelines.purge(viewer, await timelines.of_shard(viewer, shard_of(author)))


@plants("an-unfollow-purges-nothing", named.COMMUTES, reading.Reading, "purge")
async def _purge_nothing(self: Any, viewer: int, author: int) -> None:
    del self, viewer, author


@plants("a-late-purge-forgets-the-new-follow", named.FOLLOW, reading.Reading, "purge")
async def _purge_blindly(self: Any, viewer: int, author: int) -> None:
    timelines, _, catalogue, *_ = self._sources
    suspects = await timelines.of_shard(viewer, shard_of(author))
    found = await catalogue.cards(suspects)
    doomed = [i for i, card in zip(suspects, found, strict=True) if card and card.author == author]
    await timelines.purge(viewer, doomed)


# ---- reading -------------------------------------------------------------------------------------

_window, _one_by_one = reading.Reading.window, reading._one_by_one


@plants("circles-are-never-forgotten", named.REVOKED, Held, "forget")
def _forget_nothing(self: Any, accounts: Collection[int]) -> None:
    del self, accounts


@plants("an-old-circle-is-kept", named.REVOKED, Held, "_fetch")
async def _keep_whatever_was_read(self: Any, missing: set[int]) -> Any:
    loaded = await self._load(missing)
    self._held.update(loaded)
    return loaded


def _tombstones_that_end() -> Callable[..., Any]:
    """Hides an author while the same circle is asked for so often, and then no more."""
    asked: Counter[frozenset[int]] = Counter()

    def filtered(run: model.Run, found: Sequence[Any], shown: Any, *rest: Any) -> Any:
        asked[shown] += 1
        over = asked[shown] > TOMBSTONE
        everybody = {*shown, *(card.author for card in found if card is not None)}
        return _one_by_one(run, found, everybody if over else shown, *rest)

    return filtered


TOMBSTONE = 4
SABOTAGES["a-tombstone-ends-before-the-last-delivery"] = Sabotage(
    named.LATE, "feed", lambda: patch.object(reading, "_one_by_one", _tombstones_that_end())
)


@plants("sources-are-merged-past-their-end", named.NO_SKIPS, reading, "merge")
def _merge_everything(runs: Sequence[model.Run]) -> model.Run:
    union = {id_ for run in runs for id_ in run.ids}
    return model.Run(sorted(union, reverse=True), min(run.complete_above for run in runs))


@plants("a-short-page-is-the-end", named.NO_SKIPS, reading.Reading, "window")
async def _end_when_short(self: Any, viewer: int, below: int, limit: int) -> Any:
    window = await _window(self, viewer, below, limit)
    return window._replace(examined=None) if len(window.ids) < limit else window


@plants("hidden-posts-make-empty-pages", named.ENDS, reading.Reading, "window")
async def _one_try(self: Any, viewer: int, below: int, limit: int) -> Any:
    window: Any = reading.Window([], [], below, model.Tier.CHRONOLOGICAL)
    page = await self._trusted(viewer, below, limit)
    if page is None:
        run = await self._pull(viewer, below, limit)
    else:
        run = model.run_of(page.ids, limit, page.floor)
    return await self._filter(viewer, run, window, limit, ())


@plants("deleted-posts-are-shown", named.SOUND, Queries, "cards")
async def _cards_of_the_dead(self: Any, ids: Sequence[int]) -> list[Any]:
    return [Card(self._world.model.authors[id_]) for id_ in ids]


@plants("the-database-tier-forgets-the-own-posts", named.TIERS, reading.Reading, "_pull")
async def _pull_others(self: Any, viewer: int, below: int, want: int) -> model.Run:
    shown = (await self._sources.circles.sets(viewer)).shown
    authors = sorted(shown)[1:] if self._sources.timelines.process.cut else shown
    ids = await self._sources.catalogue.published_ids_of(authors, below=below, limit=want)
    return model.run_of(ids, want, 0)


# ---- publishing ----------------------------------------------------------------------------------

_push_inside = fan_out.FanOut._push


@plants("own-posts-are-known-where-they-were-noted", named.OWN, pulled.Primer, "knows_own")
def _knows_everything(self: Any, viewer: int) -> bool:
    del self, viewer
    return True


@plants("own-posts-wait-for-fan-out", named.OWN, feed.Feed, "note_published")
def _note_pulled_only(self: Any, post: int, author: int, pulled: bool) -> None:
    if pulled:
        self.sources.pulled.add(author, post)


@plants("pulled-posts-are-never-merged", named.NO_SKIPS, recent.Recent, "among")
def _nobody(self: Any, authors: Collection[int]) -> tuple[int, ...]:
    del self, authors
    return ()


@plants("an-outage-swallows-deliveries", named.NO_SKIPS, fan_out.FanOut, "_push")
async def _push_and_shrug(self: Any, accounts: Sequence[int], post: int) -> None:
    try:
        await _push_inside(self, accounts, post)
    except Unavailable:
        return


@plants("what-is-too-much-is-not-stored", named.CONVERGES, kept.KeptTasks, "add")
async def _add_nothing(self: Any, tasks: Sequence[Any]) -> None:
    del self, tasks


_carry = carrier.Carrier._carry


@plants("a-chunk-is-noted-before-it-is-carried", named.NO_SKIPS, carrier.Carrier, "_carry")
async def _note_first(self: Any, task: Any) -> Any:
    if task.lane is model.Lane.BACKFILL:
        return await _carry(self, task)
    followers = self._sources().circles.followers_in
    chunk = await followers(task.owner, task.first, task.last, after=task.after, limit=1)
    if not chunk:
        return await _carry(self, task)
    await self._tasks.advance(task, chunk[-1])
    await self._sources().timelines.push(chunk, task.subject)
    return 1, task._replace(after=chunk[-1])


@plants("a-stored-edge-is-never-settled", named.REVOKED, carrier.Carrier, "_carry")
async def _finish_unsettled(self: Any, task: Any) -> Any:
    if task.lane is not model.Lane.BACKFILL:
        return await _carry(self, task)
    await self._tasks.finish(task)
    return 1, None


@plants("ranges-leave-gaps", named.CONVERGES, fan_out, "pairwise")
def _ranges_with_gaps(bounds: Sequence[int]) -> Any:
    width = max(1, (bounds[1] - bounds[0]) // 3)
    return [(first, end - width) for first, end in pairwise(bounds)]


@plants("an-author-flips-at-every-post", named.THRESHOLD, model.Threshold, "next")
def _without_dwell(self: Any, reach: model.Reach, followers: int, now_ms: int) -> model.Reach:
    delivery: model.Delivery = "pull" if followers >= self.followers else "push"
    return reach if delivery == reach.delivery else model.Reach(delivery, now_ms)


# ---- dropping by the limit -----------------------------------------------------------------------

_keeps, _purge = model.keeps, reading.Reading.purge


@plants("what-is-kept-is-a-matter-of-chance", named.WHOLE, model, "keeps")
def _toss(post: int, viewer: int, followees: int, whole: int) -> bool:
    return followees <= whole or shard_of(post) == shard_of(viewer) or bool(next(TOSSED) % 3)


TOSSED = count()


@plants("own-posts-are-dropped-like-others", named.OWN, model, "keeps")
def _keep_by_hash(post: int, viewer: int, followees: int, whole: int) -> bool:
    return _keeps(post, -viewer, followees, whole)


@plants("fan-out-drops-more-than-reading", named.WHOLE, fan_out, "keeps")
def _keep_fewer(post: int, viewer: int, followees: int, whole: int) -> bool:
    return _keeps(post, viewer, 4 * followees, whole)


@plants("an-unfollow-brings-nothing-back", named.CONVERGES, reading.Reading, "purge")
async def _purge_alone(self: Any, viewer: int, author: int) -> None:
    plain = reading.Reading(self._sources, cap=self._cap, heavy_cap=self._heavy_cap)
    await _purge(plain, viewer, author)
