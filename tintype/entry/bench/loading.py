"""The order of putting a world into an instance."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from tintype.database import Database
from tintype.entry import folder
from tintype.entry.bench import ground, rows, worlds
from tintype.entry.bench.bulk import Bulk, open_bulk
from tintype.entry.bench.graphs import Wanted, WorldGraph, make_graph
from tintype.entry.bench.ground import WorldRefused
from tintype.entry.bench.photos import PhotosFailed, publish_photos
from tintype.entry.bench.sampling import admit, sample
from tintype.entry.bench.sorting import Numbers, Sorted
from tintype.entry.bench.world_file import World, forget_world, write_world
from tintype.entry.database import open_database
from tintype.entry.folder import FolderLock
from tintype.entry.migrate_store.progress import Progress
from tintype.entry.settings import Settings
from tintype.graph.store import FOLLOWERS, FOLLOWING
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import Id

__all__ = ["Wanted", "WorldRefused", "load_world"]

_PEOPLE_AT_ONCE, _ROWS_AT_ONCE, _POSTS_AT_ONCE = 100_000, 1_000_000, 500_000
_FAMOUS, _FANS = 20, 10_000
_POSTS_EACH = 5
_MOST_PHOTOS, _POSTS_A_PHOTO = 12, 1_000
_SWITCHED_BEFORE_MS = 60 * 24 * 3600 * 1000
_PATIENCE_MS = 12 * 3600 * 1000
_MIB = 1024**2


async def load_world(settings: Settings, wanted: Wanted, *, again: bool) -> World:
    """Fill the instance of the settings, which nobody may serve meanwhile.

    Raises:
        WorldRefused: it is not empty, or the file of edges can not be read.
        ConfigError: somebody serves the data folder.
    """
    progress = Progress()
    async with _alone(settings) as database:
        where = f"{settings.data}" if settings.database.url is None else "The database"
        former = await ground.look(database, where, again=again)
        with tempfile.TemporaryDirectory(dir=settings.data, prefix="world-") as scratch:
            now = database.clock.now_ms()
            graph = make_graph(wanted, Path(scratch), now, progress)
            forget_world(settings.data)
            async with open_bulk(database) as bulk:
                if former:
                    await bulk.empty()
                await ground.mark(database, wanted.source)
                loading = _Loading(settings, database, bulk, graph, progress)
                world = await loading.run(wanted)
        write_world(settings.data, world)
    return world


class _Loading:
    """A world on its way into a database."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bulk: Bulk,
        graph: WorldGraph,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._database = database
        self._bulk = bulk
        self._graph = graph
        self._progress = progress
        self._numbering = graph.numbering
        self._famous = np.argsort(-graph.followers, kind="stable")[:_FAMOUS]
        self._pulled = graph.followers >= settings.feed.threshold().followers
        self._fans: list[int] = []

    async def run(self, wanted: Wanted) -> World:
        await self._put_follows()
        await self._put_people()
        count = _POSTS_EACH * self._graph.accounts if wanted.posts is None else wanted.posts
        if count:
            count = await self._put_posts(count, wanted.seed)
        graph = self._graph
        sampled = sample(
            graph.followees, graph.followers, self._fans, viewers=wanted.viewers, seed=wanted.seed
        )
        admitted = await admit(
            self._database, self._numbering, sampled, graph.followees, graph.followers
        )
        self._progress.say("The database looks at what it holds now …")
        await self._bulk.settle()
        for name, size in sorted((await self._bulk.sizes()).items()):
            if size > _MIB:
                self._progress.say(f"{name}: {size / _MIB:,.0f} MiB".replace(",", " "))
        return World(
            accounts=graph.accounts,
            follows=graph.total,
            posts=count,
            seed=wanted.seed,
            source=wanted.source,
            viewers=admitted.viewers,
            authors=admitted.authors,
            celebrities=admitted.celebrities,
        )

    async def _put_follows(self) -> None:
        follows, total = self._graph.follows, self._graph.total
        with tempfile.TemporaryDirectory(dir=follows.folder) as folder_:
            turned = Sorted(Path(folder_))
            with self._progress.stage("following", total) as advance:
                async with self._bulk.whole(FOLLOWING.table):
                    for batch in follows.batches(_ROWS_AT_ONCE):
                        advance(await self._put(rows.following_rows(self._numbering, batch)))
                        follower, followee = worlds.ends(batch)
                        turned.add(worlds.packed(followee, follower))
            with self._progress.stage("followers", total) as advance:
                async with self._bulk.whole(FOLLOWERS.table):
                    for batch in turned.batches(_ROWS_AT_ONCE):
                        self._note_fans(batch)
                        advance(await self._put(rows.followers_rows(self._numbering, batch)))

    def _note_fans(self, turned: Numbers) -> None:
        followee, follower = worlds.ends(turned)
        if len(self._fans) < _FANS:
            self._fans += follower[np.isin(followee, self._famous)][:_FANS].tolist()

    async def _put_people(self) -> None:
        numbering = self._numbering
        with self._progress.stage("accounts", numbering.accounts) as advance:
            for first in range(0, numbering.accounts, _PEOPLE_AT_ONCE):
                last = min(first + _PEOPLE_AT_ONCE, numbering.accounts)
                await self._put(rows.people_rows(numbering, first, last))
                advance(last - first)
        await self._count("followers", self._graph.followers)
        await self._count("following", self._graph.followees)

    async def _put_posts(self, count: int, seed: int) -> int:
        self._progress.say("Photos are published, on an account of the world's own …")
        try:
            photos = min(_MOST_PHOTOS, 1 + count // _POSTS_A_PHOTO)
            uploads = await publish_photos(self._settings, seed, photos)
        except PhotosFailed as error:
            raise WorldRefused(str(error)) from error
        now = self._database.clock.now_ms()
        authors, times = worlds.posts(self._graph.followers, count, seed, until_ms=now)
        rng = np.random.default_rng([seed, 5])
        ids = self._numbering.posts_of(authors, times, rng)
        ids, places = np.unique(ids, return_index=True)
        authors = authors[places]
        # By author: the index that lists are read from grows at its end.
        order = np.lexsort((ids, authors))
        ids, authors = ids[order], authors[order]
        await self._put_published(ids, authors, uploads)
        await self._count("posts", np.bincount(authors, minlength=self._graph.accounts))
        await self._put(rows.reach_rows(self._numbering, self._pulled, now - _SWITCHED_BEFORE_MS))
        return int(ids.size)

    async def _put_published(self, ids: Numbers, authors: Numbers, uploads: list[Id]) -> None:
        with self._progress.stage("posts", ids.size) as advance:
            for start in range(0, ids.size, _POSTS_AT_ONCE):
                chunk = slice(start, start + _POSTS_AT_ONCE)
                made = rows.post_rows(
                    self._numbering, ids[chunk], authors[chunk], self._pulled, uploads
                )
                await self._put(made)
                advance(ids[chunk].size)

    async def _count(self, name: str, values: Numbers) -> None:
        await self._put(rows.count_rows(self._numbering, name, values.astype(np.int64)))

    async def _put(self, made: rows.Rows) -> int:
        """Insert; how many rows the last of the tables took."""
        count = 0
        for table, columns in made:
            count = await self._bulk.put(table, columns)
        return count


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[Database]:
    """The database, open, while no server has the data folder."""
    folder.make(settings.data)
    lock = FolderLock(settings.data)
    lock.take()
    try:
        patient = {"statement_timeout_ms": _PATIENCE_MS, "replica_url": None}
        patiently = settings.database.model_copy(update=patient)
        database = open_database(settings.model_copy(update={"database": patiently}), SystemClock())
        try:
            yield database
        finally:
            await database.close()
    finally:
        lock.release()
