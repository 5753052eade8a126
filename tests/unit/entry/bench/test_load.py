"""The open-loop client against servers whose every answer is scripted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tintype.entry.bench.arrivals import FIRST_PAGES, Arrival, Kind, schedule
from tintype.entry.bench.asking import Asking, Caller, request
from tintype.entry.bench.figures import Step
from tintype.entry.bench.gauges import Gauges
from tintype.entry.bench.lines import Lines, Lost
from tintype.entry.bench.load import Spell

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _server(answer: Answer) -> AsyncIterator[str]:
    """A server that gives each request to ``answer``."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                await reader.readuntil(b"\r\n\r\n")
                await answer(writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(lambda _: writer.transport.abort())

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)


def _says(data: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


async def _asked(url: str, *, rate: float, seconds: float, lines: int = 8) -> Step:
    pool = Lines(url, lines)
    await pool.open()
    asking = Asking(pool.host, [Caller("1", "token")], [])
    arrivals = schedule(
        rate=rate, seconds=seconds, mix=FIRST_PAGES, viewers=[1.0], authors=[], seed=1
    )
    spell = Spell(pool, asking, Gauges([]), arrivals=arrivals, rate=rate, late_ms=500)
    await spell.run(seconds)
    pool.cut()
    return spell.step()


async def test_every_request_of_the_schedule_is_answered_and_counted() -> None:
    async with _server(_says(OK)) as url:
        step = await _asked(url, rate=200, seconds=1)

    assert step.answered == step.asked == step.latency["feed"].count
    assert step.failures == {}
    assert step.held


async def test_a_stall_is_paid_by_all_who_were_due_meanwhile_and_not_by_one() -> None:
    stalled = False

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal stalled
        if not stalled:
            stalled = True
            await asyncio.sleep(0.6)
        writer.write(OK)

    async with _server(answer) as url:
        step = await _asked(url, rate=100, seconds=1.0, lines=1)

    # A client that waits for answers would have one slow request in a hundred.
    assert step.answered == step.asked
    assert step.latency["feed"].p90 > 300
    assert step.waited > 30


async def test_what_is_never_answered_counts_as_late_as_long_as_it_was_waited_for() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        del writer
        await asyncio.sleep(60)

    async with _server(answer) as url:
        pool = Lines(url, 4)
        asking = Asking(pool.host, [Caller("1", "token")], [])
        arrivals = [Arrival(0.01 * each, Kind.FEED, 0, 0.0) for each in range(10)]
        spell = Spell(pool, asking, Gauges([]), arrivals=arrivals, rate=10, late_ms=500)
        running = asyncio.create_task(spell.run(0.2))
        while spell.step().asked < len(arrivals):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.7)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    step = spell.step()
    assert step.failures == {"unanswered": step.asked}
    assert step.latency["feed"].p50 > 400
    assert not step.held


async def test_refusals_are_counted_by_their_status_and_not_as_quick_answers() -> None:
    async with _server(_says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as url:
        step = await _asked(url, rate=100, seconds=0.5)

    assert step.failures == {"503": step.asked}
    assert (step.answered, step.latency, step.held) == (0, {}, False)


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (
            OK.split(b"Content")[0]
            + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", 404, b"x"),
    ],
    ids=["length", "no body", "chunks", "closing"],
)
async def test_answers_are_read_whole_however_they_are_framed(
    data: bytes, status: int, body: bytes
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in (data[:30], data[30:]):
            writer.write(part)
            await asyncio.sleep(0.01)

    async with _server(answer) as url:
        lines = Lines(url, 1)
        ask = request("GET", "/", host=lines.host, token=None)
        found = [await lines.call(ask) for _ in range(3)]
        lines.cut()

    assert found == [(status, body)] * 3


async def test_a_kept_connection_that_was_closed_meanwhile_costs_no_request() -> None:
    closing = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        if closing.is_set():
            closing.clear()
            writer.close()
        else:
            writer.write(OK)

    async with _server(answer) as url:
        lines = Lines(url, 1)
        ask = request("GET", "/", host=lines.host, token=None)
        await lines.call(ask)
        closing.set()

        assert await lines.call(ask) == (200, b"ok")
        lines.cut()


async def test_a_server_that_hangs_up_on_everybody_is_lost() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with _server(answer) as url:
        lines = Lines(url, 2)

        with pytest.raises(Lost):
            await lines.call(request("GET", "/", host=lines.host, token=None))


async def test_nobody_at_the_address_is_told_as_such() -> None:
    with pytest.raises(Lost, match="can not be reached"):
        await Lines("http://127.0.0.1:1", 1).open()
