"""Addresses of this server inside views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

HERE: Final = "\x01"
"""Stands for the address under which the caller reaches this server, without a slash at the end.

A view writes ``HERE + "/media/…"``; the HTTP kit puts the real address in its place. User text can
never hold it: ``tintype.kernel.text`` refuses control characters.
"""

ENCODED_HERE: Final = b"\\u0001"
"""``HERE`` as JSON writes it."""

Addressed = Callable[[bytes, str], bytes]
"""(encoded views, address of this server) → the views with real addresses in them."""


def with_here(encoded: bytes, here: str) -> bytes:
    """The views with this server's own address wherever one of its addresses begins."""
    return encoded.replace(ENCODED_HERE, here.encode())
