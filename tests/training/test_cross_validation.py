"""Cross-validation: folds, what is kept, the summary, the main model's epochs, and every way it can end."""

from __future__ import annotations

import _thread
import math
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.algos import deeplearning
from heavywater.engine import session
from heavywater.errors import Cancelled, H2OValueError, InvalidParams, NotFound, UnstableModel
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from heavywater.training import folds as folds_module
from heavywater.training.fit import prepare
from tests.algos.reference import Case, close, same_bits

X = [f"x{i}" for i in range(4)]
GOLDEN = "cv_early_stop cv_fold_column cv_modulo_cls2 cv_random_reg cv_stratified_cls3".split()


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(11)
    x = random.normal(size=(300, 4))
    score = x[:, 0] - x[:, 1] + 0.3 * random.normal(size=300)
    columns = {f"x{i}": x[:, i] for i in range(4)}
    columns |= {
        "y": np.where(score > 0, "yes", "no"),
        "z": score,
        "c": np.where(score > 1, "high", np.where(score > -1, "middle", "low")),
        "w": np.arange(300) % 2 + 1.0,
        "fold": np.arange(300) % 7,
        "part": np.array(["p", "q", "r"])[np.arange(300) // 100],
    }
    return h2o.H2OFrame(columns)


def network(**params: Any) -> H2ODeepLearningEstimator:
    return H2ODeepLearningEstimator(**{"hidden": [6], "epochs": 3, "seed": 5, **params})


def kept(**params: Any) -> H2ODeepLearningEstimator:
    return network(
        keep_cross_validation_predictions=True, keep_cross_validation_fold_assignment=True, **params
    )  # fmt: skip


# -- the original's runs --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden(shared: Path) -> Any:
    done: dict[str, tuple[Case, Any]] = {}

    def get(name: str) -> tuple[Case, Any]:
        if name not in done:
            case = Case.load(shared / "reference" / "bitexact" / name)
            done[name] = case, case.train(compat="h2o-3.46")
        return done[name]

    return get


@pytest.mark.parametrize("name", GOLDEN)
def test_summary_is_the_originals(name: str, golden: Any) -> None:
    case, model = golden(name)
    table = case.golden["final"]["model"]["cross_validation_metrics_summary"]
    ours = model.cross_validation_metrics_summary()
    assert (ours.title, ours.col_header) == (table["table"], table["columns"])
    for found, expected in zip(ours.cell_values, zip(*table["data"], strict=True), strict=True):
        assert found[0] == expected[0]
        for column, (a, b) in enumerate(zip(found[1:], expected[1:], strict=True)):
            # The original computes in float32: a deviation between equal values is noise there.
            assert close(a, b, 2e-6) or (column == 1 and abs(float(a) - float(b)) < 1e-7), (found, expected)


@pytest.mark.parametrize("name", GOLDEN)
def test_folds_fold_models_and_holdouts_are_the_originals(name: str, golden: Any) -> None:
    case, model = golden(name)
    folds = model.cross_validation_fold_assignment()
    assert folds.names == ["fold_assignment"]
    assert (folds._frame().numeric("fold_assignment") == case.arrays["cv_fold_assignment"]).all()
    models = model.cross_validation_models()
    assert [m.key for m in models] == [f"{model.key}_cv_{k + 1}" for k in range(len(models))]
    for k, m in enumerate(models, 1):
        for layer in range(3):
            ours, theirs = m._model.network.W(layer), case.arrays[f"cv{k}.W{layer}"]
            assert same_bits(ours, theirs)
    frames = [(model.cross_validation_holdout_predictions(), "cv_holdout_pred")]
    frames += [(f, f"cv{k}.pred_all") for k, f in enumerate(model.cross_validation_predictions(), 1)]
    for predictions, key in frames:
        inner, labelled = predictions._frame(), f"{key}_label" in case.arrays
        numbers = np.stack([inner.numeric(n) for n in inner.names[labelled:]], axis=1)
        # The original rounds the probabilities of these frames to eight decimals.
        np.testing.assert_allclose(numbers, case.arrays[key], rtol=1e-7, atol=1e-8)
        if labelled:
            rows = np.ones(inner.nrow, bool) if key == "cv_holdout_pred" else case.arrays[key].sum(axis=1) > 0
            assert (inner.codes("predict")[rows] == case.arrays[f"{key}_label"][rows]).all()


# -- folds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ["AUTO", "Random", "Modulo", "Stratified"])
def test_assignments(assignment: str, frame: h2o.H2OFrame) -> None:
    model = kept(nfolds=5, fold_assignment=assignment).train(x=X, y="c", training_frame=frame)
    folds = model.cross_validation_fold_assignment()._frame().numeric("fold_assignment").astype(int)
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    assert model.actual_params["fold_assignment"] == ("Random" if assignment == "AUTO" else assignment)
    if assignment == "Modulo":
        assert (folds == np.arange(300) % 5).all()
    if assignment in ("AUTO", "Random"):
        assert (folds != np.arange(300) % 5).any()
        again = kept(nfolds=5, seed=5, epochs=0).train(x=X, y="c", training_frame=frame)
        assert (again.cross_validation_fold_assignment()._frame().numeric("fold_assignment") == folds).all()
    if assignment == "Stratified":
        codes = frame._frame().codes("c")
        for c in range(3):
            assert min(Counter(folds[codes == c]).values()) > 0


@pytest.mark.parametrize(("column", "count"), [("fold", 7), ("part", 3)])
def test_fold_column(column: str, count: int, frame: h2o.H2OFrame) -> None:
    model = kept(fold_column=column).train(y="z", training_frame=frame, x=[*X, column])
    assert len(model.cross_validation_models()) == count
    given = frame._frame().numeric(column)
    assert (model.cross_validation_fold_assignment()._frame().numeric("fold_assignment") == given).all()
    assert column not in {v[0] for v in model.varimp()}
    assert model.actual_params["fold_assignment"] is None
    assert model.actual_params["fold_column"] == column


def test_holdout_predictions_come_from_the_model_that_had_not_seen_the_row(frame: h2o.H2OFrame) -> None:
    model = kept(nfolds=3, fold_assignment="Modulo").train(x=X, y="y", training_frame=frame)
    holdout = model.cross_validation_holdout_predictions()._frame().numeric("yes")
    for k, m in enumerate(model.cross_validation_models()):
        rows = np.arange(300) % 3 == k
        np.testing.assert_allclose(holdout[rows], m.predict(frame)._frame().numeric("yes")[rows], rtol=1e-12)
        own = model.cross_validation_predictions()[k]._frame().numeric("yes")
        assert (own[~rows] == 0).all()
        assert (own[rows] == holdout[rows]).all()
        assert m.model_performance(valid=True)["nobs"] == 100
        assert m.model_performance(train=True)["nobs"] == 200
    pooled = h2o.make_metrics(model.cross_validation_holdout_predictions()["yes"], frame["y"], domain=["no", "yes"])
    assert model.auc(xval=True) == pooled.auc()
    assert model.logloss(xval=True) == pytest.approx(pooled.logloss(), rel=1e-12)
    assert "3-fold cross-validation on training data" in repr(model)


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_unless_asked(frame: h2o.H2OFrame) -> None:
    before = set(session.current().keys())
    model = network(nfolds=2, keep_cross_validation_models=False).train(x=X, y="z", training_frame=frame)
    assert model.cross_validation_models() is None
    assert model.xvals is None
    assert model.cross_validation_predictions() is None
    assert model.cross_validation_holdout_predictions() is None
    assert model.cross_validation_fold_assignment() is None
    assert model.mse(xval=True) > 0
    assert not [k for k in set(session.current().keys()) - before if "_cv_" in k or "prediction" in k]


def test_models_can_be_asked_for_by_key(frame: h2o.H2OFrame) -> None:
    model = network(nfolds=2, model_id="crossed").train(x=X, y="z", training_frame=frame)
    assert model.is_cross_validated()
    assert model.get_xval_models("crossed_cv_2").key == "crossed_cv_2"
    assert [m.key for m in model.get_xval_models()] == ["crossed_cv_1", "crossed_cv_2"]
    with pytest.raises(NotFound, match="'crossed_cv_3' is not a fold model; they are crossed_cv_1, crossed_cv_2"):
        model.get_xval_models("crossed_cv_3")
    h2o.remove("crossed_cv_1")
    with pytest.raises(NotFound, match="'crossed_cv_1' is not in this session"):
        model.cross_validation_models()


def test_without_folds_there_is_nothing_to_ask(frame: h2o.H2OFrame) -> None:
    model = network().train(x=X, y="z", training_frame=frame)
    assert not model.is_cross_validated()
    assert model.cross_validation_metrics_summary() is None
    with pytest.raises(H2OValueError, match="trained without cross-validation; train with nfolds="):
        model.cross_validation_models()
    with pytest.raises(H2OValueError, match="no xval metrics"):
        model.mse(xval=True)


def test_a_saved_model_still_tells_about_its_folds(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    model = kept(nfolds=3).train(x=X, y="y", training_frame=frame)
    path = h2o.save_model(model, tmp_path)
    auc, table = model.auc(xval=True), model.cross_validation_metrics_summary()
    h2o.remove_all(retained=[frame])
    back = h2o.load_model(path)
    assert back.auc(xval=True) == auc
    assert back.cross_validation_metrics_summary().cell_values == table.cell_values
    with pytest.raises(NotFound, match="the model was loaded from a file"):
        back.cross_validation_models()


# -- training -------------------------------------------------------------------------------------------------------


def test_fold_models_are_those_of_zero_weights(frame: h2o.H2OFrame) -> None:
    """A fold model is the model of a weights column that is 0 on the fold's rows."""
    crossed = network(nfolds=3, fold_assignment="Modulo", reproducible=True).train(x=X, y="z", training_frame=frame)
    weighted = h2o.H2OFrame(frame.as_data_frame())
    weighted["in"] = h2o.H2OFrame({"in": (np.arange(300) % 3 != 1).astype(float)})["in"]
    alone = network(reproducible=True, weights_column="in").train(x=X, y="z", training_frame=weighted)
    second = crossed.cross_validation_models()[1]
    assert same_bits(second._model.network.W(0), alone._model.network.W(0))


def test_weights_count_in_folds_and_holdouts(frame: h2o.H2OFrame) -> None:
    model = kept(nfolds=3, weights_column="w").train(x=X, y="z", training_frame=frame)
    errors = frame._frame().numeric("z") - model.cross_validation_holdout_predictions()._frame().numeric("predict")
    weights = frame._frame().numeric("w")
    assert model.mse(xval=True) == pytest.approx(np.average(errors**2, weights=weights), rel=1e-9)
    assert model.mse(xval=True) != pytest.approx(np.mean(errors**2), rel=1e-6)


def test_early_stopping_gives_the_main_model_the_mean_epochs(frame: h2o.H2OFrame) -> None:
    params = {"epochs": 200, "stopping_rounds": 2, "stopping_tolerance": 0.2, "score_each_iteration": True}
    with pytest.warns(UserWarning, match="fold models ended early, after .* the main model trains for their mean"):
        model = network(nfolds=3, train_samples_per_iteration=0, **params).train(x=X, y="z", training_frame=frame)
    folds = [m._model.output["epochs"] for m in model.cross_validation_models()]
    assert max(folds) < 200
    assert all("early stopping" in m._model.output["why_stopped"] for m in model.cross_validation_models())
    main = model._model.output["epochs"]
    assert np.mean(folds) <= main < np.mean(folds) + 1
    assert model.params["epochs"] == {"default": 10.0, "input": 200.0, "actual": pytest.approx(np.mean(folds))}
    assert model.params["stopping_rounds"]["input"] == 2


def test_main_model_keeps_the_users_validation_frame(frame: h2o.H2OFrame) -> None:
    model = network(nfolds=2).train(x=X, y="z", training_frame=frame, validation_frame=frame[:50, :])
    assert model.model_performance(valid=True)["nobs"] == 50
    assert [m.model_performance(valid=True)["nobs"] for m in model.cross_validation_models()] != [50, 50]


def crossing(frame: h2o.H2OFrame, train: Any, **context: Any) -> Any:
    """Cross-validate with a trainer of our own, which may look at what each fold gets."""
    params = {"nfolds": 4, "epochs": 1, "hidden": [4], "seed": 1}
    ctx = prepare(
        "deeplearning", params, key="side", x=X, y="z", train=frame._frame(), warn=lambda text: None, **context
    )  # fmt: skip
    return folds_module.cross_validate(ctx, train, lambda key, value: None)


@pytest.mark.parametrize(
    ("context", "most", "threads"),
    [({"threads": 1}, 1, 1), ({"threads": 3}, 3, 1), ({"threads": 8}, 4, 2), ({"threads": 3, "max_mem_bytes": 1 << 40}, 1, 3)],
)  # fmt: skip
def test_folds_train_side_by_side(context: dict[str, Any], most: int, threads: int, frame: h2o.H2OFrame) -> None:
    """Threads are shared out; a bound on memory is a bound for one copy of the data; every fold has its own clock."""
    inside, seen, lock = [], [], threading.Lock()

    def train(one: Any) -> Any:
        with lock:
            inside.append(one.key)
            if "_cv_" in one.key:
                seen.append((len(inside), one.threads, one.elapsed()))
        time.sleep(0.1)
        model = deeplearning.build_model(deeplearning.train(one), one.key)
        with lock:
            inside.remove(one.key)
        return model

    crossing(frame, train, **context)
    assert max(n for n, _, _ in seen) == most
    assert {t for _, t, _ in seen} == {threads}
    assert max(elapsed for _, _, elapsed in seen) < 0.09


def test_a_failing_fold_ends_the_others(frame: h2o.H2OFrame) -> None:
    began = time.monotonic()

    def train(one: Any) -> Any:
        if one.key.endswith("_2"):
            raise UnstableModel("weights are too large")
        while not one.stop.is_set() and time.monotonic() - began < 20:
            time.sleep(0.01)
        raise Cancelled("stopped")

    with pytest.raises(UnstableModel, match="cross-validation, fold 2 of 4: weights are too large"):
        crossing(frame, train, threads=4)
    assert time.monotonic() - began < 10


# -- ends -----------------------------------------------------------------------------------------------------------


def test_time_limit_is_shared_out(frame: h2o.H2OFrame) -> None:
    network(nfolds=2, epochs=1).train(x=X, y="z", training_frame=frame)
    began = time.monotonic()
    with pytest.warns(UserWarning, match="fold models ended early"):
        model = network(nfolds=4, epochs=1e9, max_runtime_secs=2, stopping_rounds=0).train(
            x=X, y="z", training_frame=frame
        )
    assert time.monotonic() - began < 5
    reasons = [m._model.output["why_stopped"] for m in model.cross_validation_models()]
    assert all("max_runtime_secs" in r for r in reasons)
    assert all(m._model.output["epochs"] > 1 for m in model.cross_validation_models()), "every fold has its own clock"


def test_interrupt_during_the_folds_says_what_is_kept(frame: h2o.H2OFrame) -> None:
    params = {"nfolds": 3, "epochs": 1e9, "stopping_rounds": 0, "model_id": "halted"}
    network(epochs=1).train(x=X, y="z", training_frame=frame)
    threading.Timer(1.0, _thread.interrupt_main).start()
    began = time.monotonic()
    with pytest.raises(Cancelled, match="stopped before the main model was trained; 0 of 3 fold models were complete"):
        network(**params).train(x=X, y="z", training_frame=frame)
    assert time.monotonic() - began < 6
    assert "halted" not in session.current().keys()  # noqa: SIM118


def test_complete_fold_models_survive_an_interrupt(frame: h2o.H2OFrame) -> None:
    params = {"nfolds": 3, "epochs": 1, "hidden": [4], "seed": 1}
    ctx = prepare("deeplearning", params, key="cut", x=X, y="z", train=frame._frame(), warn=lambda text: None)
    trained, left = [], {}

    def train(one: Any) -> Any:
        if len(trained) == 2:
            ctx.stop.set()
        trained.append(one.key)
        return deeplearning.build_model(deeplearning.train(one), one.key)

    with pytest.raises(Cancelled, match=r"2 of 3 .* are kept: cut_cv_1, cut_cv_2"):
        folds_module.cross_validate(ctx, train, left.__setitem__)
    assert sorted(left) == ["cut_cv_1", "cut_cv_2"]


def test_interrupt_of_the_main_model_keeps_it(frame: h2o.H2OFrame) -> None:
    params = {"nfolds": 2, "epochs": 1e9, "hidden": [4], "seed": 1, "stopping_rounds": 0, "regression_stop": -1}
    ctx = prepare("deeplearning", params, key="kept", x=X, y="z", train=frame._frame(), warn=lambda text: None)

    def train(one: Any) -> Any:
        if one.key == "kept":
            threading.Timer(0.5, ctx.stop.set).start()
        else:
            one.params.epochs = 1
        return deeplearning.build_model(deeplearning.train(one), one.key)

    model = folds_module.cross_validate(ctx, train, lambda key, value: None)
    assert model.output["why_stopped"].startswith("stopped by the user after")
    assert model.metrics("xval") is not None


def test_an_unstable_fold_is_named_and_ends_the_others(frame: h2o.H2OFrame) -> None:
    wild = network(
        nfolds=3, epochs=1e9, adaptive_rate=False, rate=1e30, activation="Rectifier", score_each_iteration=True,
        stopping_rounds=0,
    )  # fmt: skip
    began = time.monotonic()
    with pytest.raises(UnstableModel, match=r"cross-validation, fold \d of 3: "):
        wild.train(x=X, y="z", training_frame=frame)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"nfolds": 1}, "nfolds must be 0 .* or at least 2; got 1"),
        ({"nfolds": 301}, "nfolds cannot be larger than the number of rows"),
        ({"nfolds": 3, "fold_column": "fold"}, "nfolds cannot be given together with fold_column"),
        ({"fold_column": "x0"}, "fold_column 'x0' must hold whole numbers or categories"),
        ({"fold_column": "fild"}, "fild"),
        ({"fold_column": "same"}, "has only one fold"),
        ({"fold_column": "holes"}, "fold_column 'holes'"),
        ({"nfolds": 3, "fold_assignment": "stratefied"}, "Stratified"),
    ],
)
def test_bad_folds(params: dict[str, Any], message: str, frame: h2o.H2OFrame) -> None:
    data = frame.cbind(h2o.H2OFrame({"same": [1] * 300, "holes": [None, 1, 2] * 100}))
    with pytest.raises((InvalidParams, H2OValueError), match=message):
        network(**params).train(x=X, y="z", training_frame=data)


def test_stratified_folds_need_classes(frame: h2o.H2OFrame) -> None:
    with pytest.raises(H2OValueError, match="fold_assignment='Stratified' needs a categorical response"):
        network(nfolds=3, fold_assignment="Stratified").train(x=X, y="z", training_frame=frame)


def test_a_fold_without_rows(frame: h2o.H2OFrame) -> None:
    with pytest.raises(H2OValueError, match=r"fold \d+ of 12 has no rows; use fewer folds, more data or another seed"):
        network(nfolds=12, seed=3).train(x=X, y="z", training_frame=frame[:12, :])


def test_autoencoders_have_no_folds(frame: h2o.H2OFrame) -> None:
    with pytest.raises(InvalidParams, match="autoencoders cannot be cross-validated"):
        H2OAutoEncoderEstimator(nfolds=3).train(x=X, training_frame=frame)


def test_a_fold_without_one_of_the_classes_leaves_gaps_not_errors() -> None:
    """A summary over folds of which one has a single class: its AUC is unknown there and not in the mean."""
    data = h2o.H2OFrame({"a": list(range(40)), "y": ["n"] * 20 + ["p"] * 20, "f": [0] * 10 + [1, 2] * 15})
    model = network(fold_column="f", classification_stop=-1).train(x="a", y="y", training_frame=data)
    rows = {r[0]: r[1:] for r in model.cross_validation_metrics_summary().cell_values}
    assert math.isnan(rows["mcc"][2])
    assert rows["accuracy"][2] >= 0
