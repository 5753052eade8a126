"""/v1/notifications: what others did, for the one it was done to."""

from __future__ import annotations

from tintype.http import Access, Body, Call, Cursor, IdField, Limit, Routes
from tintype.kernel.cursor import UnknownCursor
from tintype.notifications.service import Notifications
from tintype.notifications.views import NotificationPage, UnreadView


class ReadMark(Body):
    up_to: IdField | None = None


def routes(notifications: Notifications) -> Routes:
    """The routes of the notifications slice."""
    table = Routes("notifications")

    @table.get(
        "/v1/notifications",
        access=Access.ACCOUNT,
        returns=NotificationPage,
        problems=[UnknownCursor],
    )
    async def list_notifications(
        call: Call, cursor: Cursor = None, limit: Limit = None
    ) -> NotificationPage:
        """What others did that concerns you, the newest first."""
        return await notifications.page(viewer=call.actor, cursor=cursor, limit=limit)

    @table.get("/v1/notifications/unread", access=Access.ACCOUNT, returns=UnreadView)
    async def count_unread(call: Call) -> UnreadView:
        """How many of your notifications are new."""
        return await notifications.unread(viewer=call.actor)

    @table.post("/v1/notifications/read", access=Access.ACCOUNT)
    async def mark_read(call: Call, body: ReadMark | None = None) -> None:
        """Take notifications as read: up to the given one, or all of them."""
        up_to = None if body is None else body.up_to
        await notifications.mark_read(actor=call.actor, up_to=up_to)

    return table
