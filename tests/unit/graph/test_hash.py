from __future__ import annotations

from collections import Counter

from tintype.graph.model import h16
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import Ids


def test_the_hash_spreads_real_ids_evenly_over_its_ranges() -> None:
    ids = Ids(SystemClock())
    sixteenths = Counter(h16(ids.next(number % 4096)) >> 12 for number in range(16_000))

    assert all(800 < sixteenths[part] < 1_200 for part in range(16))


def test_the_hash_fits_sixteen_bits_and_never_changes() -> None:
    assert h16(2**63 - 1) == 57_800
    assert h16(1) == 0x9E37
