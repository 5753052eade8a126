"""The newest posts of a few authors, held in this process and merged when a viewer reads."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator

from tintype.feed.model import Run, run_of
from tintype.kernel.ids import Id

KEPT = 200
"""Posts kept per author."""


class Recent:
    """Posts by author, complete above a floor of each author's own.

    The least recently published author is forgotten first when there are more than ``authors``;
    ``forgetting`` must therefore be harmless, as it is for posts that also travel another way.
    """

    def __init__(self, *, kept: int = KEPT, authors: int | None = None) -> None:
        self._kept = kept
        self._authors = authors
        self._posts: dict[Id, array[int]] = {}
        self._floors: dict[Id, Id] = {}

    def add(self, author: Id, post: Id) -> None:
        """Remember a post; repeats and late ids land in their place."""
        ids = self._posts.pop(author, None)
        if ids is None:
            ids = array("q")
        self._posts[author] = ids
        at = bisect_left(ids, post)
        if (at == len(ids) or ids[at] != post) and post > self._floors.get(author, 0):
            ids.insert(at, post)
        if len(ids) > self._kept:
            self._floors[author] = ids[0]
            del ids[0]
        if self._authors is not None and len(self._posts) > self._authors:
            oldest = next(iter(self._posts))
            del self._posts[oldest]
            self._floors.pop(oldest, None)

    def fill(self, author: Id, posts: Collection[Id], floor: Id) -> None:
        """Remember posts that are complete above ``floor``, beside those that are here."""
        union = sorted({*self._posts.get(author, ()), *posts})
        floor = max(floor, self._floors.get(author, 0))
        if len(union) > self._kept:
            floor = max(floor, union[-self._kept - 1])
        ids = array("q", (id_ for id_ in union if id_ > floor))
        self._floors[author] = floor
        if ids:
            self._posts[author] = ids

    def clear(self) -> None:
        """Forget everything."""
        self._posts.clear()
        self._floors.clear()

    def discard(self, author: Id, post: Id) -> None:
        """Forget a post that is found elsewhere from now on; the floor stays."""
        ids = self._posts.get(author)
        if ids is None:
            return
        if post in ids:
            ids.remove(post)
        if not ids:
            del self._posts[author]

    def among(self, authors: Collection[Id]) -> Iterator[Id]:
        """Which of these authors have posts here."""
        if len(authors) < len(self._posts):
            return (author for author in authors if author in self._posts)
        return (author for author in self._posts if author in authors)

    def run(self, author: Id, below: Id, limit: int) -> Run:
        """The author's newest posts below a bound, complete above the author's floor."""
        ids = self._posts.get(author)
        floor = self._floors.get(author, 0)
        if ids is None:
            return Run((), floor)
        end = bisect_left(ids, below)
        return run_of(ids[max(end - limit, 0) : end].tolist()[::-1], limit, floor)

    def __contains__(self, author: Id) -> bool:
        return author in self._posts

    def __bool__(self) -> bool:
        return bool(self._posts)
