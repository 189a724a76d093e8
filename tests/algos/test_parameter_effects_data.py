"""Every parameter that concerns rows and columns does what it says; see `effects` for the list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
from tests.algos.small import N, W, X, actual, b, data, encode, fast, fit, history, inputs, numbers

ALL = [*X, "u", "v"]


def with_column(name: str, values: Any) -> h2o.H2OFrame:
    return data().cbind(h2o.H2OFrame({name: values}))


def coefficients(model: Any) -> list[str]:
    return list(model._model.design.coefficient_names())


def test_frames_response_and_name_as_parameters() -> None:
    model = H2ODeepLearningEstimator(
        model_id="named", training_frame=data(), validation_frame=data()[:100, :], response_column="y",
        ignored_columns=["z", "p", "k", "u", "v"], hidden=[2], epochs=1, seed=1,
    )  # fmt: skip
    model.train()
    assert h2o.get_model("named").logloss() == model.logloss()
    assert model.model_performance(train=True).nobs() == N
    assert model.model_performance(valid=True).nobs() == 100
    assert model._model.output["response_column"] == "y"
    assert sorted(coefficients(model)) == X


def test_ignore_const_cols() -> None:
    frame = with_column("flat", np.ones(N))
    assert coefficients(fit(x=[*X, "flat"], frame=frame)) == X
    assert coefficients(fit(x=[*X, "flat"], frame=frame, ignore_const_cols=False)) == [*X, "flat"]


def test_standardize() -> None:
    on, off = (inputs(fit(standardize=s)) for s in (True, False))
    np.testing.assert_allclose(on.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(on.std(axis=0, ddof=1), 1)
    np.testing.assert_allclose(off, numbers(data()[X]))
    ranged = inputs(encode())
    np.testing.assert_allclose(np.ptp(ranged, axis=0), 1)
    assert fit("z")._model.response.mul is not None
    assert fit("z", standardize=False)._model.response.mul is None


def test_sparse() -> None:
    """Zero stays zero: inputs are scaled, but not centred."""
    zeros = data()._frame().numeric("c") == 0
    assert (inputs(fit(sparse=True))[zeros, 2] == 0).all()
    assert (inputs(fit())[zeros, 2] != 0).all()
    assert (W(fit(sparse=True)) != W(fit())).any()
    assert (W(fast(sparse=True, x=["c"])) != W(fast(x=["c"]))).any()


def test_use_all_factor_levels() -> None:
    every, fewer = fit(x=ALL), fit(x=ALL, use_all_factor_levels=False)
    assert coefficients(every)[:6] == ["u.u1", "u.u2", "u.u3", "u.u4", "u.u5", "u.missing(NA)"]
    assert coefficients(fewer)[:5] == ["u.u2", "u.u3", "u.u4", "u.u5", "u.missing(NA)"]
    first = data()._frame().codes("u") == 0
    assert (inputs(fewer)[first, :5] == 0).all()


@pytest.mark.parametrize("compat", ["booklet", "h2o-3.46"])
def test_missing_categories_train_the_input_that_scores_them(compat: str) -> None:
    """H2O trains a missing category as the last level when not all levels have inputs."""
    u = [None if i % 3 == 0 else "u1" if i % 3 == 1 else "u2" for i in range(N)]
    frame = h2o.H2OFrame({"u": u}, column_types={"u": "enum"}).cbind(data()["y"])
    start, end = (fit(x=["u"], frame=frame, use_all_factor_levels=False, epochs=e, compat=compat) for e in (0, 2))
    moved = (W(end) != W(start)).any(axis=0)
    assert coefficients(end) == ["u.u2", "u.missing(NA)"]
    assert moved.tolist() == [True, compat == "booklet"]


def test_missing_values_handling() -> None:
    """Under Skip the other values of a row with a missing one do not matter."""
    a = data()._frame().numeric("a").copy()
    other = a.copy()
    hole = np.arange(N) % 4 == 0
    holes = np.where(hole, None, data()._frame().numeric("b"))
    other[hole] += 100.0

    def weights(values: np.ndarray, how: str) -> np.ndarray:
        frame = h2o.H2OFrame({"a": values, "b": holes.tolist()}).cbind(data()["y"])
        return W(fit(x=["a", "b"], frame=frame, standardize=False, missing_values_handling=how))

    assert (weights(a, "Skip") == weights(other, "Skip")).all()
    assert (weights(a, "MeanImputation") != weights(other, "MeanImputation")).any()


def test_missing_numbers_are_the_mean_when_training_and_scoring() -> None:
    """Also without standardisation, where H2O scores them as 0."""
    values = data()._frame().numeric("b").copy()
    values[::5] = np.nan
    mean = np.nanmean(values)
    frame = h2o.H2OFrame({"b": values}).cbind(data()["y"])
    model = fit(x=["b"], frame=frame, standardize=False)
    np.testing.assert_allclose(inputs(model, frame)[::5, 0], mean)
    original = fit(x=["b"], frame=frame, standardize=False, compat="h2o-3.46")
    assert (inputs(original, frame)[::5, 0] == 0).all()


WIDTHS = {
    "OneHotInternal": 6 + 4 + 3, "Binary": 3 + 2 + 3, "Eigen": 2 + 3, "LabelEncoder": 2 + 3,
    "SortByResponse": 6 + 4 + 3,
    "EnumLimited": 6 + 4 + 3,
}  # fmt: skip


@pytest.mark.parametrize("encoding", WIDTHS)
def test_categorical_encoding(encoding: str) -> None:
    model = fit(x=ALL, categorical_encoding=encoding)
    assert inputs(model).shape[1] == WIDTHS[encoding] == len(coefficients(model))
    plain = fit(x=ALL)
    assert actual(plain, "categorical_encoding") == "OneHotInternal"
    if encoding == "SortByResponse":
        assert [c for c in coefficients(model) if c[0] == "u"] != [c for c in coefficients(plain) if c[0] == "u"]
    if encoding in ("OneHotInternal", "EnumLimited"):
        assert (inputs(model) == inputs(plain)).all()


def test_enum_limited_puts_rare_levels_together() -> None:
    many = [f"w{min(i % 40, 15)}" for i in range(N)]
    frame = data().cbind(h2o.H2OFrame({"w": many}, column_types={"w": "enum"}))
    limited = fit(x=["w"], frame=frame, categorical_encoding="EnumLimited")
    assert any("other" in c for c in coefficients(limited))
    assert len(coefficients(limited)) < len(coefficients(fit(x=["w"], frame=frame)))


def test_max_categorical_features() -> None:
    """Hashing works together with variable importances, which it does not in H2O."""
    model = fit(x=ALL, max_categorical_features=4)
    assert inputs(model).shape[1] == 4 + 3
    assert (inputs(model)[:, :4].sum(axis=1) == 2).all()
    importances = {v[0]: v[1] for v in model.varimp()}
    assert set(importances) == {"bucket.0", "bucket.1", "bucket.2", "bucket.3", *X}
    assert max(importances.values()) == 1


def test_fold_column_and_assignment() -> None:
    frame = with_column("fold", np.arange(N) % 3)

    def assigned(**params: Any) -> list[int]:
        model = fit(frame=frame, epochs=0.1, keep_cross_validation_fold_assignment=True, **params)
        key = model._model.output["cross_validation_fold_assignment_frame_id"]
        return h2o.get_frame(key)._frame().numeric("fold_assignment").astype(int).tolist()

    modulo = [i % 3 for i in range(N)]
    assert assigned(fold_column="fold") == modulo
    assert assigned(nfolds=3, fold_assignment="Modulo") == modulo
    assert assigned(nfolds=3) == assigned(nfolds=3, fold_assignment="Random") != modulo
    stratified = np.array(assigned(nfolds=3, fold_assignment="Stratified", seed=5))
    assert stratified.tolist() != assigned(nfolds=3, fold_assignment="Random", seed=5)


def test_nfolds_and_what_is_kept() -> None:
    model = fit(nfolds=3, epochs=0.1, keep_cross_validation_predictions=True)
    keys = model._model.output["cross_validation_models"]
    assert len(keys) == 3
    assert all(h2o.get_model(k).key == k for k in keys)
    assert len(model._model.output["cross_validation_predictions"]) == 3
    bare = fit(nfolds=2, epochs=0.1, keep_cross_validation_models=False)
    assert bare._model.output["cross_validation_models"] is None
    assert "cross_validation_predictions" not in bare._model.output
    assert "cross_validation_fold_assignment_frame_id" not in bare._model.output
    assert bare.auc(xval=True) > 0


def test_shuffle_training_data() -> None:
    from heavywater.algos.deeplearning.data import prepare_data
    from heavywater.algos.deeplearning.engines import FastEngine
    from heavywater.algos.deeplearning.start import starting_point
    from heavywater.training.fit import prepare

    def first_rows(**params: Any) -> list[int]:
        values = {"hidden": [3], "train_samples_per_iteration": 0, "seed": 1, **params}
        ctx = prepare("deeplearning", values, key="m", x=X, y="y", train=data()._frame(), warn=print)
        prepared = prepare_data(ctx)
        engine = FastEngine(ctx, prepared, starting_point(ctx, prepared).network)
        rows = engine._take(N).tolist()
        engine.close()
        return rows

    assert first_rows() == list(range(N))
    shuffled = first_rows(shuffle_training_data=True)
    assert shuffled != list(range(N))
    assert sorted(shuffled) == list(range(N))


def test_force_load_balance() -> None:
    from heavywater.algos.deeplearning.data import prepare_data
    from heavywater.algos.deeplearning.engines import FastEngine
    from heavywater.algos.deeplearning.start import starting_point
    from heavywater.training.fit import prepare

    for balance, threads in ((True, 4), (False, 1)):
        values = {"hidden": [8], "force_load_balance": balance}
        ctx = prepare("deeplearning", values, key="m", x=X, y="y", train=data()._frame(), warn=print, threads=4)
        prepared = prepare_data(ctx)
        engine = FastEngine(ctx, prepared, starting_point(ctx, prepared).network)
        assert engine._trainer.threads == threads
        engine.close()


def test_checkpoint() -> None:
    first = fit(epochs=2)
    second = fit(epochs=5, checkpoint=first)
    whole = fit(epochs=5)
    assert history(second)["samples"].tolist() == history(whole)["samples"].tolist()
    assert (W(second) == W(whole)).all()
    assert (b(second) == b(whole)).all()
    other = fit(epochs=5, checkpoint=fit(epochs=2, seed=8))
    assert (W(other) != W(whole)).any()
