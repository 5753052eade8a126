"""Values on the shared shelf are as good as made anew, whatever happens to the shelf."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import msgspec
import pytest

from tintype.adapters.memory.cache import MemoryCache
from tintype.database import shelf as shelves
from tintype.database.notices import Notices
from tintype.database.shelf import Shelf
from tintype.kernel.clock import SystemClock
from tintype.kernel.notice import Notice
from tintype.kernel.problem import Unavailable
from tintype.ports.cache import Held, Lease


class Word(msgspec.Struct, frozen=True):
    text: str


class Respelt(Notice, frozen=True, kw_only=True, tag="respelt"):
    word: int


class Book:
    """The truth, and who asked for it."""

    def __init__(self) -> None:
        self.words = {1: "one", 2: "two"}
        self.asked: list[list[int]] = []

    async def look_up(self, ids: Collection[int]) -> Mapping[int, Word]:
        self.asked.append(sorted(ids))
        return {id_: Word(self.words[id_]) for id_ in ids if id_ in self.words}


class Moody:
    """A cache that can be unplugged."""

    def __init__(self) -> None:
        self.cache = MemoryCache(SystemClock())
        self.away = False
        self._kept: set[str] = set()

    def keys(self) -> set[str]:
        """What a listener would find there at this very moment."""
        return set(self._kept)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable

    async def get(self, keys: Sequence[str]) -> Held:
        self._answer()
        return await self.cache.get(keys)

    async def fill(self, lease: Lease, values: Mapping[str, bytes]) -> None:
        self._answer()
        await self.cache.fill(lease, values)
        self._kept |= {*values}

    async def drop(self, keys: Collection[str]) -> None:
        self._answer()
        await self.cache.drop(keys)
        self._kept -= {*keys}

    async def close(self) -> None:
        self.away = True


@pytest.fixture
def cache() -> Moody:
    return Moody()


@pytest.fixture
def notices(cache: Moody) -> Notices:
    found = Notices()
    found.shelves.stand_on(cache)
    return found


@pytest.fixture
def words(notices: Notices) -> Shelf[Word]:
    found = notices.shelves.shelf("word", Word)
    found.drop_on(Respelt, lambda notice: (notice.word,))
    return found


async def test_what_is_kept_is_not_made_again(words: Shelf[Word]) -> None:
    book = Book()
    await words.through([1], book.look_up)

    found = await words.through([1, 2, 3], book.look_up)

    assert found == {1: Word("one"), 2: Word("two")}
    assert book.asked == [[1], [2, 3]]


async def test_a_notice_drops_the_value_before_it_is_told(
    words: Shelf[Word], notices: Notices, cache: Moody
) -> None:
    book = Book()
    await words.through([1], book.look_up)
    kept: list[set[str]] = []
    notices.hear(Respelt, lambda _: kept.append(cache.keys()))

    book.words[1] = "un"
    await notices.publish([Respelt(word=1)])

    assert kept == [set()]
    assert await words.through([1], book.look_up) == {1: Word("un")}


async def test_what_was_read_before_a_drop_is_not_kept_after_it(
    words: Shelf[Word], notices: Notices
) -> None:
    book = Book()

    async def slowly(ids: Collection[int]) -> Mapping[int, Word]:
        old = await book.look_up(ids)
        book.words[1] = "un"
        await notices.publish([Respelt(word=1)])
        return old

    assert await words.through([1], slowly) == {1: Word("one")}
    assert await words.through([1], book.look_up) == {1: Word("un")}


async def test_without_an_answer_everything_is_made(words: Shelf[Word], cache: Moody) -> None:
    book = Book()
    cache.away = True

    assert await words.through([1], book.look_up) == {1: Word("one")}
    assert await words.through([1], book.look_up) == {1: Word("one")}
    assert book.asked == [[1], [1]]


async def test_a_drop_that_failed_is_made_as_soon_as_the_cache_answers(
    words: Shelf[Word], notices: Notices, cache: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "AGAIN_S", 0.01)
    book = Book()
    await words.through([1], book.look_up)
    cache.away = True
    book.words[1] = "un"

    await notices.publish([Respelt(word=1)])
    assert notices.shelves.owed == 1
    cache.away = False
    while notices.shelves.owed:  # noqa: ASYNC110 - the cache answers when it answers
        await asyncio.sleep(0.01)

    assert await words.through([1], book.look_up) == {1: Word("un")}


async def test_a_value_whose_drop_is_owed_is_made_anew_though_the_cache_answers(
    words: Shelf[Word], notices: Notices, cache: Moody
) -> None:
    book = Book()
    await words.through([1, 2], book.look_up)
    cache.away = True
    book.words[1] = "un"
    await notices.publish([Respelt(word=1)])

    cache.away = False
    found = await words.through([1, 2], book.look_up)

    assert found == {1: Word("un"), 2: Word("two")}
    assert book.asked == [[1, 2], [1]]


async def test_a_drop_that_is_owed_while_another_is_paid_stays_owed(
    words: Shelf[Word], notices: Notices, cache: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "AGAIN_S", 0.01)
    paying, paid = asyncio.Event(), asyncio.Event()

    async def slowly(_: Collection[str]) -> None:
        paying.set()
        await paid.wait()

    cache.away = True
    await notices.publish([Respelt(word=1)])
    with monkeypatch.context() as patched:
        patched.setattr(cache, "drop", slowly)
        await paying.wait()
    monkeypatch.setattr(shelves, "AGAIN_S", 60.0)
    await notices.publish([Respelt(word=1)])
    paid.set()
    for _ in range(5):
        await asyncio.sleep(0)

    assert notices.shelves.owed == 1


async def test_a_value_of_another_version_is_made_anew(words: Shelf[Word], cache: Moody) -> None:
    held = await cache.get(["word1"])
    await cache.fill(held.lease, {"word1": msgspec.msgpack.encode({"spelling": 1})})

    assert await words.through([1], Book().look_up) == {1: Word("one")}
