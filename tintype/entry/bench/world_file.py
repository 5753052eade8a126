"""The world file: what the load has to know of the world that was put into an instance."""

from __future__ import annotations

from pathlib import Path

import msgspec

WORLD_FILE = "bench-world.json"
"""Its name in the data folder."""


class NoWorld(Exception):  # noqa: N818 - it reads as what it says
    """There is no world here; the message says how to make one."""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who reads the feed: signed in, with a bearer token.

    ``stratum`` says why it was sampled: it follows about ``10``, ``250`` or ``5000`` accounts, or
    it follows celebrities (``celebrity``). ``followees`` is how many it follows in truth.
    """

    account: str
    token: str
    followees: int
    stratum: str


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who posts: signed in, with a bearer token.

    ``weight`` is its share of all posts among the sampled authors; they sum up to 1.
    """

    account: str
    token: str
    followers: int
    weight: float


class Celebrity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with very many followers, the most first in a list of them."""

    account: str
    token: str
    followers: int


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A world that was loaded completely. ``source`` names its seed or the file of edges."""

    accounts: int
    follows: int
    posts: int
    seed: int
    source: str
    viewers: list[Viewer]
    authors: list[Author]
    celebrities: list[Celebrity]


def read_world(data: Path) -> World:
    """The world of a data folder.

    Raises:
        NoWorld: none was loaded here completely, or the file is not one.
    """
    path = data / WORLD_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=World)
    except FileNotFoundError:
        message = f"{data} holds no world. Make one: tintype bench world --accounts 10000"
        raise NoWorld(message) from None
    except msgspec.MsgspecError as error:
        raise NoWorld(f"{path} is not a world ({error}). Make it anew with --again.") from error


def write_world(data: Path, world: World) -> None:
    """Keep a world for the load; its tokens are for the owner's eyes only."""
    path = data / WORLD_FILE
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(msgspec.json.encode(world))
    part.replace(path)


def forget_world(data: Path) -> None:
    """Nothing is loaded from now on."""
    (data / WORLD_FILE).unlink(missing_ok=True)
