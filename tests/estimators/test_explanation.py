"""Permutation importance, partial dependence, single rows, Shapley values, and why training ended."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OTypeError, H2OValueError, NotFound, NotSupported
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from tests.naive import explain as naive

needs_shap = pytest.mark.skipif(importlib.util.find_spec("shap") is None, reason="the library shap is not installed")
N = 240


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(21)
    x = random.normal(size=(N, 3))
    kinds = np.array(["u", "v", "w"])[random.integers(0, 3, N)]
    score = 2 * x[:, 0] + x[:, 1] + (kinds == "w")
    return h2o.H2OFrame(
        {
            "a": x[:, 0], "b": x[:, 1], "noise": x[:, 2], "k": kinds, "i": random.integers(0, 4, N),
            "w": np.arange(N) % 3, "y": np.where(score > 0, "yes", "no"), "z": score,
            "c": np.where(score > 1, "high", np.where(score > -1, "mid", "low")),
        }
    )  # fmt: skip


X = ["a", "b", "noise", "k", "i"]


def train(frame: h2o.H2OFrame, y: str, **params: Any) -> Any:
    model = H2ODeepLearningEstimator(**{"hidden": [10], "epochs": 30, "seed": 4, **params})
    return model.train(x=X, y=y, training_frame=frame)


@pytest.fixture(scope="module")
def binomial(frame: h2o.H2OFrame) -> Any:
    return train(frame, "y")


@pytest.fixture(scope="module")
def regression(frame: h2o.H2OFrame) -> Any:
    return train(frame, "z")


@pytest.fixture(scope="module")
def multinomial(frame: h2o.H2OFrame) -> Any:
    return train(frame, "c")


def rows_of(frame: h2o.H2OFrame, n: int) -> list[dict[str, Any]]:
    return frame[:n, :]._frame().select(X).data.to_dicts()


def predictor(model: Any, column: str, like: h2o.H2OFrame) -> Any:
    schema = like._frame().data.schema

    def predict(row: dict[str, Any]) -> float:
        import polars as pl

        from heavywater.frame import Frame

        one = pl.DataFrame({k: pl.Series([v], dtype=schema[k]) for k, v in row.items()})
        return float(model.predict(h2o.H2OFrame._of(Frame(one)))._frame().numeric(column)[0])

    return predict


# -- permutation importance ---------------------------------------------------------------------------------------


def test_permutation_importance_finds_what_matters(frame: h2o.H2OFrame, binomial: Any) -> None:
    table = binomial.permutation_importance(frame, seed=3)
    assert table.title == "Variable Importances"
    assert table.col_header == ["Variable", "Relative Importance", "Scaled Importance", "Percentage"]
    assert table["Variable"][:2] == ["a", "b"]
    assert set(table["Variable"]) == set(X)
    relative = np.array(table["Relative Importance"])
    assert (np.diff(relative) <= 0).all()
    np.testing.assert_allclose(table["Scaled Importance"], relative / relative[0])
    np.testing.assert_allclose(table["Percentage"], np.maximum(relative, 0) / np.maximum(relative, 0).sum())
    assert list(binomial.permutation_importance(frame, seed=3, use_pandas=True).columns) == table.col_header


@pytest.mark.parametrize(
    ("metric", "method"),
    [("AUTO", "auc"), ("AUC", "auc"), ("logloss", "logloss"), ("mse", "mse"), ("PR_AUC", "aucpr"), ("RMSE", "rmse")],
)
def test_importance_is_the_loss_of_the_metric(metric: str, method: str, frame: h2o.H2OFrame, binomial: Any) -> None:
    """The shuffle is known from the seed, so the metric can be computed by hand."""
    got = binomial.permutation_importance(frame, metric=metric, features=["b"], seed=9)["Relative Importance"][0]
    random = np.random.default_rng(9)
    shuffled = h2o.H2OFrame(frame.as_data_frame())
    shuffled["b"] = h2o.H2OFrame({"b": frame._frame().numeric("b")[random.permutation(N)]})["b"]
    before, after = (getattr(binomial.model_performance(f), method)() for f in (frame, shuffled))
    assert got == pytest.approx((before - after) if method in ("auc", "aucpr") else (after - before), rel=1e-9)
    assert got > 0


def test_default_metrics(frame: h2o.H2OFrame, regression: Any, multinomial: Any) -> None:
    for model, metric in ((regression, "RMSE"), (multinomial, "logloss")):
        one = model.permutation_importance(frame, seed=1).cell_values
        assert one == model.permutation_importance(frame, metric=metric, seed=1).cell_values
        assert one != model.permutation_importance(frame, metric="mse", seed=1).cell_values
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1).train(x=X, training_frame=frame)
    assert set(auto.permutation_importance(frame, seed=1)["Variable"]) == set(X)


def test_runs_samples_and_seeds(frame: h2o.H2OFrame, binomial: Any) -> None:
    runs = binomial.permutation_importance(frame, n_repeats=3, features=["a", "noise"], seed=1)
    assert runs.col_header == ["Variable", "Run 1", "Run 2", "Run 3"]
    assert len(set(runs.cell_values[0][1:])) == 3
    few = binomial.permutation_importance(frame, n_samples=50, seed=1)
    assert few.cell_values != binomial.permutation_importance(frame, seed=1).cell_values
    assert few.cell_values == binomial.permutation_importance(frame, n_samples=50, seed=1).cell_values
    assert few.cell_values != binomial.permutation_importance(frame, n_samples=50).cell_values


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "auk"}, "metric must be one of AUTO, AUC.*did you mean 'AUC'"),
        ({"features": ["aa", "kk"]}, "features: the model has no predictor 'aa'.*; the model has no predictor 'kk'"),
        ({"features": ["y"]}, "no predictor 'y'"),
        ({"n_repeats": 0}, "n_repeats must be a whole number >= 1; got 0"),
        ({"n_samples": -2}, "n_samples must be"),
        ({"n_samples": 1}, "at least two rows"),
    ],
)
def test_bad_permutations(options: dict[str, Any], message: str, frame: h2o.H2OFrame, binomial: Any) -> None:
    with pytest.raises(H2OValueError, match=message):
        binomial.permutation_importance(frame, **options)


def test_a_frame_without_a_column_or_the_response(frame: h2o.H2OFrame, binomial: Any) -> None:
    with pytest.raises(NotFound, match="no column 'b'"):
        binomial.permutation_importance(frame.drop("b"))
    with pytest.raises((H2OValueError, NotFound), match="'y'"):
        binomial.permutation_importance(frame.drop("y"))
    with pytest.raises(H2OTypeError, match="a frame is needed; got str"):
        binomial.permutation_importance("frame")


# -- partial dependence -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_dependence_is_the_mean_over_the_rows(weighted: bool, frame: h2o.H2OFrame, binomial: Any) -> None:
    few = frame[:12, :]
    rows, predict = rows_of(frame, 12), predictor(binomial, "yes", frame)
    weights = [i % 3 for i in range(12)] if weighted else [1] * 12
    tables = binomial.partial_plot(
        few, cols=["a", "k"], nbins=4, weight_column="w" if weighted else None, plot=False
    )  # fmt: skip
    for table, column in zip(tables, ("a", "k"), strict=True):
        expected = naive.partial_dependence(predict, rows, column, table[column], weights)
        np.testing.assert_allclose(table["mean_response"], [m for m, _ in expected], rtol=1e-9)
        if not weighted:
            np.testing.assert_allclose(table["stddev_response"], [s for _, s in expected], rtol=1e-7, atol=1e-12)
        n = sum(w > 0 for w in weights)
        np.testing.assert_allclose(
            table["std_error_mean_response"], np.array(table["stddev_response"]) / math.sqrt(n), rtol=1e-12
        )


def test_where_dependence_is_looked_at(frame: h2o.H2OFrame, binomial: Any) -> None:
    numeric, whole, levels = binomial.partial_plot(frame, cols=["a", "i", "k"], nbins=5, plot=False)
    a = frame._frame().numeric("a")
    np.testing.assert_allclose(numeric["a"], np.linspace(a.min(), a.max(), 5))
    assert whole["i"] == [0.0, 1.0, 2.0, 3.0]
    assert levels["k"] == ["u", "v", "w"]
    assert levels.col_types[0] == "string"
    assert "on column 'k'" in levels.description
    with_na = binomial.partial_plot(frame, cols=["a", "k"], nbins=3, include_na=True, plot=False)
    assert math.isnan(with_na[0]["a"][-1])
    assert with_na[1]["k"][-1] == ".missing(NA)"
    missing = h2o.H2OFrame(frame.as_data_frame())
    missing["a"] = h2o.H2OFrame({"a": [None] * N}, column_types=["numeric"])["a"]
    expected = binomial.predict(missing)._frame().numeric("yes").mean()
    assert with_na[0]["mean_response"][-1] == pytest.approx(expected, rel=1e-9)
    given = binomial.partial_plot(frame, cols=["a", "k"], user_splits={"a": [0, 1.5], "k": ["w"]}, plot=False)
    assert (given[0]["a"], given[1]["k"]) == ([0.0, 1.5], ["w"])
    assert len(binomial.partial_plot(frame, nbins=3, plot=False)) == len(X)


def test_two_columns_at_a_time(frame: h2o.H2OFrame, regression: Any) -> None:
    tables = regression.partial_plot(frame, col_pairs_2dpdp=[["i", "k"]], nbins=4, plot=False)
    (table,) = tables
    assert table.col_header[:2] == ["i", "k"]
    assert len(table) == 12
    held = h2o.H2OFrame(frame.as_data_frame())
    held["i"], held["k"] = 2, "v"
    held["k"] = held["k"].asfactor()
    expected = regression.predict(held)._frame().numeric("predict").mean()
    row = next(r for r in table.cell_values if r[:2] == [2.0, "v"])
    assert row[2] == pytest.approx(expected, rel=1e-6)


def test_classes_of_several(frame: h2o.H2OFrame, multinomial: Any) -> None:
    tables = multinomial.partial_plot(frame, cols="a", nbins=3, targets=["high", "mid", "low"], plot=False)
    assert len(tables) == 3
    np.testing.assert_allclose(np.sum([t["mean_response"] for t in tables], axis=0), 1, rtol=1e-9)
    assert tables[0]["mean_response"][-1] > tables[0]["mean_response"][0]
    assert tables[0].description.endswith("on column 'a' for class 'high'")
    with pytest.raises(H2OValueError, match="several classes needs targets=, one or more of high, low, mid"):
        multinomial.partial_plot(frame, cols="a")
    with pytest.raises(H2OValueError, match="no class 'hihg' .did you mean 'high'"):
        multinomial.partial_plot(frame, cols="a", targets="hihg")


def test_one_row(frame: h2o.H2OFrame, regression: Any) -> None:
    (table,) = regression.partial_plot(frame, cols="a", nbins=4, row_index=7, plot=False)
    assert table["stddev_response"] == [0.0] * 4
    row, predict = rows_of(frame, 8)[7], predictor(regression, "predict", frame)
    np.testing.assert_allclose(table["mean_response"], [predict({**row, "a": v}) for v in table["a"]], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cols": ["aa"]}, "no predictor 'aa' .did you mean 'a'"),
        ({"cols": "k", "nbins": 2}, "column 'k' has 3 levels; nbins must be at least that; got 2"),
        ({"nbins": 0}, "nbins must be a whole number >= 1"),
        ({"cols": "a", "user_splits": {"b": [1]}}, "user_splits names 'b', which is not among the columns a"),
        ({"cols": "a", "user_splits": {"a": []}}, "needs a list of at least one value"),
        ({"cols": "k", "user_splits": {"k": ["x"]}}, "column 'k' has no level 'x'"),
        ({"cols": "a", "row_index": N}, f"row_index must be between 0 and {N - 1}"),
        ({"cols": "a", "targets": "yess"}, "no class 'yess' .did you mean 'yes'"),
        ({"col_pairs_2dpdp": [["a"]]}, "needs pairs of columns"),
        ({"cols": "a", "weight_column": "noise"}, "must hold weights >= 0"),
    ],
)
def test_bad_dependence(options: dict[str, Any], message: str, frame: h2o.H2OFrame, binomial: Any) -> None:
    with pytest.raises(H2OValueError, match=message):
        binomial.partial_plot(frame, **options)


def test_other_bad_dependence(frame: h2o.H2OFrame, binomial: Any, regression: Any) -> None:
    with pytest.raises(H2OTypeError, match="column 'a' holds numbers; the splits are"):
        binomial.partial_plot(frame, cols="a", user_splits={"a": ["x"]})
    with pytest.raises(H2OTypeError, match="user_splits must map columns"):
        binomial.partial_plot(frame, cols="a", user_splits=[1])
    with pytest.raises(H2OValueError, match="targets are for classifiers; this model is Regression"):
        regression.partial_plot(frame, cols="a", targets="x")
    with pytest.raises(NotFound, match="weight_column 99 is outside"):
        binomial.partial_plot(frame, cols="a", weight_column=99)
    with pytest.raises(NotFound, match="no column 'w8'"):
        binomial.partial_plot(frame, cols="a", weight_column="w8")
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1).train(x=X, training_frame=frame)
    with pytest.raises(NotSupported, match="an autoencoder predicts no response to explain"):
        auto.partial_plot(frame)


# -- figures ------------------------------------------------------------------------------------------------------


def test_figures_are_written(frame: h2o.H2OFrame, binomial: Any, multinomial: Any, tmp_path: Path) -> None:
    files = {name: str(tmp_path / f"{name}.png") for name in ("pd", "pair", "one", "ice", "bars", "boxes")}
    tables = binomial.partial_plot(frame, cols=["a", "k"], nbins=4, include_na=True, save_plot_path=files["pd"])
    assert [a.get_title() for a in tables.figure.axes] == [f"Partial dependence on column {c!r}" for c in "ak"]
    assert tables._repr_png_()[1:4] == b"PNG"
    binomial.partial_plot(frame, col_pairs_2dpdp=[["a", "k"]], nbins=4, save_plot_path=files["pair"])
    multinomial.pd_plot(frame, "a", target="low", nbins=5, row_index=3, save_plot_path=files["one"])
    ice = multinomial.ice_plot(frame, "k", target="low", save_plot_path=files["ice"])
    assert len(ice.axes[0].lines) == 12
    binomial.permutation_importance_plot(frame, seed=1, save_plot_path=files["bars"])
    binomial.permutation_importance_plot(frame, n_repeats=3, seed=1, save_plot_path=files["boxes"])
    assert all(Path(f).stat().st_size > 3000 for f in files.values())
    assert binomial.partial_plot(frame, cols="a", plot=False).figure is None


def test_single_curves_average_to_the_dependence(frame: h2o.H2OFrame, binomial: Any) -> None:
    figure = binomial.ice_plot(frame, "a", nbins=6)
    (table,) = binomial.partial_plot(frame, cols="a", nbins=6, plot=False)
    curves = [line.get_ydata() for line in figure.axes[0].lines]
    np.testing.assert_allclose(curves[-1], table["mean_response"], rtol=1e-9)
    centred = binomial.ice_plot(frame, "a", nbins=6, centered=True, show_pdp=False)
    assert [float(line.get_ydata()[0]) for line in centred.axes[0].lines] == [0.0] * 11


# -- Shapley values -----------------------------------------------------------------------------------------------


def test_without_the_library_the_extra_is_named(
    frame: h2o.H2OFrame, binomial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(NotSupported, match=r"install heavywater\[shap\]"):
        binomial.predict_contributions(frame)


@needs_shap
def test_shapley_values_are_those_of_the_formula(frame: h2o.H2OFrame, regression: Any) -> None:
    found = regression.predict_contributions(frame[:2, :], background_frame=frame[10:14, :])._frame()
    assert found.names == [*regression._model.output["names"][:5], "BiasTerm"]
    rows, predict = rows_of(frame, 14), predictor(regression, "predict", frame)
    for i in range(2):
        expected = naive.shapley(predict, rows[i], rows[10:14], X)
        for c in X:
            assert found.numeric(c)[i] == pytest.approx(expected[c], rel=1e-6, abs=1e-9)
    assert found.numeric("BiasTerm")[0] == pytest.approx(np.mean([predict(r) for r in rows[10:14]]), rel=1e-6)


@needs_shap
def test_contributions_sum_to_the_prediction(frame: h2o.H2OFrame, multinomial: Any, tmp_path: Path) -> None:
    found = multinomial.predict_contributions(frame[:5, :], background_frame=frame, target="low").as_data_frame()
    predicted = multinomial.predict(frame[:5, :]).as_data_frame()["low"]
    np.testing.assert_allclose(found.sum(axis=1), predicted, rtol=1e-9, atol=1e-12)
    files = [str(tmp_path / "all.png"), str(tmp_path / "row.png")]
    multinomial.shap_summary_plot(frame, samples=20, target="low", save_plot_path=files[0])
    multinomial.shap_explain_row_plot(frame, 3, target="low", save_plot_path=files[1])
    assert all(Path(f).stat().st_size > 3000 for f in files)


# -- why training ended -------------------------------------------------------------------------------------------


def test_why_stopped(frame: h2o.H2OFrame) -> None:
    done = train(frame, "y", epochs=3)
    assert done.why_stopped() == "all 3 epochs were trained"
    early = train(
        frame,
        "z",
        epochs=500,
        stopping_rounds=2,
        stopping_tolerance=0.2,
        score_each_iteration=True,
        train_samples_per_iteration=0,
    )
    assert early.why_stopped().startswith("early stopping: the moving average of the training deviance over 2 scorings")
    assert early.why_stopped() in repr(early)


def test_other_settings_are_tried_on_the_history(frame: h2o.H2OFrame) -> None:
    history = {"epochs": 20, "score_each_iteration": True, "classification_stop": -1}
    free = train(frame, "y", stopping_rounds=0, **history)
    text = free.why_stopped(stopping_rounds=2, stopping_metric="AUC", stopping_tolerance=0.05)
    assert text.startswith("with stopping_rounds=2, stopping_metric=AUC, stopping_tolerance=0.05 training would have")
    assert "would have stopped at scoring" in text
    really = train(
        frame, "y", stopping_rounds=2, stopping_metric="AUC", stopping_tolerance=0.05, reproducible=True, **history
    )
    told = train(frame, "y", stopping_rounds=0, reproducible=True, **history).why_stopped(2, "AUC", 0.05)
    assert f"at {really.scoring_history()['epochs'].iloc[-1]:.2f} epochs" in told
    assert "would not have stopped" in free.why_stopped(stopping_rounds=50)
    with pytest.raises(H2OValueError, match="history has no 'AUK' .did you mean 'AUC'"):
        free.why_stopped(stopping_rounds=2, stopping_metric="AUK")
