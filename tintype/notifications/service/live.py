"""Live streams: telling who is here that something is new, and never what.

A stream says that the feed, the notifications or an own post changed; its client then asks for
them as always. So a stream can not show what its viewer may not see, may lose nothing that matters,
and costs one flag however much happens.

    feeds, posts, notes ──► tell ──► flags of a stream ──► one message a beat
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

import msgspec

from tintype.database import Database
from tintype.feed import Home
from tintype.graph import Graph
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.notifications.errors import NoMoreStreams
from tintype.notifications.model import AccountNoted, NotificationSettings
from tintype.notifications.service.notifications import Notifications
from tintype.posts import Posts

BEAT_S = 1.0
"""How often streams are told what came up, and looked at whether their sessions still stand."""
KEEPALIVE_S = 15.0
"""Silence on a stream is no longer than this, so that proxies keep it open."""
PER_ACCOUNT = 8
"""Streams of one account in one process; the oldest gives way to the next."""
RETRY_MS = 3000
_POSTS = 50

Identify = Callable[[str], Awaitable[object | None]]
"""Who a token stands for; ``None`` once its session has ended."""

_encode = msgspec.json.Encoder().encode


class Stream:
    """What one open stream is to say next: each kind of news at most once."""

    def __init__(self, viewer: Id, token: str) -> None:
        self.viewer = viewer
        self.token = token
        self.ended = False
        self._feed = self._notifications = False
        self._posts: dict[Id, None] = {}
        self._wake = asyncio.Event()

    def tell_feed(self) -> None:
        """Posts of somebody whom the viewer follows arrived."""
        self._feed = True
        self._wake.set()

    def tell_notifications(self) -> None:
        """The viewer was told of something, or something was taken back."""
        self._notifications = True
        self._wake.set()

    def tell_post(self, post: Id) -> None:
        """An own post was published, failed, was edited or deleted."""
        self._posts[post] = None
        if len(self._posts) > _POSTS:
            del self._posts[next(iter(self._posts))]
        self._wake.set()

    def end(self) -> None:
        """Say what is left, then nothing more."""
        self.ended = True
        self._wake.set()

    async def next(self, seconds: float) -> tuple[bool, bool, list[Id]]:
        """Whether there is news of the feed and of notifications, and which posts changed.

        Returns as soon as there is any, or after ``seconds`` with none.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
        told = (self._feed, self._notifications, [*self._posts])
        self._feed = self._notifications = False
        self._posts.clear()
        return told


class News(NamedTuple):
    """Where news comes from, and what says who may have it."""

    graph: Graph
    home: Home
    posts: Posts
    notifications: Notifications


class Live:
    """The open streams of this process.

    After a doubt about what other processes said, everybody is told that everything may be new.
    What happened while a client had no stream it finds by asking.
    """

    def __init__(
        self, database: Database, news: News, identify: Identify, settings: NotificationSettings
    ) -> None:
        self._database = database
        self._news = news
        self._identify = identify
        self._most = settings.streams
        self._streams: dict[Id, list[Stream]] = defaultdict(list)
        self._arrived: set[Id] = set()
        self._draining = False
        self.open_streams = 0
        news.home.on_arrival(self._arrive)
        news.posts.on_change(self._change)
        database.notices.hear(AccountNoted, self._note)
        database.notices.on_doubt(self._doubt)

    def open(self, viewer: Id, token: str) -> Stream:
        """A stream for ``messages``, which opens it.

        Raises:
            NoMoreStreams: as many are open as may be, or this process is being stopped.
        """
        if self._draining or self.open_streams >= self._most:
            raise NoMoreStreams(limit=self._most)
        return Stream(viewer, token)

    async def messages(self, stream: Stream) -> AsyncIterator[bytes]:
        """What the stream says, as `text/event-stream`, until its session ends or its reader goes.

        First how many notifications are unread; then what is new, each kind once a beat at most.
        ``bye`` is the last word where coming back at once would be in vain.
        """
        # Here and not in ``open``: an answer that never begins is never ended.
        self._add(stream)
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            stream.tell_notifications()
            while True:
                feed, notifications, posts = await stream.next(KEEPALIVE_S)
                if not (feed or notifications or posts or stream.ended):
                    yield b": still here\n\n"
                if feed:
                    yield _message("feed", {})
                if notifications:
                    yield _message("notifications", await self._unread(stream.viewer))
                for post in posts:
                    yield _message("post", {"id": str(post)})
                if stream.ended:
                    if not self._draining:
                        yield _message("bye", {})
                    return
                await asyncio.sleep(BEAT_S)
        finally:
            self._remove(stream)

    async def beat(self) -> None:
        """Hear what other processes said, and pass it on; to be called every ``BEAT_S`` seconds."""
        if not self.open_streams:
            return
        await self._database.notices.catch_up()
        authors, self._arrived = self._arrived, set()
        for viewer, streams in [*self._streams.items()]:
            await self._look_after(viewer, [*streams], authors)

    def drain(self) -> None:
        """End every stream, and begin none: their clients come back to another process."""
        self._draining = True
        for stream in self._all():
            stream.end()

    def _add(self, stream: Stream) -> None:
        own = self._streams[stream.viewer]
        own.append(stream)
        self.open_streams += 1
        if len(own) > PER_ACCOUNT:
            own[-PER_ACCOUNT - 1].end()
        if self._draining:
            stream.end()

    def _remove(self, stream: Stream) -> None:
        own = self._streams[stream.viewer]
        own.remove(stream)
        self.open_streams -= 1
        if not own:
            del self._streams[stream.viewer]

    async def _look_after(self, viewer: Id, streams: list[Stream], authors: set[Id]) -> None:
        try:
            for stream in streams:
                if await self._identify(stream.token) is None:
                    stream.end()
            shown = (await self._news.graph.sets(viewer)).shown if authors else frozenset[Id]()
        except Unavailable:
            # Not known: asking once too often does no harm.
            shown = frozenset(authors)
        others = authors - {viewer} if viewer in authors else authors
        if not shown.isdisjoint(others):
            for stream in streams:
                stream.tell_feed()

    async def _unread(self, viewer: Id) -> dict[str, int]:
        try:
            return {"unread": (await self._news.notifications.unread(viewer=viewer)).unread}
        except Unavailable:
            return {}

    def _arrive(self, author: Id) -> None:
        if self.open_streams:
            self._arrived.add(author)

    def _change(self, post: Id, author: Id) -> None:
        for stream in self._streams.get(author, ()):
            stream.tell_post(post)

    def _note(self, notice: AccountNoted) -> None:
        for account in notice.accounts:
            for stream in self._streams.get(account, ()):
                stream.tell_notifications()

    def _doubt(self) -> None:
        for stream in self._all():
            stream.tell_feed()
            stream.tell_notifications()

    def _all(self) -> Iterator[Stream]:
        return (stream for streams in self._streams.values() for stream in streams)


def _message(kind: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), _encode(data))
