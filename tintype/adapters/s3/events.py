"""What buckets say about themselves: a hint where to look, never a fact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import msgspec

_MADE = "ObjectCreated"
_DEEPEST = 3


def keys_in(message: bytes) -> list[str]:
    """The keys under which something was stored, as a bucket's message has them.

    Takes what AWS, versitygw and others send: ``Records`` of any version, with or without ``s3:``
    before the event's name, EventBridge's ``detail``, and either of them wrapped by SNS. A test
    event, another kind of event and whatever is not understood give no keys. Nothing but the keys
    is read: sizes are wrong on some servers, and anybody who knows the token may have written it.
    """
    try:
        return list(dict.fromkeys(_keys(msgspec.json.decode(message), _DEEPEST)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _keys(said: Any, depth: int) -> Iterator[str]:
    if not isinstance(said, dict) or not depth:
        return
    wrapped = said.get("Message")
    if isinstance(wrapped, str):
        yield from _keys(msgspec.json.decode(wrapped), depth - 1)
    if isinstance(said.get("detail"), dict) and said.get("detail-type") == "Object Created":
        yield from _key_of(said["detail"])
    records = said.get("Records")
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict) and _is_making(record.get("eventName")):
            yield from _key_of(record.get("s3"))


def _is_making(name: object) -> bool:
    return name is None or (isinstance(name, str) and name.removeprefix("s3:").startswith(_MADE))


def _key_of(about: object) -> Iterator[str]:
    made = about.get("object") if isinstance(about, dict) else None
    key = made.get("key") if isinstance(made, dict) else None
    if isinstance(key, str):
        yield unquote_plus(key)
