"""The glossary is normative: no identifier uses a word that it rules out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import tree

GLOSSARY = tree.ROOT / "docs" / "glossary.md"

# Names that other people's interfaces fix for us.
GIVEN = {
    "user_agent": "the HTTP header",
    "base_url": "the word of every HTTP client",
}


def test_no_identifier_uses_a_word_that_the_glossary_rules_out() -> None:
    banned = _banned_words()

    found = [
        f"{tree.relative(path)}:{line}: {name}"
        for path in tree.python_files("tintype", "tests", "bench", "tools")
        for name, line in _chosen_names(path)
        if name not in GIVEN and banned & _words(name)
    ]

    assert not found


def test_the_glossary_rules_words_out_at_all() -> None:
    banned = _banned_words()

    assert {"user", "manager", "helper", "thumbnail", "inbox"} <= banned
    assert not {"status", "size", "account"} & banned


def test_a_ruled_out_word_is_found_inside_any_spelling() -> None:
    assert _words("UserStore") == {"user", "store"}
    assert _words("by_users") == {"by", "user"}
    assert "base" not in _words("base64_text")


def _banned_words() -> set[str]:
    """The last column of the glossary's table, without the words marked ° and the explanations."""
    rows = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    cells = [row.strip("|").split("|")[-1] for row in rows[1:]]
    words = [word.strip() for cell in cells for word in cell.split(",")]
    return {word for word in words if word.isalpha()}


def _words(identifier: str) -> set[str]:
    """The words of an identifier in any spelling, in the singular."""
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", identifier)
    lowered = {part.lower() for part in parts}
    return {
        word if word.endswith("ss") or len(word) < 4 else word.removesuffix("s") for word in lowered
    }


def _chosen_names(path: Path) -> Iterator[tuple[str, int]]:
    """The names that this file chooses: what it defines, binds and takes, not what it calls."""
    yield path.stem, 1
    for node in ast.walk(tree.parsed(path)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.alias(asname=str(chosen)):
                yield chosen, node.lineno
            case _:
                pass
