"""The schema stays fit for sharding: what a sharded PostgreSQL refuses, nobody writes.

The reasons are in docs/decisions/0004.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sqlalchemy as sa

import tintype
from tests.house import glossary, tree

SHARD = "shard"
REFUSED_CALLS = {
    "with_for_update": "FOR UPDATE may meet rows of several shards",
    "lateral": "LATERAL over several shards is refused",
    "json_extract": "JSON operators differ between the databases",
}
REFUSED_SQL = re.compile(
    r"\b(FOR\s+UPDATE|LATERAL|CREATE\s+(?:TEMP\s+)?TRIGGER|AUTOINCREMENT|json_extract)\b",
    re.IGNORECASE,
)


def test_every_primary_key_starts_with_the_shard() -> None:
    wrong = [
        table.name
        for table in _tables()
        if [column.name for column in table.primary_key.columns][:1] != [SHARD]
    ]

    assert not wrong


def test_every_unique_constraint_and_index_includes_the_shard() -> None:
    wrong = [
        f"{table.name}: {rule.name or [column.name for column in rule.columns]}"
        for table in _tables()
        for rule in _unique_rules(table)
        if SHARD not in {column.name for column in rule.columns}
    ]

    assert not wrong


def test_every_foreign_key_includes_the_shard() -> None:
    wrong = [
        f"{table.name}: {key.column_keys}"
        for table in _tables()
        for key in table.foreign_key_constraints
        if SHARD not in key.column_keys
    ]

    assert not wrong


def test_no_key_is_counted_up_by_the_database() -> None:
    counted = [
        f"{table.name}.{column.name}"
        for table in _tables()
        for column in table.primary_key.columns
        if column.autoincrement is True
    ]

    assert not counted


def test_tables_and_columns_obey_the_glossary() -> None:
    banned = glossary.banned_words()
    names = {table.name for table in _tables()}
    names |= {column.name for table in _tables() for column in table.columns}

    assert [name for name in names - glossary.GIVEN.keys() if glossary.words(name) & banned] == []


def test_no_source_asks_for_what_a_sharded_database_refuses() -> None:
    asked = [
        f"{tree.relative(path)}:{line}: {reason}"
        for path in tree.python_files("tintype")
        for line, reason in _refused(path)
    ]

    assert not asked


@cache
def _tables() -> tuple[sa.Table, ...]:
    for module in pkgutil.walk_packages(tintype.__path__, "tintype."):
        if module.name.endswith((".store", ".tables")) or ".store." in module.name:
            importlib.import_module(module.name)
    metadata = importlib.import_module("tintype.database").metadata
    assert isinstance(metadata, sa.MetaData)
    assert metadata.tables
    return tuple(metadata.sorted_tables)


def _unique_rules(table: sa.Table) -> Iterator[sa.UniqueConstraint | sa.Index]:
    yield from (rule for rule in table.constraints if isinstance(rule, sa.UniqueConstraint))
    yield from (index for index in table.indexes if index.unique)


def _refused(path: Path) -> Iterator[tuple[int, str]]:
    prose = {id(node.value) for node in ast.walk(tree.parsed(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree.parsed(path)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in REFUSED_CALLS:
                yield node.lineno, REFUSED_CALLS[name]
            case ast.Constant(value=str(text)) if id(node) not in prose:
                if found := REFUSED_SQL.search(text):
                    yield node.lineno, found[0]
            case _:
                pass
