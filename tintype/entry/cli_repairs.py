"""``tintype jobs`` and ``tintype dead-letters``: work that waits, and work that was given up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tintype.admin import Repairs
from tintype.entry.cli_admin import run
from tintype.entry.compose import Server
from tintype.kernel.clock import to_rfc3339

jobs_app = typer.Typer(no_args_is_help=True, help="Background jobs.")
letters_app = typer.Typer(no_args_is_help=True, help="Events that a consumer group gave up.")

_State = Annotated[str | None, typer.Option(help="only `queued`, `running` or `dead` ones")]
_Limit = Annotated[int, typer.Option(min=1, help="how many lines at most")]
_Group = Annotated[str | None, typer.Option(help="only those of this consumer group")]
_PAYLOAD = 200


@jobs_app.command("list")
def list_jobs(state: _State = "dead", limit: _Limit = 50) -> None:
    """Show jobs, the oldest first: unless told otherwise those that were given up."""

    async def work(server: Server) -> list[Sequence[str]]:
        rows = await Repairs(server.database).jobs(state=state, limit=limit)
        return [
            (
                str(row.id),
                row.kind,
                row.state,
                str(row.attempts),
                to_rfc3339(row.run_at_ms),
                _short(row.payload),
                row.reason or "",
            )
            for row in rows
        ]

    _show(("job", "kind", "state", "attempts", "due", "payload", "reason"), run(work))


@jobs_app.command()
def retry(
    job: Annotated[int | None, typer.Argument(help="one job; all of them without it")] = None,
    kind: Annotated[str | None, typer.Option(help="only jobs of this kind")] = None,
) -> None:
    """Queue dead jobs again, with all their attempts; the server takes them up by itself."""

    async def work(server: Server) -> int:
        return await Repairs(server.database).retry(only=job, kind=kind)

    _tell(run(work), "job queued again", "jobs queued again")


@letters_app.command("list")
def list_letters(group: _Group = None, limit: _Limit = 50) -> None:
    """Show the events that consumer groups gave up, with the reason."""

    async def work(server: Server) -> list[Sequence[str]]:
        rows = await Repairs(server.database).dead_letters(group=group, limit=limit)
        return [
            (
                row.consumer_group,
                str(row.position),
                row.kind,
                to_rfc3339(row.at_ms),
                _short(row.payload),
                row.reason,
            )
            for row in rows
        ]

    _show(("group", "position", "event", "given up", "payload", "reason"), run(work))


@letters_app.command()
def replay(
    group: _Group = None,
    position: Annotated[int | None, typer.Option(help="only the event at this position")] = None,
) -> None:
    """Deliver dead letters to their own groups again; the server does it by itself."""

    async def work(server: Server) -> int:
        return await Repairs(server.database).replay(group=group, position=position)

    _tell(run(work), "event is delivered again", "events are delivered again")


def _show(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # Piped to another program, a line stays a line.
    console = Console(width=None if Console().is_terminal else 10_000)
    console.print(table if table.row_count else "Nothing.", highlight=False, markup=False)


def _tell(count: int, one: str, many: str) -> None:
    typer.echo(f"{count} {one if count == 1 else many}.")


def _short(payload: bytes) -> str:
    text = payload.decode(errors="replace")
    return text if len(text) <= _PAYLOAD else text[:_PAYLOAD] + "…"
