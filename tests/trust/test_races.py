"""E17: many clients at once; counters stay exact, one claim wins, nothing breaks.

Each storm runs against a whole server in this process; the last test plants a fault and must see
it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.cast import PASSWORD, Person, World, ok, open_world
from tintype.accounts import AccountSettings, OwnInstance
from tintype.database import Fold, metadata
from tintype.database import counts as folding
from tintype.database.session import Transaction
from tintype.database.settings import DatabaseSettings
from tintype.kernel.event import Event

pytestmark = [pytest.mark.trust, pytest.mark.slow]

_CLIENTS = 64


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A whole server on a database that serialises writers, and on one that does not."""
    changes = {}
    if request.param == "postgresql":
        changes["database"] = DatabaseSettings(url=request.getfixturevalue("postgres_url"))
    opened = await open_world(tmp_path, **changes)
    yield opened
    await opened.close()


async def _crowd(world: World, size: int) -> list[Person]:
    return [await world.join(f"person{number}") for number in range(size)]


async def _rows(world: World, table: str, **where: object) -> int:
    """COUNT(*) of the truth."""
    columns = metadata.tables[table].c
    query = sa.select(sa.func.count()).select_from(metadata.tables[table])
    for name, value in where.items():
        query = query.where(columns[name] == value)
    async with world.server.database.read() as reader:
        return int(await reader.scalar(query))


async def _storm(world: World, people: list[Person], post: str, seed: int) -> list[int]:
    """Follow, unfollow, like, unlike, block and unblock from many tasks at once."""
    target = people[0]
    statuses: list[int] = []

    async def client(number: int) -> None:
        dice = random.Random(seed * 1000 + number)
        me = people[1 + number % (len(people) - 1)]
        deeds = [
            ("POST", "/v1/follows", {"followed_id": target.id}),
            ("DELETE", f"/v1/follows/{target.id}", None),
            ("PUT", f"/v1/posts/{post}/like", None),
            ("DELETE", f"/v1/posts/{post}/like", None),
            ("POST", "/v1/blocks", {"account_id": target.id}),
            ("DELETE", f"/v1/blocks/{target.id}", None),
        ]
        for _ in range(6):
            method, path, body = dice.choices(deeds, weights=[6, 4, 6, 4, 1, 2])[0]
            answer = await me.call(method, path, **({} if body is None else {"json": body}))
            statuses.append(answer.status_code)

    await asyncio.gather(*[client(number) for number in range(_CLIENTS)])
    await world.settle()
    return statuses


async def _differences(world: World, people: list[Person], post: str) -> list[str]:
    wrong = []
    for person in people:
        shown = (await person.get("/v1/accounts/me"))["counts"]
        rows = {
            "followers": await _rows(world, "followers", followee=int(person.id)),
            "following": await _rows(world, "following", follower=int(person.id)),
        }
        if {name: shown[name] for name in rows} != rows:
            wrong.append(f"{person.handle}: {shown} instead of {rows}")
    view = await people[0].get(f"/v1/posts/{post}")
    likes = await _rows(world, "likes", post=int(post))
    if view["counts"]["likes"] != likes:
        wrong.append(f"likes: {view['counts']['likes']} instead of {likes}")
    return wrong


async def test_counters_equal_the_rows_after_a_storm_of_sixty_four_clients(world: World) -> None:
    people = await _crowd(world, 9)
    post = await people[0].post("the eye of the storm")

    for seed in range(4):
        statuses = await _storm(world, people, post, seed)

        assert set(statuses) <= {200, 201, 204, 404}
        assert await _differences(world, people, post) == []


async def test_one_key_from_sixteen_clients_comments_once(world: World) -> None:
    ada = await world.join("ada")
    post = await ada.post("say it once")
    path, body = f"/v1/posts/{post}/comments", {"text": "once"}

    answers = await asyncio.gather(
        *[
            ada.call("POST", path, json=body, headers={"Idempotency-Key": "the same"})
            for _ in range(16)
        ]
    )

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len((await ada.get(path))["items"]) == 1


async def test_one_handle_wanted_by_thirty_two_goes_to_one(world: World) -> None:
    def wish(number: int) -> dict[str, str]:
        return {"handle": "wanted", "email": f"p{number}@example.com", "password": PASSWORD}

    answers = await asyncio.gather(
        *[world.client.post("/v1/accounts", json=wish(number)) for number in range(32)]
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 31


async def test_the_last_use_of_an_invite_admits_one(tmp_path: Path) -> None:
    settings = AccountSettings(registration="invite")
    world = await open_world(tmp_path, accounts=settings)
    invite = await OwnInstance(world.server.database, settings).invite(actor=1, uses=1, days=1)

    def wish(number: int) -> dict[str, str]:
        return {
            "handle": f"person{number}",
            "email": f"p{number}@example.com",
            "password": PASSWORD,
            "invite": invite.code,
        }

    answers = await asyncio.gather(
        *[world.client.post("/v1/accounts", json=wish(number)) for number in range(16)]
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 15
    await world.close()


async def test_likes_and_their_undoing_from_one_person_at_once_end_in_one_state(
    world: World,
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    post = await ada.post("liked or not")

    await asyncio.gather(
        *[
            bo.call("PUT" if number % 2 else "DELETE", f"/v1/posts/{post}/like")
            for number in range(40)
        ]
    )
    await world.settle()

    view = ok(await bo.call("GET", f"/v1/posts/{post}"))
    assert view["counts"]["likes"] == int(view["viewer"]["liked"])


async def test_the_storm_sees_a_fold_that_counts_a_batch_twice(world: World) -> None:
    honest = folding.fold

    async def twice(tx: Transaction, batch: Sequence[Event]) -> None:
        await honest(tx, batch)
        await honest(tx, batch)

    people = await _crowd(world, 5)
    post = await people[0].post("counted wrong")
    for runner in world.server.background._runners:
        if runner._consumer.group == "counters":
            planted = Fold("counters", runner._consumer.events, twice)
            patch.object(runner, "_consumer", planted).start()

    await _storm(world, people, post, seed=1)
    wrong = await _differences(world, people, post)
    patch.stopall()

    assert wrong != []
