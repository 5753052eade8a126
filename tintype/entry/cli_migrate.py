"""``tintype migrate-store``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tintype.config import load
from tintype.entry.settings import Settings
from tintype.kernel.problem import Problem
from tintype.ports.errors import AdapterError

if TYPE_CHECKING:
    from tintype.entry.migrate_store import Outcome, Source, Verdict

_MOST_TOLD = 40
_MARKS = {
    "ok": ("ok", typer.colors.GREEN),
    "degraded": ("warn", typer.colors.YELLOW),
    "failed": ("fail", typer.colors.RED),
}


class Verifying(StrEnum):
    """How many blobs are read again; rows are compared whole in either case."""

    ALL = "all"
    SAMPLE = "sample"


_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="say what would be moved and whether it can; move nothing")
]
_From = Annotated[
    Path | None, typer.Option("--from", help="the data folder to move; `data` unless given")
]
_Verify = Annotated[
    Verifying, typer.Option(help="read every blob again from the bucket, or one in fifty")
]
_VerifyOnly = Annotated[
    bool, typer.Option("--verify-only", help="compare what was moved once more; copy nothing")
]
_ShowSecret = Annotated[
    bool, typer.Option("--show-secret", help="print the secret too, not only where it is kept")
]


def migrate_store(
    dry_run: _DryRun = False,  # noqa: FBT002 - a flag of the command line
    from_: _From = None,
    verify: _Verify = Verifying.ALL,
    verify_only: _VerifyOnly = False,  # noqa: FBT002 - the same
    show_secret: _ShowSecret = False,  # noqa: FBT002 - the same
) -> None:
    """Move an embedded instance to the PostgreSQL and the bucket of the settings, and verify it.

    Run it again after an interruption: it goes on. Status 1 when something differs.
    """
    settings = load(Settings)
    if settings.disk.cold_path is not None:
        fix = "Bring them back first: set tiers.cold_days = 0 and run tintype storage move."
        typer.echo(f"tintype: originals may be in {settings.disk.cold_path}. {fix}", err=True)
        raise typer.Exit(1)
    with _refusals():
        from tintype.entry.migrate_store import Source

        source = Source(from_ or settings.data)
        if dry_run:
            raise typer.Exit(asyncio.run(_rehearse(settings, source)))
        if verify_only:
            _report(asyncio.run(_verify_again(settings, source, verify)))
            return
        outcome = asyncio.run(_move(settings, source, verify))
        if outcome.verdict is not None:
            _report(outcome.verdict)
        _tell(outcome, source, show_secret=show_secret)


async def _rehearse(settings: Settings, source: Source) -> int:
    from tintype.entry.migrate_store import rehearse

    failed = False
    async for finding in rehearse(settings, source):
        said, colour = _MARKS[finding.level]
        failed |= finding.level == "failed"
        typer.echo(f"{typer.style(f'{said:4}', fg=colour)}  {finding.name}: {finding.detail}")
    typer.echo("The move can not be made like this." if failed else "The move can be made.")
    return 1 if failed else 0


async def _move(settings: Settings, source: Source, verify: Verifying) -> Outcome:
    from tintype.entry.migrate_store import Progress, move

    return await move(settings, source, verify.value, Progress())


async def _verify_again(settings: Settings, source: Source, verify: Verifying) -> Verdict:
    from tintype.entry.migrate_store import Progress, verify_only

    return await verify_only(settings, source, verify.value, Progress())


@contextmanager
def _refusals() -> Iterator[None]:
    from tintype.entry.migrate_store import MoveRefused

    try:
        yield
    except (MoveRefused, AdapterError) as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal
    except Problem as problem:
        typer.echo(f"tintype: {problem.detail or problem.title()}", err=True)
        raise typer.Exit(1) from problem


def _report(verdict: Verdict) -> None:
    table = Table("", "folder", "new home", "", box=None, pad_edge=False)
    for line in verdict.lines:
        table.add_row(line.name, line.source, line.target, "equal" if line.equal else "DIFFERS")
    # Piped to another program, a line stays a line.
    console = Console(width=None if Console().is_terminal else 10_000)
    console.print(table, highlight=False, markup=False)
    for difference in verdict.differences[:_MOST_TOLD]:
        typer.echo(f"{difference.where}: {difference.what}")
    if (more := len(verdict.differences) - _MOST_TOLD) > 0:
        typer.echo(f"… and {more} more.")
    if not verdict.equal:
        typer.echo("The two sides differ. Run tintype migrate-store: it copies again what differs.")
        raise typer.Exit(1)
    typer.echo("Both sides are equal.")


def _tell(outcome: Outcome, source: Source, *, show_secret: bool) -> None:
    done = "was moved" if outcome.verdict else "had been moved before; nothing was left to do"
    typer.echo(f"{source.folder} {done}: {outcome.target}.")
    typer.echo(
        f"Give every process there the secret of this instance, so that sessions and addresses "
        f"stay good: TINTYPE_SECRET, as written in {outcome.secret} (for your eyes only)."
    )
    if show_secret:
        typer.echo(f"TINTYPE_SECRET={source.secret}")
    typer.echo(f"Nothing serves {source.folder} any more; keep it until you trust the new home.")
