"""The report carries every field that H2O's documentation page lists under "Interpreting a Deep Learning Model"."""

from __future__ import annotations

import math
from typing import Any

import pytest
from sklearn.datasets import load_wine

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator


@pytest.fixture(scope="module")
def model() -> Any:
    data = load_wine(as_frame=True)
    frame = h2o.H2OFrame(data.frame.assign(target=data.target.map({0: "a", 1: "b", 2: "c"})), destination_frame="wine")
    train, valid = frame.split_frame([0.7], seed=1, destination_frames=["wine_train", "wine_valid"])
    estimator = H2ODeepLearningEstimator(
        hidden=[12, 9], epochs=10, seed=1, activation="TanhWithDropout", hidden_dropout_ratios=[0.1, 0.2],
        input_dropout_ratio=0.05, l1=1e-5, l2=1e-4, adaptive_rate=False, rate=0.01, momentum_start=0.2,
        momentum_stable=0.6, momentum_ramp=1000, score_each_iteration=True, model_id="wine_model",
    )  # fmt: skip
    return estimator.train(y="target", training_frame=train, validation_frame=valid)


def test_status_of_neuron_layers(model: Any) -> None:
    table = model.summary()
    assert table.title == "Status of Neuron Layers"
    assert table.col_header == [
        "layer", "units", "type", "dropout", "l1", "l2", "mean_rate", "rate_rms", "momentum", "mean_weight", "weight_rms",
        "mean_bias", "bias_rms",
    ]  # fmt: skip
    assert table["layer"] == [1, 2, 3, 4]
    assert table["units"] == [13, 12, 9, 3]
    assert table["type"] == ["Input", "TanhDropout", "TanhDropout", "Softmax"]
    assert table["dropout"] == [5.0, 10.0, 20.0, None]
    assert table["l1"] == [None, 1e-5, 1e-5, 1e-5]
    assert table["l2"] == [None, 1e-4, 1e-4, 1e-4]
    samples = model.scoring_history()["samples"].iloc[-1]
    assert table["momentum"][1] == pytest.approx(min(0.6, 0.2 + 0.4 * samples / 1000))
    assert table["mean_rate"][1] == pytest.approx(0.01 / (1 + 1e-6 * samples), rel=1e-6)
    assert table["rate_rms"][1] == 0.0
    weights = model._model.network.W(0)
    assert table["mean_weight"][1] == pytest.approx(weights.mean(), rel=1e-4)
    assert table["weight_rms"][1] == pytest.approx(weights.std(), rel=0.05)
    biases = model._model.network.b(0)
    assert table["mean_bias"][1] == pytest.approx(biases.mean())
    assert table["bias_rms"][1] == pytest.approx(biases.std(), rel=0.05)
    assert "predicting target, 3-class classification, multinomial distribution, CrossEntropy loss" in table.description
    assert "mini-batch size 1" in table.description


@pytest.mark.parametrize("part", ["train", "valid"])
def test_metrics_say_where_they_come_from(model: Any, part: str) -> None:
    metrics = model.model_performance(**{part: True})
    frame = h2o.get_frame(f"wine_{part}")
    from heavywater.frame.checksum import frame_checksum

    assert metrics["model_id"] == "wine_model"
    assert metrics["model_checksum"] == model._model.checksum
    assert metrics["frame_id"] == f"wine_{part}"
    assert metrics["frame_checksum"] == frame_checksum(frame._frame())
    assert metrics["description"].startswith("Metrics reported on")
    assert metrics.model_category == "Multinomial"
    assert metrics["duration_ms"] >= 0
    assert model.start_time <= metrics["scoring_time"] <= model.end_time
    assert 0 < metrics["MSE"] < 1
    assert metrics["r2"] < 1
    assert metrics["logloss"] > 0
    assert metrics.nobs() == frame.nrow


def test_confusion_matrices_and_hit_ratios(model: Any) -> None:
    for part in ("train", "valid"):
        matrix = model.confusion_matrix(**{part: True})
        assert sum(map(sum, matrix.to_list())) == h2o.get_frame(f"wine_{part}").nrow
        ratios = model.hit_ratio_table(**{part: True})["hit_ratio"]
        assert ratios == sorted(ratios)
        assert ratios[-1] == 1.0
        assert ratios[0] == pytest.approx(1 - matrix.error)


def test_scoring_history(model: Any) -> None:
    history = model.scoring_history()
    head = ["timestamp", "duration", "training_speed", "epochs", "iterations", "samples"]
    measures = ["rmse", "logloss", "r2", "classification_error", "auc", "pr_auc"]
    expected = head + [f"{b}_{m}" for b in ("training", "validation") for m in measures]
    assert list(history.columns) == expected
    assert math.isnan(history["training_logloss"][0])
    assert history["training_logloss"].iloc[-1] == pytest.approx(model.logloss())
    assert history["validation_rmse"].iloc[-1] == pytest.approx(model.rmse(valid=True))
    assert history["epochs"].is_monotonic_increasing


def test_variable_importances(model: Any) -> None:
    rows = model.varimp()
    assert len(rows) == 13
    assert rows[0][1] == 1.0
    assert sum(r[3] for r in rows) == pytest.approx(1.0)
    assert [r[1] for r in rows] == sorted((r[1] for r in rows), reverse=True)


def test_parameters(model: Any) -> None:
    assert model.params["hidden"] == {"default": [200, 200], "input": [12, 9], "actual": [12, 9]}
    assert model.actual_params["seed"] == 1
    assert model.actual_params["loss"] == "CrossEntropy"
    assert model.params["loss"]["input"] == "Automatic"
    assert model.params["training_frame"]["actual"] == "wine_train"
    assert model.default_params["epochs"] == 10.0


def test_the_printed_report_has_it_all(model: Any) -> None:
    text, html = repr(model), model._repr_html_()
    for expected in (
        "wine_model", "Model Checksum", "Status of Neuron Layers", "Reported on train data", "Reported on validation data",
        "Confusion Matrix", "Top-3 Hit Ratios", "Scoring History", "Variable Importances", "momentum_ramp",
    ):  # fmt: skip
        assert expected in text, expected
        assert expected in html, expected
    assert "<script" not in html


def test_numbers_of_the_model(model: Any) -> None:
    assert model.type == "classifier"
    assert len(model.normmul()) == len(model.normsub()) == 13
    assert model.respmul() is None
    assert model.catoffsets() == [0]
    assert model.run_time >= 0
    both = model.logloss(train=True, valid=True)
    assert both == {"train": model.logloss(), "valid": model.logloss(valid=True)}


def test_plots_are_written(model: Any, tmp_path: Any) -> None:
    for name, plot in (("curve.png", model.plot), ("bars.png", model.varimp_plot)):
        plot(save_plot_path=str(tmp_path / name))
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
