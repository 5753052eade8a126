"""The world that the real feed code runs in: committed state, the event log, the processes.

Alone (half of the seeds) there is one process, and everything but the committed state dies with it:
timelines, caches, running tasks. In a fleet two processes share the timelines and tell each other
what changed; each dies alone.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from tests.model.feed import FeedModel
from tests.simulation.invariants import Watch
from tests.simulation.kept import Kept
from tests.simulation.processes import Process
from tests.simulation.scheduler import Scheduler, SkewedClock, VirtualClock
from tests.simulation.stored import StoredTimelines
from tintype.adapters.memory.notices import MemoryStream
from tintype.feed.model import PostNoted, Reach, Threshold, keeps
from tintype.feed.service.fan_out import Delivered
from tintype.graph.model import EdgeMade, SetsChanged
from tintype.kernel.ids import Ids
from tintype.kernel.notice import Notice

START_FOLLOWING = 0.5
SHARDS = (5, 5, 9, 5, 70)  # so that a purge meets posts of others in the same shard
STREAM = 12
"""Notices that are kept: few, so that whoever was away missed some."""
DOUBT_MS = 1_100
"""How old something may be that a process serves while nobody tells it anything."""
HEAVY_FOLLOWEES = 3
"""Who follows more, or as many, gets the longer timeline here: the viewer counts as a source."""


class Logged(NamedTuple):
    """An event in the log: what happened, to whom. ``post`` only when one was published."""

    kind: str
    viewer: int = 0
    author: int = 0
    post: Delivered | None = None
    told: Sequence[Notice] = ()


class Past(NamedTuple):
    """A state that ended: when, what was live, and who was shown to whom."""

    ended_ms: float
    live: frozenset[int]
    shown: dict[int, set[int]]


@dataclass
class World:
    """One simulated instance."""

    seed: int
    model: FeedModel = field(default_factory=FeedModel)
    log: list[Logged] = field(default_factory=list)
    visible: int = 0
    """Events up to here can be read by the consumer."""
    offset: int = 0
    handled: dict[int, float] = field(default_factory=dict)
    """When each event was handled first, by its place in the log."""
    acknowledged: dict[int, float] = field(default_factory=dict)
    """When each post was acknowledged and everybody could know of it."""
    in_flight: Counter[int] = field(default_factory=Counter)
    """Posts that are being delivered at this moment."""
    late: set[int] = field(default_factory=set)
    """Posts that were being delivered while a follow ended, or by a consumer thought dead."""
    kept: Kept = field(default_factory=Kept)
    """The stored tasks of fan-out: they survive everything."""
    taken: set[int] = field(default_factory=set)
    """Events that the consumer is through with, though tasks of them may be left."""
    reaches: dict[int, Reach] = field(default_factory=dict)
    switches: dict[int, list[int]] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.zombies = self.seed % 2 == 1  # consumers that were thought dead handle events late
        self.fleet = self.seed % 4 >= 2
        self.whole = 1 + self.seed // 8 % 2 if self.seed // 4 % 2 else None
        if self.whole is not None:
            self.model.keeps = partial(keeps, whole=self.whole)
        self.dice = random.Random(self.seed)
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.dice, self.clock)
        ids = Ids(self.clock)
        self.accounts = [ids.next(shard) for shard in SHARDS]
        self.hosts = {a: SkewedClock(self.clock, self._skew()) for a in self.accounts}
        self.ids = {account: Ids(self.hosts[account]) for account in self.accounts}
        self.threshold = Threshold(followers=3, hysteresis=0.8, dwell_ms=2_000, overlap_ms=300)
        self._waiting: list[range] = []
        self._lately: dict[int, set[int]] = {account: set() for account in self.accounts}
        self._steadily: dict[int, set[int]] = {account: set() for account in self.accounts}
        self._lately_live: set[int] = set()
        self._past: deque[Past] = deque(maxlen=60)
        self._published: dict[int, int] = {}
        self._followed: dict[tuple[int, int], int] = {}
        for viewer in self.accounts:
            for author in self.accounts:
                if self.dice.random() < START_FOLLOWING:
                    self.model.follow(viewer, author)
        self._now = self._state()
        self._forget_lately()
        self.stored = StoredTimelines(self.clock)
        self.stream = MemoryStream(STREAM)
        self.processes = [Process(self) for _ in range(2 if self.fleet else 1)]

    def _skew(self) -> int:
        return self.dice.choice((0, 0, -40, 40, -900, 900))

    def skew(self) -> None:
        """The clock of a host is set, rightly or wrongly."""
        self.hosts[self.dice.choice(self.accounts)].skew_ms = self._skew()

    def someone(self) -> Process:
        """The process that a balancer picks."""
        return self.processes[int(self.dice.random() * len(self.processes))]

    @property
    def worker(self) -> Process:
        """The process that consumes the log."""
        return self.processes[0]

    def commit(self, *events: Logged) -> range:
        """Call right after changing ``model``: the change and its events are durable together.

        Returns where the events stand in the log.
        """
        place = range(len(self.log), len(self.log) + len(events))
        for at, event in zip(place, events, strict=True):
            if event.post is not None:
                self._published[event.post.post] = at
            elif event.kind == "followed":
                self._followed[event.viewer, event.author] = at
            elif event.kind in {"unfollowed", "blocked"}:
                self.late |= set(+self.in_flight) | self.kept.subjects()
        self.log.extend(events)
        self._waiting.append(place)
        if self.fleet:
            self._past.append(Past(self.clock.ms, *self._now))
            self.visible = len(self.log)
        self._now = self._state()
        self._remember()
        for watch in self.watches:
            model = self.model
            watch.changed(model.live, model.shown(watch.viewer), model.feed(watch.viewer))
        return place

    async def tell(self, process: Process, place: range) -> None:
        """What a process does after the commit and before the acknowledgement."""
        events = self.log[place.start : place.stop]
        await process.notices.publish([notice for event in events for notice in event.told])
        if not process.deaf:
            self.note(place)

    def note(self, place: range) -> None:
        """From now on everybody can know of what was committed there."""
        if place not in self._waiting:
            return
        self._waiting.remove(place)
        if not self.fleet:
            # The consumer reads on from here only when every commit before was noted, too.
            self.visible = min((waiting.start for waiting in self._waiting), default=len(self.log))
        if not self._waiting:
            self._forget_lately()
        for event in self.log[place.start : place.stop]:
            if event.post is not None:
                self.acknowledged[event.post.post] = self.clock.ms

    def note_repeated(self, index: int) -> None:
        """The consumer told it once more, for the case that nobody had."""
        for place in [place for place in self._waiting if index in place]:
            self.note(place)

    def note_handled(self) -> None:
        """Whatever has no task left is handled from now on."""
        for index in [index for index in self.taken if not self._is_left(self.log[index])]:
            self.taken.discard(index)
            self.handled.setdefault(index, self.clock.ms)

    def _is_left(self, event: Logged) -> bool:
        if event.post is not None:
            return event.post.post in self.kept.subjects()
        one, other = event.viewer, event.author
        return self.kept.has_edge(one, other) or self.kept.has_edge(other, one)

    def _state(self) -> tuple[frozenset[int], dict[int, set[int]]]:
        shown = {a: self.model.shown(a) for a in self.accounts} if self.fleet else {}
        return frozenset(self.model.live), shown

    def _forget_lately(self) -> None:
        """Everybody can know of everything: only the present may be served."""
        self._lately = {account: self.model.shown(account) for account in self.accounts}
        self._steadily = {account: set(shown) for account, shown in self._lately.items()}
        self._lately_live = set(self.model.live)

    def _remember(self) -> None:
        """Until a commit is noted the state before it may still be served."""
        for account in self.accounts:
            shown = self.model.shown(account)
            self._lately[account] |= shown
            self._steadily[account] &= shown
        self._lately_live |= self.model.live

    def crash(self) -> None:
        """A process dies and starts again; clients lose their connections."""
        if self.fleet:
            at = int(self.dice.random() * len(self.processes))
            self.scheduler.kill(self.processes[at])
            self.processes[at] = Process(self)
            self.scheduler.dismiss()  # the group goes on wherever it is called for next
        else:
            self.scheduler.kill_all()
            self.watches.clear()
            self.visible = len(self.log)
            self.stored = StoredTimelines(self.clock)
            self.processes = [Process(self)]
        # What was never told is told by the consumer; of what makes no event nobody holds anything.
        self._waiting = [place for place in self._waiting if self.fleet and place]
        if not self._waiting:
            self._forget_lately()

    def is_delivered(self, viewer: int, post: int, by_ms: float) -> bool:
        """Whether everything that carries the post to the viewer was handled by then."""
        published = self._published[post]
        followed = self._followed.get((viewer, self.model.authors[post]), published)
        never = by_ms + 1
        return max(self.handled.get(published, never), self.handled.get(followed, never)) <= by_ms

    def watch(self, viewer: int, process: Process) -> Watch:
        """Begin to record what this viewer could rightly see."""
        model = self.model
        eligible = set(model.feed(viewer))
        live = set(self._lately_live)
        shown = set(self._lately[viewer])
        steadily = set(self._steadily[viewer])
        by_ms = self.clock.ms
        if process.deaf:
            by_ms -= DOUBT_MS
            for past in self._past:
                if past.ended_ms >= by_ms:
                    live |= past.live
                    shown |= past.shown[viewer]
                    steadily &= past.shown[viewer]
        acknowledged, authors = self.acknowledged, model.authors
        eligible = {post for post in eligible if authors[post] in steadily}
        # What an unfollow brings back is there once the unfollow was handled.
        whole = self.whole is None or self.parted_by(viewer, by_ms)
        watch = Watch(
            viewer,
            live=live,
            shown=shown,
            always=set(eligible),
            settled={post for post in eligible if whole and self.is_delivered(viewer, post, by_ms)},
            own={
                post
                for post in eligible
                if authors[post] == viewer and acknowledged.get(post, by_ms + 1) <= by_ms
            },
            authors=authors,
            late=self.late,
            heavy=self.is_heavy(viewer),
        )
        self.watches.append(watch)
        return watch

    def parted_by(self, viewer: int, by_ms: float) -> bool:
        """Whether every end of a follow of this viewer was handled by then."""
        return all(
            self.handled.get(index, by_ms + 1) <= by_ms
            for index, event in enumerate(self.log)
            if event.kind in {"unfollowed", "blocked"} and viewer in {event.viewer, event.author}
        )

    def is_heavy(self, viewer: int) -> bool:
        """Whether the viewer follows so many that the longer timeline is theirs."""
        return len(self.model.sources(viewer)) > HEAVY_FOLLOWEES


def notices_of(event: Logged, *, pulled: bool = False) -> Logged:
    """The event with what its process tells the others."""
    if event.post is not None:
        told: Sequence[Notice] = [
            PostNoted(post=event.post.post, author=event.author, pulled=pulled)
        ]
    elif event.kind == "followed":
        told = [
            SetsChanged(accounts=(event.viewer, event.author)),
            EdgeMade(follower=event.viewer, followee=event.author),
        ]
    else:
        told = [SetsChanged(accounts=(event.viewer, event.author))]
    return event._replace(told=told)
