"""Naive Bayes against a slow obvious twin, parameters, files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import heavywater as h2o
from heavywater.errors import InvalidParams, ModelFileError, NotSupported
from heavywater.estimators.naive_bayes import H2ONaiveBayesEstimator
from heavywater.models.container import write
from tests.algos.gbm.test_gbm import X, table


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    return h2o.H2OFrame(table())


def train(frame: h2o.H2OFrame, y: str = "two", x: list[str] = X, **params: Any) -> H2ONaiveBayesEstimator:
    valid = params.pop("validation_frame", None)
    model = H2ONaiveBayesEstimator(seed=1, **params)
    return model.train(x=x, y=y, training_frame=frame, validation_frame=valid)  # type: ignore[return-value]


def twin(data: pl.DataFrame, y: str, row: dict[str, Any], laplace: float, min_prob: float) -> list[float]:
    """Probabilities of the classes for one row, counted in plain Python."""
    scores = []
    for c in sorted(set(data[y])):
        rows = [r for r in data.to_dicts() if r[y] == c]
        score = math.log(len(rows) / len(data))
        for name in X:
            values = [r[name] for r in rows if r[name] is not None]
            if row[name] is None:
                continue
            if isinstance(row[name], str):
                levels = len({v for v in data[name] if v is not None})
                p = (values.count(row[name]) + laplace) / (len(values) + laplace * levels)
                score += math.log(p if p > 0 else min_prob)
            else:
                mean = sum(values) / len(values)
                sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
                p = math.exp(-((row[name] - mean) ** 2) / (2 * sd * sd)) / (sd * math.sqrt(2 * math.pi))
                score += math.log(p if p > 0 else min_prob)
        scores.append(score)
    largest = max(scores)
    total = sum(math.exp(s - largest) for s in scores)
    return [math.exp(s - largest) / total for s in scores]


@pytest.mark.parametrize("laplace", [0.0, 2.0])
@pytest.mark.parametrize("y", ["two", "three"])
def test_probabilities_are_those_of_the_twin(frame: h2o.H2OFrame, y: str, laplace: float) -> None:
    model = train(frame, y, laplace=laplace)
    found = model.predict(frame).as_data_frame().iloc[:, 1:].to_numpy()
    for i in (0, 7, 100, 399):
        row = table().row(i, named=True)
        np.testing.assert_allclose(found[i], twin(table(), y, row, laplace, 0.001), rtol=1e-9)


def test_what_was_never_seen_is_unlikely_and_what_is_missing_says_nothing() -> None:
    data = {"k": ["u", "u", "v", "v"] * 5, "c": ["a", "a", "a", "b"] * 5, "n": [1.0, 1.0, 1.0, 1.0, 2.0] * 4}
    frame = h2o.H2OFrame(pl.DataFrame(data))
    frame["k"] = frame["k"].asfactor()
    model = train(frame, "c", ["k"], min_prob=0.01)
    # "u" in the class b: 0 of 5, which counts as 0.01; in a: 10 of 15
    probability = model.predict(frame).as_data_frame()["b"][0]
    assert probability == pytest.approx(0.25 * 0.01 / (0.25 * 0.01 + 0.75 * 10 / 15))
    blank = h2o.H2OFrame(pl.DataFrame({"k": pl.Series([None], dtype=pl.Enum(["u", "v"]))}))
    assert model.predict(blank).as_data_frame()["b"][0] == pytest.approx(0.25)


def test_small_deviations_and_densities_are_replaced(frame: h2o.H2OFrame) -> None:
    base = train(frame).predict(frame).as_data_frame()["yes"]
    for change in ({"eps_sdev": 5.0, "min_sdev": 2.0}, {"eps_prob": 0.3, "min_prob": 0.3}):
        assert not np.allclose(base, train(frame, **change).predict(frame).as_data_frame()["yes"])


def test_folds_metrics_and_validation(frame: h2o.H2OFrame) -> None:
    model = train(frame, nfolds=3, fold_assignment="Modulo", validation_frame=h2o.H2OFrame(table(200, 4)))
    assert 0.7 < model.auc(xval=True) <= 1
    assert model.auc(valid=True) > 0.7
    assert train(frame, compute_metrics=False)._trained().metrics("train") is None


@pytest.mark.parametrize(
    ("y", "params", "text"),
    [
        ("z", {}, "asfactor"), ("two", {"balance_classes": True}, "balance_classes"), ("two", {"nfolds": 1}, "nfolds"),
        ("two", {"laplace": -1}, "laplace"), ("two", {"max_runtime_secs": 3}, "max_runtime_secs"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_said(frame: h2o.H2OFrame, y: str, params: dict[str, Any], text: str) -> None:
    with pytest.raises((InvalidParams, NotSupported), match=text):
        train(frame, y, **params)


def test_a_file_gives_the_same_model(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = train(frame, "three")
    path = h2o.save_model(model, str(tmp_path))
    a, b = (m.predict(frame).as_data_frame().iloc[:, 1:].to_numpy() for m in (model, h2o.load_model(path)))
    np.testing.assert_array_equal(a, b)
    state = model._trained().state
    arrays = {**state.arrays, "deviation": np.zeros((3, 1))}
    bad = type(state)(state.algo, state.version, state.params, state.schema, state.output, arrays)
    with pytest.raises(ModelFileError, match="deviation"):
        h2o.load_model(str(write(bad, tmp_path / "bad")))
