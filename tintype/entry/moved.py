"""The mark in a data folder whose instance was moved elsewhere: nobody serves it by mistake."""

from __future__ import annotations

from pathlib import Path

from tintype.config import ConfigError

MOVED = "moved"
"""Names the new home and the time; written by ``tintype migrate-store``."""


def refuse_moved(folder: Path) -> None:
    """Refuse to work on what was left behind: what people did there would be lost.

    Raises:
        ConfigError: the mark stands in the folder.
    """
    mark = folder / MOVED
    if not mark.exists():
        return
    where = mark.read_text().partition("\n")[0]
    raise ConfigError(
        f"data (TINTYPE_DATA): what is in {folder} was moved to {where}. Set database.url and s3 "
        "to go on there. To go back to the state from before the move, and lose what people did "
        f"since, delete {mark}."
    )
