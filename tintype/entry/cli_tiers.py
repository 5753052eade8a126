"""``tintype storage audit``, ``gc`` and ``move``: the stores looked over and put in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from tintype.entry.cli_admin import run
from tintype.entry.compose import Server
from tintype.media.service.tiers import Audit, Cleared, Clearing, Found, Moved
from tintype.ports.errors import AdapterError

T = TypeVar("T")

_MIB = 1024**2
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_MOST_SHOWN = 100

_Hashes = Annotated[bool, typer.Option("--hashes", help="read every object and compare its hash")]
_Json = Annotated[bool, typer.Option("--json", help="print the result as JSON")]
_Minutes = Annotated[
    int, typer.Option(min=0, help="younger blobs that the ledger does not know are under way")
]
_Hours = Annotated[int, typer.Option(min=1, help="how old an orphan must be")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would go, and delete nothing")]


def audit(*, hashes: _Hashes = False, as_json: _Json = False, grace_minutes: _Minutes = 60) -> None:
    """Compare the ledger with every store, both ways. Ends with 1 when they do not agree."""

    async def work(server: Server) -> Found:
        stores = server.media.storage.stores
        look = Audit(server.database, stores, grace_ms=grace_minutes * _MINUTE_MS)
        with _shown("Comparing", await look.count()) as progress:
            return await look.run(hashes=hashes, progress=progress)

    found = _done(work)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        for each in found.offences[:_MOST_SHOWN]:
            typer.echo(f"{each.kind:14} {each.place:8} {each.key}  {each.detail}")
        typer.echo(_summary(found))
    if not found.clean:
        raise typer.Exit(1)


def gc(*, dry_run: _DryRun = False, grace_hours: _Hours = 48) -> None:
    """Delete what no upload has any more, and parts of uploads that were given up."""

    async def work(server: Server) -> Cleared:
        stores = server.media.storage.stores
        clearing = Clearing(server.database, stores, grace_ms=grace_hours * _HOUR_MS)
        return await clearing.run(dry_run=dry_run)

    cleared = _done(work)
    for each in [*cleared.blobs, *cleared.uploads]:
        typer.echo(each)
    said = "would be deleted" if dry_run else "deleted"
    blobs, uploads = len(cleared.blobs), len(cleared.uploads)
    typer.echo(
        f"{blobs} blobs ({cleared.bytes / _MIB:.1f} MiB), {uploads} uploads in parts: {said}."
    )


def move() -> None:
    """Bring everything where its tier is kept, now, and not a batch a minute."""

    async def work(server: Server) -> Moved:
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            total, task = Moved(), bar.add_task("Moving", total=None)

            def tell(done: Moved) -> None:
                total.add(done)
                said = f"Moving: {total.objects} objects, {total.bytes / _MIB:.1f} MiB"
                bar.update(task, description=said)

            return await server.media.tiers.mover.run_due(tell)

    moved = _done(work)
    typer.echo(f"{moved.objects} objects, {moved.bytes / _MIB:.1f} MiB; {moved.failed} failed.")
    if moved.failed:
        raise typer.Exit(1)


def _done(work: Callable[[Server], Awaitable[T]]) -> T:
    try:
        return run(work)
    except AdapterError as error:
        typer.echo(f"tintype: a store does not answer: {error}", err=True)
        raise typer.Exit(2) from error


def _summary(found: Found) -> str:
    read = f", {found.read} read" if found.read else ""
    asleep = f", {found.asleep} asleep in an archive" if found.asleep else ""
    under_way = f", {found.under_way} under way" if found.under_way else ""
    said = "clean" if found.clean else f"{len(found.offences)} do not agree"
    return (
        f"{found.objects} objects, {found.bytes / _MIB:.1f} MiB{read}{asleep}{under_way}: {said}."
    )


@contextmanager
def _shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
