"""Drafts a migration: ``python -m tools.migration "add stories" [--tables a,b]``.

Compares the tables that the slices declare with what the migrations so far make, in a throw-away
database, and writes the difference as the next numbered revision. Read the draft before you commit
it: a migration is expand, backfill or contract, never two of them at once.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory

import tintype.entry.compose  # noqa: F401 - loads the tables of every slice
from tintype.database import metadata
from tintype.database.migrate import config
from tintype.database.sqlite import open_engine


def draft(message: str, tables: set[str] | None) -> Path | None:
    """Write the next revision; ``None`` when there is nothing to change."""
    alembic = config()
    scripts = ScriptDirectory.from_config(alembic)
    number = len(list(scripts.walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "draft.sqlite")
        with engine.connect() as connection:
            alembic.attributes["connection"] = connection
            alembic.attributes["tables"] = tables
            if number > 1:
                command.upgrade(alembic, "head")

            def keep(_: Any, __: Any, directives: list[Any]) -> None:
                if directives[0].upgrade_ops.is_empty():
                    directives.clear()

            made = command.revision(
                alembic,
                message,
                autogenerate=True,
                rev_id=f"{number:04d}",
                process_revision_directives=keep,
            )
        engine.dispose()
    if not made:
        return None
    script = made[0] if isinstance(made, list) else made
    if script is None:
        return None
    path = Path(script.path)
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    target = path.with_name(f"{number:04d}_{slug}.py")
    drafted = [line for line in path.read_text().splitlines() if "# ###" not in line]
    path.unlink()
    target.write_text("\n".join(drafted) + "\n")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", target], check=True)
    return target


def main() -> int:
    """Draft one migration and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("message")
    parser.add_argument("--tables", help="only these tables, separated by commas")
    chosen = parser.parse_args()
    unknown = set((chosen.tables or "").split(",")) - {""} - set(metadata.tables)
    if unknown:
        print(f"No such tables: {', '.join(sorted(unknown))}")
        return 2
    made = draft(chosen.message, set(chosen.tables.split(",")) if chosen.tables else None)
    print(made or "The migrations already make every table as it is declared.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
