"""When what is asked: an open-loop schedule, made before the first request is sent.

People do not wait for each other, so requests come as a Poisson process: gaps between them are
exponential, whether or not answers came. Posts come in bursts, as they do where events happen: in
the busiest moments 18 times as many as in the mean, which is what a real trace of a social network
shows in its busiest minute. The mean stays what was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]

BURST = 18.0
"""How many times the mean of posts comes in a burst."""
BURST_SHARE = 1 / 36
"""The share of the time that is a burst: half of all posts fall into it."""
WINDOW_S = 10.0
"""In each window of so many seconds lies one burst, anywhere."""
UNDONE = 0.1
"""The share of follows that take an earlier one back."""


class Kind(StrEnum):
    """What is asked for; each has figures of its own."""

    FEED = "feed"
    """The first page of the feed."""
    DEEPER = "deeper"
    """A later page, by its cursor."""
    LIKE = "like"
    PROFILE = "profile"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    POST = "post"
    """A post of a photo that was uploaded before."""


READS = (Kind.FEED, Kind.DEEPER, Kind.PROFILE)
"""What changes nothing."""


class Mix(NamedTuple):
    """Shares of the requests; ``follow`` holds the unfollows. They are scaled to sum up to 1.

    Posts are ``posts_per_second`` at most, in the mean.
    """

    feed: float = 0.70
    deeper: float = 0.12
    like: float = 0.10
    profile: float = 0.05
    follow: float = 0.02
    post: float = 0.01
    posts_per_second: float = 10.0


READING = Mix(like=0.0, follow=0.0, post=0.0)
"""The same without whatever changes something."""
FIRST_PAGES = Mix(deeper=0.0, like=0.0, profile=0.0, follow=0.0, post=0.0)
"""Nothing but first pages of the feed."""


class Arrival(NamedTuple):
    """One request to come: ``at`` seconds after the start.

    ``who`` is the place of the viewer among the viewers, of a post's author among the authors.
    ``what``, from 0 to 1, picks which post is liked, whose profile is read and so on, among those
    that are known by then.
    """

    at: float
    kind: Kind
    who: int
    what: float


def schedule(
    *,
    rate: float,
    seconds: float,
    mix: Mix,
    viewers: Sequence[float],
    authors: Sequence[float],
    seed: int,
) -> list[Arrival]:
    """All requests of a spell in the order of their times; the same seed makes the same ones.

    ``rate`` is the mean of all kinds together in requests a second; ``viewers`` and ``authors`` are
    weights: how often each of them comes, relative to the others.

    Raises:
        ValueError: nobody is there to read, or to post what the mix asks for.
    """
    dice = np.random.default_rng(seed)
    shares = np.array([mix.feed, mix.deeper, mix.like, mix.profile, mix.follow, mix.post])
    shares = shares / shares.sum()
    posts = min(rate * float(shares[5]), mix.posts_per_second)
    if not viewers or (posts and not authors):
        message = "A schedule needs viewers, and authors when there are posts in it."
        raise ValueError(message)
    others = poisson(rate - posts, seconds, dice)
    kinds = dice.choice(5, len(others), p=shares[:5] / shares[:5].sum())
    readers = _drawn(viewers, len(others), dice)
    picks, undone = dice.random(len(others)), dice.random(len(others)) < UNDONE
    found = [
        Arrival(at, _kind(kind, undo=undo), who, what)
        for at, kind, who, what, undo in zip(
            *(each.tolist() for each in (others, kinds, readers, picks, undone)), strict=True
        )
    ]
    if posts:
        times = bursts(posts, seconds, dice)
        by = _drawn(authors, len(times), dice)
        found += [
            Arrival(at, Kind.POST, who, 0.0)
            for at, who in zip(times.tolist(), by.tolist(), strict=True)
        ]
    return sorted(found)


def poisson(rate: float, seconds: float, dice: np.random.Generator) -> Reals:
    """Times of a Poisson process with so many arrivals a second, in order."""
    times = dice.random(dice.poisson(rate * seconds)) * seconds
    return np.sort(times)


def bursts(rate: float, seconds: float, dice: np.random.Generator) -> Reals:
    """The same with one burst in each window, in which ``BURST`` times as many come.

    Outside of bursts so many fewer come that the mean is ``rate``.
    """
    parts = []
    quiet = rate * (1 - BURST * BURST_SHARE) / (1 - BURST_SHARE)
    window = min(WINDOW_S, seconds)
    long = window * BURST_SHARE
    for start in np.arange(0, seconds, window):
        end = min(start + window, seconds)
        parts.append(start + poisson(quiet, end - start, dice))
        # What the quiet rate brings into the burst is part of it.
        begun = start + dice.random() * max(end - start - long, 0.0)
        parts.append(begun + poisson(rate * BURST - quiet, long, dice))
    times: Reals = np.sort(np.concatenate(parts))
    return times[times < seconds]


def activity(count: int, seed: int) -> list[float]:
    """How often each of so many viewers comes: log-normal, a few come very often."""
    drawn = np.random.default_rng(seed).lognormal(0.0, 1.0, count)
    return [float(each) for each in drawn]


def _drawn(weights: Sequence[float], count: int, dice: np.random.Generator) -> npt.NDArray[np.intp]:
    shares = np.asarray(weights, dtype=np.float64)
    return dice.choice(len(shares), count, p=shares / shares.sum())


def _kind(number: int, *, undo: bool) -> Kind:
    kind = (Kind.FEED, Kind.DEEPER, Kind.LIKE, Kind.PROFILE, Kind.FOLLOW)[number]
    return Kind.UNFOLLOW if kind is Kind.FOLLOW and undo else kind
