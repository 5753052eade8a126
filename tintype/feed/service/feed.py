"""The feed as the rest of the process sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic

from tintype.feed.service.fan_out import Delivered, fan_out
from tintype.feed.service.pulled import Primer
from tintype.feed.service.reading import REFILLS, Reading, Sources, Window
from tintype.feed.service.recent import Recent
from tintype.feed.service.sources import C, Catalogue, Circles
from tintype.kernel.ids import Id
from tintype.ports.timelines import CAP, Timelines

OWN_AUTHORS = 20_000


async def _breathe() -> None:
    await asyncio.sleep(0)


class Feed(Generic[C]):
    """Windows of feeds, and timelines kept true to what happens.

    What happens reaches the feed twice: ``note_…`` at once, after the commit and before it is
    acknowledged, and ``deliver``, ``join`` and ``part`` later, from the event log, at least once.
    """

    def __init__(
        self,
        timelines: Timelines,
        circles: Circles,
        catalogue: Catalogue[C],
        *,
        cap: int = CAP,
        refills: int = REFILLS,
        breathe: Callable[[], Awaitable[None]] = _breathe,
    ) -> None:
        self._breathe = breathe
        self.sources = Sources(
            timelines, circles, catalogue, Recent(authors=OWN_AUTHORS), Recent(), {}
        )
        self._depths = {"cap": cap, "heavy_cap": 2 * cap, "refills": refills}
        self.reading = Reading(self.sources, **self._depths)

    def complete_pulled_by(self, primer: Primer) -> None:
        """Ask for the pulled posts that this process was not told of, before they are merged.

        To be called before anything about the reading is changed.
        """
        self.sources = self.sources._replace(primer=primer)
        self.reading = Reading(self.sources, **self._depths)

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

    async def deliver(self, posts: Sequence[Delivered]) -> int:
        """Fan posts out; see ``fan_out``."""
        return await fan_out(posts, self.sources, self._breathe)

    async def join(self, viewer: Id, author: Id) -> None:
        """The viewer follows the author: their timeline gets the author's posts."""
        await self.reading.backfill(viewer, author)

    async def part(self, viewer: Id, author: Id) -> None:
        """The viewer no longer follows the author: their timeline loses the author's posts."""
        await self.reading.purge(viewer, author)
