"""Notifications as their account may see them: gather, filter, page, hydrate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tintype.accounts import AuthorView, author_view
from tintype.database import Database
from tintype.graph import Graph
from tintype.kernel import cursor as cursors
from tintype.kernel.ids import MAX_ID, Id, lowest_id_at
from tintype.kernel.page import clamp_limit
from tintype.notifications import store
from tintype.notifications.model import DAY_MS, KEPT_DAYS, MOST_UNREAD, Group
from tintype.notifications.views import (
    NotificationPage,
    NotificationView,
    UnreadView,
    notification_view,
)
from tintype.posts import CommentView, Posts, PostView

_CURSOR = "notifications"
_SHOWN = 3
_LOOKED_AT = 50
_BATCH = 500


class _Faces(NamedTuple):
    """Who of a group is shown, and how many there are."""

    accounts: list[AuthorView]
    total: int


class Notifications:
    """What one account was told. Whatever it may not see any more is left out, and not counted."""

    def __init__(self, database: Database, graph: Graph, posts: Posts) -> None:
        self._database = database
        self._graph = graph
        self._posts = posts

    async def page(self, *, viewer: Id, cursor: str | None, limit: int | None) -> NotificationPage:
        """The viewer's notifications, the newest first.

        Raises:
            UnknownCursor, Invalid.
        """
        start = cursors.decode(_CURSOR, cursor)
        below, most = MAX_ID if start is None else start[0], clamp_limit(limit)
        async with self._database.read() as reader:
            mark = await store.read_up_to(reader, viewer)
        views: list[NotificationView] = []
        while True:
            groups = await self._gather(viewer, below, most + 1)
            for view in await self._hydrate(groups, viewer, mark):
                if len(views) == most:
                    return await self._page(views, viewer, more=True)
                views.append(view)
            if len(groups) <= most:
                return await self._page(views, viewer, more=False)
            below = groups[-1].id

    async def unread(self, *, viewer: Id) -> UnreadView:
        """How many notifications the viewer has not read, 100 at most."""
        return UnreadView(await self._count_unread(viewer))

    async def mark_read(self, *, actor: Id, up_to: Id | None) -> None:
        """Take everything up to a notification (all, when ``None``) as read; never back again."""
        async with self._database.write() as tx:
            newest = await store.newest(tx, actor, below=MAX_ID, limit=1)
            if newest:
                known = await store.read_up_to(tx, actor)
                wanted = newest[0].id if up_to is None else min(up_to, newest[0].id)
                if wanted > known:
                    await store.mark_read(tx, actor, wanted)

    async def forget_old(self) -> int:
        """Drop what is older than 90 days, in short transactions; returns how many rows."""
        bound = lowest_id_at(self._database.clock.now_ms() - KEPT_DAYS * DAY_MS)
        dropped = 0
        while True:
            async with self._database.write() as tx:
                count = await store.forget_below(tx, bound, _BATCH)
            dropped += count
            if count == 0:
                return dropped

    async def erase_account(self, account: Id) -> None:
        """Erase what an account was told, and its part in what others were told.

        The account must not be live any more, so that nothing is added meanwhile. Safe to repeat.
        """
        async with self._database.write() as tx:
            await store.forget_account(tx, account)
        while True:
            async with self._database.write() as tx:
                if await store.forget_actor(tx, account, _BATCH) == 0:
                    return

    async def _gather(self, viewer: Id, below: Id, limit: int) -> list[Group]:
        async with self._database.read() as reader:
            return await store.newest(reader, viewer, below=below, limit=limit)

    async def _page(
        self, views: list[NotificationView], viewer: Id, *, more: bool
    ) -> NotificationPage:
        last = cursors.encode(_CURSOR, int(views[-1].id)) if more else None
        return NotificationPage(views, last, await self._count_unread(viewer))

    async def _count_unread(self, viewer: Id) -> int:
        async with self._database.read() as reader:
            mark = await store.read_up_to(reader, viewer)
        groups = await self._gather(viewer, MAX_ID, MOST_UNREAD)
        unread = [group for group in groups if group.id > mark]
        return len(await self._hydrate(unread, viewer, mark))

    async def _hydrate(
        self, groups: Sequence[Group], viewer: Id, mark: Id
    ) -> list[NotificationView]:
        """The groups that the viewer may see something of, as views."""
        if not groups:
            return []
        posts = await self._visible_posts(groups, viewer)
        comments = await self._posts.comments.hydrate(
            {group.comment for group in groups if group.comment}, viewer=viewer
        )
        faces = await self._faces(groups, viewer)
        return [
            notification_view(
                group,
                faces[group].accounts,
                faces[group].total,
                read=group.id <= mark,
                post=posts.get(group.post),
                comment=comments.get(group.comment),
            )
            for group in groups
            if _holds(group, posts, comments) and faces[group].accounts
        ]

    async def _visible_posts(self, groups: Sequence[Group], viewer: Id) -> dict[Id, PostView]:
        wanted = list(dict.fromkeys(group.post for group in groups if group.post))
        return {int(view.id): view for view in await self._posts.hydrate(wanted, viewer=viewer)}

    async def _faces(self, groups: Sequence[Group], viewer: Id) -> dict[Group, _Faces]:
        sets = await self._graph.sets(viewer)
        out = sets.hidden | sets.muted
        actors: dict[Group, list[Id]] = {}
        beyond: dict[Group, int] = {}
        async with self._database.read() as reader:
            for group in groups:
                actors[group] = await store.newest_actors(reader, group, _LOOKED_AT)
                beyond[group] = max(0, group.actors - _LOOKED_AT)
                if beyond[group] and out:
                    looked_at = out.intersection(actors[group])
                    hidden = await store.count_among(reader, group, out) - len(looked_at)
                    beyond[group] = max(0, beyond[group] - hidden)
        everybody = {actor for found in actors.values() for actor in found} - out
        cards = await self._graph.visible_accounts(viewer, everybody)
        faces = {}
        for group in groups:
            shown = [cards[actor] for actor in actors[group] if actor in cards]
            views = [author_view(card) for card in shown[:_SHOWN]]
            faces[group] = _Faces(views, len(shown) + beyond[group])
        return faces


def _holds(group: Group, posts: dict[Id, PostView], comments: dict[Id, CommentView]) -> bool:
    """Whether what a group is about is still there for its viewer."""
    return (not group.post or group.post in posts) and (
        not group.comment or group.comment in comments
    )
