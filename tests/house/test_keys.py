"""The page about keys says of every table what the schema says."""

import importlib
import re

import sqlalchemy as sa

from tests.house import tree

ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def test_the_page_about_keys_names_every_table_with_its_keys_and_indexes() -> None:
    importlib.import_module("tintype.entry.compose")  # its slices declare the tables
    metadata = importlib.import_module("tintype.database").metadata
    page = (tree.ROOT / "docs" / "reference" / "keys.md").read_text(encoding="utf-8")

    written = {name: (sort_key, indexes) for name, sort_key, indexes in ROW.findall(page)}

    assert written == {table.name: _keys(table) for table in metadata.sorted_tables}


def _keys(table: sa.Table) -> tuple[str, str]:
    sort_key = ", ".join(column.name for column in list(table.primary_key.columns)[1:])
    indexes = [
        ", ".join(column.name for column in index.columns)
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    indexes += [
        ", ".join(column.name for column in rule.columns) + " (unique)"
        for rule in table.constraints
        if isinstance(rule, sa.UniqueConstraint)
    ]
    return sort_key, "; ".join(indexes) or "none"
