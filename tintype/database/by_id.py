"""Rows by pairs of numbers: by their ids, from whatever shards those live in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import sqlalchemy as sa

from tintype.database.session import Reader, Row
from tintype.kernel.ids import Id, shard_of

SIZES = (1, 3, 8, 24, 72)
"""How many pairs one statement asks for. What is missing is filled up with the last one, so that
there are few statements, each of them built and prepared once."""


class ByPair:
    """A query that is asked for some pairs of numbers at a time, each the end of a key.

    It asks ``one = … AND other = … OR one = … AND other = …``: every row is found by its key. Two
    lists would be tried in every combination: for 25 rows that takes eight times as long, for 250
    forty times. What else is part of the key has to be said ``beside`` each pair: said once for all
    of them, it is all that SQLite looks for in the index.
    """

    def __init__(
        self,
        query: sa.Select[Any],
        one: sa.Column[int],
        other: sa.Column[int],
        beside: Sequence[sa.ColumnElement[bool]] = (),
    ) -> None:
        self._query = query
        self._one = one
        self._other = other
        self._beside = beside

    async def pairs(
        self,
        reader: Reader,
        pairs: Iterable[tuple[int, int]],
        parameters: Mapping[str, object] | None = None,
    ) -> list[Row]:
        """The rows of all of these pairs; a query with an order keeps it for the rows of each.

        ``parameters`` are those of the query itself.
        """
        rows: list[Row] = []
        for size, some in _portions(list(dict.fromkeys(pairs))):
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
                            *self._beside,
                            self._one == sa.bindparam(f"one_{place}", type_=self._one.type),
                            self._other == sa.bindparam(f"other_{place}", type_=self._other.type),
                        )
                        for place in range(size)
                    ),
                )
            )
            for size in SIZES
        }


class ById(ByPair):
    """A query that is asked for some ids at a time, each with its shard.

    So a sharded cluster sees which shards it needs. ``id_`` is the column that holds the ids;
    ``shard`` stands beside it in the same table.
    """

    def __init__(self, query: sa.Select[Any], id_: sa.Column[int]) -> None:
        super().__init__(query, id_.table.c.shard, id_)

    async def all(
        self,
        reader: Reader,
        ids: Iterable[Id],
        parameters: Mapping[str, object] | None = None,
    ) -> list[Row]:
        """The rows of all of these ids, as ``pairs`` finds them."""
        return await self.pairs(reader, ((shard_of(id_), id_) for id_ in ids), parameters)


_NAMES = {
    size: tuple(chain.from_iterable((f"one_{place}", f"other_{place}") for place in range(size)))
    for size in SIZES
}


def _portions(pairs: list[tuple[int, int]]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The pairs in portions, each with the size of the statement that asks for it."""
    most = SIZES[-1]
    for start in range(0, len(pairs), most):
        some = pairs[start : start + most]
        yield next(size for size in SIZES if size >= len(some)), some


def _named(pairs: list[tuple[int, int]], size: int) -> dict[str, object]:
    filled = pairs + pairs[-1:] * (size - len(pairs))
    return dict(zip(_NAMES[size], chain.from_iterable(filled), strict=True))
