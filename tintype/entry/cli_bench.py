"""``tintype bench``: worlds to measure in, load, and a report of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tintype.config import load
from tintype.entry.cli_bench_load import report, run
from tintype.entry.settings import Settings
from tintype.kernel.problem import Problem

bench_app = typer.Typer(
    no_args_is_help=True,
    help="Measure a server of your own: a synthetic world, load, and a report.",
)


@bench_app.callback()
def _bench() -> None:
    """Measure a server of your own."""


_Accounts = Annotated[int, typer.Option(min=10, help="how many accounts")]
_Follows = Annotated[int | None, typer.Option(min=0, help="how many follows; 50 an account")]
_Posts = Annotated[int | None, typer.Option(min=0, help="how many posts; 5 an account")]
_Seed = Annotated[int, typer.Option(min=0, help="the same seed makes the same world")]
_Viewers = Annotated[int, typer.Option(min=4, help="how many of them the load reads as")]
_Edges = Annotated[
    Path | None,
    typer.Option(help="take the follows from lines `follower followee`, plain or .gz"),
]
_Again = Annotated[bool, typer.Option("--again", help="in place of the world that was made here")]


@bench_app.command()
def world(
    accounts: _Accounts = 10_000,
    follows: _Follows = None,
    posts: _Posts = None,
    seed: _Seed = 1,
    viewers: _Viewers = 1_000,
    edges: _Edges = None,
    *,
    again: _Again = False,
) -> None:
    """Fill an empty instance with a world to measure in: accounts, follows, posts, sessions.

    An instance that holds accounts of people is refused, always.
    """
    from tintype.entry.bench.loading import Wanted, WorldRefused, load_world

    wanted = Wanted(
        accounts=accounts,
        follows=50 * accounts if follows is None else follows,
        posts=posts,
        seed=seed,
        viewers=viewers,
        edges=edges,
    )
    try:
        made = asyncio.run(load_world(load(Settings), wanted, again=again))
    except WorldRefused as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal
    except Problem as problem:
        typer.echo(f"tintype: {problem.detail or problem.title()}", err=True)
        raise typer.Exit(1) from problem
    typer.echo(
        f"{made.accounts} accounts, {made.follows} follows and {made.posts} posts; "
        f"{len(made.viewers)} viewers are signed in."
    )


bench_app.command()(run)
bench_app.command()(report)
