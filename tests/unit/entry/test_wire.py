"""Connections behind the gate: who is refused gets an answer, and the line stays usable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest
import uvicorn
import uvicorn.server
from starlette.types import Receive, Scope, Send

from tintype.entry.wire import Answer, Gated, gated
from tintype.http.gate import Gate, Headers, OverloadSettings

PATIENCE_S = 30
KEEP_ALIVE_S = 3600
REFUSED = b"HTTP/1.1 503 "
CALLER: ContextVar[bytes] = ContextVar("CALLER", default=b"")
_BODY = b"waited for"
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", _BODY


class Switch(Gate):
    """A gate that is opened and closed by hand."""

    closed = False

    def __init__(self) -> None:
        super().__init__(OverloadSettings(), lambda *_: None)
        self.pending: list[Callable[[Answer], None]] = []

    def later(
        self, scheme: str, url: bytes, headers: Headers, done: Callable[[Answer], None]
    ) -> bool:
        del scheme, headers
        if url == b"/later":
            self.pending.append(done)
        return url == b"/later"

    async def waited(self, for_: int) -> list[Callable[[Answer], None]]:
        """Those who wait, once there are so many; they are left to the test."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.pending) < for_:  # noqa: ASYNC110 - read from outside
                await asyncio.sleep(0.001)
        pending, self.pending = self.pending, []
        return pending

    def calm(self) -> bool:
        return not self.closed

    def lets_in(self, method: bytes, path: bytes, headers: object) -> bool:
        del method, headers
        return path == b"/livez"


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    body = scope["path"].encode() + b" " + message["body"] + CALLER.get()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _instantly(scheme: str, url: bytes, headers: Headers) -> tuple[bytes, bytes] | None:
    if url != b"/at-once":
        return None
    body = b"%b %b" % (scheme.encode(), dict(headers)[b"host"])
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body), body


@asynccontextmanager
async def _connected() -> AsyncIterator[tuple[Switch, _Line]]:
    gate = Switch()
    config = uvicorn.Config(
        gate.noting(_echo),
        http=gated(gate, _instantly, gate.later),
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    server = uvicorn.Server(config)
    state = server.server_state
    listening = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[call-arg] # uvicorn's own protocols take these
        "127.0.0.1",
        0,
    )
    port = listening.sockets[0].getsockname()[1]
    line = _Line(*await asyncio.open_connection("127.0.0.1", port), state)
    try:
        yield gate, line
    finally:
        line.writer.close()
        listening.close()


class _Line:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        state: uvicorn.server.ServerState,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.state = state
        """What the server knows of its connections."""

    async def ask(self, request: bytes) -> bytes:
        self.writer.write(request)
        return await self.answer()

    async def answer(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            return head + await self.reader.readexactly(length)


def _get(path: str = "/v1/feed") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


_POST = b"POST /v1/posts HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello"


async def test_a_line_is_as_good_as_new_after_a_refusal() -> None:
    async with _connected() as (gate, line):
        gate.closed = True
        first, second = await line.ask(_get()), await line.ask(_get())
        gate.closed = False
        third = await line.ask(_get())

    assert first.startswith(REFUSED)
    assert b"retry-after: 2\r\n" in first
    assert second.startswith(REFUSED)
    assert third.endswith(b"\r\n\r\n/v1/feed ")


async def test_the_body_of_what_was_refused_is_not_taken_for_the_next_request() -> None:
    async with _connected() as (gate, line):
        gate.closed = True
        refused = await line.ask(_POST)
        gate.closed = False
        served = await line.ask(_POST)

    assert refused.startswith(REFUSED)
    assert served.endswith(b"/v1/posts hello")


async def test_requests_in_one_go_are_answered_in_their_order() -> None:
    async with _connected() as (gate, line):
        gate.closed = True
        line.writer.write(_get() + _get("/livez") + _get() + _get("/livez"))
        answers = [await line.answer() for _ in range(4)]

    assert [each.startswith(REFUSED) for each in answers] == [True, False, True, False]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_line_that_was_to_be_closed_is_closed_after_a_refusal(version: str) -> None:
    async with _connected() as (gate, line):
        gate.closed = True
        request = f"GET / HTTP/{version}\r\nHost: here\r\nConnection: close\r\n\r\n"
        refused = await line.ask(request.encode())
        async with asyncio.timeout(PATIENCE_S):
            rest = await line.reader.read()

    assert refused.startswith(REFUSED)
    assert rest == b""


async def test_what_is_at_hand_is_answered_at_once_and_in_its_order() -> None:
    async with _connected() as (gate, line):
        alone = await line.ask(_get("/at-once"))
        line.writer.write(_get() + _get("/at-once") + _get())
        answers = [await line.answer() for _ in range(3)]
        gate.closed = True
        refused = await line.ask(_get("/at-once"))

    assert alone.endswith(b"\r\n\r\nhttp here")
    # Behind one that is under way it goes the usual way.
    assert [each.rpartition(b"\r\n")[2] for each in answers] == [
        b"/v1/feed ",
        b"/at-once ",
        b"/v1/feed ",
    ]
    assert refused.startswith(REFUSED)


async def test_every_turn_is_told_to_the_gate() -> None:
    async with _connected() as (gate, line):
        await line.ask(_get())
        gate.closed = True
        await line.ask(_get())
        await line.ask(_get("/livez"))

    assert gate.expected_s == 0
    assert gate._turns.waiting == 0


async def test_what_comes_later_is_answered_when_it_is_there() -> None:
    async with _connected() as (gate, line):
        for _ in range(2):
            line.writer.write(_get("/later"))
            (done,) = await gate.waited(1)
            waited = gate._turns.waiting
            done(_ANSWER)
            assert (await line.answer()).endswith(_BODY)
        usual = await line.ask(_get())

    assert waited == 1
    assert usual.endswith(b"\r\n\r\n/v1/feed ")
    assert gate._turns.waiting == 0
    assert line.state.total_requests == 3


async def test_what_does_not_come_later_after_all_goes_the_usual_way() -> None:
    async with _connected() as (gate, line):
        line.writer.write(_get("/later"))
        (done,) = await gate.waited(1)
        done(None)
        answer = await line.answer()
        again = await line.ask(_get("/at-once"))

    assert answer.endswith(b"\r\n\r\n/later ")
    assert again.endswith(b"http here")
    assert gate._turns.waiting == 0


@pytest.mark.parametrize("first", [_ANSWER, None])
async def test_whatever_follows_one_who_waits_is_answered_after_it(first: Answer) -> None:
    async with _connected() as (gate, line):
        # The last one has come in part: the parser is in the middle of it.
        line.writer.write(_get("/later") + _POST + _get("/later") + _get() + _POST[:-30])
        (done,) = await gate.waited(1)
        done(first)
        answers = [await line.answer() for _ in range(4)]
        last = await line.ask(_POST[-30:])

    ends = [answer.rpartition(b"\r\n")[2] for answer in answers]
    assert ends == [_BODY if first else b"/later ", b"/v1/posts hello", b"/later ", b"/v1/feed "]
    assert last.endswith(b"/v1/posts hello")
    assert gate._turns.waiting == 0


@pytest.mark.parametrize("answer", [_ANSWER, None])
async def test_who_hangs_up_while_waiting_is_let_go(answer: Answer) -> None:
    async with _connected() as (gate, line):
        line.writer.write(_get("/later"))
        (done,) = await gate.waited(1)
        line.writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while line.state.connections:  # noqa: ASYNC110 - read from outside
                await asyncio.sleep(0.001)
        done(answer)

    assert gate._turns.waiting == 0
    assert not line.state.tasks


async def test_who_waits_while_the_server_stops_is_answered_and_told_to_leave() -> None:
    async with _connected() as (gate, line):
        line.writer.write(_get("/later"))
        (done,) = await gate.waited(1)
        for each in list(line.state.connections):
            each.shutdown()
        done(_ANSWER)
        answer = await line.answer()
        async with asyncio.timeout(PATIENCE_S):
            rest = await line.reader.read()

    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"/later ")
    assert rest == b""


async def test_who_answers_many_leaves_none_of_it_to_those_who_come_after() -> None:
    async with _connected() as (gate, line):
        line.writer.write(_get("/later") + _get())
        (done,) = await gate.waited(1)
        CALLER.set(b"somebody else")
        done(None)
        answers = [await line.answer() for _ in range(2)]

    assert [each.rpartition(b"\r\n")[2] for each in answers] == [b"/later ", b"/v1/feed "]


@pytest.mark.parametrize("headers", ["Expect: 100-continue", "Content-Length: 0"])
async def test_what_is_not_plain_does_not_wait_with_others(headers: str) -> None:
    async with _connected() as (gate, line):
        line.writer.write(f"GET /later HTTP/1.1\r\nHost: here\r\n{headers}\r\n\r\n".encode())
        head = await line.reader.readuntil(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 ")
    assert gate.pending == []


def _server_side(line: _Line) -> Gated:
    (found,) = line.state.connections
    assert isinstance(found, Gated)
    return found


async def test_a_line_is_closed_when_it_was_quiet_for_long_enough_and_not_before() -> None:
    async with _connected() as (_, line):
        await line.ask(_get("/at-once"))
        there = _server_side(line)
        first = there.timeout_keep_alive_task
        there.timeout_keep_alive_handler()
        assert (await line.ask(_get())).endswith(b"/v1/feed ")
        second = there.timeout_keep_alive_task
        assert there._quiet_since is not None
        there._quiet_since -= KEEP_ALIVE_S
        there.timeout_keep_alive_handler()
        async with asyncio.timeout(PATIENCE_S):
            rest = await line.reader.read()

    assert rest == b""
    assert first is not None
    assert second is not None


async def test_a_line_is_not_closed_while_an_answer_is_waited_for() -> None:
    async with _connected() as (gate, line):
        await line.ask(_get())
        line.writer.write(_get("/later"))
        (done,) = await gate.waited(1)
        there = _server_side(line)
        there.timeout_keep_alive_handler()
        assert there.timeout_keep_alive_task is None
        done(_ANSWER)

        assert (await line.answer()).endswith(_BODY)
        assert there.timeout_keep_alive_task is not None


async def test_changes_that_have_not_had_their_turn_are_counted() -> None:
    async with _connected() as (gate, line):
        line.writer.write(_POST + _get())
        line.writer.write(_POST)
        [await line.answer() for _ in range(3)]
        after = gate._changes_waiting
        gate.change_came()

    assert (after, gate._changes_waiting) == (0, 1)
