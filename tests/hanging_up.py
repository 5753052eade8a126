"""A caller that hangs up on streams, in front of an application in this process."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAM = b"text/event-stream"


def hanging_up(app: ASGIApp) -> ASGIApp:
    """The application to a caller that takes the first words of a stream for all of it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        streaming = ended = False

        async def send_on(message: Message) -> None:
            nonlocal streaming, ended
            if message["type"] == "http.response.start":
                streaming = any(value.startswith(_STREAM) for _, value in message["headers"])
            elif ended:
                return
            elif streaming and message.get("body"):
                ended = True
                message = {**message, "more_body": False}
            await send(message)

        await app(scope, receive, send_on)

    return call
