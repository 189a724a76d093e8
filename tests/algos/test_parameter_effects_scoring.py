"""Every parameter of scoring, stopping and reporting does what it says; see `effects` for the list."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.engine import session
from heavywater.errors import InvalidParams
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
from tests.algos.small import N, W, X, actual, data, fast, fit, history, why

OFTEN = {"score_interval": 0, "score_duty_cycle": 1}
STEPS = {"epochs": 4, "train_samples_per_iteration": 48}


def scorings(**params: Any) -> int:
    return int(history(fast(**{**STEPS, **params}))["training_logloss"].notna().sum())


def test_score_interval_and_duty_cycle() -> None:
    assert scorings(**OFTEN) == 20
    assert scorings(score_interval=1000, score_duty_cycle=1) == 2
    assert scorings(score_interval=0, score_duty_cycle=0) == 2


def test_score_each_iteration() -> None:
    assert scorings(score_interval=1000, score_each_iteration=True) == 20


def test_score_training_samples() -> None:
    assert fit(score_training_samples=0).model_performance(train=True).nobs() == N
    assert 20 < fit(score_training_samples=50).model_performance(train=True).nobs() < 100


def test_score_validation_samples() -> None:
    assert fit(valid=data()).model_performance(valid=True).nobs() == N
    assert 20 < fit(valid=data(), score_validation_samples=50).model_performance(valid=True).nobs() < 100


def test_score_validation_sampling() -> None:
    """Stratified: each class keeps its share, and none is left out."""
    y = np.array(["often"] * (N - 4) + ["rare"] * 4)
    frame = h2o.H2OFrame({"a": np.arange(N) % 7, "y": y})

    def classes(**params: Any) -> list[int]:
        found: list[list[int]] = []

        def count(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
            found.append(np.bincount(actual, minlength=2).tolist())
            return 0.0

        fit(
            x=["a"], frame=frame, valid=frame, epochs=0, score_validation_samples=60, custom_metric_func=count, **params
        )
        return found[-1]

    assert classes(score_validation_sampling="Stratified") == [59, 1]
    assert classes(score_validation_sampling="Stratified", seed=11) == [59, 1]
    assert {tuple(classes(seed=s)) for s in (1, 2, 3)} != {(59, 1)}


def test_classification_stop() -> None:
    model = fit(epochs=200, classification_stop=0.45)
    assert history(model)["epochs"].iloc[-1] < 200
    assert "reached classification_stop=0.45" in why(model)
    assert "all 5 epochs" in why(fit(epochs=5, classification_stop=-1))


def test_regression_stop() -> None:
    model = fit("z", epochs=200, regression_stop=5.0)
    assert model.mse() <= 5
    assert "reached regression_stop=5" in why(model)


def test_stopping_rounds_and_tolerance() -> None:
    rounds = {r: len(history(fit(epochs=60, stopping_rounds=r, stopping_tolerance=0.5))) for r in (0, 1, 3)}
    assert rounds[1] < rounds[3] < rounds[0] == 61
    assert len(history(fit(epochs=60, stopping_rounds=1, stopping_tolerance=0.0))) > rounds[1]


def test_stopping_metric() -> None:
    settings = {"epochs": 60, "stopping_rounds": 1, "stopping_tolerance": 0.5}
    assert "moving average of the training logloss" in why(fit(**settings))
    assert "moving average of the training AUC" in why(fit(**settings, stopping_metric="AUC"))
    assert "moving average of the validation RMSE" in why(fit("z", valid=data(), **settings, stopping_metric="RMSE"))
    assert actual(fit(**settings, stopping_metric="lift_top_gain"), "stopping_metric") == "lift_top_group"


def test_overwrite_with_best_model() -> None:
    settings = {"epochs": 40, "adaptive_rate": False, "rate": 0.5, "hidden": [20], "valid": data()[:40, :]}
    last, best = (fit(**settings, overwrite_with_best_model=o) for o in (False, True))
    losses = history(last)["validation_logloss"].dropna()
    assert last.logloss(valid=True) == losses.iloc[-1] > losses.min()
    assert best.logloss(valid=True) == pytest.approx(losses.min(), rel=1e-6)


def test_max_runtime_secs() -> None:
    fit(epochs=0.1)
    began = time.monotonic()
    model = fast(epochs=20000, max_runtime_secs=0.5, score_interval=1000)
    assert time.monotonic() - began < 5
    assert "max_runtime_secs (0.5 s) was reached" in why(model)


def test_variable_importances() -> None:
    assert {v[0] for v in fit().varimp()} == set(X)
    assert fit(variable_importances=False)._model.table("variable_importances") is None


def test_gainslift_bins() -> None:
    assert len(fit(gainslift_bins=4).gains_lift()) == 4
    assert len(fit(gainslift_bins=-1).gains_lift()) > 4
    none = fit(gainslift_bins=0)._model.metrics("train")
    assert none["gains_lift_table"] is None


def test_auc_type() -> None:
    assert np.isnan(fit("k").auc())
    assert 0.5 < fit("k", auc_type="MACRO_OVR").auc() <= 1
    assert fit("k", auc_type="MACRO_OVR").auc() != fit("k", auc_type="WEIGHTED_OVO").auc()


def test_max_hit_ratio_k() -> None:
    assert len(fit("k").hit_ratio_table()) == 3
    assert len(fit("k", max_hit_ratio_k=2).hit_ratio_table()) == 2


def share_wrong(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(predicted.argmax(axis=1) != actual, weights=weights))


def mean_error(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(np.abs(actual - predicted), weights=weights))


def test_custom_metric_func() -> None:
    model = fit("z", custom_metric_func=mean_error, valid=data()[:100, :])
    metrics = model.model_performance(valid=True)
    assert metrics.custom_metric_name() == "mean_error"
    assert metrics.custom_metric_value() == pytest.approx(model.mae(valid=True))
    assert model.model_performance(data()).custom_metric_value() == pytest.approx(model.mae())
    table = history(model)
    assert table["training_custom"].iloc[-1] == pytest.approx(model.mae())
    assert table["validation_custom"].iloc[-1] == pytest.approx(model.mae(valid=True))
    assert "mean_error" in repr(model)
    assert "training_custom" not in history(fit("z"))


def test_custom_metric_func_decides_about_stopping(tmp_path: Path) -> None:
    constant = {"epochs": 60, "stopping_rounds": 2}
    seen: list[int] = []

    def flat(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        seen.append(predicted.ndim)
        return 1.0

    for metric in ("custom", "custom_increasing"):
        model = fit(**constant, custom_metric_func=flat, stopping_metric=metric)
        assert f"the training {metric} over 2 scorings" in why(model)
    assert set(seen) == {2}
    with pytest.raises(InvalidParams, match="custom_metric_func is needed"):
        fit(**constant, stopping_metric="custom")
    kept = h2o.load_model(h2o.save_model(fit("k", custom_metric_func=share_wrong), str(tmp_path)))
    assert kept.model_performance(train=True).custom_metric_name() == "share_wrong"


def test_custom_metric_func_that_fails_is_named() -> None:
    def broken(actual: Any, predicted: Any, weights: Any) -> float:
        raise RuntimeError("no idea")

    with pytest.raises(h2o.errors.H2OValueError, match="custom_metric_func 'broken' failed: RuntimeError: no idea"):
        fit(custom_metric_func=broken)
    with pytest.raises(h2o.errors.H2OTypeError, match="must return a number; got str"):
        fit(custom_metric_func=lambda actual, predicted, weights: "good")
    with pytest.raises(InvalidParams, match="must be a Python function"):
        fit(custom_metric_func="python:key=MyMetric")


def test_export_checkpoints_dir(tmp_path: Path) -> None:
    model = fit(export_checkpoints_dir=str(tmp_path / "new"), model_id="kept")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["kept"]
    loaded = h2o.load_model(str(tmp_path / "new" / "kept"))
    assert (W(loaded) == W(model)).all()


def test_quiet_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool | None] = []

    class Watched(session.Progress):
        def __init__(self, label: str, *, enabled: bool | None) -> None:
            asked.append(enabled)
            super().__init__(label, enabled=False)

    monkeypatch.setattr(session, "Progress", Watched)
    fit()
    fit(quiet_mode=True)
    assert asked == [None, False]  # None: a bar where there is a terminal


def test_deprecated_and_refused() -> None:
    outdated = H2ODeepLearningEstimator(diagnostics=False, hidden=[2], epochs=0, seed=1)
    with pytest.warns(UserWarning, match="Deprecated option"):
        outdated.train(x=X, y="y", training_frame=data())
    with pytest.raises(InvalidParams, match="col_major"):
        fit(col_major=True)
    assert (W(fit(max_confusion_matrix_size=1)) == W(fit())).all()


def test_parameters_of_several_nodes_change_nothing_on_one() -> None:
    base = W(fit())
    for changed in ({"target_ratio_comm_to_comp": 0.9}, {"replicate_training_data": False}, {"single_node_mode": True}):
        model = fit(**changed)
        assert (W(model) == base).all()
    assert actual(fit(), "replicate_training_data") is False
    assert actual(fit(single_node_mode=True), "single_node_mode") is False


def test_elastic_averaging() -> None:
    """Averaging needs two nodes: the numbers are checked, a warning says that one trains alone, no weight changes."""
    asked = {"elastic_averaging": True, "elastic_averaging_moving_rate": 0.5, "elastic_averaging_regularization": 0.1}
    with pytest.raises(InvalidParams) as e:
        fit(**{**asked, "elastic_averaging_moving_rate": 2.0, "elastic_averaging_regularization": -1.0, "sparse": True})
    for name in ("elastic_averaging", *list(asked)[1:]):
        assert f"_{name}:" in str(e.value)
    for compat in ("booklet", "h2o-3.46"):
        model = fit(**asked, compat=compat)
        assert (W(model) == W(fit(compat=compat))).all()
        assert actual(model, "elastic_averaging") is True
    outspoken = H2ODeepLearningEstimator(**asked, hidden=[2], epochs=0, seed=1)
    with pytest.warns(UserWarning, match="elastic_averaging averages between nodes"):
        outspoken.train(x=X, y="y", training_frame=data())


def test_mini_batch_size() -> None:
    assert (W(fast(mini_batch_size=8)) != W(fast())).any()


def test_session_is_left_as_it_was() -> None:
    assert session.current().show_progress
