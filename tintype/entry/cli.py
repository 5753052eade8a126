"""The command line: ``tintype serve`` and the operator's tools."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

import typer
import uvloop

from tintype import __version__
from tintype.config import ConfigError, load
from tintype.entry import logs
from tintype.entry.settings import Settings

app = typer.Typer(
    name="tintype",
    help="Your own Instagram: a photo and video sharing server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _start() -> None:
    """Run before every command."""
    logs.configure()


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def serve() -> None:
    """Serve everything in one process, with its data in one folder."""
    from tintype.entry.http import serve as serve_forever

    settings = load(Settings)
    typer.echo(f"Tintype {__version__} is starting on http://{settings.bind}", err=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise typer.Exit(runner.run(serve_forever(settings)))


def main() -> NoReturn:
    """Run the command line; a configuration that can not be used says how to mend it."""
    try:
        app(standalone_mode=True)
    except ConfigError as error:
        typer.echo(f"tintype: the configuration can not be used.\n{error}", err=True)
        sys.exit(2)
    sys.exit(0)
