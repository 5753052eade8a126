"""What a viewer has seen, as their feed shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cast import Person, World, open_world
from tintype.database import Transaction
from tintype.feed import store


async def _see(viewer: Person, *posts: str) -> None:
    await viewer.send("POST", "/v1/feed/seen", {"posts": [*posts]})


async def _pages(viewer: Person, **query: Any) -> list[tuple[list[str], str | None]]:
    """The posts and the marker of every page, but for a last one without posts."""
    pages: list[tuple[list[str], str | None]] = []
    cursor: str | None = None
    while True:
        page = await viewer.get("/v1/feed", **query | ({"cursor": cursor} if cursor else {}))
        if page["items"]:
            pages.append(([post["id"] for post in page["items"]], page["caught_up"]))
        cursor = page["next_cursor"]
        if cursor is None:
            return pages
        assert page["items"], "an empty page that is not the end"


async def test_what_was_seen_can_be_hidden_and_what_comes_late_is_not_taken_for_it(
    world: World,
) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.follow(ada)
    early = await cy.post("early")
    dawn, noon = await ada.post("dawn"), await ada.post("noon")
    own = await bo.post("mine")
    assert await _pages(bo) == [([own, noon, dawn], None)]

    await _see(bo, noon)
    await _see(bo, noon, dawn)

    assert await _pages(bo, seen="hide") == [([own], None)]
    assert await _pages(bo) == await _pages(bo, seen="show") == [([own, noon, dawn], noon)]
    # Below all that was seen, and new all the same.
    await bo.follow(cy)
    assert await _pages(bo, seen="hide", limit=1) == [([own], None), ([early], None)]
    assert await _pages(bo) == [([own, noon, dawn, early], None)]
    await _see(bo, own, early)
    assert await _pages(bo, seen="hide") == []
    assert await _pages(bo, limit=2) == [([own, noon], own), ([dawn, early], dawn)]
    # What another has seen is nobody else's.
    assert await _pages(ada) == [([noon, dawn], None)]


async def test_the_marker_stays_where_it_is_on_every_way_and_tier(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    posts = [await ada.post(f"post {number}") for number in range(5)][::-1]
    await _see(bo, *posts[2:])
    expected = [(posts[:2], None), (posts[2:4], posts[2]), (posts[4:], posts[4])]

    short = await _pages(bo, limit=2)
    long = await _pages(bo, limit=2, order="chronological")
    first = world.server.feed.home.instantly(int(bo.id), cursor=None, limit=3, here="")
    world.server.feed.home.reading.allow(["database"])  # type: ignore[list-item] # its text will do
    database = await _pages(bo, limit=2)

    assert short == long == database == expected
    assert first is not None
    assert first.endswith(f'"caught_up":"{posts[2]}"}}'.encode())


async def test_a_mute_that_is_lifted_brings_news_below_the_marker(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    for author in (ada, cy):
        await bo.follow(author)
    muted, dawn, noon = await cy.post("muted"), await ada.post("dawn"), await ada.post("noon")
    await bo.send("POST", "/v1/mutes", {"account_id": cy.id})
    await _see(bo, dawn, noon)
    assert await _pages(bo, limit=1) == [([noon], noon), ([dawn], dawn)]

    await bo.send("DELETE", f"/v1/mutes/{cy.id}")

    assert await _pages(bo, limit=1) == [([noon], None), ([dawn], None), ([muted], None)]


async def test_what_the_viewer_may_not_see_cannot_be_reported(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.send("PATCH", "/v1/accounts/me", {"private": True})
    dawn, noon = await ada.post("dawn"), await ada.post("noon")
    await ada.send("DELETE", f"/v1/posts/{noon}")

    await _see(bo, dawn, noon, bo.id, "1")
    await _see(bo)

    assert not await world.server.feed.home.seen.of(int(bo.id))
    await bo.follow(ada)
    assert await _pages(bo, seen="hide") == [([dawn], None)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"posts": ["1"] * 201}, "/posts"),
        ({"posts": [7]}, "/posts/0"),
        ({}, "/posts"),
        ({"posts": [], "all": True}, "/all"),
    ],
    ids=["too many", "numbers", "nothing", "more"],
)
async def test_a_report_that_makes_no_sense_is_refused(
    world: World, body: dict[str, Any], pointer: str
) -> None:
    ada = await world.join("ada")

    answer = await ada.call("POST", "/v1/feed/seen", json=body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await world.anyone("POST", "/v1/feed/seen", json={"posts": []})).status_code == 401


async def test_what_was_seen_outlives_the_server_and_not_the_account(tmp_path: Path) -> None:
    before = await open_world(tmp_path)
    ada, bo = await before.join("ada"), await before.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    await _see(bo, dawn)
    await before.settle()
    await before.close()

    after = await open_world(tmp_path)
    bo = Person(after, bo.id, bo.handle, bo.token, after.client)
    assert await _pages(bo) == [([dawn], dawn)]
    await after.server.feed.home.erase_account(int(bo.id))

    async with after.server.database.read() as reader:
        assert not await store.seen_by(reader, int(bo.id))
    await after.close()


async def test_a_report_that_was_not_committed_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    assert await _pages(bo, seen="hide") == [([dawn], None)]

    async def fail(self: Transaction, view: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "answer", fail)
        with pytest.raises(ConnectionError):
            await world.server.feed.home.seen.report([int(dawn)], actor=int(bo.id))

    assert await _pages(bo, seen="hide") == [([dawn], None)]
