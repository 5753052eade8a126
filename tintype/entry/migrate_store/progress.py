"""How far it is: bars on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

_EVERY_S = 5.0
_MIB = 1024**2

Advance = Callable[[int], None]


class Progress:
    """Shows stages, one after the other, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, text: str) -> None:
        """One line that stays."""
        typer.echo(text, err=True)

    @contextmanager
    def stage(self, name: str, total: int, *, in_bytes: bool = False) -> Iterator[Advance]:
        """A stage of ``total`` rows or bytes; the caller tells what was done since the last call.

        Its end is told with its speed.
        """
        shown = _bytes if in_bytes else _rows
        started, done = time.monotonic(), 0
        with self._followed(name, total, shown) as follow:

            def advance(more: int) -> None:
                nonlocal done
                done += more
                follow(done)

            yield advance
        seconds = max(time.monotonic() - started, 0.001)
        self.say(f"{name}: {shown(done)} in {seconds:.1f} s ({shown(round(done / seconds))}/s)")

    @contextmanager
    def _followed(self, name: str, total: int, shown: Callable[[int], str]) -> Iterator[Advance]:
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[said]}"),
                TimeRemainingColumn(),
            )
            with Bars(*columns, console=self._console, transient=True) as bars:
                task = bars.add_task(name, total=total, said="")
                yield lambda done: bars.update(
                    task, completed=done, said=f"{shown(done)} of {shown(total)}"
                )
            return
        self.say(f"{name}: {shown(total)} …")
        told = time.monotonic()

        def tell(done: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _EVERY_S:
                told = time.monotonic()
                self.say(f"{name}: {shown(done)} of {shown(total)}")

        yield tell


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}".replace(",", " ")


def _bytes(count: int) -> str:
    return f"{count / _MIB:,.1f} MiB".replace(",", " ")
