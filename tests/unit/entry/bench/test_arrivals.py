"""The schedule of a load: who asks for what and when, before the first request is sent."""

from collections import Counter

import numpy as np
import pytest

from tintype.entry.bench.arrivals import (
    BURST_SHARE,
    FIRST_PAGES,
    READING,
    READS,
    Arrival,
    Kind,
    Mix,
    activity,
    bursts,
    poisson,
    schedule,
)

VIEWERS, AUTHORS = [1.0] * 9 + [11.0], [3.0, 1.0]


def _spell(rate: float = 500.0, seconds: float = 40.0, **kwargs: object) -> list[Arrival]:
    told = {"mix": Mix(), "viewers": VIEWERS, "authors": AUTHORS, "seed": 7} | kwargs
    return schedule(rate=rate, seconds=seconds, **told)  # type: ignore[arg-type] # as told


def test_the_same_seed_makes_the_same_schedule_and_another_seed_another() -> None:
    assert _spell() == _spell()
    assert _spell() != _spell(seed=8)


def test_arrivals_come_in_order_within_the_spell_and_as_many_as_asked_for() -> None:
    spell = _spell()
    times = [each.at for each in spell]

    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 40
    assert len(spell) == pytest.approx(500 * 40, rel=0.05)


def test_gaps_between_arrivals_are_exponential() -> None:
    gaps = np.diff(poisson(1_000, 60, np.random.default_rng(1)))

    assert gaps.mean() == pytest.approx(1e-3, rel=0.03)
    assert gaps.std() == pytest.approx(1e-3, rel=0.05)
    assert (gaps > 3e-3).mean() == pytest.approx(np.exp(-3), rel=0.1)


def test_kinds_come_in_the_shares_of_the_mix() -> None:
    spell = _spell(mix=Mix(posts_per_second=1_000), seconds=100.0)
    counts = Counter(each.kind for each in spell)

    assert counts[Kind.FEED] / len(spell) == pytest.approx(0.70, rel=0.05)
    assert counts[Kind.LIKE] / len(spell) == pytest.approx(0.10, rel=0.05)
    assert counts[Kind.POST] / len(spell) == pytest.approx(0.01, rel=0.2)


def test_a_tenth_of_the_follows_are_taken_back() -> None:
    spell = _spell(mix=Mix(0, 0, 0, 0, 1.0, 0))
    counts = Counter(each.kind for each in spell)

    assert set(counts) == {Kind.FOLLOW, Kind.UNFOLLOW}
    assert counts[Kind.UNFOLLOW] / len(spell) == pytest.approx(0.1, rel=0.1)


def test_viewers_and_authors_come_by_their_weights() -> None:
    spell = _spell(mix=Mix(post=0.5, posts_per_second=1_000))
    readers = Counter(each.who for each in spell if each.kind is not Kind.POST)
    authors = Counter(each.who for each in spell if each.kind is Kind.POST)

    assert readers[9] / readers.total() == pytest.approx(0.55, rel=0.05)
    assert authors[0] / authors.total() == pytest.approx(0.75, rel=0.05)


def test_posts_are_capped_and_what_is_left_is_asked_by_others() -> None:
    spell = _spell(rate=4_000.0, seconds=20.0, mix=Mix(posts_per_second=5))
    posts = [each for each in spell if each.kind is Kind.POST]

    assert len(posts) == pytest.approx(5 * 20, rel=0.4)
    assert len(spell) == pytest.approx(4_000 * 20, rel=0.05)


def test_posts_come_in_bursts_of_eighteen_times_the_mean_and_keep_the_mean() -> None:
    rate, seconds = 200.0, 200.0
    times = bursts(rate, seconds, np.random.default_rng(3))
    long = 10 * BURST_SHARE
    in_windows = [times[(times >= start) & (times < start + 10)] for start in range(0, 200, 10)]
    busiest = [
        max(np.searchsorted(each, each + long) - np.arange(len(each))) for each in in_windows
    ]

    assert len(times) / seconds == pytest.approx(rate, rel=0.05)
    assert np.mean(busiest) / long == pytest.approx(18 * rate, rel=0.1)


def test_a_schedule_of_reads_changes_nothing() -> None:
    spell = _spell(mix=READING, authors=[])

    assert {each.kind for each in spell} == set(READS)


def test_a_schedule_of_first_pages_holds_nothing_else() -> None:
    assert {each.kind for each in _spell(mix=FIRST_PAGES, authors=[])} == {Kind.FEED}


def test_nobody_to_read_or_to_post_is_refused() -> None:
    with pytest.raises(ValueError, match="viewers"):
        _spell(viewers=[])
    with pytest.raises(ValueError, match="authors"):
        _spell(authors=[])


def test_a_few_viewers_come_far_more_often_than_most() -> None:
    weights = sorted(activity(1_000, 1))

    assert weights == sorted(activity(1_000, 1))
    assert sum(weights[-100:]) / sum(weights) > 0.3
