"""Synthetic worlds have the shape of real ones, whatever their size, and the same one by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tintype.entry.bench import worlds
from tintype.entry.bench.numbering import Numbering, hashed
from tintype.entry.bench.sorting import Numbers, Sorted
from tintype.entry.bench.worlds import Shape
from tintype.graph.model import h16
from tintype.kernel.ids import shard_of, timestamp_ms

ACCOUNTS, FOLLOWS = 20_000, 1_000_000
UNTIL_MS = 1_790_000_000_000


def follows_of(shape: Shape, folder: Path) -> Numbers:
    kept = Sorted(folder)
    for chunk in worlds.follows(shape, worlds.people(shape)):
        kept.add(chunk)
    return np.concatenate(list(kept.batches()))


@pytest.fixture(scope="module")
def follows(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    return follows_of(Shape(ACCOUNTS, FOLLOWS, seed=7), tmp_path_factory.mktemp("world"))


def test_as_many_follows_are_made_as_were_asked_for(follows: Numbers) -> None:
    assert abs(follows.size / FOLLOWS - 1) < 0.05


def test_nobody_follows_themselves_or_anybody_twice(follows: Numbers) -> None:
    followers, followees = worlds.ends(follows)

    assert (followers != followees).all()
    assert np.unique(follows).size == follows.size
    assert followers.max() < ACCOUNTS
    assert followees.max() < ACCOUNTS


def test_follower_counts_of_ordinary_accounts_are_log_normal(follows: Numbers) -> None:
    _, followees = worlds.ends(follows)
    who = worlds.people(Shape(ACCOUNTS, FOLLOWS, seed=7))
    counted = np.bincount(followees, minlength=ACCOUNTS)[~who.celebrity]

    logs = np.log(counted[counted > 0])

    assert abs(logs.std() / worlds.SIGMA - 1) < 0.1
    # Median and p99 of a log-normal are a fixed factor apart: exp(2.326 σ).
    assert 14 < np.percentile(counted, 99) / np.median(counted) < 30


def test_popularity_ends_in_a_pareto_tail_of_the_exponent_that_is_said() -> None:
    # The cut at the largest share of all accounts is far away with few follows.
    who = worlds.people(Shape(2_000_000, 20_000_000, seed=3))

    tail = np.sort(who.popularity[who.celebrity])

    # Hill's estimator over the whole tail.
    estimated = 1 / np.mean(np.log(tail[1:] / tail[0]))
    assert abs(estimated / worlds.TAIL - 1) < 0.05


def test_the_most_followed_have_many_times_the_mean_but_never_everybody(follows: Numbers) -> None:
    _, followees = worlds.ends(follows)

    most = np.bincount(followees).max()

    assert most > 40 * FOLLOWS / ACCOUNTS
    assert most < ACCOUNTS / 2


def test_some_follows_are_returned(follows: Numbers) -> None:
    followers, followees = worlds.ends(follows)

    returned = np.isin(worlds.packed(followees, followers), follows).mean()

    assert 0.2 < returned < 0.7


def test_readers_of_every_stratum_are_planted(follows: Numbers) -> None:
    followers, _ = worlds.ends(follows)
    counted = np.bincount(followers, minlength=ACCOUNTS)

    for stratum in worlds.STRATA:
        assert (np.abs(counted / stratum - 1) < 0.15).any(), stratum


def test_the_same_seed_makes_the_same_world_and_another_one_another(tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        made.append(follows_of(Shape(500, 10_000, seed=seed), tmp_path / name))

    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_posts_burst_to_eighteen_times_the_mean_and_follow_the_day() -> None:
    rates = worlds.rates()

    assert rates.mean() == pytest.approx(1)
    assert rates.max() == pytest.approx(18)
    assert (rates == rates.max()).sum() == worlds.DAYS * worlds.BURST_MINUTES
    by_hour = np.median(rates.reshape(worlds.DAYS, 24, 60), axis=(0, 2))
    assert by_hour.max() > 3 * by_hour.min()


def test_posts_are_of_the_last_days_and_mostly_of_those_with_many_followers() -> None:
    followers = np.r_[np.full(500, 10), np.full(500, 100_000)]

    authors, times = worlds.posts(followers, 100_000, seed=1, until_ms=UNTIL_MS)

    assert authors.size == times.size == 100_000
    assert times.max() < UNTIL_MS
    assert times.min() >= UNTIL_MS - worlds.DAYS * 24 * 3600 * 1000
    ratio = (authors >= 500).sum() / (authors < 500).sum()
    assert ratio == pytest.approx((100_000 / 10) ** worlds.POSTING, rel=0.1)


def test_a_world_of_ten_accounts_can_be_made(tmp_path: Path) -> None:
    made = follows_of(Shape(10, 20, seed=1), tmp_path)

    assert made.size > 5


def test_numbers_become_ids_in_the_order_of_the_tables_keys() -> None:
    numbering = Numbering(10_000, UNTIL_MS)

    numbers = np.arange(10_000, dtype=np.int64)
    ids = numbering.accounts_of(numbers)

    keys = [(shard_of(each), each) for each in ids.tolist()]
    assert keys == sorted(set(keys))
    assert numbering.shards(numbers).tolist() == [shard for shard, _ in keys]
    assert ids.min() > 0
    assert max(timestamp_ms(each) for each in ids.tolist()) < UNTIL_MS


def test_a_follow_has_one_id_of_the_followers_shard() -> None:
    numbering = Numbering(10_000, UNTIL_MS)
    followers, followees = np.array([17, 9_000, 17]), np.array([9_000, 17, 18])

    ids = numbering.follows_of(followers, followees).tolist()

    assert len(set(ids)) == 3
    assert [shard_of(each) for each in ids] == numbering.shards(followers).tolist()
    assert all(timestamp_ms(each) < UNTIL_MS for each in ids)
    assert ids[0] == int(numbering.follows_of(followers[:1], followees[:1])[0])


def test_many_hashes_are_those_of_the_graph() -> None:
    ids = Numbering(10_000, UNTIL_MS).accounts_of(np.arange(0, 10_000, 97, dtype=np.int64))

    assert hashed(ids).tolist() == [h16(each) for each in ids.tolist()]


def test_sorting_in_runs_gives_every_number_once_and_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    kept = Sorted(tmp_path, run=1_000)
    added = [rng.integers(0, 5_000, 700) for _ in range(20)]
    for each in added:
        kept.add(each)

    batches = list(kept.batches(500))

    merged = np.concatenate(batches)
    assert len(batches) > 5
    assert merged.tolist() == sorted(set(np.concatenate(added).tolist()))
    assert kept.taken == 14_000
    assert np.concatenate(list(kept.batches(10_000))).tolist() == merged.tolist()
