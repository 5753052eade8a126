from __future__ import annotations

import pytest

from tintype.http.gate import Gate, OverloadSettings

WAIT_MS = 1_000
EACH_S = 0.05
SIGNED_IN = [(b"host", b"here"), (b"cookie", b"tintype_session=1")]
NOBODY = [(b"host", b"here")]


class Told:
    """What a gate was told about time, and what it told about refusals."""

    def __init__(self, wait_ms: int = WAIT_MS) -> None:
        self.now = 0.0
        self.refused: list[int] = []
        self.gate = Gate(
            OverloadSettings(wait_ms=wait_ms),
            lambda _class, status, _seconds: self.refused.append(status),
            lambda: self.now,
        )

    def settle(self, *, waiting: int, each_s: float = EACH_S) -> Gate:
        """The gate once it knows how long each takes, with so many in front of it."""
        for _ in range(1000):
            self.gate.came()
        for _ in range(1000):
            self.now += each_s
            self.gate.began()
        for _ in range(waiting):
            self.gate.came()
        return self.gate


def test_everybody_comes_in_while_nobody_waits() -> None:
    gate = Told().settle(waiting=0)

    assert gate.calm()
    assert gate.lets_in(b"GET", b"/v1/feed", NOBODY)


def test_the_expected_wait_is_that_of_all_in_front() -> None:
    gate = Told().settle(waiting=7)

    assert gate.expected_s == pytest.approx(7 * EACH_S, rel=0.01)


@pytest.mark.parametrize(
    ("waiting", "nobody", "reader", "writer"),
    [
        (9, True, True, True),
        (11, False, True, True),
        (19, False, True, True),
        (21, False, False, True),
        (29, False, False, True),
        (31, False, False, False),
    ],
)
def test_what_matters_least_goes_first(
    *, waiting: int, nobody: bool, reader: bool, writer: bool
) -> None:
    gate = Told().settle(waiting=waiting)

    assert gate.lets_in(b"GET", b"/v1/tags/sea/posts", NOBODY) is nobody
    assert gate.lets_in(b"GET", b"/v1/feed", SIGNED_IN) is reader
    assert gate.lets_in(b"POST", b"/v1/sessions", NOBODY) is writer


@pytest.mark.parametrize("path", [b"/livez", b"/readyz", b"/metrics", b"/v1/admin/flags"])
def test_health_and_operators_always_come_in(path: bytes) -> None:
    gate = Told().settle(waiting=1000)

    assert gate.lets_in(b"GET", path, NOBODY)


def test_a_gate_without_a_limit_refuses_nobody() -> None:
    gate = Told(wait_ms=0).settle(waiting=100_000)

    assert gate.calm()


def test_those_who_were_served_make_room() -> None:
    told = Told()
    gate = told.settle(waiting=30)
    assert not gate.lets_in(b"GET", b"/v1/feed", SIGNED_IN)

    for _ in range(20):
        told.now += EACH_S
        gate.began()

    assert gate.lets_in(b"GET", b"/v1/feed", SIGNED_IN)


def test_one_that_held_up_everybody_once_does_not_close_the_gate() -> None:
    told = Told()
    gate = told.settle(waiting=2, each_s=0.001)
    gate.began()

    told.now += 60
    gate.began()
    for _ in range(20):
        gate.came()

    assert gate.calm()


def test_quiet_times_between_requests_do_not_count_as_work() -> None:
    told = Told()
    gate = told.settle(waiting=0)

    for _ in range(1000):
        told.now += 3600
        gate.came()
        gate.began()
    gate.came()

    assert gate.expected_s == pytest.approx(EACH_S, rel=0.01)


def test_a_refusal_says_when_to_come_back_and_is_counted() -> None:
    told = Told()

    headers, body = told.gate.refusal()

    assert dict(headers)[b"retry-after"] == b"2"
    assert dict(headers)[b"content-length"] == b"%d" % len(body)
    assert dict(headers)[b"x-request-id"] in body
    assert b'"type":"/problems/overloaded"' in body
    assert told.refused == [503]


@pytest.mark.parametrize(("wait_s", "change"), [(1.4, True), (1.6, False)])
def test_a_change_that_would_wait_for_other_changes_is_refused_and_reads_are_not(
    wait_s: float, change: bool
) -> None:
    gate = Gate(OverloadSettings(wait_ms=WAIT_MS), lambda *_: None, changes=lambda _: wait_s)

    assert not gate.calm()
    assert gate.lets_in(b"PUT", b"/v1/posts/1/like", SIGNED_IN) == change
    assert gate.lets_in(b"GET", b"/v1/tags/sea/posts", NOBODY)
    assert gate.lets_in(b"PATCH", b"/v1/admin/instance", SIGNED_IN)


def test_without_a_limit_no_change_is_refused() -> None:
    assert Gate(OverloadSettings(wait_ms=0), lambda *_: None, changes=lambda _: 60.0).calm()
