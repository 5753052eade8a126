"""Notifications as their account may see them: gather, filter, page, hydrate."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.accounts import author_view
from tintype.database import Database
from tintype.graph import Graph
from tintype.kernel import cursor as cursors
from tintype.kernel.ids import MAX_ID, Id, lowest_id_at
from tintype.kernel.page import clamp_limit
from tintype.notifications import store
from tintype.notifications.model import DAY_MS, KEPT_DAYS, MOST_UNREAD, SHOWN, Group
from tintype.notifications.service.folding import fold
from tintype.notifications.views import (
    NotificationPage,
    NotificationView,
    UnreadView,
    notification_view,
)
from tintype.posts import Posts

_CURSOR = "notifications"
_LOOKED_AT = 50
_BATCH = 200


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
        found: list[Group] = []
        while True:
            groups = await self._gather(viewer, below, most + 1)
            found += await self._filter(groups, viewer)
            if len(found) > most or len(groups) <= most:
                break
            below = groups[-1].id
        shown = found[:most]
        more = cursors.encode(_CURSOR, shown[-1].id) if len(found) > most else None
        return NotificationPage(
            items=await self._hydrate(shown, viewer),
            next_cursor=more,
            unread=await self._count_unread(viewer),
        )

    async def unread(self, *, viewer: Id) -> UnreadView:
        """How many notifications the viewer has not read, 100 at most."""
        return UnreadView(await self._count_unread(viewer))

    async def mark_read(self, *, actor: Id, up_to: Id | None) -> None:
        """Take everything up to a notification (all, when ``None``) as read; never back again."""
        async with self._database.write() as tx:
            await tx.lock(actor)
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
                told = await store.notes_by(tx, account, _BATCH)
                await fold(tx, self._database, told)
                await store.forget_notes(tx, told)
            if not told:
                return

    async def _gather(self, viewer: Id, below: Id, limit: int) -> list[Group]:
        async with self._database.read() as reader:
            return await store.newest(reader, viewer, below=below, limit=limit)

    async def _count_unread(self, viewer: Id) -> int:
        async with self._database.read() as reader:
            mark = await store.read_up_to(reader, viewer)
        groups = await self._gather(viewer, MAX_ID, MOST_UNREAD)
        return len(await self._filter([group for group in groups if group.id > mark], viewer))

    async def _filter(self, groups: Sequence[Group], viewer: Id) -> list[Group]:
        """The groups about something that the viewer may see, by somebody whom it may see."""
        posts = await self._posts.reading.seen({each.post for each in groups}, viewer=viewer)
        comments = await self._posts.comments.seen({each.comment for each in groups}, viewer=viewer)
        out = await self._out(viewer)
        people = {actor for each in groups for actor in each.latest}
        faces = await self._graph.profiles_seen(viewer, people) - out
        return [
            group
            for group in groups
            if (not group.post or group.post in posts)
            and (not group.comment or group.comment in comments)
            and (not faces.isdisjoint(group.latest) or await self._faces(group, viewer, out))
        ]

    async def _hydrate(self, groups: Sequence[Group], viewer: Id) -> list[NotificationView]:
        """Views of groups that may be seen; one whose subject is gone by now is left out."""
        async with self._database.read() as reader:
            mark = await store.read_up_to(reader, viewer)
        ids = list(dict.fromkeys(group.post for group in groups if group.post))
        posts = {int(post.id): post for post in await self._posts.hydrate(ids, viewer=viewer)}
        comments = await self._posts.comments.hydrate(
            {group.comment for group in groups if group.comment}, viewer=viewer
        )
        out = await self._out(viewer)
        faces = {group.id: await self._faces(group, viewer, out) for group in groups}
        everybody = {actor for shown in faces.values() for actor in shown[:SHOWN]}
        cards = await self._graph.visible_accounts(viewer, everybody)
        views = []
        for group in groups:
            shown = [cards[actor] for actor in faces[group.id][:SHOWN] if actor in cards]
            post, comment = posts.get(group.post), comments.get(group.comment)
            if shown and bool(group.post) == bool(post) and bool(group.comment) == bool(comment):
                views.append(
                    notification_view(
                        group,
                        [author_view(card) for card in shown],
                        await self._count(group, faces[group.id], out),
                        read=group.id <= mark,
                        post=post,
                        comment=comment,
                    )
                )
        return views

    async def _out(self, viewer: Id) -> frozenset[Id]:
        sets = await self._graph.sets(viewer)
        return sets.hidden | sets.muted

    async def _faces(self, group: Group, viewer: Id, out: frozenset[Id]) -> list[Id]:
        """Whom the viewer may see of those who are at hand; of many, when none of them is."""
        seen = await self._graph.profiles_seen(viewer, group.latest) - out
        if not seen and group.actors > len(group.latest):
            async with self._database.read() as reader:
                actors = await store.newest_actors(reader, group, _LOOKED_AT)
            seen = await self._graph.profiles_seen(viewer, actors) - out
            return [actor for actor in actors if actor in seen]
        return [actor for actor in group.latest if actor in seen]

    async def _count(self, group: Group, faces: Sequence[Id], out: frozenset[Id]) -> int:
        """How many the viewer may see of a group; exact as far as blocks and mutes go."""
        if group.actors <= len(group.latest):
            return len(faces)
        hidden = 0
        if out:
            async with self._database.read() as reader:
                hidden = await store.count_among(reader, group, out)
        return max(len(faces), group.actors - hidden)
