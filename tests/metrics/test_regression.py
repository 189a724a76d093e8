"""Regression and autoencoder: against scikit-learn, the naive definitions, and at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from heavywater import metrics
from heavywater.errors import H2OValueError
from tests.naive import metrics as naive


def sample(n=300, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.gamma(2.0, 3.0, n)
    return y, y * np.exp(rng.normal(0, 0.3, n)), rng.random(n)


def test_agrees_with_scikit_learn():
    y, f, w = sample()
    m = metrics.regression(y, f, weights=w)
    assert m.mse() == pytest.approx(sk.mean_squared_error(y, f, sample_weight=w), rel=1e-12)
    assert m.rmse() == pytest.approx(sk.root_mean_squared_error(y, f, sample_weight=w), rel=1e-12)
    assert m.mae() == pytest.approx(sk.mean_absolute_error(y, f, sample_weight=w), rel=1e-12)
    assert m.rmsle() == pytest.approx(sk.root_mean_squared_log_error(y, f, sample_weight=w), rel=1e-12)
    assert m.r2() == pytest.approx(sk.r2_score(y, f, sample_weight=w), rel=1e-12)
    assert m.mean_residual_deviance() == m.mse()


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("poisson", sk.mean_poisson_deviance),
        ("gamma", sk.mean_gamma_deviance),
        ("tweedie", lambda y, f, sample_weight: sk.mean_tweedie_deviance(y, f, sample_weight=sample_weight, power=1.7)),
        ("laplace", sk.mean_absolute_error),
        ("quantile", lambda y, f, sample_weight: sk.mean_pinball_loss(y, f, sample_weight=sample_weight, alpha=0.2)),
    ],
)
def test_deviances_agree_with_scikit_learn(distribution, expected):
    y, f, w = sample()
    m = metrics.regression(y, f, distribution=distribution, weights=w, tweedie_power=1.7, quantile_alpha=0.2)
    assert m.mean_residual_deviance() == pytest.approx(expected(y, f, sample_weight=w), rel=1e-9)


@pytest.mark.parametrize("distribution", ["gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber"])
def test_deviances_agree_with_the_textbook(distribution):
    y, f, _ = sample(50)
    got = metrics.deviance(distribution, y, f, tweedie_power=1.3, quantile_alpha=0.7, delta=1.5)
    expected = [naive.deviance(distribution, a, b, power=1.3, alpha=0.7, delta=1.5) for a, b in zip(y, f)]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_deviance_at_zero():
    zero, one = np.array([0.0]), np.array([1.0])
    assert metrics.deviance("poisson", zero, one)[0] == 2
    assert metrics.deviance("tweedie", zero, one, tweedie_power=1.5)[0] == pytest.approx(4)
    for distribution in ("poisson", "gamma", "tweedie"):
        assert np.isfinite(metrics.deviance(distribution, one, np.array([1e-300]))[0]) or distribution == "gamma"
    with pytest.raises(H2OValueError, match="'poisson'"):
        metrics.deviance("poison", zero, one)


def test_huber_delta_is_a_quantile_of_the_errors():
    y, f, w = sample(101)
    delta = metrics.huber_delta(y, f, 0.9)
    assert delta == pytest.approx(np.quantile(np.abs(y - f), 0.9), rel=1e-12)
    m = metrics.regression(y, f, distribution="huber", huber_alpha=0.9)
    e = np.abs(y - f)
    assert m.mean_residual_deviance() == pytest.approx(np.where(e <= delta, e**2, (2 * e - delta) * delta).mean())


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 4)), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_weighted_quantiles_are_quantiles_of_repeated_rows(rows, q):
    values, w = (np.array(c, dtype=float) for c in zip(*rows))
    got = metrics.weighted_quantiles(values, [q], w)[0]
    assert got == pytest.approx(np.quantile(np.repeat(values, w.astype(int)), q), rel=1e-12, abs=1e-9)
    assert metrics.weighted_quantiles(values, [q])[0] == pytest.approx(np.quantile(values, q), rel=1e-12, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=30),
    st.sampled_from(["gaussian", "poisson", "laplace", "quantile", "huber"]),
)
def test_whole_weights_are_repetition(rows, distribution):
    y, f, w = (np.array(c) for c in zip(*rows))
    f = f + 0.5
    a = metrics.regression(y, f, weights=w, distribution=distribution)
    b = metrics.regression(np.repeat(y, w), np.repeat(f, w), distribution=distribution)
    for name in ("MSE", "mae", "rmsle", "mean_residual_deviance"):
        assert a[name] == pytest.approx(b[name], rel=1e-10, abs=1e-12, nan_ok=True), name


def test_missing_rows_do_not_count():
    y, f, w = sample()
    kept = metrics.regression(y[30:], f[30:], weights=w[30:])
    y[:10], f[10:20], w[20:25], w[25:30] = np.nan, np.nan, np.nan, 0
    assert metrics.regression(y, f, weights=w) == kept


def test_rmsle_below_minus_one_is_unknown():
    m = metrics.regression([1.0, 2.0], [-1.5, 2.0])
    assert math.isnan(m.rmsle())
    assert "RMSLE" not in repr(m)


def test_single_precision_only_on_request():
    y, f = [0.1, 0.3], [0.1, 0.3]
    assert metrics.regression(y, f).mse() == 0
    assert 0 < metrics.regression(y, f, compat="h2o-3.46").mse() < 1e-15


def test_few_rows():
    empty = metrics.regression([], [])
    assert empty.nobs() == 0
    assert math.isnan(empty.mse())
    assert metrics.regression([1.0], [2.0]).r2() == 0
    assert metrics.regression([1.0, 1.0], [2.0, 2.0]).r2() == -math.inf
    for m in (empty, metrics.regression([1.0], [2.0])):
        repr(m)


@pytest.mark.parametrize(
    ("actual", "predicted", "weights"), [([1, 2], [1], None), ([1, 2], [1, 2], [1, -1]), ([1, 2], [1, 2], [1, np.inf])]
)
def test_bad_input(actual, predicted, weights):
    with pytest.raises(H2OValueError):
        metrics.regression(actual, predicted, weights=weights)


def test_autoencoder():
    m = metrics.autoencoder([1.0, 3.0, np.nan])
    assert (m.mse(), m.nobs()) == (2.0, 2)
    assert m.rmse() == math.sqrt(2)
    assert math.isnan(metrics.autoencoder([]).mse())
    with pytest.raises(H2OValueError, match="per row"):
        metrics.autoencoder([[1.0]])


def test_infinite_values_are_no_crash():
    for y, f in (([1.0, 2.0], [np.inf, 2.0]), ([np.inf, 1.0], [1.0, 1.0]), ([1.0, 2.0], [1e300, 2.0])):
        for distribution in ("gaussian", "poisson", "gamma", "tweedie", "laplace", "huber"):
            m = metrics.regression(y, f, distribution=distribution)
            assert m.mse() == math.inf
            repr(m)
