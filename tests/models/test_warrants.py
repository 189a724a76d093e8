"""Row warrants: missing, unseen and out-of-range inputs are named for every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import heavywater as h2o
from heavywater.estimators import H2ODeepLearningEstimator, H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator

pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing)")
TRAIN = {
    "n": [1.0, 2.0, 3.0, 4.0] * 10,
    "k": ["u", "v", "w", "u"] * 10,
    "d": [1, 2, 1, 2] * 10,
    "y": [1.0, 2.0, 2.5, 4.5] * 10,
}
ROWS = {"n": [2.0, None, 4.5, 0.5, 4.0], "k": ["u", "z", None, "v", "w"], "d": [1, 3, None, 2, 9]}
EXPECTED = {
    "missing": ["", "n", "k, d", "", ""],
    "unseen": ["", "k, d", "", "", "d"],
    "out_of_range": ["", "", "n", "n", ""],
}


def frame() -> h2o.H2OFrame:
    made = h2o.H2OFrame(TRAIN)
    for c in ("k", "d"):
        made[c] = made[c].asfactor()
    return made


def flags(model: Any, rows: dict[str, Any]) -> dict[str, list[str]]:
    found = model.predict(h2o.H2OFrame(rows), flags=True)
    assert found.names[-3:] == ["missing", "unseen", "out_of_range"]
    table = found.as_data_frame().fillna("")
    return {kind: [set(filter(None, v.split(", "))) for v in table[kind]] for kind in EXPECTED}  # type: ignore[misc]


WANTED = {k: [set(filter(None, v.split(", "))) for v in column] for k, column in EXPECTED.items()}


@pytest.mark.parametrize(
    "estimator",
    [
        H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1),
        H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1, categorical_encoding="Binary"),
        H2OGradientBoostingEstimator(ntrees=2, min_rows=1),
        H2OGeneralizedLinearEstimator(),
    ],
    ids=["network", "encoded", "gbm", "glm"],
)
def test_every_row_says_what_was_wrong_with_it(estimator: Any, tmp_path: Path) -> None:
    model = estimator.train(x=["n", "k", "d"], y="y", training_frame=frame())
    assert flags(model, ROWS) == WANTED
    again = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    assert flags(again, ROWS) == WANTED


def test_a_column_that_is_not_there_is_missing_everywhere() -> None:
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x=["n", "k"], y="y", training_frame=frame())
    assert flags(model, {"k": ["u", "q"]})["missing"] == [{"n"}, {"n"}]


def test_without_flags_nothing_is_added() -> None:
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x=["n"], y="y", training_frame=frame())
    assert model.predict(frame()).names == ["predict"]
