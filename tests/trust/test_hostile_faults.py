"""E13 itself: it sees planted faults, and is not fooled by decoders that can do no harm."""

from __future__ import annotations

import pytest

from tests.trust import hostile

pytestmark = [pytest.mark.trust, pytest.mark.timeout(900)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no-sandbox", ("called the canary", "the canary's own words", "pwned", "not locked in")),
        ("no-time-cap", ("had no answer in its time",)),
        ("trust-the-type", ("was accepted",)),
        ("leaky-refusals", ("says 'vips'",)),
        ("keep-metadata", ("holds b'Exif",)),
        ("carry-foreign-bytes", ("hostile-payload",)),
        ("no-memory-cap", ("a decoder held 8",)),
    ],
)
async def test_the_experiment_sees_a_planted_fault(fault: str, words: tuple[str, ...]) -> None:
    report = await hostile.see(fault)

    seen = "\n".join(report.violations)
    assert [word for word in words if word not in seen] == []


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["obedient", "hanging"])
async def test_a_decoder_that_a_file_took_over_does_no_harm(broken: str) -> None:
    report = await hostile.see(broken, sabotage=False)

    assert report.violations == []
    assert report.files > 0
