"""/v1/notifications: what others did, for the one it was done to."""

from __future__ import annotations

from starlette.responses import StreamingResponse

from tintype.http import Access, Body, Call, Cursor, IdField, Limit, Routes
from tintype.kernel.cursor import UnknownCursor
from tintype.notifications.errors import NoMoreStreams
from tintype.notifications.service import Live, Notifications
from tintype.notifications.views import NotificationPage, UnreadView


class ReadMark(Body):
    up_to: IdField | None = None


def routes(notifications: Notifications, live: Live) -> Routes:
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

    @table.get("/v1/events", access=Access.ACCOUNT, problems=[NoMoreStreams])
    async def stream_events(call: Call) -> StreamingResponse:
        """Hear when to look again: server-sent events, for as long as the session lasts.

        `feed` (no data): posts of somebody whom you follow arrived. `notifications`
        (`{"unread": 3}`): you were told of something; also the first message of each stream.
        `post` (`{"id": "…"}`): an own post was published, failed, was edited or deleted. A stream
        tells that something is new and not what, at most once a second of each kind; what was
        missed between two streams is found by asking. `bye` asks you not to come back at once: the
        session ended, or you have eight newer streams. Comments come every 15 seconds.
        """
        stream = live.open(call.actor, call.token)
        return StreamingResponse(
            live.messages(stream),
            media_type="text/event-stream",
            # Proxies that collect answers would hold it back.
            headers={"X-Accel-Buffering": "no"},
        )

    return table
