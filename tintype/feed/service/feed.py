"""The feed as the rest of the process sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple

from tintype.feed.model import Lane, PostDelivered, Task
from tintype.feed.service.carrier import WAYS, Carrier, Ways
from tintype.feed.service.fan_out import Delivered, FanOut
from tintype.feed.service.lanes import Lanes
from tintype.feed.service.pulled import Primer
from tintype.feed.service.reading import REFILLS, Reading, Sources, Window
from tintype.feed.service.recent import Recent
from tintype.feed.service.sources import C, Catalogue, Circles
from tintype.feed.service.tasks import Tasks
from tintype.kernel.ids import Id, shard_of
from tintype.ports.timelines import CAP, Timelines

OWN_AUTHORS = 20_000


class Edge(NamedTuple):
    """A follow that was made or ended; timelines are made to agree with what is true by then."""

    viewer: Id
    author: Id


class Feed(Generic[C]):
    """Windows of feeds, and timelines kept true to what happens.

    What happens reaches the feed twice: ``note_…`` at once, after the commit and before it is
    acknowledged, and ``take`` later, from the event log, at least once. What ``take`` had to store
    is carried on by the ``carrier``, of this process or of another.
    """

    def __init__(
        self,
        timelines: Timelines,
        circles: Circles,
        catalogue: Catalogue[C],
        tasks: Tasks,
        *,
        cap: int = CAP,
        refills: int = REFILLS,
        ways: Ways = WAYS,
    ) -> None:
        self._tasks = tasks
        self._ways = ways
        self.lanes = Lanes()
        self.carrier: Carrier[C] = Carrier(
            lambda: self.sources, tasks, self.lanes, self.settle, ways
        )
        self.sources = Sources(
            timelines, circles, catalogue, Recent(authors=OWN_AUTHORS), Recent(), {}
        )
        self._depths = {"cap": cap, "heavy_cap": 2 * cap, "refills": refills}
        self.reading = Reading(self.sources, whole=ways.whole, **self._depths)

    def complete_pulled_by(self, primer: Primer) -> None:
        """Ask for the pulled posts that this process was not told of, before they are merged.

        To be called before anything about the reading is changed.
        """
        self.sources = self.sources._replace(primer=primer)
        self.reading = Reading(self.sources, whole=self._ways.whole, **self._depths)

    async def window(self, viewer: Id, below: Id, limit: int) -> Window[C]:
        """See ``Reading.window``."""
        at_hand = await self.reading.at_hand(viewer, below, limit)
        if at_hand is not None:
            return at_hand
        return await self.reading.window(viewer, below, limit)

    def note_published(self, post: Id, author: Id, pulled: bool) -> None:  # noqa: FBT001 - a fact that is passed on
        """The author is served the own post from now on; followers too, when it is pulled."""
        self.sources.own.add(author, post)
        if pulled:
            self.sources.pulled.add(author, post)

    def note_followed(self, viewer: Id, author: Id) -> None:
        """The author's posts are served to the viewer from now on."""
        self.sources.followed.setdefault(viewer, set()).add(author)

    async def take(self, edges: Sequence[Edge], posts: Sequence[Delivered]) -> None:
        """Do what a batch of events asks for, or store it as tasks: a post of an author with many
        followers, and edges where very many come at once. What is stored is done later.

        Their order does not matter. A scan of the followers that misses a new edge ran before the
        edge was committed, and then the backfill of that edge finds the post; and an edge is made
        to agree with what is true when it is looked at.

        Raises:
            Unavailable: something does not answer; take the same batch again.
        """
        ways = self._ways
        fan_out = FanOut(self.sources, self.lanes, ways.sizes, ways.breathe, ways.whole)
        tasks = await fan_out.deliver(posts)
        stored = {task.subject for task in tasks}
        arrived = [each for each in posts if each.post not in stored]
        changed = dict.fromkeys(edges)
        if len(changed) > ways.sizes.edges:
            tasks += [
                Task(Lane.BACKFILL, viewer, author, shard=shard_of(viewer))
                for viewer, author in changed
            ]
            changed.clear()
        if tasks:
            await self._tasks.add(tasks)
        await ways.announce([PostDelivered(post=each.post, author=each.author) for each in arrived])
        for viewer, author in changed:
            await self.settle(viewer, author)

    async def settle(self, viewer: Id, author: Id) -> None:
        """Make the viewer's timeline agree with whether the viewer follows the author now."""
        if author in await self.sources.circles.sources_now(viewer):
            await self.join(viewer, author)
        else:
            await self.part(viewer, author)

    async def join(self, viewer: Id, author: Id) -> None:
        """The viewer follows the author: their timeline gets the author's posts."""
        await self.reading.backfill(viewer, author)

    async def part(self, viewer: Id, author: Id) -> None:
        """The viewer no longer follows the author: their timeline loses the author's posts."""
        await self.reading.purge(viewer, author)
