"""What processes hold in memory follows what any of them commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest

from tintype.database.notices import Notices
from tintype.kernel.notice import Notice
from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticesMissed


class Changed(Notice, frozen=True, kw_only=True, tag="changed"):
    subject: int
    digest: bytes = b""


class Line:
    """A channel that two processes share in this one."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.fault: Exception | None = None


class End:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._read = len(line.messages)

    async def publish(self, messages: Sequence[bytes]) -> None:
        if self._line.fault is not None:
            raise self._line.fault
        self._line.messages += messages

    async def catch_up(self, hand: Callable[[Sequence[bytes]], None]) -> None:
        if self._line.fault is not None:
            raise self._line.fault
        waiting, self._read = self._line.messages[self._read :], len(self._line.messages)
        hand(waiting)

    async def close(self) -> None:
        self._line.fault = Unavailable()


class Process:
    def __init__(self, line: Line) -> None:
        self.notices = Notices()
        self.heard: list[Changed] = []
        self.doubts = 0
        self.notices.listen_on(End(line))
        self.notices.hear(Changed, self.heard.append)
        self.notices.on_doubt(self._doubt)

    def _doubt(self) -> None:
        self.doubts += 1


@pytest.fixture
def line() -> Line:
    return Line()


async def test_a_notice_is_heard_here_at_once_and_elsewhere_after_catching_up(line: Line) -> None:
    here, there = Process(line), Process(line)

    await here.notices.publish([Changed(subject=1, digest=b"\x00\xff")])

    assert here.heard == [Changed(subject=1, digest=b"\x00\xff")]
    assert there.heard == []
    await there.notices.catch_up()
    assert there.heard == [Changed(subject=1, digest=b"\x00\xff")]


async def test_a_process_that_is_alone_needs_no_channel() -> None:
    notices, heard = Notices(), list[Changed]()
    notices.hear(Changed, heard.append)

    await notices.publish([Changed(subject=1)])
    await notices.catch_up()

    assert notices.alone
    assert heard == [Changed(subject=1)]


async def test_while_the_channel_is_away_writes_go_on_and_what_is_held_is_doubted(
    line: Line,
) -> None:
    here = Process(line)
    line.fault = Unavailable()

    await here.notices.publish([Changed(subject=1)])
    await here.notices.catch_up()
    await here.notices.catch_up()

    assert here.heard == [Changed(subject=1)]
    assert here.notices.unpublished == 1
    assert here.doubts == 1  # once a second, not once a call


async def test_when_the_channel_is_back_what_was_read_meanwhile_is_doubted_once_more(
    line: Line,
) -> None:
    here = Process(line)
    line.fault = Unavailable()
    await here.notices.catch_up()

    line.fault = None
    await here.notices.catch_up()
    await here.notices.catch_up()

    assert here.doubts == 2


async def test_missed_notices_are_doubted_every_time(line: Line) -> None:
    here = Process(line)
    line.fault = NoticesMissed()

    await here.notices.catch_up()
    await here.notices.catch_up()

    assert here.doubts == 2


async def test_what_a_newer_version_says_is_not_understood_and_so_doubted(line: Line) -> None:
    here = Process(line)
    line.messages.append(msgspec.json.encode({"type": "of_tomorrow", "subject": 1}))

    await here.notices.catch_up()

    assert (here.heard, here.doubts) == ([], 1)


async def test_what_nobody_could_be_told_is_told_again_until_it_is_heard(line: Line) -> None:
    here, there = Process(line), Process(line)
    event = here.notices.event_of([Changed(subject=7)], at=1)
    line.fault = Unavailable()
    with pytest.raises(Unavailable):
        await here.notices.repeat([event])

    line.fault = None
    await here.notices.repeat([event])
    await there.notices.catch_up()

    assert there.heard == [Changed(subject=7)]
