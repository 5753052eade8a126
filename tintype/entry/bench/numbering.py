"""Real ids for the numbers of a world: pure, and the same for everybody who asks.

Accounts are numbered from 0. The numbers fill the shards one after the other, so rows in the order
of the numbers are rows in the order of the tables' keys, which a database takes the quickest.
"""

from __future__ import annotations

import numpy as np

from tintype.entry.bench.sorting import Numbers
from tintype.kernel.ids import EPOCH_MS, SEQUENCE_BITS, SHARD_BITS, SHARDS

_YEARS_MS = 600 * 24 * 3600 * 1000
_DAY_MS = 24 * 3600 * 1000
_SEQUENCES = 1 << SEQUENCE_BITS
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)


class Numbering:
    """The ids of a world with so many accounts, all minted before ``until_ms``."""

    def __init__(self, accounts: int, until_ms: int) -> None:
        self.accounts = accounts
        self._each = -(-accounts // SHARDS)
        self._step = _YEARS_MS // (self._each + 1)
        # The accounts come first, then their follows, then their posts. Another world has other
        # ids: what caches still hold of the one before concerns nobody.
        self._begin = max(until_ms - 2 * _YEARS_MS, EPOCH_MS + _DAY_MS) - EPOCH_MS
        self._begin += until_ms % _DAY_MS
        self._until = until_ms - EPOCH_MS

    def shards(self, numbers: Numbers) -> Numbers:
        return numbers // self._each

    def accounts_of(self, numbers: Numbers) -> Numbers:
        """The ids of accounts."""
        place = numbers % self._each
        shards = self.shards(numbers)
        # A time of its own for each shard, so that ids in their order hop from shard to shard.
        ms = self._begin + place * self._step + (shards * 7_919) % self._step
        return (ms << (SHARD_BITS + SEQUENCE_BITS)) | (shards << SEQUENCE_BITS)

    def born_ms(self, numbers: Numbers) -> Numbers:
        """When accounts were made."""
        return np.asarray((self.accounts_of(numbers) >> (SHARD_BITS + SEQUENCE_BITS)) + EPOCH_MS)

    def follows_of(self, followers: Numbers, followees: Numbers) -> Numbers:
        """The ids of follows: the same whichever end asks."""
        mixed = ((followers << 32) | followees).astype(np.uint64) * _MIX
        mixed ^= mixed >> np.uint64(29)
        mixed *= _MIX
        sequence = (mixed >> np.uint64(54)).astype(np.int64)
        span = max(self._until - self._begin - _YEARS_MS, 1)
        ms = (
            self._begin
            + _YEARS_MS
            + ((mixed >> np.uint64(12)).astype(np.int64) & 0xFFFF_FFFF_FFF) % span
        )
        return (
            (ms << (SHARD_BITS + SEQUENCE_BITS))
            | (self.shards(followers) << SEQUENCE_BITS)
            | sequence
        )

    def posts_of(self, authors: Numbers, times_ms: Numbers, rng: np.random.Generator) -> Numbers:
        """The ids of posts; two of a shard within a millisecond hardly ever get the same one."""
        sequence = rng.integers(0, _SEQUENCES, authors.size)
        ms = times_ms - EPOCH_MS
        return np.asarray(
            (ms << (SHARD_BITS + SEQUENCE_BITS))
            | (self.shards(authors) << SEQUENCE_BITS)
            | sequence
        )


def hashed(accounts: Numbers) -> Numbers:
    """``tintype.graph.model.h16`` of many accounts."""
    return ((accounts.astype(np.uint64) * _MIX) >> np.uint64(48)).astype(np.int64)
