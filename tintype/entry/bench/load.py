"""Open-loop load: what is due is sent, whether or not what was sent before is answered.

Latency counts from when a request was due and not from when it was sent: a stall delays everybody
who would have come meanwhile, and a client that waits for answers would not notice them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from tintype.entry.bench.arrivals import Arrival, Kind
from tintype.entry.bench.asking import Asked, Asking
from tintype.entry.bench.figures import Histogram, Latency, Step
from tintype.entry.bench.gauges import Gauges, load_now
from tintype.entry.bench.lines import LOST, Lines

ANSWERED_SHARE = 0.99
"""What has to be answered successfully for a rate to hold."""

_GRACE_S = 5.0
_LOOK_S = 0.25
_SUCCESS = range(200, 300)

Tell = Callable[[float], None]
"""Is told now and then how many seconds of a spell are done."""


class Spell:
    """One schedule on its way; ``step`` tells what was measured, at any time."""

    def __init__(
        self,
        lines: Lines,
        asking: Asking,
        gauges: Gauges,
        *,
        arrivals: Sequence[Arrival],
        rate: float,
        late_ms: float,
    ) -> None:
        self._lines, self._asking, self._gauges = lines, asking, gauges
        self._arrivals, self._rate, self._late_ms = arrivals, rate, late_ms
        self._latency: defaultdict[Kind, Histogram] = defaultdict(Histogram)
        self._failures: Counter[str] = Counter()
        self._late = Histogram()
        self._open: dict[int, tuple[Kind, float]] = {}
        self._asked = self._answered = self._waited = 0
        self._all_sent, self._all_answered = False, asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._begun = self._ended = self._loop.time()
        self._cpu_begun = time.process_time()

    async def run(self, seconds: float, tell: Tell = lambda _: None) -> None:
        """Send all of the schedule at its times, then wait a while for what is open.

        What is not answered by then is given up, and its connections are broken.
        """
        gc.collect()
        gc.freeze()
        self._gauges.reading()
        self._cpu_begun = time.process_time()
        self._begun = self._loop.time()
        told = 0.0
        try:
            for arrival in self._arrivals:
                due = self._begun + arrival.at
                while (wait := due - self._loop.time()) > 0:
                    await asyncio.sleep(min(wait, _LOOK_S))
                    if self._loop.time() - told > _LOOK_S:
                        told = self._loop.time()
                        tell(told - self._begun)
                self._ask(self._asking.asked(arrival), due)
                if self._asked % 64 == 0:
                    # A schedule that is behind must let answers in.
                    await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, self._begun + seconds - self._loop.time()))
            self._all_sent = True
            if self._open:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._all_answered.wait(), _GRACE_S)
        finally:
            self._ended = self._loop.time()
            self._give_up()
            gc.unfreeze()

    def step(self) -> Step:
        """What was measured until now, or until the end."""
        passed = self._ended - self._begun
        cpu = (time.process_time() - self._cpu_begun) / passed if passed > 0 else 0.0
        together, failed = Histogram(), self._failures.total()
        for each in self._latency.values():
            together.merge(each)
        held = (
            self._answered >= ANSWERED_SHARE * self._asked
            and failed <= (1 - ANSWERED_SHARE) * self._asked
            and self._latency[Kind.FEED].percentile_ms(99) <= self._late_ms
            and together.percentile_ms(99) <= self._late_ms
        )
        return Step(
            rate=self._rate,
            seconds=round(passed, 3),
            asked=self._asked,
            answered=self._answered,
            latency={
                str(kind): Latency.of(each) for kind, each in sorted(self._latency.items()) if each
            },
            failures=dict(self._failures),
            late=Latency.of(self._late),
            waited=self._waited,
            client_cpu=round(cpu, 3),
            usage=self._gauges.reading(),
            load=load_now(),
            held=held,
        )

    def _ask(self, asked: Asked, due: float) -> None:
        self._asked += 1
        self._open[self._asked] = asked.kind, due
        self._late.add(self._loop.time() - due)
        sent = self._lines.ask(asked.data, partial(self._answer, self._asked, asked, due))
        self._waited += not sent

    def _answer(self, number: int, asked: Asked, due: float, status: int, body: bytes) -> None:
        del body
        if self._open.pop(number, None) is None:
            return  # given up before
        if status in _SUCCESS:
            self._answered += 1
            self._latency[asked.kind].add(self._loop.time() - due)
            if asked.followed is not None:
                self._asking.made(asked.followed)
        else:
            self._failures["lost" if status == LOST else str(status)] += 1
        if self._all_sent and not self._open:
            self._all_answered.set()

    def _give_up(self) -> None:
        if not self._open:
            return
        for kind, due in self._open.values():
            self._failures["unanswered"] += 1
            self._latency[kind].add(self._ended - due)
        self._open.clear()
        self._lines.cut()
