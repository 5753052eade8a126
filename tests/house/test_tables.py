"""The schema stays fit for sharding: what a sharded PostgreSQL refuses, nobody writes.

The reasons are in docs/decisions/0004.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache

import pytest
import sqlalchemy as sa

import tintype
from tests.house import glossary, tree

SHARD = "shard"
REFUSED_CALLS = {
    "with_for_update": "FOR UPDATE may meet rows of several shards",
    "lateral": "LATERAL over several shards is refused",
    "json_extract": "JSON operators differ between the databases",
}
JOINS = {"join", "outerjoin", "join_from", "outerjoin_from"}
REFUSED_SQL = re.compile(
    r"\b(FOR\s+UPDATE|LATERAL|CREATE\s+(?:TEMP\s+)?TRIGGER|AUTOINCREMENT|json_extract|(?-i:JOIN)\s+\w+)\b",
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
        for line, reason in _refused(tree.parsed(path))
    ]

    assert not asked


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("sa.select(posts).with_for_update()", id="row locks over several shards"),
        pytest.param("sa.select(posts).limit(3).lateral()", id="a limit for each of many"),
        pytest.param("sa.text('SELECT 1 FROM posts FOR UPDATE')", id="row locks in text"),
        pytest.param("sa.text('SELECT 1 FROM a, LATERAL (SELECT 2)')", id="lateral in text"),
        pytest.param("sa.text('CREATE TRIGGER t AFTER INSERT ON posts')", id="a trigger"),
        pytest.param("sa.text('SELECT 1 FROM a JOIN b ON a.x = b.x')", id="a join in text"),
        pytest.param("sa.select(a).join(b, a.c.id == b.c.id)", id="a join on something else"),
        pytest.param("sa.select(a).join(b, a.c.shard == 3)", id="a join on one side's shard"),
        pytest.param("sa.select(a).outerjoin(b)", id="a join on nothing named"),
        pytest.param("sa.join(a, b, a.c.id == b.c.id)", id="a join as a function"),
    ],
)
def test_each_shape_that_a_sharded_database_refuses_is_found(source: str) -> None:
    assert list(_refused(ast.parse(f"statement = {source}")))


def test_a_join_on_the_shards_of_both_sides_is_fine() -> None:
    source = "sa.select(a).join(b, sa.and_(b.c.shard == a.c.shard, b.c.id == a.c.id))"

    assert not list(_refused(ast.parse(f"statement = {source}")))


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


def _refused(module: ast.Module) -> Iterator[tuple[int, str]]:
    prose = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in JOINS and _joins_tables(node):
                if not _on_both_shards(node):
                    yield node.lineno, "a join that is not on shard leaves its server"
            case ast.Call(func=ast.Attribute(attr=name)) if name in REFUSED_CALLS:
                yield node.lineno, REFUSED_CALLS[name]
            case ast.Constant(value=str(text)) if id(node) not in prose:
                if found := REFUSED_SQL.search(text):
                    yield node.lineno, found[0]
            case _:
                pass


def _joins_tables(call: ast.Call) -> bool:
    """Whether this joins tables: texts, paths and rooms are joined by a method of that name too."""
    texts = (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    owner = call.func.value
    if isinstance(owner, ast.Name) and owner.id == "sa":
        return True
    statement = isinstance(owner, ast.Call) and "select" in ast.unparse(owner)
    return statement or (not isinstance(owner, texts) and ".c." in ast.unparse(call))


def _on_both_shards(call: ast.Call) -> bool:
    return any(
        isinstance(node, ast.Compare)
        and [ast.unparse(side).endswith(".c.shard") for side in (node.left, *node.comparators)]
        == [True, True]
        for node in ast.walk(call)
    )
