"""Commands in the wire's form."""

from __future__ import annotations

import hiredis


def pack(*words: bytes | str | int) -> bytes:
    """One whole command."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # takes any length
    return packed
