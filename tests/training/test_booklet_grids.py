"""The booklet's searches over 6 and 10 models (section 6.4) on all of MNIST, interrupted in the middle and continued."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
from heavywater.grid.grid_search import H2OGridSearch

CARTESIAN: dict[str, Any] = {"hyper_params": {"hidden": [[32, 32], [32, 16, 8], [100]], "l1": [1e-4, 1e-3]}}
RANDOM: dict[str, Any] = {
    "hyper_params": {
        "hidden": [[17, 32], [8, 19], [32, 16, 8], [100], [10, 10, 10, 10]],
        "l1": [s / 1e6 for s in range(1, 1001)],
    },
    "search_criteria": {"strategy": "RandomDiscrete", "max_models": 10, "seed": 123456},
}


@pytest.fixture(scope="module")
def digits(shared: Path) -> list[h2o.H2OFrame]:
    frames = [h2o.import_file(str(shared / "data" / "mnist" / f"{p}.csv.gz")) for p in ("train", "test")]
    for frame in frames:
        frame["C785"] = frame["C785"].asfactor()
    return frames


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*constant and empty columns")
@pytest.mark.parametrize(("options", "count"), [(CARTESIAN, 6), (RANDOM, 10)], ids=["6 models", "10 models"])
def test_interrupted_and_continued(options: dict[str, Any], count: int, digits: list[h2o.H2OFrame]) -> None:
    grid = H2OGridSearch(H2ODeepLearningEstimator(distribution="multinomial", epochs=1, seed=1), **options)
    data = {"x": digits[0].names[:784], "y": "C785", "training_frame": digits[0], "validation_frame": digits[1]}

    def interrupt() -> None:
        while len(grid.models) < count // 2:
            time.sleep(0.02)
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    grid.train(**data)
    assert grid.why_stopped == "it was stopped by the user"
    complete = [m for m in grid if not m.why_stopped().startswith("stopped by the user")]
    assert count // 2 <= len(complete) < count
    sums = {m.key: m._model.checksum for m in complete}
    grid.train(**data)
    assert len(grid) == count
    assert not grid.failures
    assert {m.key: m._model.checksum for m in grid if m.key in sums} == sums
    errors = [m.confusion_matrix(valid=True).error for m in grid.get_grid("misclassification")]
    assert errors == sorted(errors)
    assert errors[0] < 0.06
