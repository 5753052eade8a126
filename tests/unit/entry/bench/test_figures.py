"""Histograms of latencies against exact percentiles."""

import math
from pathlib import Path

import numpy as np
import pytest

from tintype.entry.bench.figures import Histogram, Latency, read_results

ERROR = 1 / 128


def _filled(seconds: list[float]) -> Histogram:
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    return histogram


def test_an_empty_histogram_has_no_percentiles_and_breaks_nothing() -> None:
    histogram = Histogram()

    assert (len(histogram), histogram.percentile_ms(99), histogram.longest_ms) == (0, 0.0, 0.0)
    assert Latency.of(histogram).count == 0


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9, 100])
def test_a_percentile_is_never_too_low_and_too_high_by_less_than_a_128th(percent: float) -> None:
    drawn = np.random.default_rng(5).lognormal(-6, 2, 20_000).tolist()
    histogram = _filled(drawn)
    rank = math.ceil(len(drawn) * percent / 100) - 1
    exact = int(sorted(drawn)[rank] * 1e6) / 1000

    assert exact <= histogram.percentile_ms(percent) <= exact * (1 + ERROR) + 0.001


def test_every_duration_falls_into_a_bucket_that_is_narrow_enough() -> None:
    for micros in [*range(1_100), 2**20 - 1, 2**20, 2**20 + 1, 3_600_000_000]:
        told = _filled([micros / 1e6 + 1e-9]).longest_ms * 1000

        assert micros <= round(told, 3) <= micros * (1 + ERROR), micros


def test_less_than_nothing_counts_as_nothing() -> None:
    assert _filled([-0.5]).longest_ms == 0.0


def test_merged_histograms_hold_what_both_held() -> None:
    one, other = _filled([0.001] * 99), _filled([0.5])

    one.merge(other)

    assert len(one) == 100
    assert one.percentile_ms(99) == pytest.approx(1.0, rel=ERROR)
    assert one.longest_ms == pytest.approx(500, rel=ERROR)


def test_a_histogram_comes_back_from_the_results_as_it_was() -> None:
    histogram = _filled([0.001, 0.02, 0.3, 4.0])

    again = Latency.of(histogram, whole=True).histogram()

    assert list(again.bars()) == list(histogram.bars())


def test_a_file_that_holds_no_results_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"label": 3}')

    with pytest.raises(ValueError, match=r"other\.json"):
        read_results(tmp_path / "other.json")
    with pytest.raises(ValueError, match=r"none\.json"):
        read_results(tmp_path / "none.json")
