"""Gradient boosting: trees as arrays, faces, parameters, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import heavywater as h2o
from heavywater.algos.gbm.forest import Forest, from_arrays, to_arrays
from heavywater.core.trees import sum_of_trees
from heavywater.errors import H2OValueError, InvalidParams, ModelFileError, NotSupported
from heavywater.estimators.gbm import H2OGradientBoostingEstimator
from heavywater.models.container import read, write
from tests.naive.trees import walk

lightgbm = pytest.importorskip("lightgbm", reason="the library lightgbm is not installed")


def table(n: int = 400, seed: int = 0) -> pl.DataFrame:
    """Three informative columns, one of noise; a number, two classes and three classes to predict."""
    random = np.random.default_rng(seed)
    a, b, noise = random.normal(size=n), random.uniform(-2, 2, n), random.normal(size=n)
    k = random.integers(0, 5, n)
    z = 2 * a + np.sin(2 * b) + np.array([0.0, 1.5, -1.0, 0.5, 2.0])[k] + 0.1 * noise
    return pl.DataFrame(
        {
            "a": [None if random.random() < 0.1 else float(v) for v in a],
            "b": b,
            "noise": noise,
            "k": [None if random.random() < 0.05 else "vwxyz"[i] for i in k],
            "z": z,
            "count": random.poisson(np.exp(z / 3)).astype(float),
            "two": np.where(z + random.normal(size=n) > 0, "yes", "no"),
            "three": np.array(["low", "mid", "high"])[np.digitize(z, [-1, 1.5])],
            "w": random.integers(0, 3, n).astype(float),
            "fold": random.integers(0, 3, n),
        }
    )


X = ["a", "b", "noise", "k"]


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    return h2o.H2OFrame(table())


def train(frame: h2o.H2OFrame, y: str, **params: Any) -> H2OGradientBoostingEstimator:
    settings = {"seed": 1, "ntrees": 20, **params}
    valid = settings.pop("validation_frame", None)
    model = H2OGradientBoostingEstimator(**settings)
    return model.train(x=X, y=y, training_frame=frame, validation_frame=valid)  # type: ignore[return-value]


# -- trees ----------------------------------------------------------------------------------------------------------


def test_trees_give_what_lightgbm_and_a_walk_in_python_give() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(600, 4))
    x[:, 0] = random.integers(0, 40, 600)
    x[random.random((600, 4)) < 0.1] = np.nan
    x[:, 3] = np.where(np.isnan(x[:, 3]), 0.5, x[:, 3])
    y = np.where(np.nan_to_num(x[:, 0]) % 3 == 1, 2.0, 0.0) + np.nan_to_num(x[:, 1]) + x[:, 3] ** 2
    settings = {
        "objective": "regression",
        "verbosity": -1,
        "min_data_in_leaf": 3,
        "num_threads": 1,
        "min_data_per_group": 3,
    }
    booster = lightgbm.Booster(settings, lightgbm.Dataset(x, y, categorical_feature=[0], params={"verbosity": -1}))
    forest = Forest()
    for step in range(12):
        booster.update()
        found = booster.dump_model(num_iteration=1, start_iteration=step)["tree_info"][0]["tree_structure"]
        forest.add(found, 0)
    trees = forest.trees()
    ours = sum_of_trees(trees, x, 1)[:, 0]
    np.testing.assert_allclose(ours, booster.predict(x, raw_score=True), rtol=1e-12, atol=1e-12)
    described = [t["tree_structure"] for t in booster.dump_model()["tree_info"]]
    unseen = np.vstack([x[:20], [[77.0, 0, 0, 0], [np.nan, np.nan, np.nan, np.nan], [1e9, -1e308, 1e308, 0.0]]])
    walked = [sum(walk(t, row) for t in described) for row in unseen]
    np.testing.assert_allclose(sum_of_trees(trees, unseen, 1)[:, 0], walked, rtol=1e-12, atol=1e-12)
    many = np.tile(x, (40, 1))
    np.testing.assert_array_equal(sum_of_trees(trees, many, 1, threads=3)[:600, 0], ours)
    assert (trees.words[:, 1] > 0).any()


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        ("left", 0, 0),
        ("right", 0, 10**6),
        ("feature", 0, 9),
        ("roots", 1, -1),
        ("outputs", 0, 3),
        ("threshold", 0, np.inf),
    ],
)
def test_trees_that_cannot_be_walked_are_refused(frame: h2o.H2OFrame, name: str, where: int, value: float) -> None:
    model = train(frame, "z")._trained()
    arrays = {k: v.copy() for k, v in to_arrays(model.trees).items()}  # type: ignore[attr-defined]
    arrays[name][where] = value
    with pytest.raises(ModelFileError, match="out of range"):
        from_arrays(arrays, 4, 1)


# -- training -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("y", "bound"), [("two", 0.25), ("three", 0.25)])
def test_classes_are_learned(frame: h2o.H2OFrame, y: str, bound: float) -> None:
    test = h2o.H2OFrame(table(400, 9))
    model = train(frame, y, ntrees=40, validation_frame=test)
    found = model.predict(test)
    assert found.names == ["predict", *sorted(set(table()[y]))]
    error = np.mean(found.as_data_frame()["predict"].to_numpy() != table(400, 9)[y].to_numpy())
    assert error < bound
    probabilities = found.as_data_frame().iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    again = model.model_performance(test)
    assert again.logloss() == pytest.approx(model.logloss(valid=True), rel=1e-12)
    assert model.varimp()[-1][0] == "noise"


@pytest.mark.parametrize(
    ("distribution", "y"),
    [("gaussian", "z"), ("laplace", "z"), ("quantile", "z"), ("poisson", "count"), ("tweedie", "count")],
)
def test_numbers_are_learned(frame: h2o.H2OFrame, distribution: str, y: str) -> None:
    model = train(frame, y, distribution=distribution, ntrees=60)
    history = model.scoring_history()["training_deviance"]
    assert history.iloc[-1] < 0.8 * history.iloc[0]
    assert model.model_performance(frame).mean_residual_deviance() == pytest.approx(history.iloc[-1], rel=1e-12)


def test_a_seed_gives_the_same_model(frame: h2o.H2OFrame) -> None:
    sums = [train(frame, "two", sample_rate=0.7, col_sample_rate=0.5, seed=s)._trained().checksum for s in (5, 5, 6)]
    assert sums[0] == sums[1] != sums[2]


@pytest.mark.parametrize(
    "change",
    [
        {"max_depth": 2}, {"min_rows": 60}, {"learn_rate": 0.3}, {"learn_rate_annealing": 0.8}, {"sample_rate": 0.5},
        {"col_sample_rate": 0.3}, {"col_sample_rate_per_tree": 0.5}, {"min_split_improvement": 5.0},
        {"nbins_top_level": 4}, {"ntrees": 10}, {"weights_column": "w"}, {"monotone_constraints": {"b": 1}},
        {"interaction_constraints": [["a", "b"], ["k"]]}, {"offset_column": "w"}, {"distribution": "laplace"},
    ],
)  # fmt: skip
def test_every_parameter_has_its_effect(frame: h2o.H2OFrame, change: dict[str, Any]) -> None:
    assert train(frame, "z", **change)._trained().checksum != train(frame, "z")._trained().checksum


def test_a_weight_of_two_counts_as_the_row_twice(frame: h2o.H2OFrame) -> None:
    data = table()
    twice = pl.concat([data.filter(pl.col("w") >= k) for k in (1, 2)])
    settings = {"min_rows": 1, "nbins_top_level": 60000, "max_depth": 3}
    weighted = train(frame, "z", weights_column="w", **settings)
    repeated = train(h2o.H2OFrame(twice), "z", **settings)
    a, b = (m.predict(frame).as_data_frame()["predict"].to_numpy() for m in (weighted, repeated))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_a_monotone_column_only_rises(frame: h2o.H2OFrame) -> None:
    model = train(frame, "z", monotone_constraints={"b": 1}, ntrees=40)
    grid = h2o.H2OFrame({"a": [0.3] * 50, "b": np.linspace(-2, 2, 50), "noise": [0.0] * 50, "k": ["v"] * 50})
    assert (np.diff(model.predict(grid).as_data_frame()["predict"]) >= 0).all()


def test_it_stops_early_and_says_why(frame: h2o.H2OFrame) -> None:
    test = h2o.H2OFrame(table(300, 5))
    model = train(frame, "two", ntrees=500, stopping_rounds=3, score_tree_interval=2, validation_frame=test)
    assert model.why_stopped().startswith(
        "early stopping: the moving average of the validation logloss over 3 scorings"
    )
    assert model._trained().output["ntrees"] < 500


def test_cross_validation(frame: h2o.H2OFrame) -> None:
    model = train(frame, "two", nfolds=3, fold_assignment="Modulo", keep_cross_validation_predictions=True)
    held_out = model.cross_validation_holdout_predictions()
    assert held_out.shape == (400, 3)
    assert 0.5 < model.auc(xval=True) < model.auc(train=True)
    parts = [m.predict(frame).as_data_frame()["yes"].to_numpy() for m in model.cross_validation_models()]
    expected = [parts[i % 3][i] for i in range(400)]
    np.testing.assert_allclose(held_out.as_data_frame()["yes"], expected, rtol=1e-12)


def test_a_checkpoint_goes_on(frame: h2o.H2OFrame) -> None:
    first = train(frame, "three", ntrees=8)
    more = train(frame, "three", ntrees=20, checkpoint=first)
    whole = train(frame, "three", ntrees=20)
    assert more._trained().output["ntrees"] == 20
    assert len(more._trained().trees.roots) == 60  # type: ignore[attr-defined]
    assert more.logloss() == pytest.approx(whole.logloss(), rel=0.05)
    with pytest.raises(H2OValueError, match="has 20 trees already"):
        train(frame, "three", ntrees=20, checkpoint=more)


def test_a_saved_model_is_the_same_model(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = train(frame, "three")
    loaded = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    assert isinstance(loaded, H2OGradientBoostingEstimator)
    assert loaded.predict(frame).as_data_frame().equals(model.predict(frame).as_data_frame())
    assert "Gradient Boosting Machine" in repr(loaded)


def test_a_file_whose_trees_loop_is_refused(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = train(frame, "z")
    state = model._trained().state
    arrays = {k: v.copy() for k, v in state.arrays.items()}
    arrays["left"][0] = 0
    bad = type(state)(state.algo, state.version, state.params, state.schema, state.output, arrays)
    path = write(bad, tmp_path / "bad")
    loaded = h2o.load_model(str(path))
    with pytest.raises(ModelFileError, match="out of range"):
        loaded.predict(frame)
    from heavywater.engine.session import validators

    assert read(path, validators=validators()).algo == "gbm"


# -- what is refused ------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_named(frame: h2o.H2OFrame) -> None:
    with pytest.raises(NotSupported, match="nbins_top_level"):
        train(frame, "z", nbins=64)
    with pytest.raises(NotSupported, match=r"calibrate_model: .*balance_classes|balance_classes: .*calibrate_model"):
        train(frame, "two", calibrate_model=True, balance_classes=True)


def test_bad_values_are_told_all_at_once(frame: h2o.H2OFrame) -> None:
    with pytest.raises(InvalidParams) as caught:
        train(frame, "z", ntrees=0, learn_rate=2.0, distribution="bernoulli", monotone_constraints={"q": 1})
    assert {m.field for m in caught.value.messages} >= {"ntrees", "learn_rate", "distribution", "monotone_constraints"}


# -- what the report tells ------------------------------------------------------------------------------------------


def test_the_report_knows_where_boosting_began_and_keeps_the_frames_order(frame: h2o.H2OFrame) -> None:
    two = train(frame, "two")._trained().output
    share = float((table()["two"] == "yes").mean())
    assert two["init_f"] == pytest.approx(np.log(share / (1 - share)))
    assert two["names"] == [*X, "two"]
    assert train(frame, "z")._trained().output["init_f"] == pytest.approx(table()["z"].mean())  # type: ignore[arg-type]
    assert train(frame, "three")._trained().output["init_f"] == 0.0


def test_deep_trees_take_no_memory_for_leaves_that_cannot_be(frame: h2o.H2OFrame) -> None:
    model = train(frame, "z", max_depth=25, min_rows=1, ntrees=3)
    assert max(model._trained().state.schema["forest"]["leaves"]) <= 400
