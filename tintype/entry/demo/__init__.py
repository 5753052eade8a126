"""A throw-away instance with a small believable world, built through the public API."""

from tintype.entry.demo.world import build_world

__all__ = ["build_world"]
