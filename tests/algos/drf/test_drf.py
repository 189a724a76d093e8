"""Random forests: what they learn, which rows judge, parameters, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import InvalidParams, ModelFileError, NotSupported
from heavywater.estimators.random_forest import H2ORandomForestEstimator
from heavywater.models.container import write
from tests.algos.gbm.test_gbm import X, table

pytest.importorskip("lightgbm", reason="the library lightgbm is not installed")


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    return h2o.H2OFrame(table())


def train(frame: h2o.H2OFrame, y: str, **params: Any) -> H2ORandomForestEstimator:
    settings = {"seed": 1, "ntrees": 15, **params}
    valid = settings.pop("validation_frame", None)
    model = H2ORandomForestEstimator(**settings)
    return model.train(x=X, y=y, training_frame=frame, validation_frame=valid)  # type: ignore[return-value]


@pytest.mark.parametrize(("y", "bound"), [("two", 0.25), ("three", 0.35)])
def test_classes_are_learned(frame: h2o.H2OFrame, y: str, bound: float) -> None:
    unseen = h2o.H2OFrame(table(400, 9))
    model = train(frame, y, validation_frame=unseen)
    found = model.predict(unseen).as_data_frame()
    assert np.mean(found["predict"].to_numpy() != table(400, 9)[y].to_numpy()) < bound
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy().sum(axis=1), 1.0, rtol=1e-12)
    assert model.model_performance(unseen).logloss() == pytest.approx(model.logloss(valid=True), rel=1e-12)
    assert model.varimp()[0][0] == "a"


def test_numbers_are_learned_and_the_out_of_bag_error_is_that_of_unseen_rows(frame: h2o.H2OFrame) -> None:
    model = train(frame, "z", ntrees=40, validation_frame=h2o.H2OFrame(table(400, 9)))
    own = model.model_performance(frame).rmse()
    assert own < 0.75 * model.rmse()  # the forest knows its own rows
    assert model.rmse() == pytest.approx(model.rmse(valid=True), rel=0.2)
    assert "Out-Of-Bag" in model._trained().output["training_metrics"]["description"]


def test_a_row_is_judged_by_the_trees_that_did_not_draw_it(frame: h2o.H2OFrame) -> None:
    few = train(frame, "z", ntrees=1)._trained().metrics("train").nobs()  # type: ignore[union-attr]
    assert 0.28 * 400 < few < 0.46 * 400
    assert train(frame, "z", ntrees=30)._trained().metrics("train").nobs() == 400  # type: ignore[union-attr]
    whole = train(frame, "z", sample_rate=1.0, ntrees=5)
    assert whole.rmse() == pytest.approx(whole.model_performance(frame).rmse(), rel=1e-12)


def test_one_tree_on_all_rows_and_columns_gives_the_means_of_its_leaves(frame: h2o.H2OFrame) -> None:
    model = train(frame, "z", ntrees=1, sample_rate=1.0, mtries=-2, max_depth=3)._trained()
    found = model.answers(frame._frame())[:, 0]  # type: ignore[attr-defined]
    z = table()["z"].to_numpy()
    for leaf in np.unique(found):
        assert leaf == pytest.approx(z[found == leaf].mean(), rel=1e-6)
    assert 4 <= len(np.unique(found)) <= 8


@pytest.mark.parametrize(
    "change",
    [
        {"max_depth": 2}, {"min_rows": 30}, {"mtries": 3}, {"sample_rate": 0.3}, {"col_sample_rate_per_tree": 0.5},
        {"nbins_top_level": 4}, {"min_split_improvement": 5.0}, {"seed": 2}, {"ntrees": 8},
    ],
)  # fmt: skip
def test_a_parameter_changes_the_forest(frame: h2o.H2OFrame, change: dict[str, Any]) -> None:
    same = train(frame, "z")._trained().checksum
    assert same == train(frame, "z")._trained().checksum != train(frame, "z", **change)._trained().checksum


def test_weights_count_rows(frame: h2o.H2OFrame) -> None:
    plain, weighted = (train(frame, "z", weights_column=w)._trained().checksum for w in (None, "w"))
    assert plain != weighted


def test_cross_validation_and_early_stopping(frame: h2o.H2OFrame) -> None:
    folds = train(frame, "two", nfolds=3, fold_assignment="Modulo", keep_cross_validation_predictions=True)
    assert folds.auc(xval=True) > 0.7
    stopped = train(frame, "z", ntrees=300, stopping_rounds=2, stopping_tolerance=0.05, score_tree_interval=5)
    assert stopped._trained().output["ntrees"] < 300


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"binomial_double_trees": True}, "binomial_double_trees"), ({"distribution": "poisson"}, "distribution"),
        ({"mtries": 0}, "mtries"), ({"mtries": 9}, "number of predictors"), ({"checkpoint": "x"}, "checkpoint"),
        ({"offset_column": "w"}, "offset_column"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_said(frame: h2o.H2OFrame, params: dict[str, Any], text: str) -> None:
    with pytest.raises((InvalidParams, NotSupported), match=text):
        train(frame, "z", **params)


def test_a_file_gives_the_same_model(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = train(frame, "three")
    path = h2o.save_model(model, str(tmp_path))
    again = h2o.load_model(path)
    a, b = (m.predict(frame).as_data_frame().iloc[:, 1:].to_numpy() for m in (model, again))
    np.testing.assert_array_equal(a, b)
    state = model._trained().state
    output = {**state.output, "prior_class_distrib": [1.0]}
    bad = type(state)(state.algo, state.version, state.params, state.schema, output, state.arrays)
    with pytest.raises(ModelFileError, match="shares"):
        h2o.load_model(str(write(bad, tmp_path / "bad")))
