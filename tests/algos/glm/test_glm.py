"""Generalised linear models: optimality, H2O's own coefficients, faces, parameters, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import heavywater as h2o
from heavywater.errors import InvalidParams, NotSupported
from heavywater.estimators.glm import H2OGeneralizedLinearEstimator

pytest.importorskip("glum", reason="the library glum is not installed")


def table(n: int = 500, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    a, b, c = random.normal(3, 2, n), random.normal(size=n), random.normal(size=n)
    k = random.integers(0, 3, n)
    eta = 0.5 * a - 1.0 * b + np.array([0.0, 1.0, -1.0])[k] - 1.0
    three = np.argmax(np.column_stack([eta, 0.3 * a, np.zeros(n)]) + random.gumbel(size=(n, 3)), axis=1)
    return pl.DataFrame(
        {
            "a": a,
            "b": b,
            "c": c,
            "k": [None if random.random() < 0.05 else "xyz"[i] for i in k],
            "z": eta + random.normal(size=n),
            "two": np.where(eta + random.logistic(size=n) > 0, "yes", "no"),
            "three": np.array(["p", "q", "r"])[three],
            "count": random.poisson(np.exp(0.3 * eta)).astype(float),
            "positive": random.gamma(2.0, np.exp(0.3 * eta) / 2.0),
            "w": random.integers(0, 3, n).astype(float),
            "o": random.normal(size=n),
        }
    )


X = ["a", "b", "c", "k"]


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    return h2o.H2OFrame(table())


def train(frame: h2o.H2OFrame, y: str, **params: Any) -> H2OGeneralizedLinearEstimator:
    valid = params.pop("validation_frame", None)
    model = H2OGeneralizedLinearEstimator(seed=1, **params)
    return model.train(x=X, y=y, training_frame=frame, validation_frame=valid)  # type: ignore[return-value]


def standardised(data: pl.DataFrame) -> np.ndarray:
    """One-hot levels of k (missing: the most frequent), then the numbers with mean 0 and deviation 1."""
    k = data["k"].fill_null(data["k"].drop_nulls().mode()[0]).to_numpy()
    numbers = data.select("a", "b", "c").to_numpy()
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0, ddof=1)
    return np.column_stack([*(np.where(k == v, 1.0, 0.0) for v in "xyz"), numbers])


LOSSES: dict[str, tuple[str, Any]] = {
    "gaussian": ("z", lambda y, eta: (y - eta) ** 2 / 2),
    "binomial": ("two", lambda y, eta: np.logaddexp(0, eta) - y * eta),
    "poisson": ("count", lambda y, eta: np.exp(eta) - y * eta),
}


@pytest.mark.parametrize("family", LOSSES)
@pytest.mark.parametrize(("alpha", "strength"), [(0.5, 0.02), (1.0, 0.05), (0.0, 0.3)])
def test_no_other_coefficients_are_better(frame: h2o.H2OFrame, family: str, alpha: float, strength: float) -> None:
    """The objective of the documentation, written down once more, rises in every direction."""
    y, loss = LOSSES[family]
    model = train(frame, y, family=family, alpha=alpha, lambda_=strength, gradient_epsilon=1e-9)
    data = table()
    actual = (data["two"] == "yes").to_numpy().astype(float) if y == "two" else data[y].to_numpy()
    x, found = standardised(data), model.coef_norm()
    names = ["k.x", "k.y", "k.z", "a", "b", "c"]
    best = np.array([found["Intercept"], *(found[n] for n in names)])

    def objective(b: np.ndarray) -> float:
        penalty = alpha * np.abs(b[1:]).sum() + (1 - alpha) / 2 * (b[1:] ** 2).sum()
        return float(loss(actual, b[0] + x @ b[1:]).mean() + strength * penalty)

    lowest = objective(best)
    for j in range(len(best)):
        for step in (1e-3, -1e-3):
            moved = best.copy()
            moved[j] += step
            assert objective(moved) > lowest - 1e-9


H2O_SAYS = [
    ({"family": "binomial", "lambda_": 0}, "CAPSULE",
     {"Intercept": -1.939435, "DPROS.2": 1.021013, "DPROS.3": 1.75264, "DPROS.4": 1.810717, "RACE.1": 0.107274,
      "RACE.2": -0.659931, "AGE": -0.005388, "PSA": 0.053529}, 426.841397),
    ({"family": "binomial"}, "CAPSULE",
     {"Intercept": -0.757155, "DPROS.1": -1.295585, "DPROS.2": -0.282896, "DPROS.3": 0.441211, "DPROS.4": 0.492454,
      "RACE.0": 0.009378, "RACE.1": 0.228258, "RACE.2": -0.514514, "AGE": -0.005294, "PSA": 0.05319}, 426.854022),
    ({"family": "gaussian"}, "VOL",
     {"Intercept": -4.154321, "DPROS.1": 1.216316, "DPROS.2": 0.049579, "DPROS.3": 0.0, "DPROS.4": -2.900782,
      "RACE.0": -2.060986, "RACE.1": -1.105638, "RACE.2": 4.166616, "AGE": 0.308171, "PSA": 0.019465}, 124714.932309),
    ({"family": "poisson", "alpha": 0, "lambda_": 0.1}, "GLEASON",
     {"Intercept": 1.73033, "DPROS.1": -0.057487, "DPROS.2": 0.009275, "DPROS.3": 0.019771, "DPROS.4": 0.028441,
      "RACE.0": 0.007741, "RACE.1": 0.005072, "RACE.2": -0.012813, "AGE": 0.001172, "PSA": 0.002795}, 69.674771),
]  # fmt: skip
"""Parameters, response, coefficients and residual deviance, seen in H2O-3 3.46.0.7 on the prostate data."""


@pytest.mark.parametrize(("params", "y", "coefficients", "deviance"), H2O_SAYS)
def test_coefficients_are_h2os(
    shared: Path, params: dict[str, Any], y: str, coefficients: dict[str, float], deviance: float
) -> None:
    data = h2o.import_file(str(shared / "data" / "tabular" / "prostate.csv"))
    for c in ("CAPSULE", "DPROS", "RACE"):
        data[c] = data[c].asfactor()
    model = H2OGeneralizedLinearEstimator(**params).train(x=["AGE", "RACE", "PSA", "DPROS"], y=y, training_frame=data)
    assert isinstance(model, H2OGeneralizedLinearEstimator)
    assert set(model.coef()) == set(coefficients)
    assert model.residual_deviance() == pytest.approx(deviance, rel=2e-4)
    if params.get("lambda_") == 0:
        assert model.coef() == pytest.approx(coefficients, rel=1e-4, abs=2e-6)
    # with coefficients for all levels the optimum is flat and H2O stops before it; what is predicted is the same
    ours, theirs = (linear_predictor(data, c) for c in (model.coef(), coefficients))
    np.testing.assert_allclose(ours, theirs, atol=0.01 * np.ptp(theirs))


def linear_predictor(data: h2o.H2OFrame, coefficients: Any) -> np.ndarray:
    table = data.as_data_frame()
    found = np.full(len(table), coefficients["Intercept"])
    for name, value in coefficients.items():
        column, _, level = name.partition(".")
        if level:
            found += value * (table[column].astype(str) == level)
        elif name != "Intercept":
            found += value * table[column]
    return found


# -- faces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("y", "bound"), [("two", 0.3), ("three", 0.5)])
def test_classes_are_learned(frame: h2o.H2OFrame, y: str, bound: float) -> None:
    test = h2o.H2OFrame(table(500, 7))
    model = train(frame, y, validation_frame=test)
    found = model.predict(test).as_data_frame()
    np.testing.assert_allclose(found.iloc[:, 1:].sum(axis=1), 1.0, rtol=1e-12)
    assert np.mean(found["predict"].to_numpy() != table(500, 7)[y].to_numpy()) < bound
    assert model.model_performance(test).logloss() == pytest.approx(model.logloss(valid=True), rel=1e-12)
    assert model.logloss() < 0.9 * model.null_deviance() / 2 / 500


@pytest.mark.parametrize(
    ("family", "y", "more"),
    [
        ("gaussian", "z", {}), ("poisson", "count", {}), ("gamma", "positive", {"link": "log"}),
        ("tweedie", "count", {"tweedie_variance_power": 1.5, "tweedie_link_power": 0.0}),
        ("gaussian", "positive", {"link": "log"}),
    ],
)  # fmt: skip
def test_numbers_are_learned(frame: h2o.H2OFrame, family: str, y: str, more: dict[str, Any]) -> None:
    model = train(frame, y, family=family, lambda_=1e-4, **more)
    assert model.residual_deviance() < 0.93 * model.null_deviance()
    expected = model.coef()["Intercept"] + sum(model.coef()[c] * table()[c].to_numpy() for c in "abc")
    k = table()["k"].fill_null(table()["k"].drop_nulls().mode()[0])
    expected = expected + np.array([model.coef()[f"k.{v}"] for v in k])
    mean = expected if family == "gaussian" and not more else np.exp(expected)
    np.testing.assert_allclose(model.predict(frame).as_data_frame()["predict"], mean, rtol=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 1.0}, {"lambda_": 0.5}, {"lambda_search": True}, {"standardize": False}, {"intercept": False},
        {"missing_values_handling": "Skip"}, {"non_negative": True}, {"weights_column": "w"}, {"offset_column": "o"},
        {"family": "poisson"}, {"link": "log", "family": "gaussian"},
    ],
)  # fmt: skip
def test_every_parameter_has_its_effect(frame: h2o.H2OFrame, change: dict[str, Any]) -> None:
    y = "count"
    plain, changed = train(frame, y), train(frame, y, **change)
    assert plain._trained().checksum != changed._trained().checksum


def test_a_search_of_strengths_takes_the_best_on_the_validation_frame(frame: h2o.H2OFrame) -> None:
    test = h2o.H2OFrame(table(60, 8))
    found = train(frame, "two", lambda_search=True, nlambdas=20, early_stopping=False, validation_frame=test)
    best = found._trained().output["lambda_best"]
    others = [train(frame, "two", lambda_=s, validation_frame=test).logloss(valid=True) for s in (best / 50, best * 50)]
    assert found.logloss(valid=True) < min(others) + 1e-3
    assert found.logloss(valid=True) < max(others) - 1e-3


def test_a_weight_of_two_counts_as_the_row_twice(frame: h2o.H2OFrame) -> None:
    data = table()
    twice = h2o.H2OFrame(pl.concat([data.filter(pl.col("w") >= k) for k in (1, 2)]))
    for y in ("two", "three", "count"):
        a = train(frame, y, weights_column="w", alpha=0, lambda_=0.01, gradient_epsilon=1e-8)
        b = train(twice, y, alpha=0, lambda_=0.01, gradient_epsilon=1e-8)
        np.testing.assert_allclose(
            a.predict(frame).as_data_frame().iloc[:, -1], b.predict(frame).as_data_frame().iloc[:, -1], rtol=2e-3
        )


def test_cross_validation_and_file(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = train(frame, "two", nfolds=3, fold_assignment="Modulo", keep_cross_validation_predictions=True)
    assert model.cross_validation_holdout_predictions().shape == (500, 3)
    assert model.auc(xval=True) > 0.5
    loaded = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    assert isinstance(loaded, H2OGeneralizedLinearEstimator)
    assert loaded.coef() == model.coef()
    assert loaded.predict(frame).as_data_frame().equals(model.predict(frame).as_data_frame())
    assert "Coefficients" in repr(loaded)


def test_what_is_refused(frame: h2o.H2OFrame) -> None:
    with pytest.raises(NotSupported, match="compute_p_values"):
        train(frame, "z", compute_p_values=True)
    with pytest.raises(InvalidParams) as caught:
        train(frame, "count", family="gamma", link="logit", solver="L_BFGS", alpha=0.5)
    assert {m.field for m in caught.value.messages} >= {"family", "link", "solver"}
    with pytest.raises(InvalidParams, match="not for more than two classes"):
        train(frame, "three", non_negative=True)
    with pytest.raises(InvalidParams, match="family bernoulli|asfactor"):
        train(frame, "z", family="binomial")


# -- what the report tells ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", ["z", "two", "three"])
def test_metrics_of_every_frame_carry_deviances(frame: h2o.H2OFrame, y: str) -> None:
    unseen = h2o.H2OFrame(table(150, 3))
    model = H2OGeneralizedLinearEstimator(lambda_=0.01, nfolds=2, fold_assignment="Modulo", seed=1)
    model.train(x=X, y=y, training_frame=frame, validation_frame=unseen)
    rank = model._trained().output["rank"]
    for which in ("train", "valid", "xval"):
        m = model._trained().metrics(which)
        assert m is not None
        mean = m.mean_residual_deviance() if y == "z" else 2 * m.logloss()  # type: ignore[attr-defined]
        assert m.residual_deviance() == pytest.approx(mean * m.nobs(), rel=1e-9)
        assert m.null_deviance() > m.residual_deviance()
        assert m["residual_degrees_of_freedom"] == m.nobs() - rank
        assert m["null_degrees_of_freedom"] == m.nobs() - 1
    again = model.model_performance(unseen)
    assert again.null_deviance() == pytest.approx(model._trained().metrics("valid").null_deviance())  # type: ignore[union-attr]
    assert "Null deviance" in repr(again)
    names = [row[0] for row in model.cross_validation_metrics_summary().cell_values]
    assert {"null_deviance", "residual_deviance", "aic"} <= set(names)


def test_the_null_deviance_of_a_number_is_the_sum_of_squares_around_the_mean(frame: h2o.H2OFrame) -> None:
    model = H2OGeneralizedLinearEstimator(lambda_=0.0).train(x=X, y="z", training_frame=frame)
    z = table()["z"].to_numpy()
    assert model._trained().metrics("train").null_deviance() == pytest.approx(((z - z.mean()) ** 2).sum(), rel=1e-9)


def test_the_history_shows_both_ends_or_every_strength(frame: h2o.H2OFrame) -> None:
    short = H2OGeneralizedLinearEstimator(lambda_=[0.1, 0.01]).train(x=X, y="z", training_frame=frame)
    whole = H2OGeneralizedLinearEstimator(lambda_=[0.1, 0.01], generate_scoring_history=True)
    whole.train(x=X, y="z", training_frame=frame)
    ends, steps = short.scoring_history(), whole.scoring_history()
    assert list(ends["iterations"])[0] == 0
    assert len(ends) == 2
    assert ends["objective"].iloc[1] < ends["objective"].iloc[0]
    assert list(steps["lambda"]) == [0.1, 0.01]
    assert steps["deviance_train"].iloc[1] < steps["deviance_train"].iloc[0]


def test_magnitudes_are_sorted_and_signed(frame: h2o.H2OFrame) -> None:
    model = H2OGeneralizedLinearEstimator(lambda_=0.0).train(x=X, y="z", training_frame=frame)
    found = model._trained().table("standardized_coefficient_magnitudes")
    assert found is not None
    sizes = {name: (size, sign) for name, size, sign in found.cell_values}
    norm = {k: v for k, v in model.coef_norm().items() if k != "Intercept"}
    assert {k: (abs(v), "NEG" if v < 0 else "POS") for k, v in norm.items()} == {
        k: (pytest.approx(s), sign) for k, (s, sign) in sizes.items()
    }
    assert [r[1] for r in found.cell_values] == sorted((r[1] for r in found.cell_values), reverse=True)
