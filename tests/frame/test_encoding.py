"""Recipes that replace categorical columns by numbers or by fewer levels."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.frame.encoding import LIMIT, eigen_values, label_values, most_frequent


def test_equally_frequent_levels_come_in_the_order_of_a_hash_table() -> None:
    """As in a run of H2O-3 3.46: level 19 before 18, all of the others by their numbers."""
    levels = [f"l{i}" for i in range(78)]
    twice = [5, 18, 19, 47, 50, 68]
    codes = np.array([*range(78), *twice, *[47] * 4, -1])
    assert most_frequent(codes, levels) == ["l47", "l5", "l19", "l18", "l50", "l68"]


def test_no_more_levels_are_kept_than_asked_for_and_none_that_occurs_once() -> None:
    levels = [f"l{i}" for i in range(30)]
    codes = np.repeat(np.arange(30), np.arange(30))
    assert most_frequent(codes, levels) == [f"l{i}" for i in range(29, 29 - LIMIT, -1)]
    assert most_frequent(np.arange(30), levels) == []


@pytest.mark.parametrize("counts", [[64, 51, 31], [5, 0, 3, 3], [1], [2, 2, 2, 2, 2]])
def test_eigen_values_are_a_row_of_an_orthogonal_matrix(counts: list[int]) -> None:
    values = np.array(eigen_values(np.repeat(np.arange(len(counts)), counts), len(counts)))
    assert np.square(values).sum() == pytest.approx(1, abs=1e-6)


def test_labels() -> None:
    assert label_values(["3", "-4", "+12"]) == (3.0, -4.0, 12.0)
    assert label_values(["3", "x"]) == (0.0, 1.0)
    assert label_values(["1" * 5000]) == (float("inf"),)
