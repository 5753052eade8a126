"""What readers of a fleet may rightly see, by the names of the simulator's invariants.

Only what was acknowledged is known. A time here is of the monotonic clock, in seconds.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation import invariants as named
from tests.simulation.invariants import Violation
from tests.trust.social import Person

PROMPT_S = 120.0
LATE_NOTICE_S = 5.0
"""What a process may still serve that the others can not tell anything."""
SECOND_WAY_S = 30.0
"""The same when whoever changed it may have died before telling: the log tells it."""

WATCHED = (
    *(named.SOUND, named.UNIQUE, named.NO_SKIPS, named.STABLE, named.CONVERGES, named.FLOOR),
    *(named.NO_PARTIAL, named.FOLLOW, named.REVOKED, named.OWN, named.TIERS, named.ENDS),
    *(named.PROMPT, named.COUNTED, named.OUTBOX, named.MIRRORED, named.LATE, named.RETURN),
    named.VERSIONS,
)
"""The invariants that are checked on real engines."""


class Judge:
    """Counts what was checked, and keeps what did not hold."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def clear(self) -> None:
        """Forget what was found."""
        self.checked.clear()
        self.violations.clear()

    def require(self, invariant: str, holds: bool, detail: str) -> bool:
        self.checked[invariant] += 1
        if not holds:
            self.violations.append(Violation(invariant, detail))
        return holds

    @property
    def failed(self) -> Counter[str]:
        """How often each invariant did not hold."""
        return Counter(violation.invariant for violation in self.violations)


@dataclass(frozen=True)
class Change:
    """Something was acknowledged: when, at which door, and how long the other one may lag."""

    at: float
    door: str
    lag_s: float

    def known(self, door: str) -> float:
        """From when on it must be known at this door."""
        return self.at if door == self.door else self.at + self.lag_s


@dataclass(frozen=True)
class Shown:
    """One page as it was answered."""

    ids: list[int]
    authors: dict[int, str]
    captions: dict[int, str]
    tier: str
    door: str
    began: float
    cursor: str | None


@dataclass(eq=False)
class Reader:
    """Somebody who reads, whom they follow, and what they were shown by a stored timeline."""

    person: Person
    sources: dict[str, Change] = field(default_factory=dict)
    """Whom they follow, and since when."""
    gone: dict[str, Change] = field(default_factory=dict)
    """Whom they can not see any more, and since when."""
    in_flight: dict[str, set[int]] = field(default_factory=dict)
    """Posts of those who are gone that they had not been shown by then."""
    settled: set[int] = field(default_factory=set)

    def leaves(self, author: str, posts: set[int]) -> None:
        """From now on they may not see the author any more, nor any of these."""
        self.in_flight[author] = posts - self.settled
        self.sources[author] = Change(float("inf"), "", 0.0)
        self.settled -= posts

    def left(self, author: str, change: Change) -> None:
        """It was acknowledged."""
        self.gone[author] = change
        del self.sources[author]

    def joins(self, author: str) -> None:
        """From now on they may see the author."""
        self.gone.pop(author, None)
        self.sources[author] = Change(float("inf"), "", 0.0)

    def steady(self, author: str, since: float) -> bool:
        """Whether they followed the author all the time, at every door."""
        change = self.sources.get(author)
        return author == self.person.id or (
            change is not None and change.at + change.lag_s <= since
        )


class Facts:
    """What was acknowledged to anybody, and the judgement of pages by it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.authors: dict[int, str] = {}
        self.published: dict[int, Change] = {}
        self.deleted: dict[int, Change] = {}
        self.doomed: set[int] = set()
        """Posts that may be gone before it is acknowledged."""
        self.captions: dict[int, list[tuple[int, Change]]] = defaultdict(list)
        """The versions of a caption, as they were acknowledged."""
        self.late: dict[tuple[Reader, int], float] = {}
        """What somebody has yet to be shown, and when it was acknowledged."""
        self.slowest_s = 0.0

    @property
    def live(self) -> set[int]:
        return self.published.keys() - self.doomed

    def posts_of(self, authors: Iterable[str]) -> set[int]:
        """The live posts of these."""
        wanted = {*authors}
        return {post for post in self.live if self.authors[post] in wanted}

    def truth(self, reader: Reader) -> list[int]:
        """The feed, newest first."""
        return sorted(self.posts_of([*reader.sources, reader.person.id]), reverse=True)

    def published_by(self, author: str, post: int, change: Change, readers: list[Reader]) -> None:
        """A post was acknowledged; those who follow its author are to be shown it."""
        self.authors[post] = author
        self.published[post] = change
        for reader in readers:
            if reader.steady(author, change.at):
                self.late[reader, post] = change.at

    def check_page(self, reader: Reader, page: Shown, above: int | None) -> None:
        """Judge one page, whatever goes on beside it. ``above``: the last id of the one before."""
        require, who = self.judge.require, reader.person.id
        for post in page.ids:
            deleted = self.deleted.get(post)
            dead = deleted is not None and deleted.known(page.door) <= page.began
            require(named.SOUND, not dead, f"{who} was shown {post}, deleted ({page.tier})")
            author = page.authors[post]
            known = author == who or author in reader.sources or author in reader.gone
            require(named.SOUND, known, f"{who} was shown {post} of {author}")
            due = [n for n, by in self.captions[post] if by.known(page.door) <= page.began]
            if due:
                shown = int(page.captions[post].rpartition(" ")[2])
                old = f"{post} shows version {shown}, {max(due)} was acknowledged at"
                require(named.VERSIONS, shown >= max(due), f"{old} {page.door}")
        walk = ([] if above is None else [above]) + page.ids
        falls = all(low < high for high, low in itertools.pairwise(walk))
        require(named.UNIQUE, falls, f"{who}: {page.ids} below {above}")
        more = bool(page.ids) or page.cursor is None
        require(named.ENDS, more, f"{who}: an empty page below {above}, yet not the end")
        self._check_gone(reader, page)
        self._note(reader, page)

    def _check_gone(self, reader: Reader, page: Shown) -> None:
        """Nothing is shown of those who are gone, also of what was on its way by then."""
        who = reader.person.id
        for author, gone in reader.gone.items():
            if page.began < gone.known(page.door):
                continue
            shown = {post for post in page.ids if page.authors[post] == author}
            same = "the same door" if page.door == gone.door else "the other door"
            said = f"{page.began - gone.at:.2f} s after it was hidden ({page.tier}, {same})"
            late = reader.in_flight[author]
            if late:
                told = f"{who} was shown {shown & late} {said}"
                self.judge.require(named.LATE, not shown & late, told)
            told = f"{who} was shown {shown - late} {said}"
            self.judge.require(named.REVOKED, not shown - late, told)

    def _note(self, reader: Reader, page: Shown) -> None:
        now = time.monotonic()
        for post in page.ids:
            waited = self.late.pop((reader, post), None)
            if waited is not None:
                self.slowest_s = max(self.slowest_s, now - waited)
                said = f"{reader.person.id} was shown {post} after {now - waited:.0f} s"
                self.judge.require(named.PROMPT, now - waited <= PROMPT_S, said)
            steady = reader.steady(page.authors[post], page.began)
            if page.tier == "chronological" and steady:
                reader.settled.add(post)

    def check_patience(self) -> None:
        """Nobody waits for a post longer than is promised."""
        now = time.monotonic()
        for (reader, post), since in [*self.late.items()]:
            if post in self.doomed or self.authors[post] not in reader.sources:
                del self.late[reader, post]
            elif now - since > PROMPT_S:
                del self.late[reader, post]
                waited = f"{reader.person.id} waits {now - since:.0f} s for {post}"
                self.judge.require(named.PROMPT, False, waited)

    def check_walk(
        self, reader: Reader, due: set[int], found: list[int], began: float, name: str
    ) -> None:
        """Judge a whole walk: ``due`` is what was settled when it was begun."""
        still = {
            post
            for post in due & self.live & reader.settled
            if reader.steady(self.authors[post], began)
        }
        missing = still - {*found}
        said = f"{reader.person.id} was not shown {sorted(missing)} of {len(still)}"
        self.judge.require(name, not missing, said)
