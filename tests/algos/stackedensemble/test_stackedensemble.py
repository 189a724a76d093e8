"""Stacked ensembles: what they learn from, how well, and as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

import heavywater as h2o
from heavywater.errors import InvalidParams, ModelFileError
from heavywater.estimators import (
    H2ODeepLearningEstimator,
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2OStackedEnsembleEstimator,
)
from heavywater.models.container import write

pytest.importorskip("lightgbm", reason="the library lightgbm is not installed")
pytest.importorskip("glum", reason="the library glum is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:fold models ended early")
FOLDS: dict[str, Any] = {
    "nfolds": 5, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True, "seed": 1,
}  # fmt: skip


def frames(load: Any) -> tuple[h2o.H2OFrame, h2o.H2OFrame]:
    """Training and test frame."""
    table = load(as_frame=True).frame
    if load is not load_diabetes:
        table["target"] = table["target"].astype(str) + "c"
    train, test = h2o.H2OFrame(table).split_frame([0.7], seed=2)
    return train, test


def bases(train: h2o.H2OFrame) -> list[Any]:
    models = [
        H2OGeneralizedLinearEstimator(**FOLDS),
        H2OGradientBoostingEstimator(ntrees=30, **FOLDS),
        H2ODeepLearningEstimator(hidden=[20], epochs=20, reproducible=True, train_samples_per_iteration=0, **FOLDS),
    ]
    return [m.train(y="target", training_frame=train) for m in models]


@pytest.fixture(scope="module")
def binomial() -> tuple[h2o.H2OFrame, h2o.H2OFrame, list[Any]]:
    train, test = frames(load_breast_cancer)
    return train, test, bases(train)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_diabetes])
def test_an_ensemble_is_no_worse_than_its_best_base(load: Any) -> None:
    train, test = frames(load)
    models = bases(train)
    ensemble = H2OStackedEnsembleEstimator(base_models=models).train(y="target", training_frame=train)

    def loss(model: Any) -> float:
        found = model.model_performance(test)
        return float(found.mse() if load is load_diabetes else found.logloss())

    assert loss(ensemble) < np.mean([loss(m) for m in models])
    if load is not load_wine:  # 132 rows of three classes that can be told apart: the penalty is all that counts
        assert loss(ensemble) <= 1.05 * min(loss(m) for m in models)


def test_it_learns_from_predictions_for_held_out_rows(binomial: Any) -> None:
    train, test, models = binomial
    ensemble = H2OStackedEnsembleEstimator(base_models=[m.model_id for m in models], keep_levelone_frame=True, seed=1)
    ensemble.train(y="target", training_frame=train)
    level = h2o.get_frame(ensemble.levelone_frame_id())
    assert level.names == [*(m.model_id for m in models), "target"]
    for m in models:
        held_out = m.cross_validation_holdout_predictions()
        np.testing.assert_array_equal(
            level[m.model_id].as_data_frame().to_numpy()[:, 0], held_out.as_data_frame()["1c"].to_numpy()
        )
    coefficients = ensemble.metalearner().coef()
    assert min(coefficients[m.model_id] for m in models) >= 0
    by_hand = np.full(test.nrow, coefficients["Intercept"])
    for m in models:
        by_hand += coefficients[m.model_id] * m.predict(test).as_data_frame()["1c"].to_numpy()
    np.testing.assert_allclose(ensemble.predict(test).as_data_frame()["1c"], 1 / (1 + np.exp(-by_hand)), rtol=1e-9)


def test_blending_other_metalearners_and_transform(binomial: Any) -> None:
    train, test, models = binomial
    plain = H2OStackedEnsembleEstimator(base_models=models, seed=1).train(y="target", training_frame=train)
    found = {}
    for name, settings in {
        "blended": {"blending_frame": test},
        "logit": {"metalearner_transform": "Logit"},
        "gbm": {"metalearner_algorithm": "gbm", "metalearner_params": {"ntrees": 8}},
        "network": {
            "metalearner_algorithm": "deeplearning",
            "metalearner_params": '{"hidden": [5, 5], "epochs": [3], "reproducible": [true]}',
        },
        "folds": {"metalearner_nfolds": 3, "metalearner_fold_assignment": "Modulo"},
    }.items():
        model = H2OStackedEnsembleEstimator(base_models=models, seed=1, **settings)
        found[name] = model.train(y="target", training_frame=train)
        assert model.logloss() != plain.logloss() or name == "folds"
        assert model.auc() > 0.9
    assert len(found["gbm"].metalearner()._trained().trees.roots) == 8
    assert found["folds"].auc(xval=True) > 0.9


def test_a_file_holds_the_base_models_too(binomial: Any, tmp_path: Path) -> None:
    train, test, models = binomial
    ensemble = H2OStackedEnsembleEstimator(base_models=models).train(y="target", training_frame=train)
    expected = ensemble.predict(test).as_data_frame()
    path = h2o.save_model(ensemble, str(tmp_path))
    again = h2o.load_model(path)
    assert isinstance(again, H2OStackedEnsembleEstimator)
    assert again.predict(test).as_data_frame().equals(expected)
    state = ensemble._trained().state
    for change, message in (
        ({"algo": "stackedensemble"}, "cannot be"),
        ({"version": 7}, "version 7 of a part"),
        ({"schema": {}}, "cannot be read as a model"),
    ):
        schema = {**state.schema, "metalearner": {**state.schema["metalearner"], **change}}
        bad = type(state)(state.algo, state.version, state.params, schema, state.output, state.arrays)
        with pytest.raises(ModelFileError, match=message):
            h2o.load_model(str(write(bad, tmp_path / "bad", force=True)))


def test_base_models_that_do_not_fit_are_named(binomial: Any) -> None:
    train, _, models = binomial
    alone = H2OGeneralizedLinearEstimator(model_id="alone").train(y="target", training_frame=train)
    other = H2OGeneralizedLinearEstimator(model_id="other", **{**FOLDS, "nfolds": 3})
    other.train(y="target", training_frame=train)
    with pytest.raises(InvalidParams, match="'alone' has no predictions for held-out rows"):
        H2OStackedEnsembleEstimator(base_models=[models[0], alone]).train(y="target", training_frame=train)
    with pytest.raises(InvalidParams, match="'other' were cross-validated on different folds"):
        H2OStackedEnsembleEstimator(base_models=[models[0], other]).train(y="target", training_frame=train)
    with pytest.raises(InvalidParams, match="base_models is empty"):
        H2OStackedEnsembleEstimator().train(y="target", training_frame=train)
    with pytest.raises(InvalidParams, match="predicts 'target', not 'mean radius'"):
        H2OStackedEnsembleEstimator(base_models=models).train(y="mean radius", training_frame=train)
