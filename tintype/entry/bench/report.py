"""The page about one or several runs: tables, plots, and how to measure it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tintype.entry.bench import plots
from tintype.entry.bench.figures import (
    ENOUGH_FOR_P99,
    ENOUGH_FOR_P999,
    Latency,
    Machine,
    Results,
    Step,
    write_results,
)

PAGE = "index.md"
_BUSY = 0.5
"""A machine with more work than this for each core before anything was asked had other work."""
_LATE_CLIENT_MS = 20.0

_HEAD = """# Load

<!-- Written by `tintype bench report` from the results beside it. -->

What a server does under load: requests come by a clock, whether or not those before were \
answered, and each latency counts from the moment when its request was due, so a server that \
stalls is not let off. How it is measured, and how to do it yourself, is told in \
[Load-test it](../../howto/load-test.md).
"""
_RATES = """| Asked, /s | Answered, /s | Feed p50 | p90 | p99 | p99.9 | Longest | Failed \
| Processor a request | Started late, p99 | Client | Load | Held |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def write_report(runs: Sequence[Results], folder: Path) -> Path:
    """Write the page, its plots and the results that it was made of; returns the page.

    The same results make the same files.

    Raises:
        PlotsMissing: the library that draws is not installed; nothing was written.
        ValueError: a run measured nothing, or two have the same label.
    """
    names = [_slug(run.label) for run in runs]
    if len(set(names)) < len(names):
        message = "Two runs have the same label; give each its own with --label."
        raise ValueError(message)
    if empty := [run.label for run in runs if not any("feed" in s.latency for s in run.steps)]:
        message = f"{', '.join(empty)}: no feed was answered; there is nothing to report."
        raise ValueError(message)
    files: dict[str, str] = {}
    parts = [_HEAD]
    for name, run in zip(names, runs, strict=True):
        parts += _section(name, run, files)
    parts += _scaling(runs, files)
    folder.mkdir(parents=True, exist_ok=True)
    for name, run in zip(names, runs, strict=True):
        write_results(folder / f"{name}.json", run)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    page = folder / PAGE
    page.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    return page


def _section(name: str, run: Results, files: dict[str, str]) -> Iterator[str]:
    yield f"## {run.label}\n"
    yield _about(run)
    yield _plot(files, f"{name}-latency.svg", "Latency against rate", plots.latency_curves(run))
    yield f"\n{_knee(run)}\n"
    yield _RATES
    yield from map(_rate, sorted(run.steps, key=lambda step: step.rate))
    yield from _kinds(run)
    yield from _memory(run)
    if run.strata:
        yield "\n### By followees\n"
        yield "| Viewers follow | Viewers | Processor a page | p50 | p99 | First page p50 | p99 |"
        yield "|---|---|---|---|---|---|---|"
        for each in run.strata:
            feed = each.pages.latency.get("feed")
            times = f"{_ms(feed.p50)} | {_ms(feed.p99)}" if feed else "none | none"
            yield (
                f"| {each.name} (median {each.followees:,.0f}) | {each.viewers} "
                f"| {each.pages.cpu_us:,.0f} µs | {times} "
                f"| {_ms(each.first.p50)} | {_ms(each.first.p99)} |"
            )
        yield (
            f"\nPages at {run.strata[0].pages.rate:,.0f} requests a second. The first page of a "
            "viewer is read on its own, at the beginning; it is cold when the server was started "
            "just before."
        )
    yield from _lag(name, run, files)
    yield ""


def _about(run: Results) -> str:
    machine, world = run.machine, run.world
    busy = machine.load_before > _BUSY * machine.cores
    held = (
        f"{int(world['accounts']):,} accounts, {int(world['follows']):,} follows, "
        f"{int(world['posts']):,} posts ({world['source']}); the most followed has "
        f"{int(world['celebrity']):,} followers"
        if "accounts" in world
        else world.get("source", "unknown")
    )
    lines = [
        f"- **World:** {held}. {run.viewers} viewers read, a few of them very often.",
        _machine(machine),
        f"- **Its load average** was {machine.load_before:.1f} before, {run.steps[-1].load:.1f} at "
        "the last rate."
        + (" **Others used the processors at the same time:** read all times as too long." * busy),
        f"- **Version:** {run.version}"
        + (f", commit `{run.commit}`" if run.commit else "")
        + f", {run.when}.",
        f"- **Again:** `{run.command}`",
    ]
    if not run.complete:
        lines.append("- **The run was interrupted;** what follows is what it had measured.")
    return "\n".join(lines) + "\n"


def _machine(machine: Machine) -> str:
    return (
        f"- **Machine:** {machine.processor}, {machine.cores} cores, {machine.memory_gb:.0f} GB, "
        f"Python {machine.python}; client, server and engines all on it."
    )


def _knee(run: Results) -> str:
    if run.knee is None:
        return f"No rate held: p99 below {run.late_ms:,.0f} ms with 99 % answered."
    return (
        f"**{run.knee.rate:,.0f} requests a second held** (dotted line): 99 % answered, and p99 "
        f"below {run.late_ms:,.0f} ms, of feeds and of all kinds together."
    )


def _rate(step: Step) -> str:
    feed = step.latency.get("feed")
    failed = ", ".join(f"{count} × {name}" for name, count in sorted(step.failures.items()))
    late = f"**{_ms(step.late.p99)}**" if step.late.p99 > _LATE_CLIENT_MS else _ms(step.late.p99)
    cells = [
        f"{step.rate:,.0f}",
        f"{step.answered / step.seconds if step.seconds else 0:,.0f}",
        *(_times(feed) if feed else ["none"] * 5),
        failed or "0",
        f"{step.cpu_us:,.0f} µs" if step.usage else "not watched",
        late,
        f"{step.client_cpu:.0%}",
        f"{step.load:.1f}",
        "yes" if step.held else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _kinds(run: Results) -> Iterator[str]:
    step = run.knee or run.steps[0]
    yield (
        "\n*Started late* is how long after its time a request was handed over, which is the "
        "client's own fault and part of each latency; *client* is how much of one core it took."
    )
    yield f"\n### By kind, at {step.rate:,.0f} a second\n"
    yield "| Kind | Answered | p50 | p90 | p99 | p99.9 | Longest |"
    yield "|---|---|---|---|---|---|---|"
    for kind, found in step.latency.items():
        yield f"| {kind} | {found.count:,} | {' | '.join(_times(found))} |"


def _memory(run: Results) -> Iterator[str]:
    step = run.steps[-1]
    if not step.usage:
        return
    yield "\n### By process\n"
    yield "| Process | Processor a request | Memory | Memory an account |"
    yield "|---|---|---|---|"
    knee = run.knee or step
    of_knee = {each.name: 0.0 for each in knee.usage}
    memory = dict(of_knee)
    for each in knee.usage:
        of_knee[each.name] += each.cpu_s
    for each in step.usage:
        memory[each.name] = memory.get(each.name, 0.0) + each.memory_mb
    for name, cpu_s in of_knee.items():
        each_account = memory[name] * 2**20 / run.accounts if run.accounts else 0.0
        yield (
            f"| {name} | {1e6 * cpu_s / max(1, knee.answered):,.0f} µs "
            f"| {memory[name]:,.0f} MB | {each_account:,.0f} B |"
        )
    yield (
        f"\nProcessor time at {knee.rate:,.0f} requests a second, with all work behind them; while "
        f"nothing was asked, {run.idle_cpu:.1%} of one core. Memory (PSS) after the last rate."
    )


def _lag(name: str, run: Results, files: dict[str, str]) -> Iterator[str]:
    lag = run.lag
    if lag is None or not lag.deliveries.count:
        return
    yield "\n### Delivery lag\n"
    yield (
        f"From sending a post until the first page of a follower's feed holds it: "
        f"p50 {_ms(lag.deliveries.p50)}, p99 {_ms(lag.deliveries.p99)}, longest "
        f"{_ms(lag.deliveries.longest)}, of {lag.deliveries.count} deliveries of {lag.posts} "
        f"posts. {lag.missing} did not arrive within {lag.within_s:.0f} s. Each follower "
        f"looked every {lag.poll_ms:.0f} ms, and less often where that took long: a figure may be "
        f"as much, a twentieth or twice the time of an answer too long. The looks were "
        f"{lag.looks:,.0f} requests a second, on top of {lag.beside:,.0f} others.\n"
    )
    drawn = plots.lag_histogram(lag, run.label)
    yield _plot(files, f"{name}-lag.svg", "Histogram of the delivery lag", drawn)


def _scaling(runs: Sequence[Results], files: dict[str, str]) -> Iterator[str]:
    with_strata = [run for run in runs if run.strata]
    if not with_strata:
        return
    yield "## Scaling\n"
    drawn = plots.followees(with_strata)
    yield _plot(files, "by-followees.svg", "Cost of a feed page by followees", drawn)
    first = [run for run in with_strata if _stack(run) == _stack(with_strata[0])]
    if len({run.accounts for run in first}) > 1:
        drawn = plots.accounts(first)
        yield _plot(files, "by-accounts.svg", "Cost of a feed page by accounts", drawn)
    counted = [run for run in runs if run.servers and run.knee]
    if len({run.servers for run in counted}) > 1:
        drawn = plots.processes(counted)
        yield _plot(files, "by-processes.svg", "The rate that held by processes", drawn)


def _stack(run: Results) -> set[str]:
    """What a run is made of; only the like are put on one line."""
    return {each.name for each in run.steps[0].usage}


def _plot(files: dict[str, str], name: str, alt: str, drawn: str) -> str:
    files[name] = drawn
    return f"![{alt}]({name})\n"


def _times(found: Latency) -> Iterator[str]:
    """Percentiles; those that so few requests can not tell are left out."""
    yield _ms(found.p50)
    yield _ms(found.p90)
    yield _ms(found.p99) if found.count >= ENOUGH_FOR_P99 else "–"
    yield _ms(found.p999) if found.count >= ENOUGH_FOR_P999 else "–"
    yield _ms(found.longest)


def _ms(value: float) -> str:
    return f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"  # noqa: PLR2004 - digits


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "run"
