"""``tintype bench run`` and ``tintype bench report``."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tintype import __version__
from tintype.config import load
from tintype.entry.settings import Settings

if TYPE_CHECKING:
    from tintype.entry.bench.figures import Results
    from tintype.entry.bench.gauges import Watched
    from tintype.entry.bench.plan import Cast, Plan

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_INTERRUPTED = 130

_Url = Annotated[
    str | None, typer.Option(help="the server; unset: the address of the settings, on this machine")
]
_Rates = Annotated[str, typer.Option(help="requests a second, one step each, with commas")]
_UntilLate = Annotated[
    bool,
    typer.Option("--until-late", help="go on with higher rates until one is too much"),
]
_Seconds = Annotated[float, typer.Option(min=1, help="how long each rate is asked for")]
_LateMs = Annotated[
    float, typer.Option(help="a rate holds while p99, of feeds and of all, is below")
]
_Viewers = Annotated[int, typer.Option(min=1, help="as how many viewers of the world it reads")]
_Connections = Annotated[int, typer.Option(min=1, help="how many connections at most")]
_StratumS = Annotated[float, typer.Option(min=1, help="how long viewers of one kind are measured")]
_StratumRate = Annotated[float, typer.Option(min=1, help="their requests a second")]
_LagPosts = Annotated[int, typer.Option(min=0, help="posts to time the delivery of; 0: none")]
_LagFollowers = Annotated[int, typer.Option(min=1, help="followers who wait for each of them")]
_Seed = Annotated[
    int, typer.Option(min=0, help="the same seed asks for the same, at the same times")
]
_Watch = Annotated[
    list[str] | None,
    typer.Option(
        help="name=pid: a process to watch with its children; names that begin with api or serve "
        "answer people. Unset: whoever listens at the address, on this machine"
    ),
]
_Label = Annotated[str, typer.Option(help="what the run is called in the report")]
_Out = Annotated[Path, typer.Option(help="where the results go")]
_Force = Annotated[
    bool, typer.Option("--force", help="measure a server that is no world: it is only read")
]
_Tokens = Annotated[
    Path | None, typer.Option(help="with --force: bearer tokens to read as, one a line")
]


def run(  # noqa: PLR0913 - the options of a command
    *,
    url: _Url = None,
    rates: _Rates = "50,100,200,400",
    until_late: _UntilLate = False,
    seconds: _Seconds = 10.0,
    late_ms: _LateMs = 500.0,
    viewers: _Viewers = 400,
    connections: _Connections = 128,
    stratum_seconds: _StratumS = 4.0,
    stratum_rate: _StratumRate = 200.0,
    lag_posts: _LagPosts = 40,
    lag_followers: _LagFollowers = 5,
    seed: _Seed = 1,
    watch: _Watch = None,
    label: _Label = "embedded",
    out: _Out = Path("bench-results.json"),
    force: _Force = False,
    tokens: _Tokens = None,
) -> None:
    """Ask a server of a world at fixed rates, by a clock, and keep what was measured.

    The server has to run with TINTYPE_RATE_LIMITS__FACTOR=1000000. Ctrl-C keeps what is there.
    """
    from tintype.entry.bench.plan import Plan

    settings = load(Settings)
    address = url or f"http://{settings.bind}"
    plan = Plan(
        url=address,
        rates=_numbers(rates),
        until_late=until_late,
        seconds=seconds,
        stratum_seconds=stratum_seconds,
        stratum_rate=stratum_rate,
        connections=connections,
        late_ms=late_ms,
        lag_posts=lag_posts,
        lag_followers=lag_followers,
        seed=seed,
    )
    cast, world = _cast(settings.data, viewers, tokens if force else None)
    watched = _watched(watch, address)
    results = _results(label, plan, world, watched, len(cast.readers))
    done = _do(plan, cast, results, watched, out)
    typer.echo(f"{out}: {len(results.steps)} rates{'' if done else ', interrupted'}.")
    if not done:
        raise typer.Exit(_INTERRUPTED)


def report(
    results: Annotated[
        list[Path], typer.Argument(help="results of runs; the first is told at length")
    ],
    to: Annotated[Path, typer.Option(help="the folder for the page and its plots")] = Path("load"),
) -> None:
    """Write a page with tables and plots of what runs measured."""
    from tintype.entry.bench.figures import read_results
    from tintype.entry.bench.plots import PlotsMissing
    from tintype.entry.bench.report import write_report

    try:
        page = write_report([read_results(each) for each in results], to)
    except (ValueError, PlotsMissing) as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal
    typer.echo(f"{page} is written.")


def _do(plan: Plan, cast: Cast, results: Results, watched: list[Watched], out: Path) -> bool:
    """Run it and keep the results, whatever happens; tells whether it came to its end."""
    from tintype.entry.bench.figures import write_results
    from tintype.entry.bench.gauges import Gauges
    from tintype.entry.bench.lines import Lost
    from tintype.entry.bench.running import NotThisWorld, Run
    from tintype.entry.bench.stock import StockFailed

    async def work(show: _Shown) -> bool:
        working = asyncio.ensure_future(Run(plan, cast, results, Gauges(watched)).all(show))
        # Said here and not left to Python, which hears no Ctrl-C where a shell began it with "&".
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, working.cancel)
        await asyncio.wait([working])
        if working.cancelled():
            return False
        await working
        return True

    try:
        with _shown() as show, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work(show))
    except (NotThisWorld, Lost, StockFailed) as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal
    finally:
        if results.steps:
            write_results(out, results)


def _cast(data: Path, most: int, tokens: Path | None) -> tuple[Cast, dict[str, str]]:
    """Who takes part: a world's people, or whoever the tokens belong to, who only read."""
    from tintype.entry.bench.asking import Caller
    from tintype.entry.bench.plan import Cast, Reader, spread
    from tintype.entry.bench.world_file import NoWorld, read_world

    if tokens is not None:
        lines = [line.strip() for line in tokens.read_text().splitlines() if line.strip()]
        readers = [Reader(Caller("", token), 0, "some") for token in lines[:most]]
        return Cast(readers, [], []), {"source": "an instance of its own, only read"}
    try:
        world = read_world(data)
    except NoWorld as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal
    found = [
        Reader(Caller(each.account, each.token), each.followees, each.stratum)
        for each in world.viewers
    ]
    about = {
        "accounts": str(world.accounts),
        "follows": str(world.follows),
        "posts": str(world.posts),
        "source": world.source,
        "celebrity": str(max((each.followers for each in world.celebrities), default=0)),
    }
    authors = [Caller(each.account, each.token) for each in world.authors]
    return Cast(spread(found, most), authors, [each.weight for each in world.authors]), about


def _watched(told: list[str] | None, address: str) -> list[Watched]:
    from tintype.entry.bench.gauges import Watched, listener

    found = []
    for each in told or []:
        name, _, pid = each.partition("=")
        if not pid.isdigit():
            message = f"--watch {each}: write it as name=pid"
            raise typer.BadParameter(message)
        found.append(Watched(name, int(pid)))
    parts = urlsplit(address)
    if not found and parts.hostname in _LOCAL:
        there = listener(parts.port or 80)
        return [] if there is None else [Watched("serve", there)]
    return found


def _results(
    label: str, plan: Plan, world: dict[str, str], watched: list[Watched], viewers: int
) -> Results:
    from tintype.entry.bench.figures import Results
    from tintype.entry.bench.gauges import commit, machine

    return Results(
        label=label,
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        version=__version__,
        commit=commit(),
        command=_again(sys.argv[1:]),
        machine=machine(),
        world=world,
        accounts=int(world.get("accounts", "0")),
        servers=sum(each.name.startswith(("api", "serve")) for each in watched),
        late_ms=plan.late_ms,
        viewers=viewers,
    )


def _again(arguments: Sequence[str]) -> str:
    """The command line without what was of that moment: places of results, ids of processes."""
    kept: list[str] = []
    passed = False
    for each in arguments:
        if passed or each in {"--out", "--watch"}:
            passed = not passed
        elif not each.startswith(("--out=", "--watch=")):
            kept.append(each)
    return "tintype " + shlex.join(kept)


def _numbers(told: str) -> list[float]:
    try:
        found = [float(each) for each in told.split(",")]
    except ValueError:
        found = []
    if not found or min(found) <= 0:
        message = f"--rates {told}: write numbers above 0 with commas between them, as in 50,100."
        raise typer.BadParameter(message)
    return found


class _Shown:
    """Bars and lines on the terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: TaskID | None = None

    def bar(self, title: str, total: float) -> Callable[[float], None]:
        if self._last is not None:
            self._progress.remove_task(self._last)
        task = self._last = self._progress.add_task(title, total=total)
        return lambda done: self._progress.update(task, completed=done)

    def say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _shown() -> Iterator[_Shown]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    # Four times a second: what draws bars must not be what is measured.
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        yield _Shown(progress)
