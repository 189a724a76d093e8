"""Weights repeat rows, offsets are added as they are, and balancing classes is undone in the probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from tests.algos.small import N, W, b, data, encode, fast, fit, history, inputs, numbers

TIMES = np.random.default_rng(9).integers(0, 4, N)


def weighted(weights: Any = TIMES, frame: Any = None) -> h2o.H2OFrame:
    return (data() if frame is None else frame).cbind(h2o.H2OFrame({"w": weights}))


def with_holes() -> h2o.H2OFrame:
    b_ = data()._frame().numeric("b").copy()
    b_[::7] = np.nan
    return h2o.H2OFrame({"b": b_}).cbind(data()[["a", "c", "u", "y", "k", "z"]])


def repeated(frame: h2o.H2OFrame, times: np.ndarray = TIMES) -> h2o.H2OFrame:
    from heavywater.frame import Frame

    f = frame._frame()
    return h2o.H2OFrame._of(Frame(f.data[np.repeat(np.arange(f.nrow), times)]))


@pytest.mark.parametrize("y", ["y", "k", "z"])
def test_a_row_of_weight_two_is_the_row_twice(y: str) -> None:
    """Same statistics, same steps in the same order, same metrics as with the rows written out."""
    frame, x = with_holes(), ["a", "b", "c", "u"]
    once = fit(y, x, weighted(frame=frame), weights_column="w", epochs=3, score_training_samples=0)
    twice = fit(y, x, repeated(frame), epochs=3, score_training_samples=0)
    assert history(once)["samples"].tolist() == history(twice)["samples"].tolist()
    np.testing.assert_allclose(inputs(once, frame), inputs(twice, frame), rtol=1e-12, atol=1e-12)
    for l in range(2):
        np.testing.assert_allclose(W(once, l), W(twice, l), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(b(once, l), b(twice, l), rtol=1e-4, atol=1e-5)
    for metric in ("mse", "rmse"):
        assert getattr(once, metric)() == pytest.approx(getattr(twice, metric)(), rel=1e-4)


def test_weights_of_an_autoencoder() -> None:
    frame, x = with_holes(), ["a", "b", "c", "u"]
    once = encode(x, weighted(frame=frame), weights_column="w", epochs=3)
    twice = encode(x, repeated(frame), epochs=3)
    np.testing.assert_allclose(inputs(once, frame), inputs(twice, frame), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(W(once), W(twice), rtol=1e-4, atol=1e-5)


def test_weight_zero_is_as_good_as_absent() -> None:
    chosen = (np.arange(N) % 3 > 0).astype(float)
    some = fit("z", frame=weighted(chosen), weights_column="w", epochs=3)
    absent = fit("z", frame=repeated(data(), chosen.astype(int)), epochs=3)
    assert history(some)["samples"].tolist() == history(absent)["samples"].tolist()
    np.testing.assert_allclose(W(some), W(absent), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("y", ["y", "k", "z"])
def test_metrics_of_weighted_rows_are_those_of_repeated_rows(y: str) -> None:
    """The same network on both frames."""
    model = fit(y, frame=weighted(), weights_column="w")
    heavy, many = model.model_performance(weighted()), model.model_performance(repeated(data()))
    names = {
        "y": ("MSE", "logloss", "AUC", "pr_auc", "Gini", "mean_per_class_error", "r2"),
        "k": ("MSE", "logloss", "mean_per_class_error", "r2"),
        "z": ("MSE", "mae", "rmsle", "mean_residual_deviance", "r2"),
    }[y]
    for name in names:
        assert heavy[name] == pytest.approx(many[name], rel=1e-9, nan_ok=True), name
    if y != "z":
        assert heavy["cm"].error == pytest.approx(many["cm"].error)


def test_weights_pull_the_fast_trainer_too() -> None:
    weights = np.where(data()._frame().codes("y") == 1, 8.0, 1.0)
    plain, pulled = fast(epochs=20), fast(frame=weighted(weights), weights_column="w", epochs=20)
    yes = [numbers(m.predict(data()))[:, 1].mean() for m in (plain, pulled)]
    assert yes[1] > yes[0] + 0.15
    assert history(pulled)["samples"].iloc[-1] == 20 * weights.sum()


def offset(values: Any, frame: Any = None) -> h2o.H2OFrame:
    return (data() if frame is None else frame).cbind(h2o.H2OFrame({"o": values}))


def test_offsets_count_as_they_are() -> None:
    """Training on y with offset o is training on y - o, and o comes back in the predictions, negative or not."""
    o = np.where(np.arange(N) % 2 == 0, -3.0, 5.0)
    z = data()._frame().numeric("z")
    model = fit("z", frame=offset(o), offset_column="o")
    rest = fit("r", frame=data().cbind(h2o.H2OFrame({"r": z - o})))
    np.testing.assert_allclose(W(model), W(rest), rtol=1e-4, atol=1e-5)
    ours, theirs = numbers(model.predict(offset(o)))[:, 0], numbers(rest.predict(data()))[:, 0]
    np.testing.assert_allclose(ours, theirs + o, rtol=1e-3, atol=1e-3)
    original = fit("z", frame=offset(o), offset_column="o", compat="h2o-3.46")
    assert (W(original) != W(model)).any()


def test_offsets_of_a_log_link_multiply() -> None:
    model = fit("p", frame=offset(np.zeros(N)), offset_column="o", distribution="poisson")
    plain = numbers(model.predict(offset(np.zeros(N))))
    np.testing.assert_allclose(numbers(model.predict(offset(np.full(N, -1.0)))), plain * np.exp(-1), rtol=1e-9)


def test_a_missing_offset_column_is_an_error() -> None:
    model = fit("z", frame=offset(np.ones(N)), offset_column="o")
    with pytest.raises(h2o.errors.HeavywaterError, match="'o'"):
        model.predict(data())


def rare() -> h2o.H2OFrame:
    """One tenth "yes", which only weakly depends on a."""
    random = np.random.default_rng(4)
    a = random.normal(size=1000)
    y = np.where(random.random(1000) < 0.1 / (1 + np.exp(-a)) * 2, "yes", "no")
    return h2o.H2OFrame({"a": a, "y": y})


def test_balanced_classes_and_corrected_probabilities() -> None:
    frame = rare()
    model = fit(x=["a"], frame=frame, balance_classes=True, epochs=5)
    prior, after = (model._model.output[k] for k in ("prior_class_distrib", "model_class_distrib"))
    share = float((frame._frame().codes("y") == 1).mean())
    assert prior[1] == pytest.approx(share)
    assert after == pytest.approx([0.5, 0.5], abs=0.02)
    assert numbers(model.predict(frame))[:, 1].mean() == pytest.approx(share, abs=0.05)
    raw = model._model.network
    scorer = model._model.scorer()
    uncorrected = type(scorer)(scorer.design, scorer.response, scorer.hyper, scorer.category, scorer.options)
    inputs_ = next(uncorrected.encoded(frame[["a"]]._frame()))
    assert uncorrected.outputs(raw, inputs_)[:, 1].mean() > 0.35


def test_class_sampling_factors() -> None:
    model = fit(x=["a"], frame=rare(), balance_classes=True, class_sampling_factors=[0.5, 3.0])
    prior, after = (np.array(model._model.output[k]) for k in ("prior_class_distrib", "model_class_distrib"))
    expected = prior * [0.5, 3.0]
    np.testing.assert_allclose(after, expected / expected.sum(), atol=0.02)


def test_max_after_balance_size() -> None:
    rows = {
        size: history(fit(x=["a"], frame=rare(), balance_classes=True, epochs=1, max_after_balance_size=size))[
            "samples"
        ].iloc[-1]
        for size in (5.0, 1.2, 0.5)
    }
    assert rows[5.0] == pytest.approx(1800, rel=0.05)
    assert rows[1.2] == pytest.approx(1200, rel=0.05)
    assert rows[0.5] == pytest.approx(500, rel=0.1)
