"""The kit around every route, driven through a small application of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tintype.database import SqliteDatabase, metadata
from tintype.database.tables import counts
from tintype.http import (
    Access,
    Body,
    Call,
    Envelope,
    Identity,
    IdPath,
    Keeper,
    Kit,
    RateLimiter,
    RateLimitSettings,
    Routes,
    create_app,
)
from tintype.kernel.clock import ManualClock
from tintype.kernel.links import HERE
from tintype.kernel.problem import Conflict, Unavailable

TOKENS = {"ada": Identity(account=1 << 22, session=1), "root": Identity(2 << 22, 2, admin=True)}


class Broken(Unavailable):
    """The thing is broken just now."""


class Refused(Conflict):
    """The thing does not want to."""


class Thing(Body):
    number: int


class ThingView(msgspec.Struct):
    number: int
    url: str
    token: str = ""


class Tokens:
    async def identify(self, token: str) -> Identity | None:
        return TOKENS.get(token)


@dataclass
class Bench:
    """The application, its clock, and a switch for what its one writing route does."""

    client: httpx.AsyncClient
    clock: ManualClock
    database: SqliteDatabase
    made: list[int] = field(default_factory=list)
    mood: str = "well"
    gate: asyncio.Event = field(default_factory=asyncio.Event)


def routes(bench: Bench) -> Routes:
    table = Routes("things")

    @table.post("/things", access=Access.ACCOUNT, returns=ThingView, status=201, creates=True)
    async def make(call: Call, body: Thing) -> ThingView:
        """Make a thing."""
        if bench.mood == "slow":
            await bench.gate.wait()
        if bench.mood == "broken":
            raise Broken
        if bench.mood == "refusing":
            raise Refused
        view = ThingView(body.number, HERE + "/things/1")
        async with bench.database.write() as tx:
            row = {"shard": 0, "subject": len(bench.made), "name": "made", "value": body.number}
            await tx.execute(sa.insert(counts), [row])
            await tx.answer(view)
            if bench.mood == "dying":
                raise asyncio.CancelledError
        bench.made.append(call.actor)
        return view

    @table.post("/join", access=Access.ANYONE, returns=ThingView, signs_in=True)
    async def join(call: Call) -> ThingView:
        """Sign in."""
        return ThingView(1, call.base_url, token="ada")

    @table.get("/things/{thing_id}", access=Access.ANYONE, subject="thing", rule="visible")
    async def read(call: Call, thing_id: IdPath) -> None:
        """Read a thing."""

    @table.get("/bug", access=Access.ANYONE, limit="sign-in")
    async def bug(call: Call) -> None:
        """Break."""
        message = "a secret in a message"
        raise RuntimeError(message)

    @table.get("/admin", access=Access.ADMIN)
    async def administer(call: Call) -> None:
        """Only for admins."""

    return table


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    database = SqliteDatabase(tmp_path / "t.sqlite", clock)
    metadata.create_all(database.engine)
    bench = Bench(httpx.AsyncClient(), clock, database)
    kit = Kit(
        authenticator=Tokens(),
        limiter=RateLimiter(RateLimitSettings(sign_in_per_minute=3), clock),
        keeper=Keeper(database, Fernet(Fernet.generate_key())),
        public_url=None,
    )
    app = Envelope(create_app(kit, [routes(bench)]))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    bench.client = httpx.AsyncClient(transport=transport, base_url="http://here.test")
    yield bench
    await bench.client.aclose()
    await database.close()


async def make(
    bench: Bench, number: int, key: str | None = "k", who: str = "ada"
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return await bench.client.post("/things", json={"number": number}, headers=headers)


async def test_a_retry_with_its_key_gets_the_first_answer_and_makes_nothing(bench: Bench) -> None:
    first, second = await make(bench, 1), await make(bench, 1)

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert len(bench.made) == 1


async def test_addresses_in_views_are_those_the_caller_used(bench: Bench) -> None:
    assert (await make(bench, 1)).json()["url"] == "http://here.test/things/1"
    assert (await make(bench, 1)).json()["url"] == "http://here.test/things/1"


async def test_the_same_key_of_another_account_is_another_key(bench: Bench) -> None:
    await make(bench, 1)
    await make(bench, 1, who="root")

    assert len(bench.made) == 2


async def test_a_key_used_for_another_body_is_refused(bench: Bench) -> None:
    await make(bench, 1)

    refused = await make(bench, 2)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/key-reused")


async def test_a_key_in_flight_is_a_conflict(bench: Bench) -> None:
    bench.mood = "slow"
    first = asyncio.create_task(make(bench, 1))
    await asyncio.sleep(0.05)

    second = await make(bench, 1)
    bench.gate.set()

    assert (await first).status_code == 201
    assert (second.status_code, second.json()["type"]) == (409, "/problems/request-in-flight")


async def test_a_refusal_is_kept_and_a_failure_is_not(bench: Bench) -> None:
    bench.mood = "broken"
    assert (await make(bench, 1, "a")).status_code == 503
    bench.mood = "refusing"
    assert (await make(bench, 1, "b")).status_code == 409
    bench.mood = "well"

    assert (await make(bench, 1, "a")).status_code == 201
    assert (await make(bench, 1, "b")).json()["type"] == "/problems/refused"


async def test_a_key_whose_transaction_died_can_be_used_again(bench: Bench) -> None:
    bench.mood = "dying"
    with pytest.raises(asyncio.CancelledError):
        await make(bench, 1)
    bench.mood = "well"

    assert (await make(bench, 1)).status_code == 201
    assert len(bench.made) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_malformed_key_is_refused(bench: Bench, key: str) -> None:
    assert (await make(bench, 1, key)).json()["type"] == "/problems/key-malformed"


async def test_old_keys_are_forgotten_and_fresh_ones_are_not(bench: Bench) -> None:
    await make(bench, 1, "old")
    bench.clock.advance(3600 * 47)
    await make(bench, 1, "fresh")
    keeper = Keeper(bench.database, Fernet(Fernet.generate_key()))
    assert await keeper.forget_old() == 0

    bench.clock.advance(3600 * 2)

    assert await keeper.forget_old() == 1


async def test_limits_name_the_wait_and_refill(bench: Bench) -> None:
    answers = [(await bench.client.get("/bug")).status_code for _ in range(4)]
    limited = await bench.client.get("/bug")
    bench.clock.advance(int(limited.headers["Retry-After"]))

    assert answers == [500, 500, 500, 429]
    assert limited.json()["type"] == "/problems/too-many-requests"
    assert (await bench.client.get("/bug")).status_code == 500


async def test_a_bug_shows_its_request_id_and_nothing_else(bench: Bench) -> None:
    answer = await bench.client.get("/bug")

    assert "secret" not in answer.text
    assert answer.json()["instance"].endswith(answer.headers["X-Request-Id"])


async def test_a_cookie_from_another_site_can_not_write(bench: Bench) -> None:
    cookies = {"Cookie": "tintype_session=ada"}

    for headers, status in (
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://here.test"}, 201),
    ):
        answer = await bench.client.post("/things", json={"number": 1}, headers=cookies | headers)
        assert answer.status_code == status, headers


async def test_only_browsers_on_our_own_pages_are_given_a_cookie(bench: Bench) -> None:
    program = await bench.client.post("/join")
    browser = await bench.client.post("/join", headers={"Sec-Fetch-Site": "same-origin"})

    assert "set-cookie" not in program.headers
    assert "HttpOnly" in browser.headers["set-cookie"]
    assert "SameSite=lax" in browser.headers["set-cookie"]


async def test_admin_routes_ask_for_an_admin(bench: Bench) -> None:
    statuses = [
        (await bench.client.get("/admin", headers=headers)).status_code
        for headers in ({}, {"Authorization": "Bearer ada"}, {"Authorization": "Bearer root"})
    ]

    assert statuses == [401, 403, 204]


async def test_a_wrong_token_is_told_even_where_nobody_must_sign_in(bench: Bench) -> None:
    answer = await bench.client.get("/things/1", headers={"Authorization": "Bearer nobody"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "no-such-route"),
        ("PUT", "/things", 405, "method-not-allowed"),
        ("GET", "/things/none", 404, "invalid-id"),
    ],
)
async def test_what_does_not_exist_is_a_problem_too(
    bench: Bench, method: str, path: str, status: int, slug: str
) -> None:
    answer = await bench.client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{slug}"


async def test_bodies_are_read_strictly_and_up_to_a_limit(bench: Bench) -> None:
    headers = {"Authorization": "Bearer ada", "Content-Type": "application/json"}
    for content, status in (
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b'{"number":"1"}', 422),
        (b'{"number":1,"other":2}', 422),
        (b" " * (1 << 20) + b"{}", 413),
    ):
        answer = await bench.client.post("/things", content=content, headers=headers)
        assert answer.status_code == status, content[:20]
        assert answer.headers["content-type"] == "application/problem+json"


async def test_every_answer_is_hardened(bench: Bench) -> None:
    answer = await bench.client.get("/things/1")

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_route_without_access_or_subject_can_not_be_written() -> None:
    table = Routes("things")

    with pytest.raises(KeyError):
        table.get("/open")  # type: ignore[call-arg] # the very mistake
    with pytest.raises(TypeError, match="no subject"):
        table.get("/things/{thing_id}", access=Access.ANYONE)


@pytest.mark.parametrize("host", ['evil"},{"x":"', "a b", "", "<script>", "x" * 300, "a/b"])
async def test_a_host_that_is_no_host_never_reaches_an_answer(bench: Bench, host: str) -> None:
    headers = {"Authorization": "Bearer ada", "Host": host}

    answer = await bench.client.post("/things", json={"number": 1}, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/host-refused"
