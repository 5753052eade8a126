"""Who follows whom in a world to be: chosen, or taken from a list of edges."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tintype.entry.bench import worlds
from tintype.entry.bench.edges import Edges, Unreadable
from tintype.entry.bench.ground import WorldRefused
from tintype.entry.bench.numbering import Numbering
from tintype.entry.bench.sorting import Numbers, Sorted
from tintype.entry.migrate_store.progress import Progress


class Wanted(NamedTuple):
    """What is asked for. With ``edges`` the accounts and follows are those of the file.

    ``posts`` is 5 an account unless given.
    """

    accounts: int
    follows: int
    posts: int | None
    seed: int
    viewers: int
    edges: Path | None

    @property
    def source(self) -> str:
        return f"seed {self.seed}" if self.edges is None else self.edges.name


class WorldGraph(NamedTuple):
    """Everybody and whom they follow; ``followees`` and ``followers`` count those of each."""

    numbering: Numbering
    follows: Sorted
    followees: Numbers
    followers: Numbers

    @property
    def accounts(self) -> int:
        return self.numbering.accounts

    @property
    def total(self) -> int:
        """How many follows there are."""
        return int(self.followers.sum())


def make_graph(wanted: Wanted, scratch: Path, now_ms: int, progress: Progress) -> WorldGraph:
    """The graph that is wanted; what does not fit into memory is in the folder ``scratch``.

    Raises:
        WorldRefused: the file of edges can not be read, or holds none.
    """
    follows = Sorted(scratch)
    if wanted.edges is None:
        accounts = wanted.accounts
        _choose(wanted, follows, progress)
    else:
        accounts = _import(wanted.edges, follows, progress)
    followees, followers = np.zeros(accounts, np.int64), np.zeros(accounts, np.int64)
    with progress.stage("Follows are sorted", follows.taken) as advance:
        for batch in follows.batches():
            follower, followee = worlds.ends(batch)
            followees += np.bincount(follower, minlength=accounts)
            followers += np.bincount(followee, minlength=accounts)
            advance(batch.size)
    graph = WorldGraph(Numbering(accounts, now_ms), follows, followees, followers)
    if wanted.edges is not None:
        progress.say(f"{follows.taken - graph.total} duplicates were dropped.")
    return graph


def _choose(wanted: Wanted, follows: Sorted, progress: Progress) -> None:
    readers = max(1, wanted.viewers // (len(worlds.STRATA) + 1))
    shape = worlds.Shape(wanted.accounts, wanted.follows, wanted.seed, readers)
    with progress.stage("Follows are chosen", wanted.follows) as advance:
        for chunk in worlds.follows(shape, worlds.people(shape)):
            follows.add(chunk)
            advance(chunk.size)


def _import(path: Path, follows: Sorted, progress: Progress) -> int:
    edges = Edges(follows)
    try:
        with progress.stage("Edges", path.stat().st_size, in_bytes=True) as advance:
            edges.read(path, advance)
    except OSError as error:
        raise WorldRefused(f"{path} can not be read: {error.strerror}.") from error
    except Unreadable as error:
        raise WorldRefused(str(error)) from error
    for line in edges.told:
        progress.say(f"{path.name}, {line}")
    progress.say(
        f"{edges.lines} lines: {edges.malformed} malformed ones and {edges.of_oneself} of accounts "
        f"that follow themselves were dropped; {edges.accounts} accounts."
    )
    if not edges.accounts:
        raise WorldRefused(f"{path} holds no edges: lines `follower followee` are expected.")
    return edges.accounts
