"""Reading a feed: gather, filter, and again below the last examined id until the page is full.

    timeline ──┐   (after the backfill of whom the viewer just followed)
    own ───────┼─► merge ─► ids ─► live? shown? ─► cards     cursor = last examined id
    pulled ────┘   (cut where the first source ends)

Below the floor of the timeline, and whenever the timelines do not answer or are switched off, the
database is asked for the same ids (fan-out on read), so the seam can not be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Generic, NamedTuple

from tintype.feed.errors import FeedUnavailable
from tintype.feed.model import (
    NEWEST,
    NOTHING_SEEN,
    FeedFlags,
    Run,
    SeenPosts,
    Tier,
    merge,
    run_of,
    thinned,
    tiers_of,
)
from tintype.feed.service.pulled import Primer
from tintype.feed.service.recent import KEPT, Recent
from tintype.feed.service.sources import C, Catalogue, Circles
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import CAP, HEAVY_CAP, TimelinePage, Timelines, TimelineState

_author = attrgetter("author")
_ABSENT, _READY, _HEALTHY = TimelineState.ABSENT, TimelineState.READY, Tier.CHRONOLOGICAL

REFILLS = 5
MARGIN = 2
"""Ids gathered beyond the page, so that a dead post costs no refill and the end is seen."""

HEAVY_FOLLOWEES = 2_000
"""Who follows more than this gets the longer timeline."""


class Sources(NamedTuple, Generic[C]):
    """Everything that a feed is gathered from."""

    timelines: Timelines
    circles: Circles
    catalogue: Catalogue[C]
    own: Recent
    """What this process published and fan-out has not carried to its author yet: an author reads
    the own post at once, even while fan-out stands still."""
    pulled: Recent
    """Posts of widely followed authors, which are never pushed."""
    followed: dict[Id, set[Id]]
    """Viewer → authors just followed, whose posts the viewer's timeline lacks."""
    primer: Primer | None = None
    """Completes ``pulled`` where other processes publish, too."""


class Window(NamedTuple, Generic[C]):
    """Part of a feed. ``examined`` is where the next window starts; ``None`` at the end.

    ``authors`` are whose posts these are, where that was found out on the way.
    """

    cards: Sequence[C]
    ids: Sequence[Id]
    examined: Id | None
    tier: Tier
    authors: AbstractSet[Id] | None = None

    def answered_by(self, tier: Tier) -> Window[C]:
        """The window once another tier had to help: the lower of the two is named."""
        return self if tier is Tier.CHRONOLOGICAL else self._replace(tier=tier)


class Reading(Generic[C]):
    """Serves windows of feeds.

    A window is empty only at the end. Walking down from any window shows every post that was
    delivered before the walk began and stays visible exactly once, newest first.
    """

    def __init__(
        self,
        sources: Sources[C],
        *,
        cap: int = CAP,
        heavy_cap: int = HEAVY_CAP,
        refills: int = REFILLS,
        whole: int | None = None,
    ) -> None:
        self._sources = sources
        self._whole = whole
        self._cap = cap
        self._heavy_cap = heavy_cap
        self._refills = refills
        self._tiers = tiers_of(FeedFlags())

    def allow(self, tiers: Collection[Tier]) -> None:
        """Let only these tiers answer from now on."""
        self._tiers = tuple(tiers)

    async def at_hand(self, viewer: Id, below: Id, limit: int) -> Window[C] | None:
        """What ``window`` answers, if nobody but the timelines needs to be asked for it.

        Never raises, and takes as long as the timelines do at most.
        """
        others = self.before_timeline(viewer, below)
        if others is None:
            return None
        try:
            page = await self._sources.timelines.page(viewer, below, limit + MARGIN)
        except Unavailable:
            return None
        return self.with_timeline(viewer, below, limit, page, others)

    def before_timeline(self, viewer: Id, below: Id) -> list[Run] | None:
        """What has to be looked at before a timeline is read, for ``with_timeline``; ``None`` where
        the timeline is not enough.
        """
        _, _, _, own, _, followed, primer = self._sources
        unsure = primer is not None and not primer.knows_own(viewer)
        if unsure or _HEALTHY not in self._tiers or viewer in followed:
            return None
        return _unfanned(own, viewer, below)

    def with_timeline(
        self, viewer: Id, below: Id, limit: int, page: TimelinePage, others: list[Run]
    ) -> Window[C] | None:
        """The window of a timeline's page with a margin, if all the rest of it is held."""
        _, circles, catalogue, _, pulled, _, primer = self._sources
        circle = circles.cached_sets(viewer)
        if page.state is not _READY or circle is None:
            return None
        shown = circle.shown
        if primer is not None and not primer.primed(shown):
            return None
        if pulled:
            others += _pulled(pulled, shown, below, limit + MARGIN)
        run = _merged(page, others, limit + MARGIN)
        if self._whole is not None:
            run = thinned(run, viewer, len(circle.sources) - 1, self._whole)
        found = catalogue.cards_at_hand(run.ids)
        if found is None:
            return None
        window = _first(run, found, shown, below, limit)
        return window if len(window.ids) == limit or window.examined is None else None

    async def window(
        self, viewer: Id, below: Id, limit: int, without: SeenPosts = NOTHING_SEEN
    ) -> Window[C]:
        """The newest posts below a bound that this viewer may see, ``without`` these.

        What was revoked before the call (an unfollow, a block, a deletion) is not in it.

        Raises:
            Unavailable: none of the allowed tiers can answer.
        """
        run, tier = await self.gather(viewer, below, limit + MARGIN)
        found = await self._sources.catalogue.cards(run.ids)
        # Asked last, so that what was revoked while the cards were read is not shown.
        shown = (await self._sources.circles.sets(viewer)).shown
        window = _first(run, found, shown, below, limit, without)
        return await self._top_up(viewer, window.answered_by(tier), limit, without)

    async def gather(self, viewer: Id, below: Id, want: int) -> tuple[Run, Tier]:
        """The next ids below a bound, whether they may be shown or not, and what answered.

        Raises:
            Unavailable: none of the allowed tiers can answer.
        """
        _, circles, _, own, pulled, _, primer = self._sources
        others = _unfanned(own, viewer, below)
        page = await self._trusted(viewer, below, want)
        if page is None:
            return await self._instead(viewer, below, want)
        shown: AbstractSet[Id] = frozenset()
        if pulled or primer is not None:
            shown = (await circles.sets(viewer)).shown
        # What was primed may be forgotten while the circle is read: looked at last of all.
        while primer is not None and not primer.primed(shown):
            await primer.prime(shown)
            shown = (await circles.sets(viewer)).shown
        run = _merged(page, [*others, *_pulled(pulled, shown, below, want)], want)
        if self._whole is not None:
            followees = len((await circles.sets(viewer)).sources) - 1
            run = thinned(run, viewer, followees, self._whole)
        if not run.ids and run.complete_above:
            run = await self._pull(viewer, min(below, run.complete_above + 1), want)
        return run, _HEALTHY

    async def gather_at_hand(
        self, viewer: Id, below: Id, want: int
    ) -> tuple[Run, AbstractSet[Id]] | None:
        """The next ids below a bound, and whose posts may be shown, if nobody but the timelines
        needs to be asked. For a bound that ``at_hand`` came to.
        """
        timelines, circles, _, own, pulled, followed, _ = self._sources
        circle = circles.cached_sets(viewer)
        if circle is None or viewer in followed:
            return None
        others = _unfanned(own, viewer, below) + _pulled(pulled, circle.shown, below, want)
        try:
            page = await timelines.page(viewer, below, want)
        except Unavailable:
            return None
        if page.state is not _READY:
            return None
        run = _merged(page, others, want)
        if self._whole is not None:
            run = thinned(run, viewer, len(circle.sources) - 1, self._whole)
        return run, circle.shown

    async def build(self, viewer: Id) -> bool:
        """Make the viewer's timeline anew: subscribe, then snapshot. ``False``: interrupted.

        Raises:
            Unavailable: the timelines do not answer.
        """
        timelines, circles, catalogue, *_ = self._sources
        followees = (await circles.sets(viewer)).sources
        cap = self._heavy_cap if len(followees) > HEAVY_FOLLOWEES else self._cap
        build = await timelines.begin(viewer, cap)
        # Only what is read after ``begin`` may be trusted: what changes later is delivered.
        before = await circles.sources_now(viewer)
        snapshot = run_of(await catalogue.published_ids_of(before, below=NEWEST, limit=cap), cap, 0)
        if self._whole is not None:
            snapshot = thinned(snapshot, viewer, len(before) - 1, self._whole)
        if not await timelines.finish(viewer, build, snapshot.ids, snapshot.complete_above):
            return False
        for author in before - await circles.sources_now(viewer):
            await self.purge(viewer, author)
        return True

    async def purge(self, viewer: Id, author: Id) -> None:
        """Take the author's posts out of the viewer's timeline, unless they are followed (again).

        What is served is decided at reading; this only frees the room.
        """
        timelines, circles, catalogue, *_ = self._sources
        if self._whole is not None and author not in await circles.sources_now(viewer):
            # Who follows fewer gets more of the others, and nobody knows how many it once were.
            await timelines.drop(viewer)
            return
        suspects = await timelines.of_shard(viewer, shard_of(author))
        cards = await catalogue.cards(suspects)
        doomed = [
            id_
            for id_, card in zip(suspects, cards, strict=True)
            if card is not None and card.author == author
        ]
        # What is held here may lack a follow that the viewer was already told of.
        if not doomed or author in await circles.sources_now(viewer):
            return
        await timelines.purge(viewer, doomed)
        if author in await circles.sources_now(viewer):
            await self.backfill(viewer, author)

    async def backfill(self, viewer: Id, author: Id) -> None:
        """Add the author's posts to the viewer's timeline, if there is one and they are followed.

        Complete once it returns: an id that is missing afterwards was published after the edge
        was committed, and its fan-out sees the edge.
        """
        timelines, circles, catalogue, _, _, followed, _ = self._sources
        sources = await circles.sources_now(viewer)
        if author in sources:
            ids = await catalogue.published_ids_of((author,), below=NEWEST, limit=self._heavy_cap)
            run = run_of(ids, self._heavy_cap, 0)
            if self._whole is not None:
                run = thinned(run, viewer, len(sources) - 1, self._whole)
            await timelines.backfill(viewer, run.ids, run.complete_above)
            if author not in await circles.sources_now(viewer):
                await self.purge(viewer, author)
        waiting = followed.get(viewer)
        if waiting is not None:
            waiting.discard(author)
            if not waiting:
                del followed[viewer]

    async def _trusted(self, viewer: Id, below: Id, want: int) -> TimelinePage | None:
        """What the viewer's timeline holds, built first when it is absent; ``None`` when it can not
        be had, or must not be.
        """
        if _HEALTHY not in self._tiers:
            return None
        timelines, *_, followed, primer = self._sources
        try:
            if primer is not None and not primer.knows_own(viewer):
                await primer.carry_own(viewer, timelines)
            if followed:
                for author in tuple(followed.get(viewer, ())):
                    await self.backfill(viewer, author)
            page = await timelines.page(viewer, below, want)
            if page.state is _ABSENT and await self.build(viewer):
                page = await timelines.page(viewer, below, want)
        except Unavailable:
            return None
        return page if page.state is _READY else None

    async def _instead(self, viewer: Id, below: Id, want: int) -> tuple[Run, Tier]:
        """The same ids without the timeline."""
        if Tier.DATABASE not in self._tiers:
            raise FeedUnavailable("The timeline is not at hand, and the database is spared.")
        return await self._pull(viewer, below, want), Tier.DATABASE

    async def _pull(self, viewer: Id, below: Id, want: int) -> Run:
        """Fan-out on read: the same ids, asked of the database."""
        circle = await self._sources.circles.sets(viewer)
        ids = await self._sources.catalogue.published_ids_of(circle.shown, below=below, limit=want)
        run = run_of(ids, want, 0)
        if self._whole is not None:
            run = thinned(run, viewer, len(circle.sources) - 1, self._whole)
        return run

    async def _top_up(
        self, viewer: Id, window: Window[C], limit: int, without: SeenPosts
    ) -> Window[C]:
        """The window filled from below; each time twice as much is gathered as before."""
        want = limit + MARGIN
        for _ in range(self._refills):
            if window.examined is None or len(window.ids) == limit:
                return window
            want *= 2
            run, tier = await self.gather(viewer, window.examined, want)
            window = await self._filter(viewer, run, window.answered_by(tier), limit, without)
        # Nearly all that is stored near here is hidden: the database passes over it at once.
        while window.examined is not None and not window.ids:
            run = await self._pull(viewer, window.examined, want)
            window = await self._filter(viewer, run, window, limit, without)
        return window

    async def _filter(
        self, viewer: Id, run: Run, window: Window[C], limit: int, without: SeenPosts
    ) -> Window[C]:
        """The window with the next live posts that the viewer may see."""
        found = await self._sources.catalogue.cards(run.ids)
        shown = (await self._sources.circles.sets(viewer)).shown
        return _one_by_one(run, found, shown, window, limit, without)


def _unfanned(own: Recent, viewer: Id, below: Id) -> list[Run]:
    """What fan-out has not carried to its author yet.

    To be read before the timeline: what leaves it is in the timeline by then. All of it: what is
    left out here would be found nowhere else.
    """
    return [Run(own.run(viewer, below, KEPT).ids, 0)] if viewer in own else []


def _pulled(pulled: Recent, shown: AbstractSet[Id], below: Id, want: int) -> list[Run]:
    return [pulled.run(author, below, want) for author in pulled.among(shown)]


def _merged(page: TimelinePage, others: Sequence[Run], want: int) -> Run:
    run = run_of(page.ids, want, page.floor)
    return merge([run, *others]) if others else run


def _first(
    run: Run,
    found: Sequence[C | None],
    shown: AbstractSet[Id],
    below: Id,
    limit: int,
    without: SeenPosts = NOTHING_SEEN,
) -> Window[C]:
    """The window that a run begins."""
    first = found[:limit]
    if len(first) == limit and not without:
        authors = _authors_of(first)
        if authors is not None and authors <= shown:
            # Nothing is filtered, as on most pages: seen without looking at them one by one.
            ids = run.ids[:limit]
            end = len(found) == limit and not run.complete_above
            examined = None if end else ids[-1]
            return Window(first, ids, examined, _HEALTHY, authors)  # type: ignore[arg-type] # all live
    return _one_by_one(run, found, shown, Window((), (), below, _HEALTHY), limit, without)


def _authors_of(found: Sequence[C | None]) -> AbstractSet[Id] | None:
    """Whose these are; ``None`` when one of them is not live."""
    try:
        return {*map(_author, found)}
    except AttributeError:
        return None


def _one_by_one(
    run: Run,
    found: Sequence[C | None],
    shown: AbstractSet[Id],
    window: Window[C],
    limit: int,
    without: SeenPosts,
) -> Window[C]:
    cards, ids = [*window.cards], [*window.ids]
    examined, tier = window.examined, window.tier
    for id_, card in zip(run.ids, found, strict=True):
        if len(ids) == limit:
            return Window(cards, ids, examined, tier)
        examined = id_
        if card is not None and card.author in shown and id_ not in without:
            cards.append(card)
            ids.append(id_)
    if run.complete_above == 0:
        return Window(cards, ids, None, tier)
    if len(ids) < limit:
        examined = run.complete_above + 1
    return Window(cards, ids, examined, tier)
