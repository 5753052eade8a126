"""Time-ordered 63-bit ids that name their home shard.

Layout, high to low: 41 bits of milliseconds since 2024-01-01 | 12 bits of logical shard of the
owning account | 10 bits of sequence. Id order is feed order; the shard bits route a look-up by id
alone and make "could this post be by that author" a bit test (after "Sharding & IDs at Instagram",
one bit shorter so that a signed 64-bit column stays positive until 2093).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tintype.kernel.problem import NotFound

if TYPE_CHECKING:
    from tintype.kernel.clock import Clock

Id = int

EPOCH_MS = 1_704_067_200_000
SHARD_BITS = 12
SEQUENCE_BITS = 10
SHARDS = 1 << SHARD_BITS
MAX_ID = (1 << 63) - 1
_SEQUENCES = 1 << SEQUENCE_BITS
_ID_DIGITS = 19


class InvalidId(NotFound):
    """This is not an id that Tintype hands out."""


def shard_of(id_: Id) -> int:
    """The logical shard (0–4095) of the account that owns this id."""
    return (id_ >> SEQUENCE_BITS) & (SHARDS - 1)


def following(id_: Id) -> Id:
    """The next id of the same shard: its sequence goes on, or begins with the next millisecond."""
    if (id_ + 1) % _SEQUENCES:
        return id_ + 1
    millisecond = (id_ >> (SHARD_BITS + SEQUENCE_BITS)) + 1
    return (millisecond << (SHARD_BITS + SEQUENCE_BITS)) | (shard_of(id_) << SEQUENCE_BITS)


def timestamp_ms(id_: Id) -> int:
    """When the id was minted, in milliseconds since 1970-01-01 UTC."""
    return (id_ >> (SHARD_BITS + SEQUENCE_BITS)) + EPOCH_MS


def lowest_id_at(ms: int) -> Id:
    """The lowest id that could be minted at this moment: a bound for time-range scans."""
    return max(ms - EPOCH_MS, 0) << (SHARD_BITS + SEQUENCE_BITS)


def parse_id(text: str) -> Id:
    """The id that a client sent as text.

    Raises:
        InvalidId: not decimal digits, or outside 63 bits. Answered as 404, like any id that
            exists nowhere.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS):
        raise InvalidId
    value = int(text)
    if not 0 < value <= MAX_ID:
        raise InvalidId
    return value


def shard_for_text(text: str) -> int:
    """The logical shard of a row keyed by a value (a handle, a hashtag); stable for ever."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=2).digest()) % SHARDS


class Ids:
    """Mints ids: unique within the process, strictly increasing within a shard.

    A clock that steps back is bridged by staying on the last millisecond, so order never breaks.
    ``first`` picks where the sequence of each millisecond starts (0 unless given): processes that
    share a database start anywhere, so that the same id is hardly ever minted twice, and a
    transaction that meets one taken is run again.
    """

    def __init__(self, clock: Clock, *, first: Callable[[], int] = int) -> None:
        self._clock = clock
        self._first = first
        self._lock = threading.Lock()
        self._last_ms = 0
        self._sequence = 0

    def next(self, shard: int) -> Id:
        with self._lock:
            now = max(self._clock.now_ms() - EPOCH_MS, self._last_ms)
            if now == self._last_ms:
                self._sequence += 1
                if self._sequence >= _SEQUENCES:
                    # 1 024 ids in one millisecond: borrow from the next rather than wait.
                    now += 1
                    self._sequence = self._first()
            else:
                self._sequence = self._first()
            self._last_ms = now
            return (now << (SHARD_BITS + SEQUENCE_BITS)) | (shard << SEQUENCE_BITS) | self._sequence
