from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tintype.http import Answers, Kit, RateLimiter, RateLimitSettings, ShortWay
from tintype.http.hot import Make
from tintype.kernel.asking import asking
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import Id

ADA = 7
TOKENS = {"good": ADA}
Told = list[tuple[str, int]]


def _at_hand(token: str) -> Id | None:
    if (viewer := TOKENS.get(token)) is not None:
        asking.set((viewer, viewer))
    return viewer


async def _long(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"long"})


async def _answer(viewer: Id, here: str, query: bytes) -> bytes | None:
    if query == b"odd":
        return None
    if query == b"broken":
        raise RuntimeError
    return f"{viewer} {here}".encode()


def _instant(viewer: Id, here: str, query: bytes) -> bytes | None:
    if query == b"broken":
        raise RuntimeError
    return None if query == b"odd" else f"{viewer} {here}".encode()


def _kit(factor: float = 1.0, public_url: str | None = None) -> Kit:
    limiter = RateLimiter(RateLimitSettings(factor=factor), SystemClock())
    return Kit(authenticator=None, limiter=limiter, keeper=None, public_url=public_url)  # type: ignore[arg-type] # the short way asks neither


class Caller:
    """Sends requests through the short way and keeps what was observed."""

    def __init__(self, kit: Kit) -> None:
        self.told: Told = []
        self.waiting: list[tuple[tuple[Id, str, bytes], Callable[[Make | None], None]]] = []
        self.app = ShortWay(
            _long,
            kit,
            _at_hand,
            lambda class_, status, _: self.told.append((class_, status)),
            {"/v1/feed": Answers(_answer, _instant, self.wait)},
        )

    def wait(
        self, viewer: Id, here: str, query: bytes, resume: Callable[[Make | None], None]
    ) -> bool:
        if query == b"odd":
            return False
        self.waiting.append(((viewer, here, query), resume))
        return True

    async def ask(
        self,
        path: str = "/v1/feed",
        *,
        method: str = "GET",
        query: bytes = b"",
        host: bytes = b"tintype.test",
        **headers: str,
    ) -> tuple[int, bytes, dict[bytes, bytes]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "scheme": "http"}
        scope |= {"query_string": query, "headers": [(b"host", host), *pairs]}
        await self.app(scope, self._receive, send)
        return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"])

    async def _receive(self) -> Any:
        return {"type": "http.request"}


@pytest.fixture
def caller() -> Caller:
    return Caller(_kit())


async def test_a_reader_whose_session_is_held_takes_the_short_way(caller: Caller) -> None:
    status, body, headers = await caller.ask(authorization="Bearer good")

    assert (status, body) == (200, b"7 http://tintype.test")
    assert headers[b"content-length"] == b"21"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"cache-control"] == b"no-store"
    assert caller.told == [("read", 200)]


async def test_a_cookie_does_as_well(caller: Caller) -> None:
    assert (await caller.ask(cookie="a=b; tintype_session=good; c=d"))[0] == 200


async def test_over_tls_only_the_cookie_of_this_host_counts() -> None:
    caller = Caller(_kit(public_url="https://photos.example"))

    assert (await caller.ask(cookie="tintype_session=good"))[0] == 299
    secure = await caller.ask(cookie="__Host-tintype_session=good")

    assert secure[:2] == (200, b"7 https://photos.example")


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"authorization": "Bearer unknown"},
        {"authorization": "Basic good"},
        {"authorization": "Basic good", "cookie": "tintype_session=good"},
        {"cookie": "tintype_session=unknown"},
        {"authorization": "Bearer good", "path": "/v1/posts"},
        {"authorization": "Bearer good", "method": "HEAD"},
        {"authorization": "Bearer good", "method": "POST"},
        {"authorization": "Bearer good", "query": b"odd"},
        {"authorization": "Bearer good", "query": b"broken"},
        {"authorization": "Bearer good", "host": b'evil"host'},
    ],
)
async def test_everything_unusual_goes_the_long_way(caller: Caller, request_: Any) -> None:
    assert (await caller.ask(**request_))[:2] == (299, b"long")
    assert caller.told == []


async def test_who_asks_too_often_goes_the_long_way_and_is_told_there() -> None:
    caller = Caller(_kit(factor=1 / 600))  # a bucket of two

    answers = [(await caller.ask(authorization="Bearer good"))[0] for _ in range(4)]

    assert answers == [200, 200, 299, 299]


async def test_every_answer_has_an_id_of_its_own(caller: Caller) -> None:
    ids = {(await caller.ask(authorization="Bearer good"))[2][b"x-request-id"] for _ in range(5)}

    assert len(ids) == 5


def _instantly(caller: Caller, url: bytes, **headers: str) -> tuple[bytes, bytes] | None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return caller.app.instantly("http", url, [(b"host", b"tintype.test"), *pairs])


async def test_what_is_answered_instantly_is_what_the_short_way_answers(caller: Caller) -> None:
    _, body, headers = await caller.ask(authorization="Bearer good")
    answer = _instantly(caller, b"/v1/feed", authorization="Bearer good")

    assert answer is not None
    lines = answer[0].split(b"\r\n")
    told = dict(line.split(b": ", 1) for line in lines[1:] if line)
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert told.pop(b"x-request-id") != headers.pop(b"x-request-id")
    assert told == headers
    assert answer[1] == body
    assert caller.told == [("read", 200)] * 2


@pytest.mark.parametrize("url", [b"/v1/feed?odd", b"/v1/feed?broken", b"/v1/posts", b"/v1/feed/"])
def test_what_can_not_be_answered_instantly_is_left_to_others(caller: Caller, url: bytes) -> None:
    assert _instantly(caller, url, authorization="Bearer good") is None


@pytest.mark.parametrize("token", ["Bearer bad", "Basic good", ""])
def test_only_those_whose_session_is_held_are_answered_instantly(
    caller: Caller, token: str
) -> None:
    assert _instantly(caller, b"/v1/feed", authorization=token) is None


def test_who_was_answered_instantly_is_not_taken_for_the_next_caller(caller: Caller) -> None:
    assert _instantly(caller, b"/v1/feed", authorization="Bearer good") is not None

    assert asking.get() is None


def test_an_empty_bucket_is_left_to_the_long_way() -> None:
    caller = Caller(_kit(factor=0.001))

    for _ in range(3):
        answer = _instantly(caller, b"/v1/feed", authorization="Bearer good")

    assert answer is None


Answer = tuple[bytes, bytes] | None


def _later(caller: Caller, url: bytes = b"/v1/feed", token: str = "good") -> list[Answer] | None:
    """What will be the answer; ``None`` where none will come like this."""
    answers: list[Answer] = []
    headers = [(b"host", b"tintype.test"), (b"authorization", f"Bearer {token}".encode())]
    return answers if caller.app.later("http", url, headers, answers.append) else None


async def test_what_is_answered_later_is_what_the_short_way_answers(caller: Caller) -> None:
    _, body, headers = await caller.ask(authorization="Bearer good")
    answers = _later(caller)
    ((viewer, here, _), resume) = caller.waiting.pop()
    assert answers == []

    resume(f"{viewer} {here}".encode)

    (answer,) = answers
    assert answer is not None
    told = dict(line.split(b": ", 1) for line in answer[0].split(b"\r\n")[1:] if line)
    assert told.pop(b"x-request-id") != headers.pop(b"x-request-id")
    assert (told, answer[1]) == (headers, body)
    assert caller.told == [("read", 200)] * 2


@pytest.mark.parametrize(
    ("url", "token"), [(b"/v1/feed?odd", "good"), (b"/v1/posts", "good"), (b"/v1/feed", "bad")]
)
def test_what_can_not_be_answered_later_is_left_to_others(
    caller: Caller, url: bytes, token: str
) -> None:
    assert _later(caller, url, token) is None


def test_an_empty_bucket_is_left_to_the_long_way_before_anybody_waits() -> None:
    caller = Caller(_kit(factor=0.001))

    assert [_later(caller) is None for _ in range(3)] == [False, True, True]
    assert len(caller.waiting) == 1


@pytest.fixture
def signed_out() -> Iterator[None]:
    yield
    TOKENS["good"] = ADA


@pytest.mark.usefixtures("signed_out")
def test_who_was_signed_out_meanwhile_goes_the_long_way(caller: Caller) -> None:
    answers = _later(caller)

    del TOKENS["good"]
    caller.waiting[0][1](lambda: b"private")

    assert answers == [None]
    assert caller.told == []


def _broken() -> bytes:
    raise RuntimeError


@pytest.mark.parametrize("make", [None, _broken, lambda: None])
def test_what_can_not_be_made_after_all_goes_the_long_way(
    caller: Caller, make: Make | None
) -> None:
    answers = _later(caller)

    caller.waiting[0][1](make)

    assert answers == [None]
    assert caller.told == []


def test_it_is_made_for_the_one_who_asked(caller: Caller) -> None:
    answers = _later(caller)
    assert asking.get() is None

    caller.waiting[0][1](lambda: repr(asking.get()).encode())

    assert answers is not None
    assert answers[0] is not None
    assert answers[0][1] == b"(7, 7)"
    assert asking.get() is None
