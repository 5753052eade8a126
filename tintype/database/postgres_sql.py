"""How the portable statements of the stores are written for PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg

_MOST_PARAMETERS = 4_096


class Compiler(PGCompiler_asyncpg):
    """PostgreSQL's SQL, with few different texts for lists of different lengths.

    ``IN`` gets a parameter an element, which PostgreSQL needs in order to leave partitions out. Its
    lists are filled up with their last element to a power of two: ten statements are prepared and
    not a thousand. Lists beyond 4 096 elements are refused: page through them.
    """

    def _on_conflict_target(self, clause: Any, **options: Any) -> str:
        # The portable insert is SQLite's, which has no constraints by name.
        if not hasattr(clause, "constraint_target"):
            clause.constraint_target = None
        text: str = super()._on_conflict_target(clause, **options)  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
        return text

    def _literal_execute_expanding_parameter(
        self, name: str, parameter: Any, values: Sequence[Any], **options: Any
    ) -> tuple[Any, str]:
        if len(values) > _MOST_PARAMETERS:
            message = f"{len(values)} elements in one list; read them in pages"
            raise ValueError(message)
        expanded: tuple[Any, str] = super()._literal_execute_expanding_parameter(  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
            name, parameter, _filled_up(values), **options
        )
        return expanded


def _filled_up(values: Sequence[Any]) -> Sequence[Any]:
    room = 1 << (len(values) - 1).bit_length() if values else 0
    return [*values, *[values[-1]] * (room - len(values))] if room > len(values) else values
