"""The glossary is normative: no identifier uses a word that it rules out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import glossary, tree

IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
# Style sheets, comments and texts of the web client: whatever holds no identifiers.
NO_CODE = re.compile(
    r"<style.*?</style>|/\*.*?\*/|//[^\n]*|<!--.*?-->"
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"",
    re.DOTALL,
)


def test_no_identifier_uses_a_word_that_the_glossary_rules_out() -> None:
    banned = glossary.banned_words()

    found = [
        f"{tree.relative(path)}:{line}: {name}"
        for path in tree.python_files("tintype", "tests", "bench", "tools")
        for name, line in _chosen_names(path)
        if name not in glossary.GIVEN and banned & glossary.words(name)
    ]

    assert not found


def test_no_identifier_of_the_web_client_uses_such_a_word_either() -> None:
    banned = glossary.banned_words()

    found = {
        f"{tree.relative(path)}: {name}"
        for path in tree.files_below("web/src", suffixes=(".ts", ".svelte"))
        for name in IDENTIFIER.findall(NO_CODE.sub("", path.read_text(encoding="utf-8")))
        if name not in glossary.GIVEN and banned & glossary.words(name)
    }

    assert not found


def test_the_glossary_rules_words_out_at_all() -> None:
    banned = glossary.banned_words()

    assert {"user", "manager", "helper", "thumbnail", "inbox"} <= banned
    assert not {"status", "size", "account"} & banned


def test_a_ruled_out_word_is_found_inside_any_spelling() -> None:
    assert glossary.words("UserStore") == {"user", "store"}
    assert glossary.words("by_users") == {"by", "user"}
    assert "base" not in glossary.words("base64_text")


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
