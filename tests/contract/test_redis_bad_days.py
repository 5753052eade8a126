"""What becomes of timelines when Redis dies, hangs, forgets, or holds what is not ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop
from pydantic import SecretStr

from tests.contract.timelines import ADA, BO, END, everything, ready
from tests.engines_nginx import certify
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines, tag_of
from tintype.kernel.clock import ManualClock
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import CAP, HEAVY_CAP, TimelineState
from tools.engines.process import free_port
from tools.engines.redis import RedisServer

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
ABSENT, READY = TimelineState.ABSENT, TimelineState.READY


@asynccontextmanager
async def timelines_on(
    url: str, *, timeout_ms: int = 5000, idle_ms: int = 60_000, build_ms: int = 30_000
) -> AsyncIterator[RedisTimelines]:
    redis = Redis(RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms))
    timelines = RedisTimelines(redis, CLOCK, idle_ms=idle_ms, build_ms=build_ms)
    yield timelines
    await timelines.close()


@pytest.fixture
def own_server(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A server that a test may kill."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def timelines(redis_server: RedisServer) -> AsyncIterator[RedisTimelines]:
    redis_server.ask("FLUSHALL")
    async with timelines_on(redis_server.url) as timelines:
        yield timelines


def keys_of(account: int) -> tuple[str, str]:
    tag = tag_of(account).decode()
    return f"h{{{tag}}}", f"m{{{tag}}}"


async def state_of(timelines: RedisTimelines, account: int) -> TimelineState:
    return (await timelines.page(account, END, 20)).state


# ---- outages -------------------------------------------------------------------------------------


async def test_after_a_kill_calls_are_refused_until_it_is_back_and_then_all_is_rebuilt(
    own_server: RedisServer,
) -> None:
    async with timelines_on(own_server.url) as timelines:
        await ready(timelines, ADA, [1, 2, 3])

        own_server.kill()
        with pytest.raises(Unavailable):
            await timelines.page(ADA, END, 20)
        with pytest.raises(Unavailable):
            await timelines.push([ADA], 4)

        own_server.start()
        await asyncio.sleep(1.1)
        # Its file may lack the last second, so what it still holds is not trusted.
        assert own_server.ask("EXISTS", *keys_of(ADA)) == "2"
        assert await state_of(timelines, ADA) is ABSENT
        assert await timelines.push([ADA], 4) == 0
        await ready(timelines, ADA, [5])
        assert await timelines.push([ADA], 6) == 1
        assert await everything(timelines, ADA) == [6, 5]


async def test_a_silent_server_costs_one_timeout_a_second_and_not_one_a_call(
    own_server: RedisServer,
) -> None:
    async with timelines_on(own_server.url, timeout_ms=200) as timelines:
        await ready(timelines, ADA, [1, 2, 3])
        own_server.pause()

        begun = time.monotonic()
        for _ in range(50):
            with pytest.raises(Unavailable):
                await timelines.page(ADA, END, 20)
        took = time.monotonic() - begun

        # Fifty timeouts would be ten seconds.
        assert 0.19 < took < 3
        own_server.resume()
        await asyncio.sleep(1.1)
        assert await everything(timelines, ADA) == [3, 2, 1]


async def test_many_calls_at_once_to_a_silent_server_wait_for_one_timeout_together(
    own_server: RedisServer,
) -> None:
    async with timelines_on(own_server.url, timeout_ms=200) as timelines:
        await ready(timelines, ADA, [1])
        own_server.pause()

        begun = time.monotonic()
        calls = [timelines.page(ADA, END, 20) for _ in range(100)]
        answers = await asyncio.gather(*calls, return_exceptions=True)

        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert time.monotonic() - begun < 3
        own_server.resume()


async def test_when_a_silent_server_has_rested_one_caller_tries_it_for_a_moment(
    own_server: RedisServer,
) -> None:
    async def seconds(timelines: RedisTimelines) -> float:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await timelines.page(ADA, END, 20)
        return time.monotonic() - begun

    async with timelines_on(own_server.url, timeout_ms=1000) as timelines:
        await ready(timelines, ADA, [1])
        own_server.pause()
        await seconds(timelines)
        await asyncio.sleep(1.05)

        took = await asyncio.gather(*(seconds(timelines) for _ in range(20)))

        # A second one that took long was this machine's fault.
        assert 1 <= sum(each > 0.04 for each in took) <= 2
        assert max(took) < 0.7
        own_server.resume()


async def test_a_call_that_was_given_up_does_not_shift_the_answers_of_others(
    timelines: RedisTimelines,
) -> None:
    await ready(timelines, ADA, [1])
    await ready(timelines, BO, [2])

    given_up = asyncio.create_task(timelines.page(ADA, END, 20))
    await asyncio.sleep(0)
    given_up.cancel()

    assert await everything(timelines, BO) == [2]


async def test_a_server_that_forgot_the_scripts_is_taught_them_again(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    await ready(timelines, ADA, [1])

    redis_server.ask("SCRIPT", "FLUSH")

    assert await timelines.push([ADA] * 100, 2) == 100
    assert await everything(timelines, ADA) == [2, 1]


async def test_a_wrong_password_is_refused_and_the_right_one_is_not(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path, config={"requirepass": "secret"})
    server.start()

    async with timelines_on(server.url.replace("secret", "guess")) as timelines:
        with pytest.raises(Unavailable):
            await timelines.page(ADA, END, 20)
    async with timelines_on(server.url) as timelines:
        await ready(timelines, ADA, [1])

    server.kill()


async def test_a_server_behind_tls_is_reached_when_its_authority_is_known(
    redis_program: str, tmp_path: Path
) -> None:
    certify(tmp_path)
    certificate = tmp_path / "fullchain.pem"
    tls_port = free_port()
    secure = {
        "tls-port": str(tls_port),
        "tls-cert-file": str(certificate),
        "tls-key-file": str(tmp_path / "privkey.pem"),
        "tls-auth-clients": "no",
    }
    server = RedisServer(tmp_path, config=secure)
    server.start()

    url = SecretStr(f"rediss://127.0.0.1:{tls_port}/0")
    # A handshake computes, on a busy machine for longer than a request may wait.
    patient = RedisSettings(url=url, timeout_ms=20_000)
    trusting = RedisTimelines(Redis(patient.model_copy(update={"tls_ca": certificate})), CLOCK)
    doubting = RedisTimelines(Redis(patient), CLOCK)
    await ready(trusting, ADA, [1])
    with pytest.raises(Unavailable, match="certificate"):
        await doubting.page(ADA, END, 20)

    await trusting.close()
    await doubting.close()
    server.kill()


def test_it_runs_on_the_loop_of_the_server_as_well(redis_server: RedisServer) -> None:
    async def walk() -> list[int]:
        async with timelines_on(redis_server.url) as timelines:
            await ready(timelines, ADA, [1])
            await timelines.push([ADA] * 3000, 2)
            return await everything(timelines, ADA)

    assert uvloop.run(walk()) == [2, 1]


async def test_a_reign_that_changes_under_a_busy_connection_is_agreed_on_within_a_second(
    own_server: RedisServer,
) -> None:
    async with timelines_on(own_server.url) as old:
        await ready(old, ADA, [1])
        # A server that becomes a replica and a master again begins a new reign.
        own_server.ask("REPLICAOF", "127.0.0.1", "1")
        own_server.ask("REPLICAOF", "NO", "ONE")
        async with timelines_on(own_server.url) as new:
            assert await state_of(new, ADA) is ABSENT
            await ready(new, BO, [2])

            for _ in range(30):
                await state_of(old, ADA)
                await asyncio.sleep(0.05)

            assert await everything(old, BO) == [2]
            await ready(old, ADA, [3])
            assert await everything(new, ADA) == [3]
            assert await everything(new, BO) == [2]


# ---- forgetting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [0, 1])
async def test_half_a_timeline_is_no_timeline(
    timelines: RedisTimelines, redis_server: RedisServer, lost: int
) -> None:
    await ready(timelines, ADA, [1, 2, 3])

    redis_server.ask("DEL", keys_of(ADA)[lost])

    await timelines.push([ADA], 4)
    await timelines.backfill(ADA, [5], 0)
    assert await state_of(timelines, ADA) is ABSENT
    assert redis_server.ask("EXISTS", keys_of(ADA)[lost]) == "0"


async def test_two_halves_of_different_builds_are_no_timeline(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    ids, _ = keys_of(ADA)
    await ready(timelines, ADA, [1, 2, 3])
    redis_server.ask("RENAME", ids, "{x}")
    await ready(timelines, ADA, [1, 2, 3, 4])

    redis_server.ask("RENAME", "{x}", ids)

    assert await state_of(timelines, ADA) is ABSENT


async def test_after_a_flush_nothing_is_served_and_deliveries_make_nothing(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    build = await timelines.begin(BO, CAP)
    await ready(timelines, ADA, [1, 2, 3])

    redis_server.ask("FLUSHALL")

    assert await timelines.push([ADA, BO], 4) == 0
    assert not await timelines.finish(BO, build, [1], 0)
    assert await state_of(timelines, ADA) is ABSENT
    assert redis_server.ask("DBSIZE") == "0"


async def test_a_lost_epoch_takes_all_trust_with_it(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    await ready(timelines, ADA, [1])

    redis_server.ask("DEL", "e")

    assert await state_of(timelines, ADA) is ABSENT
    await ready(timelines, BO, [2])
    assert await state_of(timelines, ADA) is ABSENT
    assert await everything(timelines, BO) == [2]


async def test_an_account_that_stopped_reading_loses_its_timeline(
    redis_server: RedisServer,
) -> None:
    redis_server.ask("FLUSHALL")
    async with timelines_on(redis_server.url, idle_ms=600) as timelines:
        await ready(timelines, ADA, [1])
        await ready(timelines, BO, [1])
        for number in range(4):
            await asyncio.sleep(0.25)
            await timelines.push([ADA, BO], 10 + number)
            await timelines.page(BO, END, 1)

        assert await state_of(timelines, ADA) is ABSENT
        assert await state_of(timelines, BO) is READY
        assert redis_server.ask("EXISTS", *keys_of(ADA)) == "0"


async def test_an_abandoned_build_is_absent_after_a_while(redis_server: RedisServer) -> None:
    async with timelines_on(redis_server.url, build_ms=300) as timelines:
        build = await timelines.begin(ADA, CAP)
        assert await state_of(timelines, ADA) is TimelineState.BUILDING

        await asyncio.sleep(0.35)

        assert await state_of(timelines, ADA) is ABSENT
        assert not await timelines.finish(ADA, build, [1], 0)


# ---- what is not ours ----------------------------------------------------------------------------

GARBAGE = [
    (0, ("SET", "nonsense")),
    (0, ("LPUSH", "nonsense")),
    (0, ("ZADD", "0", "nonsense")),
    (1, ("SET", "nonsense")),
    (1, ("SET", "n" * 24)),
    (1, ("SADD", "nonsense")),
]


@pytest.mark.parametrize(("which", "words"), GARBAGE)
async def test_a_value_that_is_not_ours_reads_as_absent_and_is_replaced(
    timelines: RedisTimelines, redis_server: RedisServer, which: int, words: tuple[str, ...]
) -> None:
    await ready(timelines, ADA, [1])
    key = keys_of(ADA)[which]
    redis_server.ask("DEL", key)
    redis_server.ask(words[0], key, *words[1:])

    await timelines.push([ADA], 2)
    await timelines.backfill(ADA, [3], 0)
    await timelines.trim(ADA, 3)
    assert await timelines.purge(ADA, [1]) == 0
    assert await timelines.of_shard(ADA, 0) == []
    assert await state_of(timelines, ADA) is ABSENT

    await ready(timelines, ADA, [4])
    assert await everything(timelines, ADA) == [4]


@pytest.mark.parametrize("command", [("SET", "e", "nonsense"), ("HSET", "e", "a", "b")])
async def test_an_epoch_that_is_not_ours_is_replaced(
    timelines: RedisTimelines, redis_server: RedisServer, command: tuple[str, ...]
) -> None:
    await ready(timelines, ADA, [1])
    redis_server.ask("DEL", "e")
    redis_server.ask(*command)

    assert await timelines.push([ADA], 2) == 0
    assert await state_of(timelines, ADA) is ABSENT
    await ready(timelines, ADA, [4])
    assert await everything(timelines, ADA) == [4]


# ---- size ----------------------------------------------------------------------------------------


async def test_an_entry_at_the_cap_costs_twelve_and_a_half_bytes_at_most(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    account = END - 5
    await ready(timelines, account)
    for id_ in range(1 << 60, (1 << 60) + 2 * CAP):
        await timelines.push([account], id_)

    used = sum(int(redis_server.ask("MEMORY", "USAGE", key)) for key in keys_of(account))

    assert used / len(await everything(timelines, account)) <= 12.5


async def test_a_heavy_timeline_stays_compact_through_its_build(
    timelines: RedisTimelines, redis_server: RedisServer
) -> None:
    build = await timelines.begin(ADA, HEAVY_CAP)
    for id_ in range(1, 700):
        await timelines.push([ADA], id_)

    await timelines.finish(ADA, build, range(1, 3000, 2), 0)

    assert redis_server.ask("OBJECT", "ENCODING", keys_of(ADA)[0]) == "listpack"
