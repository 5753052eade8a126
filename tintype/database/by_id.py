"""Rows by their ids, from whatever shards those live in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any

import sqlalchemy as sa

from tintype.database.session import Reader, Row
from tintype.kernel.ids import Id, shard_of

SIZES = (1, 3, 8, 24, 72)
"""How many ids one statement asks for. What is missing is filled up with the last id, so that there
are few statements, each of them built and prepared once."""


class ById:
    """A query that is asked for some ids at a time.

    It asks for pairs, ``shard = … AND id = … OR shard = … AND id = …``: every row is found by its
    key, and a sharded cluster sees which shards it needs. Two lists, of shards and of ids, would be
    tried in every combination: for 25 rows that takes eight times as long, for 250 forty times.
    ``id_`` is the column that holds the ids; ``shard`` stands beside it in the same table.
    """

    def __init__(self, query: sa.Select[Any], id_: sa.Column[int]) -> None:
        self._query = query
        self._id = id_
        self._shard: sa.Column[int] = id_.table.c.shard

    async def all(
        self,
        reader: Reader,
        ids: Iterable[Id],
        parameters: Mapping[str, object] | None = None,
    ) -> list[Row]:
        """The rows of all of these ids; a query with an order keeps it for the rows of each id.

        ``parameters`` are those of the query itself.
        """
        rows: list[Row] = []
        for size, some in _portions(list(dict.fromkeys(ids))):
            asked = _named(some, size)
            if parameters:
                asked.update(parameters)
            rows += await reader.all(self._statements[size], asked)
        return rows

    @cached_property
    def _statements(self) -> dict[int, sa.Select[Any]]:
        return {
            size: self._query.where(
                sa.or_(
                    sa.false(),
                    *(
                        sa.and_(
                            self._shard == sa.bindparam(f"shard_{place}", type_=sa.Integer),
                            self._id == sa.bindparam(f"id_{place}", type_=sa.BigInteger),
                        )
                        for place in range(size)
                    ),
                )
            )
            for size in SIZES
        }


_NAMES = {
    size: tuple(chain.from_iterable((f"shard_{place}", f"id_{place}") for place in range(size)))
    for size in SIZES
}


def _portions(ids: list[Id]) -> Iterator[tuple[int, list[Id]]]:
    """The ids in portions, each with the size of the statement that asks for it."""
    most = SIZES[-1]
    for start in range(0, len(ids), most):
        some = ids[start : start + most]
        yield next(size for size in SIZES if size >= len(some)), some


def _named(ids: list[Id], size: int) -> dict[str, object]:
    filled = ids + ids[-1:] * (size - len(ids))
    values = chain.from_iterable((shard_of(id_), id_) for id_ in filled)
    return dict(zip(_NAMES[size], values, strict=True))
