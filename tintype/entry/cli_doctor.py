"""``tintype doctor``."""

from __future__ import annotations

import typer

from tintype.entry.doctor import examine, mark

_COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}


def doctor() -> None:
    """Look the installation over; every finding says how to mend it. Status 1 when one fails."""
    failed = False
    for finding in examine():
        said = mark(finding)
        failed |= said == "fail"
        typer.echo(
            f"{typer.style(f'{said:4}', fg=_COLOURS[said])}  {finding.name}: {finding.detail}"
        )
    raise typer.Exit(1 if failed else 0)
