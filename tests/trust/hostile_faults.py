"""Planted faults of the decoders and around them, for E13 to see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

from tests.trust import hostile_child
from tintype.codecs import Kind, Limits, service, worker
from tintype.media.service import integrity

CHILD_FAULTS = {
    "no-sandbox": "free",
    "no-time-cap": "hanging",
    "trust-the-type": "trusting",
    "leaky-refusals": "leaky",
    "keep-metadata": "talkative",
    "carry-foreign-bytes": "carrying",
    "no-memory-cap": "greedy",
}
"""What is sabotaged, and what the decoder does then."""
HARMLESS = ("obedient", "hanging")
"""What a decoder may do without any harm done, as long as nothing else is broken."""


@contextlib.contextmanager
def planted(fault: str | None) -> Iterator[None]:
    """With this fault in every decoder that starts meanwhile; ``trust-the-type`` also outside."""
    if fault is None:
        yield
        return
    child = CHILD_FAULTS.get(fault, fault)
    with contextlib.ExitStack() as stack:
        named = worker._ENVIRONMENT | {hostile_child.NAME: child}
        stack.enter_context(patch.object(worker, "_PROGRAM", hostile_child.PROGRAM))
        stack.enter_context(patch.object(worker, "_ENVIRONMENT", named))
        if fault == "trust-the-type":
            stack.enter_context(patch.object(service, "sniff", lambda _: Kind.JPEG))
            stack.enter_context(patch.object(integrity, "check_head", _believed))
        yield


def _believed(_head: bytes, _limits: Limits, *, video: bool | None = None) -> Kind:
    """Whatever the client says that it is."""
    return Kind.MP4 if video else Kind.JPEG
