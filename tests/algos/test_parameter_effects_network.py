"""Every parameter of the network and its optimiser does what it says; see `effects` for the list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from tests.algos.small import N, W, X, actual, b, data, encode, fast, fit, history, numbers

PLAIN = {"adaptive_rate": False, "rate": 0.05}
MOMENTUM = {**PLAIN, "rate": 0.01, "momentum_start": 0.2, "momentum_stable": 0.9, "momentum_ramp": 1000}


def features(model: Any) -> np.ndarray:
    return numbers(model.deepfeatures(data(), 0))


def test_activation() -> None:
    tanh, rectifier, exp = (features(fit(activation=a)) for a in ("Tanh", "Rectifier", "ExpRectifier"))
    assert -1 < tanh.min() < 0 < tanh.max() < 1
    assert rectifier.min() == 0
    assert rectifier.max() > 1
    assert -1 < exp.min() < 0
    assert exp.max() > 1
    maxout = fit(activation="Maxout")
    assert b(maxout).shape == (12,)
    assert W(maxout).shape == (12, 3)


@pytest.mark.parametrize("activation", ["Tanh", "Rectifier", "Maxout", "ExpRectifier"])
def test_activation_with_dropout(activation: str) -> None:
    assert (W(fit(activation=activation)) != W(fit(activation=activation + "WithDropout"))).any()


def test_hidden() -> None:
    model = fit(hidden=[7, 5])
    assert [W(model, l).shape for l in range(3)] == [(7, 3), (5, 7), (2, 5)]
    assert W(fit(hidden=[])).shape == (2, 3)


def test_epochs() -> None:
    assert history(fit(epochs=3))["samples"].iloc[-1] == 3 * N
    assert history(fast(epochs=0.5))["samples"].iloc[-1] == N / 2


def test_train_samples_per_iteration() -> None:
    def steps(**params: Any) -> list[float]:
        model = fast(score_each_iteration=True, epochs=2, **params)
        return np.diff(history(model)["samples"]).tolist()

    assert steps(train_samples_per_iteration=0) == steps(train_samples_per_iteration=-1) == [N, N]
    assert steps(train_samples_per_iteration=120) == [120] * 4
    assert steps(train_samples_per_iteration=-2) == [N * 2 // 40] * 40


def test_seed() -> None:
    assert (W(fit(epochs=0, seed=1)) != W(fit(epochs=0, seed=2))).all()
    assert (W(fit(epochs=0, seed=1)) == W(fit(epochs=0, seed=1))).all()
    drawn = {actual(fit(epochs=0, seed=-1), "seed") for _ in range(2)}
    assert len(drawn) == 2
    assert -1 not in drawn


def test_reproducible() -> None:
    one, two = (fit(activation="TanhWithDropout", shuffle_training_data=True) for _ in range(2))
    assert (W(one) == W(two)).all()
    assert actual(one, "score_each_iteration")
    assert (W(one) != W(fast(activation="TanhWithDropout", shuffle_training_data=True))).any()


def test_adaptive_rate() -> None:
    adaptive, plain = fit(), fit(**PLAIN)
    assert len(adaptive._model.network.ada_weight_g)
    assert not len(plain._model.network.ada_weight_g)
    assert adaptive.summary()["rate_rms"][1] > 0
    assert plain.summary()["rate_rms"][1] == 0


@pytest.mark.parametrize(("name", "value"), [("rho", 0.9), ("epsilon", 1e-6)])
def test_adadelta_numbers(name: str, value: float) -> None:
    assert (W(fit(**{name: value})) != W(fit())).all()


def test_adadelta_epsilon_sets_the_first_step() -> None:
    """The first step is about the root of epsilon: a hundred times the epsilon, ten times the step."""

    def step(epsilon: float) -> float:
        start, end = fit(epochs=0), fast(epochs=1 / N, epsilon=epsilon)
        moved = np.abs(W(end) - W(start))
        return float(moved[moved > 0].mean())

    assert step(1e-8) == pytest.approx(10 * step(1e-10), rel=0.1)


def test_rate() -> None:
    start, slow, quick = (
        fit(epochs=0),
        fast(epochs=1 / N, **{**PLAIN, "rate": 0.001}),
        fast(epochs=1 / N, **{**PLAIN, "rate": 0.01}),
    )
    np.testing.assert_allclose(W(quick) - W(start), 10 * (W(slow) - W(start)), rtol=1e-2, atol=1e-6)


def test_rate_annealing() -> None:
    model = fit(**PLAIN, rate_annealing=0.01)
    assert model.summary()["mean_rate"][1] == pytest.approx(0.05 / (1 + 0.01 * 2 * N), rel=1e-6)
    assert (W(model) != W(fit(**PLAIN, rate_annealing=0.0))).any()


def test_rate_decay() -> None:
    model = fit(**PLAIN, rate_annealing=0.0, rate_decay=0.5)
    rates = model.summary()["mean_rate"][1:]
    assert rates[1] == pytest.approx(rates[0] / 2)
    start = W(fit(epochs=0), 1)
    moved = np.abs(W(model, 1) - start).sum()
    assert moved < np.abs(W(fit(**PLAIN, rate_annealing=0.0), 1) - start).sum()


def test_momentum_start_ramp_and_stable() -> None:
    model = fit(**MOMENTUM)
    assert model.summary()["momentum"][1] == pytest.approx(0.2 + 0.7 * 2 * N / 1000)
    assert fit(**{**MOMENTUM, "momentum_ramp": 100}).summary()["momentum"][1] == pytest.approx(0.9)
    for name, value in (("momentum_start", 0.5), ("momentum_ramp", 100), ("momentum_stable", 0.5)):
        assert (W(fit(**{**MOMENTUM, name: value})) != W(model)).any(), name


def test_nesterov_accelerated_gradient() -> None:
    assert (W(fit(**MOMENTUM)) != W(fit(**MOMENTUM, nesterov_accelerated_gradient=False))).any()


def test_input_dropout_ratio() -> None:
    """Training leaves inputs out; scoring, as promised, scales them by what was left in."""
    assert fit(input_dropout_ratio=0.4).summary()["dropout"][0] == pytest.approx(40)
    assert (W(fit(input_dropout_ratio=0.4)) != W(fit())).any()
    plain = fit(epochs=0, activation="Tanh")
    halved = fit(epochs=0, activation="Tanh", input_dropout_ratio=0.5)
    np.testing.assert_allclose(np.arctanh(features(halved)), 0.5 * np.arctanh(features(plain)), rtol=1e-6)


def test_hidden_dropout_ratios() -> None:
    plain, dropped = (fit(epochs=0, activation=a) for a in ("Tanh", "TanhWithDropout"))
    np.testing.assert_allclose(features(dropped), 0.5 * features(plain))
    little = fit(epochs=0, activation="TanhWithDropout", hidden_dropout_ratios=[0.1])
    np.testing.assert_allclose(features(little), 0.9 * features(plain))
    weights = [W(fit(activation="TanhWithDropout", hidden_dropout_ratios=[r])) for r in (0.0, 0.1, 0.5)]
    assert (weights[0] == W(fit(activation="Tanh"))).all()
    assert (weights[1] != weights[2]).any()


def test_l1_and_l2() -> None:
    plain = fit(**PLAIN, epochs=5, hidden=[20])
    l1 = fit(**PLAIN, epochs=5, hidden=[20], l1=0.01)
    l2 = fit(**PLAIN, epochs=5, hidden=[20], l2=0.01)
    assert (np.abs(W(l1)) < 0.02).sum() > 2 * (np.abs(W(plain)) < 0.02).sum()
    assert (W(l2) ** 2).sum() < 0.9 * (W(plain) ** 2).sum()
    assert (W(l1) != W(l2)).all()


def test_max_w2() -> None:
    assert (W(fit()) ** 2).sum(axis=1).max() > 0.6
    assert (W(fit(max_w2=0.5)) ** 2).sum(axis=1).max() <= 0.5 * 1.01


def test_initial_weight_distribution_and_scale() -> None:
    wide = {"epochs": 0, "hidden": [200]}
    adaptive = W(fit(**wide))
    assert np.abs(adaptive).max() == pytest.approx(math.sqrt(6 / 203), rel=0.02)
    uniform = W(fit(**wide, initial_weight_distribution="Uniform", initial_weight_scale=0.3))
    assert np.abs(uniform).max() == pytest.approx(0.3, rel=0.02)
    normal = W(fit(**wide, initial_weight_distribution="Normal", initial_weight_scale=0.3))
    assert normal.std() == pytest.approx(0.3, rel=0.1)
    assert np.abs(normal).max() > 0.6


def test_initial_weights_and_biases() -> None:
    w = np.arange(18).reshape(6, 3) / 10
    bias = np.arange(6) / 4
    frames = {"initial_weights": [h2o.H2OFrame(w), None], "initial_biases": [h2o.H2OFrame(bias[:, None]), None]}
    model = fit(epochs=0, **frames)
    np.testing.assert_allclose(W(model), w, rtol=1e-6)
    np.testing.assert_allclose(b(model), bias)
    only_biases = fit(epochs=0, initial_biases=frames["initial_biases"])
    np.testing.assert_allclose(b(only_biases), bias)
    assert (W(only_biases) == W(fit(epochs=0))).all()


def test_loss() -> None:
    assert (W(fit(loss="CrossEntropy")) != W(fit(loss="Quadratic"))).any()
    for loss, distribution in (
        ("Absolute", "laplace"),
        ("Huber", "huber"),
        ("Quantile", "quantile"),
        ("Quadratic", "gaussian"),
    ):
        model = fit("z", loss=loss)
        assert actual(model, "distribution") == distribution
        assert (W(model) == W(fit("z", distribution=distribution))).all()


def test_distribution() -> None:
    weights = [W(fit("p", distribution=d)) for d in ("gaussian", "laplace", "huber", "poisson", "gamma", "tweedie")]
    for i, one in enumerate(weights):
        assert all((one != other).any() for other in weights[:i])
    for d in ("poisson", "gamma", "tweedie"):
        assert numbers(fit("p", distribution=d).predict(data())).min() > 0
    assert actual(fit("y"), "distribution") == "bernoulli"
    assert actual(fit("k"), "distribution") == "multinomial"


@pytest.mark.parametrize("alpha", [0.1, 0.8])
def test_quantile_alpha(alpha: float) -> None:
    model = fit("z", distribution="quantile", quantile_alpha=alpha, epochs=60, hidden=[10])
    z = data()._frame().numeric("z")
    below = float((z <= numbers(model.predict(data()))[:, 0]).mean())
    assert below == pytest.approx(alpha, abs=0.1)


def test_tweedie_power() -> None:
    low, high = (fit("p", distribution="tweedie", tweedie_power=p) for p in (1.1, 1.9))
    assert (W(low) != W(high)).any()
    assert low.mean_residual_deviance() != pytest.approx(high.mean_residual_deviance(), rel=0.05)


def test_huber_alpha() -> None:
    """Where the loss turns linear follows the errors; H2O's training does not look at it."""
    weights = [W(fit("z", distribution="huber", huber_alpha=a)) for a in (0.3, 0.9)]
    assert (weights[0] != weights[1]).any()
    same = [W(fit("z", distribution="huber", huber_alpha=a, compat="h2o-3.46")) for a in (0.3, 0.9)]
    assert (same[0] == same[1]).all()


def test_fast_mode() -> None:
    """Weights from inputs that are 0 decay only without it."""
    rare = h2o.H2OFrame({"a": data()._frame().numeric("a"), "c": np.where(np.arange(N) == 0, 1.0, 0.0)})
    frame = rare.cbind(data()["y"])
    model = {
        mode: fit(x=["a", "c"], frame=frame, sparse=True, l2=0.01, fast_mode=mode, **PLAIN) for mode in (True, False)
    }
    kept, decayed = (np.abs(W(model[mode])[:, 1]).sum() for mode in (True, False))
    assert decayed < 0.9 * kept


def test_autoencoder() -> None:
    model = encode()
    assert model._model.category == "AutoEncoder"
    assert numbers(model.predict(data())).shape == (N, 3)


def test_sparsity_beta_and_average_activation() -> None:
    def mean(**params: Any) -> float:
        model = encode(hidden=[20], epochs=60, **params)
        return float(model._model.network.mean_activation.mean() if params else features(model).mean())

    low, high = (mean(sparsity_beta=0.5, average_activation=t) for t in (-0.5, 0.5))
    assert low < -0.2
    assert high > 0.2
    weak = mean(sparsity_beta=1e-4, average_activation=0.5)
    assert weak < high


def test_pretrained_autoencoder() -> None:
    encoder = encode(hidden=[4])
    model = fit(hidden=[4], activation="Tanh", epochs=0, pretrained_autoencoder=encoder)
    assert (W(model) == W(encoder)).all()
    assert (b(model) == b(encoder)).all()
    assert (W(fit(hidden=[4], activation="Tanh", epochs=0)) != W(encoder)).any()


def test_export_weights_and_biases() -> None:
    model = fit(export_weights_and_biases=True)
    np.testing.assert_allclose(numbers(model.weights(0)), W(model), rtol=1e-6)
    np.testing.assert_allclose(numbers(model.biases(1))[:, 0], b(model, 1))
    assert model.weights(0).names == X
    with pytest.raises(h2o.errors.H2OValueError, match="export_weights_and_biases=True"):
        fit().weights(0)


def test_compat() -> None:
    """H2O's momentum never ramps; with the booklet's it does."""
    assert (W(fit(**MOMENTUM)) != W(fit(**MOMENTUM, compat="h2o-3.46"))).any()
    ramp = [W(fit(**{**MOMENTUM, "momentum_stable": m}, compat="h2o-3.46")) for m in (0.2, 0.2000001)]
    np.testing.assert_allclose(ramp[0], ramp[1], atol=1e-5)
