"""Where H2O-3 3.46 departs from its documents: what the default, ``compat="booklet"``, does instead.

The numbers are those of the page "Differences from H2O". Other numbers have their tests elsewhere: 2 and 5 in
test_weights_offsets_balance, 6 and 8 in test_parameter_effects_data, 23 in test_saved_models.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from tests.algos.small import N, W, X, data, encode, fast, fit, history, inputs, numbers, why
from tests.algos.test_parameter_effects_network import MOMENTUM

ORIGINAL = {"compat": "h2o-3.46"}


def test_1_momentum_ramps() -> None:
    """The ramp changes the weights; in H2O only the report shows it."""
    steep = {**MOMENTUM, "momentum_ramp": 300}
    assert (W(fit(**steep)) != W(fit(**MOMENTUM))).any()
    shown = [fit(**p, **ORIGINAL).summary()["momentum"][1] for p in (steep, MOMENTUM)]
    assert shown[0] > shown[1]


def test_4_huber_delta_follows_the_errors() -> None:
    """With heavy tails the 0.9 quantile of the errors is far from 1 in units of the standard deviation."""
    random = np.random.default_rng(2)
    a = random.normal(size=400)
    z = 2 * a + random.standard_t(1.2, size=400)
    frame = h2o.H2OFrame({"a": a, "z": z})
    ours = fit("z", x=["a"], frame=frame, distribution="huber", huber_alpha=0.7, epochs=20)
    plain = fit("z", x=["a"], frame=frame, distribution="huber", huber_alpha=0.7, epochs=20, **ORIGINAL)
    clean = np.abs(numbers(ours.predict(frame))[:, 0] - 2 * a).mean()
    assert clean < np.abs(numbers(plain.predict(frame))[:, 0] - 2 * a).mean()


def test_7_hidden_layers_have_masks_of_their_own() -> None:
    same = {"hidden": [6, 6], "activation": "TanhWithDropout", "hidden_dropout_ratios": [0.5, 0.5]}
    assert (W(fit(**same)) != W(fit(**same, **ORIGINAL))).any()


def test_7_dropped_units_do_not_learn() -> None:
    """One row, half of the units dropped: their weights stay; in H2O the weights of dropped Tanh units move."""
    settings = {"activation": "TanhWithDropout", "hidden": [40], "adaptive_rate": False, "rate": 0.1}
    frame = data()[:2, :]
    start = W(fit(epochs=0, **settings))
    once = fit(frame=frame.rbind(frame), epochs=0.25, standardize=False, **settings)
    original = fit(
        frame=frame.rbind(frame), epochs=0.25, standardize=False, train_samples_per_iteration=1, **settings, **ORIGINAL
    )
    assert 8 < int((W(once) == start).all(axis=1).sum()) < 32
    assert (W(original) != start).any(axis=1).all()


def test_9_the_users_frame_never_changes() -> None:
    weights = np.ones(N)
    holes = data()._frame().numeric("b").copy()
    holes[::4] = np.nan
    frame = h2o.H2OFrame({"b": holes, "w": weights * 2 + np.arange(N) % 2}).cbind(data()["y"])
    before = frame.as_data_frame().copy()
    fit(x=["b"], frame=frame, weights_column="w", missing_values_handling="Skip")
    assert frame.as_data_frame().equals(before)


@pytest.mark.parametrize("metric", ["RMSE", "MAE"])
def test_11_the_best_model_is_the_best_by_the_stopping_metric(metric: str) -> None:
    unsteady = {
        "epochs": 30, "hidden": [10], "adaptive_rate": False, "rate": 0.08, "rate_annealing": 0.0,
        "stopping_metric": metric,
        "stopping_rounds": 100, "overwrite_with_best_model": True, "valid": data()[:60, :],
    }  # fmt: skip
    model = fit("z", **unsteady)
    values = history(model)[f"validation_{metric.lower()}"].dropna()
    assert values.iloc[-1] == pytest.approx(values.min(), rel=1e-6)


def test_11_the_best_model_also_when_time_is_up() -> None:
    unsteady = {
        "epochs": 1e6, "hidden": [10], "adaptive_rate": False, "rate": 0.3, "rate_annealing": 0.0,
        "overwrite_with_best_model": True, "max_runtime_secs": 0.4, "valid": data()[:40, :],
    }  # fmt: skip
    fit(epochs=0.1)
    model = fit(**unsteady)
    losses = history(model)["validation_logloss"].dropna()
    assert "max_runtime_secs" in why(model)
    assert losses.iloc[-1] == pytest.approx(losses.min(), rel=1e-6)


def test_13_the_last_metrics_are_those_of_the_model() -> None:
    fit(epochs=0.1)
    model = fast(epochs=1e7, max_runtime_secs=0.3, score_interval=1000)
    assert model._model.performance(data()._frame()).logloss() == pytest.approx(model.logloss(), rel=1e-6)


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("size", [0, -1])
def test_14_fractions_of_an_epoch(size: int, reproducible: bool) -> None:
    def samples(**params: Any) -> float:
        model = fit(train_samples_per_iteration=size, reproducible=reproducible, **params)
        return float(history(model)["samples"].iloc[-1])

    assert samples(epochs=0.25) == N / 4
    assert samples(epochs=2.5) == 2.5 * N
    assert samples(epochs=2) == 2 * N
    assert samples(epochs=0.25, **ORIGINAL) == N


def test_16_weights_count_in_the_metrics_of_autoencoders() -> None:
    times = np.arange(N) % 3
    frame = data().cbind(h2o.H2OFrame({"w": times}))
    model = encode(frame=frame, weights_column="w")
    errors = numbers(model.anomaly(data()))[:, 0]
    assert model.mse() == pytest.approx(np.average(errors, weights=times))
    original = encode(frame=frame, weights_column="w", **ORIGINAL)
    assert original.mse() == pytest.approx(numbers(original.anomaly(data())).mean())


@pytest.mark.parametrize("seed", [5, -5, 2**40, -(2**63)])
def test_18_a_seed_decides_everything_on_one_thread(seed: int) -> None:
    settings = {"activation": "TanhWithDropout", "input_dropout_ratio": 0.2, "force_load_balance": False, "seed": seed}
    one, two = (fast(**settings) for _ in range(2))
    assert (W(one) == W(two)).all()
    assert (W(fit(epochs=0, seed=seed)) == W(fit(epochs=0, seed=seed))).all()


def test_20_importances_of_maxout_look_at_both_channels() -> None:
    ours, original = fit(activation="Maxout"), fit(activation="Maxout", **ORIGINAL)
    assert (W(ours) == W(original)).all()
    assert ours.varimp() != original.varimp()


def test_21_the_derivative_of_exprectifier() -> None:
    assert (W(fit(activation="ExpRectifier")) != W(fit(activation="ExpRectifier", **ORIGINAL))).any()


def test_24_infinity_is_no_limit() -> None:
    assert math.isinf(fit(max_w2=math.inf)._model.actual.max_w2)
    assert fit(max_w2=math.inf, **ORIGINAL)._model.actual.max_w2 == 1000


def test_25_metrics_are_of_the_numbers_given_and_weigh_counts() -> None:
    frame = data()[["a"]].cbind(h2o.H2OFrame({"big": 1e9 + np.arange(N)}))
    model, original = fit("big", x=["a"], frame=frame), fit("big", x=["a"], frame=frame, **ORIGINAL)
    predicted = numbers(model.predict(frame))[:, 0]
    actual = 1e9 + np.arange(N)
    assert model.mae() == pytest.approx(np.abs(predicted - actual).mean(), rel=1e-12)
    assert original.mae() != pytest.approx(np.abs(numbers(original.predict(frame))[:, 0] - actual).mean(), rel=1e-9)
    weights = np.where(np.arange(N) % 2, 3.0, 1.0)
    weighted = data().cbind(h2o.H2OFrame({"w": weights}))
    counts = [fit("k", frame=weighted, weights_column="w", **c).confusion_matrix(train=True) for c in ({}, ORIGINAL)]
    totals = [sum(float(v) for v in c.cell_values[-1][:3]) for c in counts]
    assert totals == [weights.sum(), N]


@pytest.mark.filterwarnings("ignore:.*not seen in training")
@pytest.mark.parametrize("encoding", ["Binary", "LabelEncoder", "Eigen", "EnumLimited"])
def test_31_unseen_levels_and_other_rows(encoding: str) -> None:
    """A prediction depends on its row alone, and an unseen level counts as missing; in H2O it is not so."""
    random = np.random.default_rng(4)
    words = [f"w{i:02}" for i in random.integers(0, 14, N)]
    frame = h2o.H2OFrame({"word": words}, column_types={"word": "enum"}).cbind(data()[["a", "z"]])

    def scored(model: Any, words: list[Any]) -> np.ndarray:
        rows = h2o.H2OFrame({"word": words, "a": [0.5] * len(words)}, column_types={"word": "enum"})
        return numbers(model.predict(rows))[:, 0]

    ours, original = (
        fit("z", x=["word", "a"], frame=frame, categorical_encoding=encoding, **c) for c in ({}, ORIGINAL)
    )
    assert (W(ours) == W(original)).all()
    some = ["w04", "w01", "w04", "unseen", None]
    one_by_one = np.array([scored(ours, [w, "w01"])[0] for w in some])
    assert (scored(ours, some) == one_by_one).all()
    assert one_by_one[3] == one_by_one[4]
    assert (scored(original, some) != one_by_one).any()


@pytest.mark.filterwarnings("ignore:column .*not seen")
def test_31_labels_that_are_numbers() -> None:
    years = np.arange(N) % 4
    frame = h2o.H2OFrame({"year": [str(70 + y) for y in years]}, column_types={"year": "enum"}).cbind(data()["z"])
    strange = h2o.H2OFrame({"year": ["99", "seventy", None]}, column_types={"year": "enum"})
    settings = {"x": ["year"], "frame": frame, "categorical_encoding": "LabelEncoder", "standardize": False}
    found = inputs(fit("z", **settings), strange)
    assert found[0, 0] == found[1, 0] == found[2, 0]
    found = inputs(fit("z", **settings, **ORIGINAL), strange)
    assert found[0, 0] == 99
    assert found[1, 0] == found[2, 0]


def test_missing_values_are_the_weighted_mean() -> None:
    """8, with weights: an imputed cell is 0 after standardisation; in H2O it is not."""
    values = data()._frame().numeric("b").copy()
    values[::5] = np.nan
    frame = h2o.H2OFrame({"b": values, "w": np.where(np.nan_to_num(values) > 5, 4.0, 1.0)}).cbind(data()["y"])
    model = fit(x=["b"], frame=frame, weights_column="w")
    np.testing.assert_allclose(inputs(model, frame)[::5, 0], 0, atol=1e-12)
    assert X == ["a", "b", "c"]
