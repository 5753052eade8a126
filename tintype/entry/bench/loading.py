"""The order of loading a world into an instance."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tintype.entry.bench.world_file import World
from tintype.entry.settings import Settings


class WorldRefused(Exception):  # noqa: N818 - it reads as what it says
    """The world can not be loaded; the message says why and what to do. Nothing was changed."""


class Wanted(NamedTuple):
    """What is asked for. ``posts`` is 5 an account unless given."""

    accounts: int
    follows: int
    posts: int | None
    seed: int
    viewers: int
    edges: Path | None


async def load_world(settings: Settings, wanted: Wanted, *, again: bool) -> World:
    """Fill the instance of the settings."""
    raise WorldRefused(f"{settings.data}: {wanted.accounts} accounts, again: {again}.")
