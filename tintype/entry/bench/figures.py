"""What a load measured: histograms of latencies, and the results file.

All latencies are counted from the moment a request was due, so that a server (or a client) that
stalls is not let off. Times are in milliseconds unless a name says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

_EXACT_BITS = 8
_HALF = 1 << (_EXACT_BITS - 1)
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
ENOUGH_FOR_P99, ENOUGH_FOR_P999 = 100, 1_000
"""So many durations it takes for one of them to be beyond the percentile."""


class Histogram:
    """Durations in whole microseconds, kept in buckets no wider than 1/128 of what they hold.

    Below 256 µs each is exact. A percentile is the upper end of its bucket, so it never flatters,
    and is too high by less than 0.8 %.
    """

    def __init__(self, buckets: Iterable[tuple[int, int]] = ()) -> None:
        self._counts: Counter[int] = Counter()
        for bucket, count in buckets:
            self._counts[bucket] += count

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, seconds: float) -> None:
        """Note one duration; less than nothing is nothing."""
        self._counts[_bucket(max(0, int(seconds * 1e6)))] += 1

    def merge(self, other: Histogram) -> None:
        """Note everything that another one holds."""
        self._counts.update(other._counts)

    def percentile_ms(self, percent: float) -> float:
        """The least duration that so many percent of all do not exceed; 0 when there are none."""
        needed, passed = len(self) * percent / 100, 0
        for bucket, count in sorted(self._counts.items()):
            passed += count
            if passed >= needed:
                return _upper(bucket) / 1000
        return 0.0

    @property
    def longest_ms(self) -> float:
        return _upper(max(self._counts)) / 1000 if self._counts else 0.0

    def bars(self) -> Iterator[tuple[float, int]]:
        """Upper ends of the buckets that hold anything, in ms, and how many each holds."""
        for bucket, count in sorted(self._counts.items()):
            yield _upper(bucket) / 1000, count

    def buckets(self) -> list[tuple[int, int]]:
        """What the constructor takes to make the same again."""
        return sorted(self._counts.items())


def _bucket(micros: int) -> int:
    shift = max(0, micros.bit_length() - _EXACT_BITS)
    return (shift << (_EXACT_BITS - 1)) + (micros >> shift)


def _upper(bucket: int) -> int:
    """The largest number of microseconds in a bucket."""
    if bucket < 2 * _HALF:
        return bucket
    shift = (bucket >> (_EXACT_BITS - 1)) - 1
    mantissa = bucket - (shift << (_EXACT_BITS - 1))
    return ((mantissa + 1) << shift) - 1


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of a histogram, as they are kept in the results.

    ``buckets`` are the histogram itself where it is drawn, and empty elsewhere.
    """

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    longest: float
    buckets: list[tuple[int, int]] = []

    @classmethod
    def of(cls, histogram: Histogram, *, whole: bool = False) -> Latency:
        p50, p90, p99, p999 = (round(histogram.percentile_ms(each), 3) for each in PERCENTILES)
        return cls(
            count=len(histogram),
            p50=p50,
            p90=p90,
            p99=p99,
            p999=p999,
            longest=round(histogram.longest_ms, 3),
            buckets=histogram.buckets() if whole else [],
        )

    def histogram(self) -> Histogram:
        return Histogram(self.buckets)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """A process with all its children over a spell: processor seconds, and memory at its end.

    Memory is the proportional set (PSS): pages that several share are counted once in all.
    """

    name: str
    cpu_s: float
    memory_mb: float


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One spell at one rate.

    ``latency`` holds the successes of each kind from when they were due, and those requests that
    nothing came of until the end, as long as they were waited for. ``failures`` counts everything
    else by its status, or ``lost`` for a broken connection and ``unanswered``. ``late`` is how long
    after its time each request was handed over to be sent, which is the client's own fault;
    ``waited`` counts those that then had to wait for a free connection.
    """

    rate: float
    seconds: float
    asked: int
    answered: int
    latency: dict[str, Latency]
    failures: dict[str, int]
    late: Latency
    waited: int
    client_cpu: float
    """Processor time of the client as a share of one core."""
    usage: list[Usage]
    load: float
    """The load average of the machine in the last minute, at the end."""
    held: bool
    """Nearly everything was answered in time."""

    @property
    def cpu_s(self) -> float:
        return sum(each.cpu_s for each in self.usage)

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor of all processes that were watched, for each answer."""
        return 1e6 * self.cpu_s / self.answered if self.answered else 0.0


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """Feed pages of viewers alike: the first in this run, and then many."""

    name: str
    viewers: int
    followees: float
    """How many they follow: the median."""
    first: Latency
    pages: Step


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """From sending a post until the first page of a follower holds it.

    Each is up to ``poll_ms``, a twentieth, or twice the time of an answer too long, and never too
    short. ``missing`` did not come in time.
    """

    posts: int
    deliveries: Latency
    missing: int
    poll_ms: float
    within_s: float
    beside: float
    """Requests a second that the server was asked for at the same time."""
    looks: float = 0.0
    """Requests a second by which the followers looked, on top of these."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    processor: str
    cores: int
    memory_gb: float
    python: str
    load_before: float
    """The load average in the last minute before anything was asked."""


class Results(msgspec.Struct, kw_only=True):
    """All that one run measured, as far as it came."""

    label: str
    when: str
    version: str
    commit: str
    command: str
    machine: Machine
    world: dict[str, str]
    accounts: int
    servers: int
    """Processes that answer people."""
    late_ms: float
    viewers: int
    complete: bool = False
    idle_cpu: float = 0.0
    """Processor time of all that was watched while nothing was asked, as a share of one core."""
    steps: list[Step] = []
    strata: list[Stratum] = []
    lag: Lag | None = None

    @property
    def knee(self) -> Step | None:
        """The highest rate that held."""
        held = [step for step in self.steps if step.held]
        return max(held, key=lambda step: step.rate) if held else None


def read_results(path: Path) -> Results:
    """The results of a run.

    Raises:
        ValueError: the file is not one, or not of this version.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{path} can not be read as results of tintype bench run: {error}"
        raise ValueError(message) from error


def write_results(path: Path, results: Results) -> None:
    """Keep results; the file is whole at any moment."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    part.replace(path)
