"""The default settings are as good as H2O's: the small sets here, all of them by `python -m benchmarks.quality`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality import Result, measured, reference, table


@pytest.mark.parametrize("name", ["iris", "prostate", "cars", "boston"])
def test_small_sets(shared: Path, name: str) -> None:
    result = measured(shared, name, reference(shared)[name])
    assert result.passed, table([result])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is not UTF-8")
@pytest.mark.parametrize("name", ["cal_housing", "airlines", "adult"])
def test_larger_sets(shared: Path, name: str) -> None:
    result = measured(shared, name, reference(shared)[name], seeds=1)
    assert result.passed, table([result])


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:constant and empty columns")
def test_the_largest_set(shared: Path) -> None:
    result = measured(shared, "covtype20k", reference(shared)["covtype20k"])
    assert result.passed, table([result])


def test_a_mean_beyond_the_bound_fails() -> None:
    assert Result("a", "error", 0.2, 0.01, 0.22, [0.21, 0.22]).passed
    assert not Result("a", "error", 0.2, 0.01, 0.22, [0.21, 0.24]).passed
