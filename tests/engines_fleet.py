"""Fleets for tests: all engines, and all roles on them."""

from __future__ import annotations

from tests.engines_nginx import need
from tools.engines.catalog import POSTGRESQL_FOLDERS, kafka_is_there

_LOST = "the fleet was not tested"


def need_engines() -> None:
    """Skip, loudly, when an engine of the fleet is missing; in continuous integration, fail."""
    for name in ("redis-server", "redis-cli", "versitygw", "java", "nginx"):
        need(name, _LOST)
    need("postgres", _LOST, *POSTGRESQL_FOLDERS)
    need("kafka", _LOST, there=kafka_is_there())
