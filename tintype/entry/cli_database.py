"""``tintype db``: the schema of the database, brought up to date or spread over servers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tintype.config import ConfigError, load
from tintype.database.migrate import SchemaTooNew, migrate
from tintype.database.settings import DatabaseSettings
from tintype.database.spread import SHARDS, CannotSpread, spread
from tintype.entry import folder
from tintype.entry.cli_admin import telling_problems
from tintype.entry.settings import DATABASE, Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

database_app = typer.Typer(no_args_is_help=True, help="The schema of the database.")

_PATIENCE_MS = 24 * 3600 * 1000


@database_app.command("migrate")
def migrate_now() -> None:
    """Bring the schema up to date, as every start does; safe to run beside running servers."""
    settings = load(Settings)
    with telling_problems():
        try:
            changed = _migrate(settings)
        except SchemaTooNew as error:
            typer.echo(f"tintype: {error}", err=True)
            raise typer.Exit(1) from error
    typer.echo("The schema was brought up to date." if changed else "The schema is up to date.")


@database_app.command("distribute")
def spread_now(
    shards: Annotated[int, typer.Option(min=1, help="pieces to cut each table into")] = SHARDS,
    dry_run: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--dry-run", help="print the statements that are left, run none")
    ] = False,
) -> None:
    """Spread the tables over the servers of a Citus cluster; run it again after an interruption."""
    settings = load(Settings).database
    if settings.url is None:
        message = "database.url (TINTYPE_DATABASE__URL): name the coordinator of the cluster."
        raise ConfigError(message)
    with telling_problems():
        try:
            done = asyncio.run(_spread(settings, shards=shards, dry_run=dry_run))
        except CannotSpread as error:
            typer.echo(f"tintype: {error}", err=True)
            raise typer.Exit(1) from error
    said = "would be spread" if dry_run else "were spread"
    typer.echo(f"{done} tables {said}." if done else "Every table is spread already.")


def _migrate(settings: Settings) -> bool:
    if settings.database.url is not None:
        from tintype.database.postgres_migrate import migrate_postgres

        return migrate_postgres(settings.database)
    from tintype.entry import checks

    folder.make(settings.data)
    path = settings.data / DATABASE
    if path.exists() and checks.schema(path).level == "ok":
        return False
    migrate(path, settings.data / "backups")
    return True


async def _spread(settings: DatabaseSettings, *, shards: int, dry_run: bool) -> int:
    import tintype.entry.compose  # noqa: F401 - its slices declare the tables
    from tintype.database import metadata
    from tintype.database.postgres_pool import autocommit, open_engine

    # Spreading a table copies its rows: that takes as long as it takes.
    patient = settings.model_copy(update={"statement_timeout_ms": _PATIENCE_MS, "pool_size": 1})
    engine = open_engine(str(settings.url), patient)
    try:
        return await spread(
            _Coordinator(autocommit(engine)),
            metadata.tables.keys(),
            shards=shards,
            dry_run=dry_run,
            tell=typer.echo,
        )
    finally:
        await engine.dispose()


class _Coordinator:
    """The coordinator, asked over the driver that the server uses."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        from tintype.database.postgres_faults import Phase, problems

        with problems(Phase.CONNECTING):
            async with self._engine.connect() as connection:
                found = await connection.exec_driver_sql(statement)
                return [dict(row) for row in found.mappings()]

    async def run(self, statement: str) -> None:
        await self.rows(statement)
