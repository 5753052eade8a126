"""The few SQL shapes that SQLAlchemy spells per dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def upsert(
    table: sa.Table,
    values: Mapping[str, object] | Sequence[Mapping[str, object]] = (),
    *,
    index: Sequence[str],
    update: Sequence[str] | Mapping[str, sa.ColumnElement[object]] = (),
    add: Sequence[str] = (),
) -> sqlite.Insert:
    """INSERT that meets an existing row by ``index``: does nothing, or updates.

    ``update`` names columns to take from the refused row, or maps columns to expressions; ``add``
    names columns to which the refused row's are added. The statement renders the standard ``ON
    CONFLICT`` that SQLite and PostgreSQL share; the row count tells inserted or updated (1) from
    left alone (0). Without ``values`` they are given when it is executed.
    """
    statement = sqlite.insert(table)
    if values:
        statement = statement.values(values)
    if add:
        changed = {name: table.c[name] + statement.excluded[name] for name in add}
        return statement.on_conflict_do_update(index_elements=list(index), set_=changed)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(index))
    if isinstance(update, Mapping):
        changes: dict[str, object] = dict(update)
    else:
        changes = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(index), set_=changes)


class only_filtering(FunctionElement[int]):  # noqa: N801 - it is written and read like a function
    """A column that is compared, but by which SQLite shall not enter an index.

    Where the owner says it all, the shard beside it is for a sharded cluster, which sees it as the
    plain column.
    """

    type = sa.Integer()
    name = "only_filtering"
    inherit_cache = True


@compiles(only_filtering)
def _plain(element: only_filtering, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text


@compiles(only_filtering, "sqlite")
def _without_index(element: only_filtering, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


class _Numbers(sa.types.TypeDecorator[Any]):
    """Many whole numbers as one parameter: an array, or its text where there are no arrays."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(postgresql.ARRAY(sa.BigInteger))

    def process_bind_param(
        self, value: Sequence[int] | Callable[[], Sequence[int]] | None, dialect: sa.Dialect
    ) -> object:
        numbers = list(value() if callable(value) else value or ())
        return msgspec.json.encode(numbers).decode() if dialect.name == "sqlite" else numbers


class among(FunctionElement[bool]):  # noqa: N801 - it is written and read like a function
    """Whether a column is one of the numbers of the parameter ``name``, however many they are.

    The parameter may be a function that says them: it is called where they are asked for. SQLite
    does not ask by a column that is ``only_filtering``: there is only one server to choose.

    ``IN`` makes a parameter of each of them, and of every length of the list another statement:
    for 5,000 numbers that costs five times what finding their rows does.
    """

    type = sa.Boolean()
    name = "among"
    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[int], name: str) -> None:
        super().__init__(column, sa.bindparam(name, type_=_Numbers()))

    def self_group(self, against: object = None) -> among:
        """Itself: it is a comparison already, and ``= 1`` behind it would be in the index's way."""
        del against
        return self


@compiles(among)
def _any_of(element: among, compiler: Any, **options: Any) -> str:
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({numbers})"


@compiles(among, "sqlite")
def _in_text(element: among, compiler: Any, **options: Any) -> str:
    if isinstance(next(iter(element.clauses)), only_filtering):
        return "1"
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - no values in it


class _Ids(sa.types.TypeDecorator[frozenset[int]]):
    """Many whole numbers as one value: an array, or its text where there are no arrays."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(postgresql.ARRAY(sa.BigInteger))

    def process_result_value(
        self, value: str | Sequence[int] | None, dialect: sa.Dialect
    ) -> frozenset[int]:
        del dialect
        if isinstance(value, str):
            return _read(value)
        return frozenset(value or ())


@lru_cache(maxsize=16)
def _read(text: str) -> frozenset[int]:
    # Whoever reads the same rows again within a request gets the same object.
    return frozenset(msgspec.json.decode(text, type=list[int]))


class all_of(FunctionElement[frozenset[int]]):  # noqa: N801 - it is written and read like a function
    """Every value of a column of whole numbers, as one set in one row.

    Thousands of rows cost a third of what they cost one by one.
    """

    type = _Ids()
    name = "all_of"
    inherit_cache = True


@compiles(all_of)
def _as_array(element: all_of, compiler: Any, **options: Any) -> str:
    return f"array_agg({compiler.process(element.clauses, **options)})"


@compiles(all_of, "sqlite")
def _as_text(element: all_of, compiler: Any, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"
