"""The rule of early stopping, on sequences small enough to work out by hand."""

from __future__ import annotations

import math

import pytest

from heavywater.metrics.early_stopping import has_converged, moving_averages

DOWN = {"more_is_better": False, "bounded_by_zero": True}
UP = {"more_is_better": True, "bounded_by_zero": True}


def test_moving_averages_overlap() -> None:
    assert moving_averages([9.0, 4.0, 3.0, 2.0, 1.0], 2) == [3.5, 2.5, 1.5]


@pytest.mark.parametrize("values", [[], [1.0], [math.nan, 4.0, 3.0, 2.0]])
def test_too_few_values_decide_nothing(values: list[float]) -> None:
    assert moving_averages(values, 2) == []
    assert not has_converged(values, 2, 0.0, **DOWN)


def test_first_row_is_never_looked_at() -> None:
    assert has_converged([math.nan, 1.0, 1.0, 1.0, 1.0], 2, 0.0, **DOWN)


def test_improvement_goes_on_and_stagnation_stops() -> None:
    assert not has_converged([math.nan, 4.0, 3.0, 2.0, 1.0], 2, 0.0, **DOWN)
    assert has_converged([math.nan, 1.0, 2.0, 3.0, 4.0], 2, 0.0, **DOWN)
    assert not has_converged([math.nan, 0.5, 0.6, 0.7, 0.8], 2, 0.0, **UP)
    assert has_converged([math.nan, 0.8, 0.7, 0.6, 0.5], 2, 0.0, **UP)


def test_tolerance_is_relative() -> None:
    values = [math.nan, 100.0, 100.0, 99.5, 99.5]  # averages 100, 99.75, 99.5
    assert has_converged(values, 2, 0.01, **DOWN)
    assert not has_converged(values, 2, 0.001, **DOWN)


def test_perfect_value_stops_only_where_zero_is_perfect() -> None:
    zeros = [math.nan, 0.0, 0.0, 0.0, 0.0]
    assert has_converged(zeros, 2, 0.0, **DOWN)
    assert not has_converged(zeros, 2, 0.0, more_is_better=False, bounded_by_zero=False)


def test_nan_and_changes_of_sign_never_stop() -> None:
    assert not has_converged([math.nan, 1.0, math.nan, 1.0, 1.0], 2, 0.0, **DOWN)
    assert not has_converged([math.nan, -1.0, -1.0, 1.0, 1.0], 2, 0.0, more_is_better=False, bounded_by_zero=False)


def test_zero_rounds_switch_it_off() -> None:
    assert not has_converged([math.nan, 1.0, 2.0, 3.0], 0, 0.0, **DOWN)
