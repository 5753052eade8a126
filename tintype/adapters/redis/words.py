"""Commands and calls of scripts in the wire's form."""

from __future__ import annotations

import hashlib

import hiredis


def pack(*words: bytes | str | int) -> bytes:
    """One whole command."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # takes any length
    return packed


class Script:
    """A script and the beginning of its calls; the last argument of a call is the reign."""

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()

    def command(self, keys: list[bytes], *arguments: bytes | int) -> bytes:
        """A call without its last argument."""
        whole = pack(b"EVALSHA", self.sha, len(keys), *keys, *arguments)
        count, _, words = whole.partition(b"\r\n")
        return b"*%d\r\n%b" % (int(count[1:]) + 1, words)
