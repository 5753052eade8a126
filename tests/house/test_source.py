"""Rules about single lines of code that no linter knows."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.house import tree

WORDS_IN_A_SENTENCE = 4
NOTE_TO_SELF = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_only_the_config_module_reads_the_environment() -> None:
    readers = [
        f"{tree.relative(path)}:{node.lineno}"
        for path in tree.python_files("tintype")
        if path != tree.PACKAGE / "config.py"
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]

    assert not readers


def test_nobody_commits_a_transaction_by_hand() -> None:
    commits = [
        f"{tree.relative(path)}:{node.lineno}"
        for slice_ in tree.slices()
        for path in tree.python_files(tree.relative(slice_))
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "rollback"}
    ]

    assert not commits


def test_comments_are_for_readers_and_hold_no_notes_to_self() -> None:
    notes = [
        f"{tree.relative(path)}:{line}: {text.strip()}"
        for path in tree.python_files("tintype", "tests", "bench", "tools")
        for text, line in _comments(path)
        if NOTE_TO_SELF.search(text)
    ]
    notes += [
        f"{tree.relative(path)}:{number}"
        for path in tree.files_below("web/src", suffixes=(".ts", ".svelte", ".css"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if NOTE_TO_SELF.search(line)
    ]

    assert not notes


def test_every_test_name_is_a_sentence_of_four_words_or_more() -> None:
    short = [
        f"{tree.relative(path)}:{node.lineno}: {node.name}"
        for path in tree.python_files("tests")
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name.removeprefix("test_").split("_")) < WORDS_IN_A_SENTENCE
    ]

    assert not short


def _comments(path: Path) -> Iterator[tuple[str, int]]:
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.string, token.start[0]
