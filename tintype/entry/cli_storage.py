"""``tintype storage``: where the media are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.adapters.s3 import S3Settings
from tintype.config import load
from tintype.entry.cli_tiers import audit, gc, move
from tintype.entry.settings import Settings
from tintype.ports.errors import AdapterError

storage_app = typer.Typer(no_args_is_help=True, help="Where the media are kept.")

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


storage_app.command("audit")(audit)
storage_app.command("gc")(gc)
storage_app.command("move")(move)


@storage_app.callback()
def _storage() -> None:
    """Where the media are kept."""


@storage_app.command("setup")
def set_up_storage(*, dry_run: _DryRun = False, origin: _Origins = None) -> None:
    """Make the places of the media ready: buckets with their rules, and the folder for the cold.

    Rules that others gave a bucket stay. Repeats are harmless.
    """
    settings = load(Settings)
    if settings.s3 is None and settings.cold_s3 is None and settings.disk.cold_path is None:
        typer.echo("No bucket is set: write s3.bucket (TINTYPE_S3__BUCKET).", err=True)
        raise typer.Exit(1)
    tiers = settings.tiers
    cold = (tiers.cold_class, tiers.cold_days) if tiers.cold_by == "lifecycle" else (None, 0.0)
    try:
        if settings.s3 is not None:
            origins = [*origins_of(settings), *(origin or [])]
            _set_up(settings.s3, origins, cold, dry_run=dry_run)
        if settings.cold_s3 is not None:
            _set_up(settings.cold_s3, [], (None, 0.0), dry_run=dry_run)
        if settings.disk.cold_path is not None:
            _prepare(settings.disk, settings.disk.cold_path, dry_run=dry_run)
    except AdapterError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from error


def origins_of(settings: Settings) -> list[str]:
    """Where pages of this server come from, as browsers name it."""
    if settings.public_url is not None:
        return [settings.public_url]
    return sorted({settings.address, f"http://{settings.bind}"})


def _prepare(disk: DiskSettings, folder: Path, *, dry_run: bool) -> None:
    if not dry_run:
        DiskBlobs(folder, secret=b"", settings=disk).close()
    typer.echo(f"{folder}: {_SAID['would' if dry_run else 'done']}".removesuffix(" to"))


def _set_up(
    s3: S3Settings, origins: list[str], cold: tuple[str | None, float], *, dry_run: bool
) -> None:
    from tintype.adapters.s3.connection import Connection
    from tintype.adapters.s3.setup import set_up

    with Connection(s3) as connection:
        for step in set_up(connection, origins, cold=cold, dry_run=dry_run):
            typer.echo(f"{step.name}: {_SAID[step.outcome]}")
            if step.document is not None and step.outcome != "there":
                typer.echo(json.dumps(step.document, indent=2))
