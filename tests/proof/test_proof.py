"""The page of proof says what the result files say, and these what has to be known."""

from __future__ import annotations

from pathlib import Path

from tests.proof import results
from tests.proof.page import PAGE, page
from tests.simulation.invariants import ALL
from tests.simulation.sabotage_below import SABOTAGES


def test_the_page_is_what_the_result_files_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page() + "\n", "run `python -m tests.proof.page`"


def test_every_invariant_stands_on_the_page_and_no_bug_that_is_gone() -> None:
    text, planted = page(), results.read("planted")

    assert [name for name in ALL if f"| {name} |" not in text] == []
    assert planted
    assert planted.keys() <= SABOTAGES.keys()


def test_a_row_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    results.keep("faults", "Kafka down", {"lost": 1}, tmp_path)
    results.keep("faults", "Redis flushed", {"lost": 0}, tmp_path)
    results.keep("faults", "Kafka down", {"lost": 0}, tmp_path)

    assert results.read("faults", tmp_path) == {
        "Kafka down": {"lost": 0},
        "Redis flushed": {"lost": 0},
    }


def test_the_digest_changes_with_the_code_it_is_of() -> None:
    assert results.code_digest("tests/proof") == results.code_digest("tests/proof")
    assert results.code_digest("tests/proof") != results.code_digest("tests/simulation")
