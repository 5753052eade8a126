from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import (
    MAX_ID,
    SHARDS,
    Ids,
    InvalidId,
    following,
    lowest_id_at,
    parse_id,
    shard_for_text,
    shard_of,
    timestamp_ms,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers(0, SHARDS - 1))
def test_an_id_carries_its_shard_and_its_time(shard: int) -> None:
    clock = ManualClock(START)

    minted = Ids(clock).next(shard)

    assert shard_of(minted) == shard
    assert timestamp_ms(minted) == clock.now_ms()


def test_ids_increase_even_past_a_full_millisecond_and_a_clock_that_steps_back() -> None:
    clock = ManualClock(START)
    ids = Ids(clock)

    minted = [ids.next(7) for _ in range(3000)]
    clock.advance(-3600)
    minted += [ids.next(7) for _ in range(3000)]

    assert minted == sorted(set(minted))


def test_the_lowest_id_of_a_moment_bounds_what_is_minted_then() -> None:
    clock = ManualClock(START)
    ids = Ids(clock)
    before = ids.next(SHARDS - 1)
    clock.advance(0.001)

    bound = lowest_id_at(clock.now_ms())

    assert before < bound <= ids.next(0)


@pytest.mark.parametrize(
    "text", ["", "-1", "0", "1.0", " 1", "١", "1" * 20, str(MAX_ID + 1), "0x1", "1e3"]
)
def test_what_is_not_an_id_is_found_nowhere(text: str) -> None:
    with pytest.raises(InvalidId):
        parse_id(text)


def test_a_text_always_has_the_same_shard() -> None:
    assert shard_for_text("sunset") == shard_for_text("sunset")
    assert len({shard_for_text(f"tag{number}") for number in range(2000)}) > 1500


@given(st.integers(0, 1 << 40), st.integers(0, SHARDS - 1), st.sampled_from([0, 1, 1022, 1023]))
def test_the_following_id_is_higher_and_stays_in_its_shard(
    ms: int, shard: int, sequence: int
) -> None:
    id_ = (ms << 22) | (shard << 10) | sequence

    assert following(id_) > id_
    assert shard_of(following(id_)) == shard
