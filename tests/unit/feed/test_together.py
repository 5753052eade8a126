"""Pages that are read together are what they would have been alone, whatever is heard meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import msgspec
import pytest

from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.database import Notices
from tintype.feed.model import NEWEST, PostDelivered, PostNoted, Run
from tintype.feed.service.home import AskedPage
from tintype.feed.service.pulled import Primer
from tintype.feed.service.reading import MARGIN, Reading, Sources
from tintype.feed.service.recent import Recent
from tintype.feed.service.together import MOST, TURN, Together
from tintype.kernel.clock import SystemClock
from tintype.kernel.cursor import UnknownCursor, encode
from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.ports.noticed import Asked, Heard
from tintype.ports.timelines import TimelinePage, TimelineState

ADA, BEA = 1, 2
PATIENCE_S = 30
_ABSENT = TimelinePage((), 0, TimelineState.ABSENT)


class Hidden(Notice, frozen=True, tag="hidden_in_this_test"):
    """An author whom nobody sees any more, or a post that is gone."""

    author: Id = 0
    post: Id = 0


class Followed(Notice, frozen=True, tag="followed_in_this_test"):
    viewer: Id
    author: Id


@dataclass
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class Town:
    """Everybody follows Bea, and all that was loaded is held."""

    def __init__(self) -> None:
        self.posts = {10: BEA, 11: BEA, 12: BEA}
        self.hidden: set[int] = set()
        self.held = {*self.posts}

    def cached_sets(self, viewer: int) -> Circle:
        authors = frozenset({viewer, BEA}) - self.hidden
        return Circle(authors, authors)

    async def sets(self, viewer: int) -> Circle:
        return self.cached_sets(viewer)

    async def sources_now(self, viewer: int) -> frozenset[int]:
        return self.cached_sets(viewer).sources

    async def followers_in(
        self, author: int, first: int, last: int, *, after: int, limit: int
    ) -> Sequence[int]:
        del author, first, last, after, limit
        return ()

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> Sequence[int]:
        found = [id_ for id_, author in self.posts.items() if author in authors and id_ < below]
        return sorted(found, reverse=True)[:limit]

    async def cards(self, ids: Sequence[int]) -> list[Card | None]:
        self.held.update(ids)
        return self.cards_at_hand(ids) or []

    def cards_at_hand(self, ids: Sequence[int]) -> list[Card | None] | None:
        if not self.held.issuperset(ids):
            return None
        return [Card(self.posts[id_]) if id_ in self.posts else None for id_ in ids]


class Home:
    """A feed whose pages are the ids that are in it."""

    def __init__(self, sources: Sources[Card]) -> None:
        self.sources = sources
        self.reading = Reading(sources)

    def of_timeline(self, asked: AskedPage, page: TimelinePage, others: list[Run]) -> bytes | None:
        viewer, below, limit, _ = asked
        window = self.reading.with_timeline(viewer, below, limit, page, others)
        return None if window is None else repr([*window.ids]).encode()


@dataclass
class Redis:
    """Answers when the test lets it: what is in the timelines then comes after what was said."""

    timelines: MemoryTimelines
    questions: list[tuple[list[Asked], Callable[[Heard | None], None]]] = field(
        default_factory=list
    )
    away = False

    def ask(self, asked: Sequence[Asked], take: Callable[[Heard | None], None]) -> bool:
        if not self.away:
            self.questions.append(([*asked], take))
        return not self.away

    async def answer(self, *said: Notice, missed: bool = False, lost: Id = 0) -> None:
        asked, take = self.questions.pop(0)
        pages = [
            _ABSENT if account == lost else await self.timelines.page(account, below, limit)
            for account, below, limit in asked
        ]
        messages = None if missed else [msgspec.json.encode(notice) for notice in said]
        take(Heard(messages, pages))


class Rig:
    """Ada, whose timeline is there, and whoever else asks."""

    def __init__(self) -> None:
        self.town = Town()
        self.timelines = MemoryTimelines(SystemClock())
        self.redis = Redis(self.timelines)
        self.notices = Notices()
        own, pulled, town = Recent(), Recent(), cast("Any", self.town)
        self.primer = Primer(pulled, self._nobody, self.town.published_ids_of)
        self.home = Home(Sources(self.timelines, town, town, own, pulled, {}, self.primer))
        self.together = Together(self.home, self.redis, self.notices)  # type: ignore[arg-type] # of a home it takes what this one has
        self.got: list[str] = []
        self.notices.on_doubt(self.primer.forget)
        self.notices.hear(PostNoted, lambda each: own.add(each.author, each.post))
        self.notices.hear(PostDelivered, lambda each: own.discard(each.author, each.post))
        self.notices.hear(Hidden, self._hide)
        followed = self.home.sources.followed
        self.notices.hear(Followed, lambda each: followed.update({each.viewer: {each.author}}))

    async def _nobody(self) -> list[Id]:
        return []

    def _hide(self, notice: Hidden) -> None:
        self.town.hidden.add(notice.author)
        self.town.posts.pop(notice.post, None)

    async def settled(self, *viewers: Id) -> None:
        """Everything that a page of theirs is made of is at hand from now on."""
        for viewer in viewers or (ADA,):
            await self.home.reading.window(viewer, NEWEST, 3)

    def ask(self, viewer: Id = ADA, *, cursor: str | None = None, limit: int = 3) -> bool:
        def resume(make: Callable[[], bytes | None] | None) -> None:
            body = make() if make is not None else None
            self.got.append("long way" if body is None else body.decode())

        return self.together.ask(viewer, cursor=cursor, limit=limit, here="", resume=resume)

    async def asked(self) -> None:
        """Return once a question is under way."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.redis.questions:  # noqa: ASYNC110 - read from outside
                await asyncio.sleep(0)

    async def answers(self, count: int = 1) -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.got) < count:  # noqa: ASYNC110 - read from outside
                await asyncio.sleep(0)
        return self.got


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.settled()
    return rig


async def test_everybody_who_asks_in_one_turn_is_part_of_one_question(rig: Rig) -> None:
    await rig.settled(3, 4)

    assert [rig.ask(ADA), rig.ask(3), rig.ask(4, cursor=encode("feed", 12))] == [True] * 3
    await rig.asked()
    assert [each.limit for each in rig.redis.questions[0][0]] == [3 + MARGIN] * 3
    assert rig.got == []
    await rig.redis.answer()

    assert await rig.answers(3) == ["[12, 11, 10]", "[12, 11, 10]", "[11, 10]"]
    assert rig.redis.questions == []


async def test_who_comes_while_a_question_is_under_way_is_part_of_the_next(rig: Rig) -> None:
    rig.ask()
    await rig.asked()
    rig.ask()
    rig.ask()
    await asyncio.sleep(0)
    assert len(rig.redis.questions) == 1

    await rig.redis.answer()
    await rig.asked()

    assert len(rig.redis.questions[0][0]) == 2
    await rig.redis.answer()
    assert await rig.answers(3) == ["[12, 11, 10]"] * 3


async def test_a_question_and_a_turn_are_of_a_bounded_size(rig: Rig) -> None:
    for _ in range(MOST + 1):
        rig.ask()
    await rig.asked()
    assert len(rig.redis.questions[0][0]) == MOST

    await rig.redis.answer()

    assert len(rig.got) == TURN
    await rig.asked()
    await rig.redis.answer()
    assert len(await rig.answers(MOST + 1)) == MOST + 1


async def test_a_post_and_an_author_that_the_same_answer_hides_are_not_shown(rig: Rig) -> None:
    rig.ask()
    await rig.asked()

    await rig.redis.answer(Hidden(post=11))
    assert await rig.answers() == ["[12, 10]"]

    rig.ask()
    await rig.asked()
    await rig.redis.answer(Hidden(author=BEA))
    assert await rig.answers(2) == ["[12, 10]", "[]"]


def _publish(rig: Rig, post: Id) -> PostNoted:
    rig.town.posts[post] = ADA
    rig.town.held.add(post)
    return PostNoted(post=post, author=ADA, pulled=False)


async def test_an_own_post_that_is_heard_of_in_the_same_answer_is_shown(rig: Rig) -> None:
    noted = _publish(rig, 20)

    rig.ask()
    await rig.asked()
    await rig.redis.answer(noted)

    assert await rig.answers() == ["[20, 12, 11]"]


async def test_an_own_post_that_was_delivered_in_the_same_answer_is_shown(rig: Rig) -> None:
    noted = _publish(rig, 20)

    rig.ask()
    await rig.asked()
    await rig.timelines.push([ADA], 20)
    await rig.redis.answer(noted, PostDelivered(post=20, author=ADA))

    assert await rig.answers() == ["[20, 12, 11]"]
    assert ADA not in rig.home.sources.own


async def test_an_own_post_that_is_delivered_while_others_have_their_turn_is_shown(
    rig: Rig,
) -> None:
    noted = _publish(rig, 20)
    await rig.settled(3)

    for _ in range(TURN):
        rig.ask(3)
    rig.ask(ADA)
    await rig.asked()
    await rig.redis.answer(noted)
    # After the timeline of Ada was read, and before her page is made.
    await rig.timelines.push([ADA], 20)
    rig.notices.apply([PostDelivered(post=20, author=ADA)])

    assert (await rig.answers(TURN + 1))[-1] == "[20, 12, 11]"


async def test_who_has_own_posts_that_fan_out_has_not_carried_is_not_taken(rig: Rig) -> None:
    rig.notices.apply([_publish(rig, 20)])

    assert not rig.ask()


@pytest.mark.parametrize("said", ["follow", "doubt"])
async def test_whose_timeline_turns_out_not_to_be_enough_goes_the_long_way(
    rig: Rig, said: str
) -> None:
    rig.ask()
    await rig.asked()

    if said == "follow":
        await rig.redis.answer(Followed(viewer=ADA, author=BEA))
    else:
        await rig.redis.answer(missed=True)

    assert await rig.answers() == ["long way"]
    assert not rig.ask()


async def test_an_absent_timeline_is_built_on_the_long_way_while_others_are_answered(
    rig: Rig,
) -> None:
    await rig.settled(3)
    rig.ask(3)
    rig.ask(ADA)
    await rig.asked()

    await rig.redis.answer(lost=3)

    assert sorted(await rig.answers(2)) == ["[12, 11, 10]", "long way"]


async def test_posts_that_are_not_held_are_read_on_the_long_way(rig: Rig) -> None:
    rig.town.held.clear()

    rig.ask()
    await rig.asked()
    await rig.redis.answer()

    assert await rig.answers() == ["long way"]


async def test_everybody_goes_the_long_way_when_redis_is_silent(rig: Rig) -> None:
    rig.ask()
    await rig.asked()
    rig.ask()

    rig.redis.questions.pop()[1](None)

    assert await rig.answers(2) == ["long way"] * 2
    rig.ask()
    await rig.asked()
    await rig.redis.answer()
    assert (await rig.answers(3))[-1] == "[12, 11, 10]"


async def test_everybody_goes_the_long_way_where_nothing_can_be_asked(rig: Rig) -> None:
    rig.redis.away = True

    rig.ask()

    assert await rig.answers() == ["long way"]


async def test_a_notice_that_can_not_be_applied_leaves_nobody_waiting(rig: Rig) -> None:
    def broken(_: Hidden) -> None:
        raise RuntimeError

    rig.notices.hear(Hidden, broken)
    rig.ask()
    await rig.asked()

    await rig.redis.answer(Hidden(post=11))

    assert await rig.answers() == ["long way"]
    assert not rig.primer.knows_own(ADA)


def test_a_cursor_of_somewhere_else_is_refused() -> None:
    with pytest.raises(UnknownCursor):
        Rig().ask(cursor="forged")
