"""A throw-away instance with a small believable world, built through the public API."""

from tintype.entry.demo.world import populate

__all__ = ["populate"]
