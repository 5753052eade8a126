"""The plots of a report, as SVG that reads well on light and on dark pages."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tintype.entry.bench.figures import ENOUGH_FOR_P99, ENOUGH_FOR_P999, Lag, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT, _PAPER = "#0a0b0c", "#0d0e0f", "#f9fafb"
"""Stand for what differs between light and dark; no other colour may be like them."""
_COLOURS = ("#2f81d6", "#d9742b", "#2a9d6f", "#a35fc4", "#c2475c")
"""Can be told apart on both."""
_STYLE = """<style>
:root { --ink: #24292f; --faint: #d5dae0; --paper: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #d9dee4; --faint: #3a414a; --paper: #14171b }
}
</style>
"""
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tintype",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 10.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.facecolor": _PAPER,
    "figure.facecolor": _PAPER,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
}
_CURVES = (
    ("p50", "p50", 1),
    ("p99", "p99", ENOUGH_FOR_P99),
    ("p99.9", "p999", ENOUGH_FOR_P999),
)
_BARS = 28
_APART = 1.5

Draw = Callable[["Axes"], None]


class PlotsMissing(Exception):  # noqa: N818 - it reads as what it says
    """The library that draws is not installed; the message says how to install it."""


def latency_curves(results: Results) -> str:
    """Percentiles of feed pages against the rate that was asked for."""
    steps = sorted(
        (step for step in results.steps if "feed" in step.latency), key=lambda step: step.rate
    )
    rates = [step.rate for step in steps]

    def draw(axes: Axes) -> None:
        for colour, (name, field, enough) in zip(_COLOURS, _CURVES, strict=False):
            found = [
                (step.rate, getattr(step.latency["feed"], field))
                for step in steps
                if step.latency["feed"].count >= enough
            ]
            if found:
                axes.plot(*zip(*found, strict=True), "o-", color=colour, label=name)
        axes.axhline(results.late_ms, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"late: {results.late_ms:,.0f} ms",
            (rates[0], results.late_ms),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=9.5,
        )
        if results.knee is not None:
            axes.axvline(results.knee.rate, color=_INK, linewidth=1, linestyle=(0, (1, 2)))
        axes.set(xlabel="requests a second, of all kinds", ylabel="first page of the feed, ms")
        axes.set_yscale("log")
        _plain(axes, "y")
        axes.set_xlim(left=0)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 0.9))

    return _svg(f"Latency against rate: {results.label}", [draw])


def lag_histogram(lag: Lag, label: str) -> str:
    """How many deliveries took how long."""
    import numpy as np

    with _drawing():
        from matplotlib.ticker import MaxNLocator

    bars = list(lag.deliveries.histogram().bars())
    values = np.array([value for value, _ in bars])
    counts = np.array([count for _, count in bars])
    low, high = max(values.min() * 0.9, 0.1), values.max() * 1.1

    def draw(axes: Axes) -> None:
        edges = np.geomspace(low, max(high, low * 4), _BARS).tolist()
        axes.hist(values, bins=edges, weights=counts, color=_COLOURS[0], edgecolor=_PAPER)
        axes.set_xscale("log")
        _plain(axes, "x")
        p50, p99 = lag.deliveries.p50, lag.deliveries.p99
        for name, value, side, away in (("p50", p50, "right", -2), ("p99", p99, "left", 2)):
            axes.axvline(value, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"{name} {value:,.0f} ms",
                (value, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(away, 3),
                textcoords="offset points",
                ha=side,
                fontsize=9.5,
            )
        axes.set(xlabel="from sending a post to a follower's feed, ms", ylabel="deliveries")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=False, axis="x")

    return _svg(f"Delivery lag: {label}", [draw])


def followees(runs: Sequence[Results]) -> str:
    """What a page costs against how many accounts its viewer follows."""

    def warm(axes: Axes) -> None:
        for colour, run in zip(_COLOURS, runs, strict=False):
            found = sorted((each.followees, each.pages.cpu_us) for each in run.strata)
            axes.plot(*zip(*found, strict=True), "o-", color=colour, label=run.label)
        axes.set(xlabel="followees", ylabel="processor a page, µs", title="Once held")
        _from_zero(axes)

    def cold(axes: Axes) -> None:
        for colour, run in zip(_COLOURS, runs, strict=False):
            found = sorted((each.followees, each.first.p50) for each in run.strata)
            axes.plot(*zip(*found, strict=True), "o-", color=colour, label=run.label)
        axes.set(xlabel="followees", ylabel="median, ms", title="The first of a viewer")
        axes.set_yscale("log")
        _plain(axes, "y")

    return _svg("Cost of a feed page by followees", [_by_log(warm), _by_log(cold, legend=False)])


def accounts(runs: Sequence[Results]) -> str:
    """What a page costs against how many accounts there are, a line for each kind of viewer."""
    names = [each.name for each in runs[0].strata if _alike(runs, each.name)]

    def draw(axes: Axes) -> None:
        for colour, name in zip(_COLOURS, names, strict=False):
            found = sorted(
                (run.accounts, each.pages.cpu_us)
                for run in runs
                for each in run.strata
                if each.name == name
            )
            axes.plot(*zip(*found, strict=True), "o-", color=colour, label=f"follow {name}")
        axes.set(xlabel="accounts", ylabel="processor a page, µs")
        _from_zero(axes)

    return _svg("Cost of a feed page by accounts", [_by_log(draw)])


def _alike(runs: Sequence[Results], name: str) -> bool:
    """Viewers of this kind follow about as many in every world: a small one has no 5,000."""
    found = [each.followees for run in runs for each in run.strata if each.name == name]
    return max(found) <= 2 * max(min(found), 1)


def processes(runs: Sequence[Results]) -> str:
    """The highest rate that held against how many processes answered."""
    found = sorted((run.servers, run.knee.rate) for run in runs if run.knee is not None)

    def draw(axes: Axes) -> None:
        axes.plot(*zip(*found, strict=True), "o-", color=_COLOURS[0], label="held")
        axes.set(xlabel="processes that answer", ylabel="requests a second")
        axes.set_xticks(sorted({servers for servers, _ in found}))
        _from_zero(axes)

    return _svg("The highest rate that held by processes", [draw])


def _by_log(draw: Draw, *, legend: bool = True) -> Draw:
    """The same with a logarithmic axis whose ticks are where it was measured."""
    import numpy as np

    def drawn(axes: Axes) -> None:
        draw(axes)
        axes.set_xscale("log")
        _plain(axes, "x")
        found: set[float] = set()
        for line in axes.lines:
            found.update(np.asarray(line.get_xdata(), dtype=float).tolist())
        axes.set_xticks(_apart(found))
        if legend:
            axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), fontsize=9.5)

    return drawn


def _apart(values: Collection[float]) -> list[float]:
    """Those of the values that are far enough from each other to be written side by side."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value > _APART * kept[-1]:
            kept.append(value)
    return kept


def _from_zero(axes: Axes) -> None:
    axes.set_ylim(0, 1.15 * axes.dataLim.ymax)


def _plain(axes: Axes, which: str) -> None:
    """Numbers as people write them on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _svg(title: str, draws: Sequence[Draw]) -> str:
    with _drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.4 * len(draws) if len(draws) > 1 else 7.2, 4.2))
        figure.suptitle(title, fontsize=12.5, fontweight="bold", x=0.02, ha="left")
        for place, draw in enumerate(draws, 1):
            draw(figure.add_subplot(1, len(draws), place))
        figure.tight_layout()
        kept = io.StringIO()
        figure.savefig(kept, format="svg", metadata={"Date": None, "Creator": None})
    drawn = kept.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    head, _, rest = drawn.partition(">")
    for stands, name in ((_INK, "ink"), (_FAINT, "faint"), (_PAPER, "paper")):
        rest = rest.replace(stands, f"var(--{name})")
    # Lines without an end of a space: what writes a file twice writes the same.
    lines = [line.rstrip() for line in f"{head}>\n{_STYLE}{rest}".splitlines()]
    return "\n".join(lines) + "\n"


@contextmanager
def _drawing() -> Iterator[None]:
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        message = (
            "plots need matplotlib, which serving goes without. "
            "Run: pip install --require-hashes -r requirements/bench.txt"
        )
        raise PlotsMissing(message) from error
    with mpl.rc_context(_SETTINGS):
        yield
