"""``tintype backup`` and ``tintype restore``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tintype.config import load
from tintype.entry.backup import BackupRefused, Manifest, back_up, restore
from tintype.entry.settings import Settings
from tintype.kernel.clock import SystemClock

_MIB = 1024**2


def backup(
    target: Annotated[Path, typer.Argument(help="folder to make; it must not hold anything yet")],
) -> None:
    """Copy the whole data folder to TARGET, while the server runs or not."""
    settings = load(Settings)
    with _refusals(), _shown("Backing up", _size_of(settings.data)) as progress:
        manifest = back_up(settings.data, target, SystemClock(), progress)
    typer.echo(f"{_summary(manifest)} in {target}. Keep it on another machine.")
    cold = settings.disk.cold_path
    if cold is not None and not cold.resolve().is_relative_to(settings.data.resolve()):
        typer.echo(f"Cold originals are not in it: copy {cold} right after this.", err=True)


def restore_backup(
    source: Annotated[Path, typer.Argument(help="a folder that `tintype backup` made")],
) -> None:
    """Check the backup in SOURCE whole, then fill the empty data folder from it."""
    settings = load(Settings)
    with _refusals(), _shown("Verifying", _size_of(source)) as progress:
        manifest = restore(source, settings.data, progress)
    typer.echo(f"{_summary(manifest)} of {manifest.made_at} in {settings.data}. Start the server.")


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BackupRefused as refusal:
        typer.echo(f"tintype: {refusal}", err=True)
        raise typer.Exit(1) from refusal


@contextmanager
def _shown(what: str, total: int) -> Iterator[Callable[[str, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda _, size: bar.advance(task, size)


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _summary(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {manifest.bytes / _MIB:.1f} MiB"
