"""One run: the first pages, the rates, viewers who follow about as many, and the delivery lag."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict

import msgspec
import numpy as np

from tintype.entry.bench import stock
from tintype.entry.bench.arrivals import FIRST_PAGES, READING, Kind, Mix, activity, schedule
from tintype.entry.bench.asking import Asking, request
from tintype.entry.bench.figures import Histogram, Latency, Results, Step, Stratum
from tintype.entry.bench.gauges import Gauges
from tintype.entry.bench.lag import WITHIN_S, Couriers, planned
from tintype.entry.bench.lines import Lines, Lost
from tintype.entry.bench.load import Spell
from tintype.entry.bench.plan import Cast, Plan, Show

GROWTH = 1.6
"""Each rate is so many times the one before, until one is too much."""
HALVINGS = 2
"""How often the step to the first rate that is too much is halved."""

_OK = 200
_CALM_S = 1.0
_IDLE_S = 2.0
_PATIENCE_S = 120.0
_EVERY_S, _POST_EVERY_S = 0.5, 1.0
_CHECKED = 5


class NotThisWorld(Exception):  # noqa: N818 - it reads as what it says
    """The server is no world to measure in; the message says what to do. Nothing was written."""


class _Me(msgspec.Struct):
    id: str


class Run:
    """A run on one server; ``results`` grow with each part that is done."""

    def __init__(self, plan: Plan, cast: Cast, results: Results, gauges: Gauges) -> None:
        self._plan, self._cast, self._results, self._gauges = plan, cast, results, gauges
        self._viewers = [reader.caller for reader in cast.readers]
        self._activity = activity(len(self._viewers), plan.seed)
        self._firsts: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._lines = Lines(plan.url, plan.connections)
        self._asking = Asking(self._lines.host, self._viewers, cast.authors)

    async def all(self, show: Show) -> None:
        """Do everything; what was measured is in the results also when this is cancelled.

        Raises:
            NotThisWorld: the viewers and authors can not sign in; nothing was written.
            Lost: the server went away.
        """
        await self._lines.open()
        try:
            await self._check()
            await self._first_pages(show)
            await self._idle(show)
            await self._rates(show)
            await self._strata(show)
            if self._plan.lag_posts and self._cast.authors:
                await self._lag(show)
            self._results.complete = True
        finally:
            self._lines.cut()

    async def _check(self) -> None:
        """Those who are to take part are known here, as who they are."""
        for caller in [*self._viewers[:_CHECKED], *self._cast.authors[:_CHECKED]]:
            asked = request("GET", "/v1/accounts/me", host=self._lines.host, token=caller.token)
            status, body = await self._lines.call(asked)
            known = msgspec.json.decode(body, type=_Me).id if status == _OK else None
            if known is None or (caller.account and known != caller.account):
                message = (
                    f"{self._plan.url} does not know the accounts of this world (status {status}). "
                    "Is it the server of this data folder? Nothing was written."
                )
                raise NotThisWorld(message)

    async def _first_pages(self, show: Show) -> None:
        """One viewer after the other, so that none waits for another."""
        order = np.random.default_rng(self._plan.seed).permutation(len(self._viewers)).tolist()
        tell = show.bar("First pages", len(order))
        loop = asyncio.get_running_loop()
        for done, who in enumerate(order, 1):
            sent = loop.time()
            status, body = await self._lines.call(self._asking.feed(who))
            if status != _OK:
                message = (
                    f"A feed was answered with status {status}."
                    " Rate limits? Start the server with TINTYPE_RATE_LIMITS__FACTOR=1000000."
                )
                raise NotThisWorld(message)
            self._firsts[self._cast.readers[who].stratum].add(loop.time() - sent)
            await self._asking.learn(self._lines, who, body)
            tell(done)

    async def _idle(self, show: Show) -> None:
        """What the server takes when nobody asks for anything."""
        tell = show.bar("Nothing is asked", _IDLE_S)
        self._gauges.reading()
        await asyncio.sleep(_IDLE_S)
        tell(_IDLE_S)
        used = sum(each.cpu_s for each in self._gauges.reading())
        self._results.idle_cpu = round(used / _IDLE_S, 4)

    async def _rates(self, show: Show) -> None:
        for number, rate in enumerate(self._plan.rates):
            await self._rate(rate, number, show)
        if not self._plan.until_late:
            return
        rate, number = max(self._plan.rates) * GROWTH, len(self._plan.rates)
        while self._results.steps[-1].held:
            await self._rate(rate, number, show)
            rate, number = rate * GROWTH, number + 1
        high = self._results.steps[-1].rate
        for _ in range(HALVINGS):
            knee = self._results.knee
            if knee is None:
                return
            middle = (knee.rate * high) ** 0.5
            if not await self._rate(middle, number, show):
                high = middle
            number += 1

    async def _rate(self, rate: float, number: int, show: Show) -> bool:
        mix = Mix() if self._cast.authors else READING
        step = await self._spell(rate, self._plan.seconds, mix, number, show)
        return step.held

    async def _spell(self, rate: float, seconds: float, mix: Mix, number: int, show: Show) -> Step:
        plan = self._plan
        arrivals = schedule(
            rate=rate,
            seconds=seconds,
            mix=mix,
            viewers=self._activity,
            authors=self._cast.weights,
            seed=plan.seed + 1_000 * number,
        )
        wanted = [each.who for each in arrivals if each.kind is Kind.POST]
        if wanted:
            tell = show.bar(f"Photos for {len(wanted)} posts", len(wanted))
            seed = plan.seed + 1_000_000 * (number + 1)
            ready = await stock.fill(plan.url, self._cast.authors, wanted, seed, tell)
            for author, upload in zip(wanted, ready, strict=True):
                self._asking.put_in_stock(author, upload)
        await self._calm()
        spell = Spell(
            self._lines,
            self._asking,
            self._gauges,
            arrivals=arrivals,
            rate=rate,
            late_ms=plan.late_ms,
        )
        try:
            await spell.run(seconds, show.bar(f"{rate:,.0f} requests a second", seconds))
        finally:
            step = spell.step()
            self._results.steps.append(step)
        show.say(_said(step))
        return step

    async def _strata(self, show: Show) -> None:
        """First pages only, of viewers who follow about as many."""
        for name, places in self._places().items():
            arrivals = schedule(
                rate=self._plan.stratum_rate,
                seconds=self._plan.stratum_seconds,
                mix=FIRST_PAGES,
                viewers=[1.0] * len(places),
                authors=[],
                seed=self._plan.seed,
            )
            await self._calm()
            spell = Spell(
                self._lines,
                self._asking,
                self._gauges,
                arrivals=[each._replace(who=places[each.who]) for each in arrivals],
                rate=self._plan.stratum_rate,
                late_ms=self._plan.late_ms,
            )
            title = f"Feeds of those who follow {name}"
            await spell.run(self._plan.stratum_seconds, show.bar(title, self._plan.stratum_seconds))
            found = Stratum(
                name=name,
                viewers=len(places),
                followees=statistics.median(self._cast.readers[each].followees for each in places),
                first=Latency.of(self._firsts[name]),
                pages=spell.step(),
            )
            self._results.strata.append(found)
            show.say(f"{title}: {found.pages.cpu_us:,.0f} µs of processor a page")

    async def _lag(self, show: Show) -> None:
        """Posts that followers wait for, beside half of the rate that held."""
        plan, cast = self._plan, self._cast
        knee = self._results.knee
        beside = round((knee.rate if knee else min(plan.rates)) / 2, 1)
        weights = np.asarray(cast.weights) / sum(cast.weights)
        dice = np.random.default_rng(plan.seed + 1)
        wanted = dice.choice(len(cast.authors), plan.lag_posts, p=weights).tolist()
        tell = show.bar(f"Photos for {len(wanted)} posts", len(wanted))
        ready = await stock.fill(plan.url, cast.authors, wanted, plan.seed + 1, tell)
        deliveries = planned(
            ready, cast.authors, wanted, self._viewers, plan.lag_followers, plan.seed
        )
        await self._calm()
        lines = Lines(plan.url, plan.connections)
        couriers = Couriers(lines, self._asking, [each.account for each in cast.authors])
        await couriers.prepare(deliveries)
        seconds = len(deliveries) * _POST_EVERY_S
        load = asyncio.create_task(self._beside(beside, seconds))
        try:
            await couriers.run(deliveries, _POST_EVERY_S, show.bar("Delivery of posts", seconds))
        finally:
            load.cancel()
            await asyncio.gather(load, return_exceptions=True)
            lines.cut()
            self._results.lag = lag = couriers.lag(beside)
        show.say(
            f"Delivery lag: p50 {lag.deliveries.p50:,.0f} ms, p99 {lag.deliveries.p99:,.0f} ms, "
            f"{lag.deliveries.count} deliveries, {lag.missing} missing"
        )

    async def _beside(self, rate: float, seconds: float) -> None:
        long = seconds + WITHIN_S
        arrivals = schedule(
            rate=rate,
            seconds=long,
            mix=READING,
            viewers=self._activity,
            authors=[],
            seed=self._plan.seed + 2,
        )
        spell = Spell(
            self._lines,
            self._asking,
            self._gauges,
            arrivals=arrivals,
            rate=rate,
            late_ms=self._plan.late_ms,
        )
        await spell.run(long)

    async def _calm(self) -> None:
        """Wait until the server answers at once again, so that no spell pays for another's."""
        await self._lines.open()
        loop, asked = asyncio.get_running_loop(), self._asking.feed(0)
        deadline = loop.time() + _PATIENCE_S
        while True:
            sent = loop.time()
            status, _ = await self._lines.call(asked)
            if status == _OK and loop.time() - sent < _CALM_S:
                return
            if loop.time() > deadline:
                message = f"{self._plan.url} did not come to rest in {_PATIENCE_S:.0f} s."
                raise Lost(message)
            await asyncio.sleep(_EVERY_S)

    def _places(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for place, reader in enumerate(self._cast.readers):
            found[reader.stratum].append(place)
        return dict(
            sorted(
                found.items(),
                key=lambda each: statistics.median(
                    self._cast.readers[place].followees for place in each[1]
                ),
            )
        )


def _said(step: Step) -> str:
    feed = step.latency.get(Kind.FEED)
    times = f"p50 {feed.p50:,.1f} ms, p99 {feed.p99:,.1f} ms" if feed else "no feed answered"
    failed = ", ".join(f"{count} × {name}" for name, count in step.failures.items())
    return (
        f"{step.rate:,.0f}/s: feeds {times}; {step.answered} of {step.asked} answered"
        f"{f' ({failed})' if failed else ''}; {step.cpu_us:,.0f} µs of processor each"
        f"{'' if step.held else ' — too much'}"
    )
