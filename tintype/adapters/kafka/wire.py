"""How a record looks on Kafka: the payload as it is, everything else in headers and the key.

Headers: ``kind``, ``id`` (of the outbox row), ``number`` (in its lane), ``log`` (the name of the
log that it was sent to) and, where it is known, ``traceparent`` (W3C Trace Context). The timestamp
of the message is the time of the commit.
"""

from __future__ import annotations

from confluent_kafka import Message

from tintype.ports.events import Record

Headers = list[tuple[str, str | bytes | None]]


def headers_of(record: Record, log: str) -> Headers:
    found: Headers = [
        ("kind", record.kind.encode()),
        ("id", str(record.id).encode()),
        ("number", str(record.number).encode()),
        ("log", log.encode()),
    ]
    if record.trace is not None:
        found.append(("traceparent", record.trace.encode()))
    return found


def record_of(message: Message, log: str) -> Record:
    """What a message says; one that is not ours is a record of a kind that nobody asks for.

    So is one that was meant for another log than this: whoever sent it did not know yet that this
    log took its place, and sends it again in its turn.
    """
    headers = {
        each[0]: _bytes(each[1]).decode(errors="replace") for each in message.headers() or []
    }
    astray = headers.get("log", log) != log
    return Record(
        kind="" if astray else headers.get("kind", ""),
        key=_number(message.key()),
        payload=_bytes(message.value()),
        at_ms=message.timestamp()[1],
        id=_number(headers.get("id")),
        trace=headers.get("traceparent"),
        number=0 if astray else _number(headers.get("number")),
    )


def _number(text: str | bytes | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
