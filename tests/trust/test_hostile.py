"""E13: a file that means harm ends in a sentence or in clean renditions, and reaches nothing.

All files and 20 000 mutants: ``python -m tests.trust.hostile``.
"""

from __future__ import annotations

import pytest

from tests.trust import hostile, hostile_server
from tests.trust.hostile_report import Report

pytestmark = [pytest.mark.trust, pytest.mark.timeout(900)]


@pytest.mark.slow
async def test_the_nastiest_files_reach_nothing_and_no_decoder_is_lost_for_good() -> None:
    report = await hostile.run(named="nastiest", kept=hostile.KEPT)

    assert report.violations == []
    assert report.files > 80
    assert report.ready > 10


@pytest.mark.slow
async def test_hundreds_of_mutants_end_in_a_sentence_or_in_clean_renditions() -> None:
    report = await hostile.run(named="none", mutated=200, kept=hostile.KEPT)

    assert report.violations == []
    assert report.mutants == 200


@pytest.mark.slow
async def test_a_server_that_is_flooded_with_them_goes_on_publishing_good_photos() -> None:
    report = await hostile_server.run(Report(kept=hostile.KEPT), quick=True)

    assert report.violations == []
    assert report.sent > 25
    assert report.figures["decoder_mb"] != 0
