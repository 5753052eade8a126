"""``tintype storage``: the bucket that holds the media."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tintype.adapters.s3 import S3Settings
from tintype.config import load
from tintype.entry.settings import Settings
from tintype.ports.errors import AdapterError

storage_app = typer.Typer(no_args_is_help=True, help="The bucket that holds the media.")

_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="say what would be sent, and send nothing")
]
_Origins = Annotated[
    list[str] | None,
    typer.Option("--origin", help="where the web client lives besides `public_url`; repeatable"),
]
_SAID = {
    "there": "as it should be",
    "done": "set",
    "would": "would be set to",
    "unknown": "this server has no such thing; Tintype does without",
}


@storage_app.callback()
def _storage() -> None:
    """The bucket that holds the media."""


@storage_app.command("setup")
def set_up_storage(*, dry_run: _DryRun = False, origin: _Origins = None) -> None:
    """Create the bucket if it is missing, and set its CORS and lifecycle rules.

    Rules that others gave the bucket stay. Repeats are harmless.
    """
    settings = load(Settings)
    if settings.s3 is None:
        typer.echo("No bucket is set: write s3.bucket (TINTYPE_S3__BUCKET).", err=True)
        raise typer.Exit(1)
    try:
        _set_up(settings.s3, [*origins_of(settings), *(origin or [])], dry_run=dry_run)
    except AdapterError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from error


def origins_of(settings: Settings) -> list[str]:
    """Where pages of this server come from, as browsers name it."""
    if settings.public_url is not None:
        return [settings.public_url]
    return sorted({settings.address, f"http://{settings.bind}"})


def _set_up(s3: S3Settings, origins: list[str], *, dry_run: bool) -> None:
    from tintype.adapters.s3.connection import Connection
    from tintype.adapters.s3.setup import set_up

    with Connection(s3) as connection:
        for step in set_up(connection, origins, dry_run=dry_run):
            typer.echo(f"{step.name}: {_SAID[step.outcome]}")
            if step.document is not None and step.outcome != "there":
                typer.echo(json.dumps(step.document, indent=2))
