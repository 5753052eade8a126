"""Synthetic worlds: who follows whom and who posts when, as skewed as people are.

Everything is a function of the seed. The model is that of large photo networks: follower counts are
log-normal (median 150, sigma 1.3), but for one account in 250, whose counts have a Pareto tail of
exponent 1.25 above 10 000; who is followed more posts more often, with the power 0.15. A world of
another size has the same shape, scaled to its number of follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tintype.entry.bench.sorting import Numbers, distinct

Floats = npt.NDArray[np.float64]

MEDIAN, SIGMA = 150.0, 1.3
CELEBRITIES, CELEBRITY_LEAST, TAIL = 0.004, 10_000.0, 1.25
REACH = 1 / 3
"""The largest share of all accounts that follows the same one."""
RECIPROCITY = 0.25
"""The share of follows of ordinary accounts that are returned."""
POSTING = 0.15
DAYS, MINUTES_A_DAY = 30, 24 * 60
BURST, BURST_MINUTES = 18.0, 3
STRATA = (10, 250, 5_000)
"""Accounts that follow about so many are planted: the load reads as them."""
MOST_FOLLOWEES = 5_000

_WAYWARD = 0.6
_RHYTHM = 0.6
_CHUNK = 1_000_000
_ROUNDS = 8
_ENOUGH = 500
_HEAVY = 0.02
_LOW = 0xFFFF_FFFF


class Shape(NamedTuple):
    """What a world is made from; ``readers`` is how many are planted per stratum at most."""

    accounts: int
    follows: int
    seed: int
    readers: int = 250


class People(NamedTuple):
    """What everybody is like, by number: popularity, and how many they choose to follow.

    ``celebrity`` marks those of the tail, ``planted`` those who follow as many as a stratum says.
    """

    popularity: Floats
    chooses: Numbers
    celebrity: npt.NDArray[np.bool_]
    planted: npt.NDArray[np.bool_]


def ends(follows: Numbers) -> tuple[Numbers, Numbers]:
    """Follower and followee, by number, of packed follows."""
    return follows >> 32, follows & _LOW


def packed(followers: Numbers, followees: Numbers) -> Numbers:
    """Follows as numbers that sort by follower, then by followee."""
    return (followers << 32) | followees


def people(shape: Shape) -> People:
    """What the accounts of a world are like."""
    rng = np.random.default_rng([shape.seed, 1])
    count = shape.accounts
    popularity = rng.lognormal(np.log(MEDIAN), SIGMA, count)
    celebrity = np.zeros(count, np.bool_)
    famous = rng.choice(count, max(1, round(count * CELEBRITIES)), replace=False)
    celebrity[famous] = True
    popularity[famous] = CELEBRITY_LEAST * rng.random(famous.size) ** (-1 / TAIL)
    popularity = _scaled(popularity, shape.follows, REACH * count)

    # People who are followed more follow more, celebrities aside.
    eager = popularity * rng.lognormal(0, _WAYWARD, count)
    eager[celebrity] = np.median(popularity)
    chosen = shape.follows / (1 + RECIPROCITY)
    most = min(MOST_FOLLOWEES, count // 2)
    chooses = np.zeros(count, np.int64)
    planted = np.zeros(count, np.bool_)
    ordinary = iter(rng.permutation(np.flatnonzero(~celebrity)).tolist())
    for stratum in STRATA:
        wanted = min(stratum, most)
        room = max(1, int(_HEAVY * shape.follows / max(wanted, 1)))
        for _ in range(min(shape.readers, room, count // 10)):
            reader = next(ordinary)
            chooses[reader], planted[reader] = wanted, True
    rest = max(chosen - float(chooses[planted].sum()), 0)
    chooses[~planted] = np.rint(_scaled(eager[~planted], rest, most))
    return People(popularity, chooses, celebrity, planted)


def follows(shape: Shape, who: People) -> Iterator[Numbers]:
    """Packed follows, in chunks: those that are chosen, and those that are returned.

    Followees are chosen by their popularity, nobody follows themselves, and what one chunk holds is
    distinct; a returned follow may be one that was chosen too.
    """
    rng = np.random.default_rng([shape.seed, 2])
    odds = np.cumsum(who.popularity)
    odds /= odds[-1]
    bounds = np.cumsum(who.chooses)
    first = 0
    while first < shape.accounts:
        before = bounds[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(bounds, before + _CHUNK, side="right")))
        chosen = _chosen(rng, first, who.chooses[first:last], odds)
        yield chosen
        yield _returned(rng, chosen, who)
        first = last


def _chosen(rng: np.random.Generator, first: int, wanted: Numbers, odds: Floats) -> Numbers:
    found = np.empty(0, np.int64)
    numbers = np.arange(first, first + wanted.size, dtype=np.int64)
    missing = wanted
    for _ in range(_ROUNDS):
        # Drawn in order, which is quick to look up, and dealt out at random.
        drawn = np.searchsorted(odds, np.sort(rng.random(int(missing.sum()))), side="right")
        followers = rng.permutation(np.repeat(numbers, missing))
        fresh = packed(followers, drawn)[followers != drawn]
        found = distinct(np.concatenate([found, fresh]))
        missing = wanted - np.bincount((found >> 32) - first, minlength=wanted.size)
        if missing.sum() * _ENOUGH < found.size:
            break
    return found


def _returned(rng: np.random.Generator, chosen: Numbers, who: People) -> Numbers:
    followers, followees = ends(chosen)
    may = ~(who.celebrity[followees] | who.planted[followees])
    # Where many may not, the others return more: the number of follows is as asked.
    share = min(1.0, RECIPROCITY / max(float(may.mean()), RECIPROCITY)) if may.size else 0.0
    back = may & (rng.random(chosen.size) < share)
    return packed(followees[back], followers[back])


def rates() -> Floats:
    """Posts a minute over the last days, as multiples of the mean: a daily rhythm, and a burst a
    day that lasts some minutes.
    """
    minutes = np.arange(DAYS * MINUTES_A_DAY)
    rate = 1 + _RHYTHM * np.sin(2 * np.pi * minutes / MINUTES_A_DAY)
    rng = np.random.default_rng(18)
    starts = np.arange(DAYS) * MINUTES_A_DAY + rng.integers(0, MINUTES_A_DAY - BURST_MINUTES, DAYS)
    bursting = np.zeros(minutes.size, np.bool_)
    for after in range(BURST_MINUTES):
        bursting[starts + after] = True
    # A burst is a multiple of the mean that it belongs to.
    calm = minutes.size - BURST * bursting.sum()
    rate *= calm / rate[~bursting].sum()
    rate[bursting] = BURST
    return rate


def authorship(followers: Numbers) -> Floats:
    """The odds that a post is by each account; they sum up to 1."""
    weights = np.maximum(followers, 1).astype(np.float64) ** POSTING
    return np.asarray(weights / weights.sum())


def posts(followers: Numbers, count: int, seed: int, *, until_ms: int) -> tuple[Numbers, Numbers]:
    """The author's number and the time in ms of each post, sorted by author and time."""
    rng = np.random.default_rng([seed, 3])
    odds = np.cumsum(authorship(followers))
    authors = np.searchsorted(odds / odds[-1], rng.random(count)).astype(np.int64)
    when = np.cumsum(rates())
    minute = np.searchsorted(when / when[-1], rng.random(count)).astype(np.int64)
    begin = until_ms - DAYS * MINUTES_A_DAY * 60_000
    times = begin + minute * 60_000 + rng.integers(0, 60_000, count)
    order = np.lexsort((times, authors))
    return authors[order], times[order]


def _scaled(values: Floats, total: float, most: float) -> Floats:
    """Values scaled to a sum, with none above ``most``: the others take what was cut."""
    scaled = values * (total / values.sum())
    for _ in range(_ROUNDS):
        over = scaled >= most
        rest = scaled[~over].sum()
        scaled[over] = most
        if not over.any() or rest <= 0:
            break
        scaled[~over] *= max(total - most * over.sum(), 0) / rest
    return np.asarray(np.minimum(scaled, most))
