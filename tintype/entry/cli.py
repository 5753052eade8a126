"""The command line: ``tintype serve`` and the operator's tools."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop

from tintype import __version__
from tintype.config import ConfigError, load
from tintype.database import DatabaseUnavailable
from tintype.entry import logs
from tintype.entry.cli_admin import admin_app
from tintype.entry.cli_backup import backup, restore_backup
from tintype.entry.cli_bench import bench_app
from tintype.entry.cli_database import database_app
from tintype.entry.cli_doctor import doctor
from tintype.entry.cli_migrate import migrate_store
from tintype.entry.cli_repairs import jobs_app, letters_app
from tintype.entry.cli_storage import storage_app
from tintype.entry.roles import Concern, Role
from tintype.entry.settings import Settings

app = typer.Typer(
    name="tintype",
    help="Your own Instagram: a photo and video sharing server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


_OF_ENGINES = frozenset({"asyncpg", "hiredis", "confluent_kafka", "botocore"})
_HOW_TO_ADD = (
    "the settings name an engine whose library the embedded default goes without. "
    "Run: pip install --require-hashes -r requirements/engines.txt"
)
_HOW_TO_REACH = (
    "Start it, or correct database.url; database.start_wait_s is how long to wait for it."
)
_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h."""


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
    typer.echo(f"Tintype {__version__} is starting on {settings.address}", err=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise typer.Exit(runner.run(serve_forever(settings)))


@app.command()
def api() -> None:
    """Answer people's requests; any number of these run behind one gateway."""
    _do(Role.API)


@app.command()
def worker(
    only: Annotated[
        str,
        typer.Option(help="what to look after, with commas: " + ", ".join(Concern)),
    ] = ",".join(Concern),
) -> None:
    """Do the work behind the requests: all of it, or some concerns only."""
    known = {concern.value: concern for concern in Concern}
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        message = f"--only: {', '.join(unknown) or 'nothing'}: choose among {', '.join(known)}."
        raise ConfigError(message)
    _do(Role.WORKER, tuple(known[name] for name in names))


@app.command()
def relay() -> None:
    """Carry committed events from the database to Kafka; two of these share the work."""
    _do(Role.RELAY)


def _do(role: Role, only: Collection[Concern] = ()) -> NoReturn:
    from tintype.entry.http import serve as serve_forever

    settings = load(Settings)
    about = f"{role} ({', '.join(only)})" if only else role
    typer.echo(f"Tintype {__version__} is starting as {about} on {settings.bind}", err=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise typer.Exit(runner.run(serve_forever(settings, role=role, only=only)))


@app.command()
def demo() -> None:
    """Serve a throw-away instance with a small world of people, photos and a film in it."""
    from tintype.entry.demo import build_world
    from tintype.entry.demo.people import PASSWORD
    from tintype.entry.http import serve as serve_forever

    chosen = load(Settings)
    address = chosen.address

    def fill(token: str | None) -> None:
        build_world(f"http://{chosen.bind}", token, lambda line: typer.echo(f"  {line}", err=True))
        typer.echo(f"The demo is ready: {address} — sign in as you / {PASSWORD}", err=True)

    with tempfile.TemporaryDirectory(prefix="tintype-demo-") as folder:
        # The world is built through the public API, quicker than a person could.
        limits = chosen.rate_limits.model_copy(update={"factor": 100.0})
        settings = chosen.model_copy(update={"data": Path(folder), "rate_limits": limits})
        typer.echo(f"Building a small world on {address}, gone when you stop it …", err=True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            raise typer.Exit(runner.run(serve_forever(settings, beside=fill)))


app.command()(doctor)
app.command()(backup)
app.command("restore")(restore_backup)
app.command("migrate-store")(migrate_store)
app.add_typer(admin_app, name="admin")
app.add_typer(bench_app, name="bench")
app.add_typer(database_app, name="db")
app.add_typer(jobs_app, name="jobs")
app.add_typer(letters_app, name="dead-letters")
app.add_typer(storage_app, name="storage")


def main() -> NoReturn:
    """Run the command line; a configuration that can not be used says how to mend it.

    The status is 2 then, and 69 when the database does not answer: starting again may help.
    """
    try:
        app(standalone_mode=True)
    except ConfigError as error:
        typer.echo(f"tintype: the configuration can not be used.\n{error}", err=True)
        sys.exit(2)
    except DatabaseUnavailable as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        typer.echo(f"tintype: {error}{cause}. {_HOW_TO_REACH}", err=True)
        sys.exit(_UNAVAILABLE)
    except ModuleNotFoundError as error:
        if error.name not in _OF_ENGINES:
            raise
        typer.echo(f"tintype: {error.name} is not installed: {_HOW_TO_ADD}", err=True)
        sys.exit(2)
    sys.exit(0)
