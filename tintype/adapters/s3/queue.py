"""The bucket's events by way of an SQS queue, for buckets that can not reach this server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.errors import translated
from tintype.adapters.s3.events import keys_in

_WAIT_S = 5
_BATCH = 10


class EventQueue:
    """Reads the queue ``url``. Any number of processes may read the same one."""

    def __init__(self, connection: Connection, url: str) -> None:
        self._connection = connection
        self._url = url
        self.client = connection.service("sqs", connection.settings.seconds)

    async def drain(self, handle: Callable[[Sequence[str]], Awaitable[object]]) -> int:
        """Hand over the keys of every message that waits; returns how many messages there were.

        A message is deleted once ``handle`` has returned; when it raises, the queue offers the
        message again after its visibility timeout. What is not understood is deleted too. Waits
        up to 5 seconds for a first message.

        Raises:
            Unavailable: the queue does not answer.
        """
        seen = 0
        while messages := await self._connection.run(self._receive):
            await handle([key for each in messages for key in keys_in(each["Body"].encode())])
            await self._connection.run(partial(self._delete, messages))
            seen += len(messages)
        return seen

    def _receive(self) -> list[dict[str, Any]]:
        wait = int(min(_WAIT_S, self._connection.settings.seconds / 2))
        with translated():
            answer = self.client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=wait
            )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _delete(self, messages: Sequence[dict[str, Any]]) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]}
            for number, each in enumerate(messages)
        ]
        with translated():
            self.client.delete_message_batch(QueueUrl=self._url, Entries=entries)
