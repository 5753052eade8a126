"""The files that mean harm: how many there are, what their heads tell, and who judges the rest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.hostile import catalogue, judge, mutants
from tests.hostile.canary import Cage
from tests.trust.hostile_report import Report
from tintype.codecs import HEAD_BYTES, Limits, Rejected, check_head


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[catalogue.Case]:
    return list(catalogue.cases(Cage(tmp_path_factory.mktemp("cage"), 9)))


@pytest.mark.slow
def test_there_are_hundreds_of_files_and_no_two_are_the_same(
    everything: list[catalogue.Case],
) -> None:
    assert len({case.name for case in everything}) == len(everything)
    assert len({hashlib.sha256(case.data).digest() for case in everything}) >= 700


@pytest.mark.slow
def test_what_a_header_tells_is_refused_before_any_decoder_is_asked(
    everything: list[catalogue.Case],
) -> None:
    told = [case for case in everything if case.group in {"too large", "strangers", "programs"}]
    asked = []
    for case in told:
        try:
            check_head(case.data[:HEAD_BYTES], Limits())
        except Rejected:
            continue
        asked.append(case.name)

    assert len(told) > 100
    # How many pictures there are, only the whole file tells.
    assert set(asked) == {name for name in asked if "pictures" in name}


def test_the_same_seed_makes_the_same_mutants_again() -> None:
    once, again = (list(mutants.mutants(3, 40, start=5)) for _ in range(2))

    assert once == again
    assert len({each.data for each in once}) > 30
    assert mutants.mutant(3, 17) == once[12]
    assert mutants.mutant(4, 17) != once[12]


@pytest.mark.parametrize(
    "sentence",
    [
        "could-not-read",
        "This file is bad: pyvips.error.Error: unable to call jpegload.",
        "This photo could not be read from /var/lib/tintype/scratch/decoder-x/original.",
        "Traceback (most recent call last).",
        "the decoder died: it said nothing",
        "Invalid data found when processing input.",
        "This video lasts nan seconds.",
    ],
)
def test_a_sentence_that_nobody_understands_is_noticed(sentence: str) -> None:
    assert judge.complaint_about(sentence) is not None


def test_a_plain_sentence_raises_no_complaint() -> None:
    assert judge.complaint_about("This photo is damaged and could not be read.") is None


def test_a_failed_file_is_kept_with_what_is_known_of_it(tmp_path: Path) -> None:
    report = Report(seed=3, kept=tmp_path)
    case = catalogue.case_of(mutants.mutant(3, 1))

    report.done(case, 0.1, ["was accepted"])

    [data] = tmp_path.glob("*.bin")
    [about] = tmp_path.glob("*.txt")
    assert data.read_bytes() == case.data
    assert "was accepted" in about.read_text()
