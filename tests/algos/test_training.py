"""How training begins, goes on and ends."""

from __future__ import annotations

import _thread
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.algos.deeplearning import engines
from heavywater.engine import session
from heavywater.errors import Cancelled, H2OValueError
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from heavywater.training.fit import fit, prepare


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(7)
    x = random.normal(size=(600, 5))
    y = np.where(x[:, 0] * x[:, 1] + 0.3 * random.normal(size=600) > 0, "yes", "no")
    columns = {f"x{i}": x[:, i] for i in range(5)} | {"y": y, "z": x @ np.arange(5.0) + 1}
    return h2o.H2OFrame(columns)


@pytest.fixture
def fresh() -> Iterator[None]:
    before = session.current()
    yield
    session.use(before)


def classifier(**params: Any) -> H2ODeepLearningEstimator:
    return H2ODeepLearningEstimator(**{"hidden": [8], "epochs": 3, "seed": 1, **params})


X = [f"x{i}" for i in range(5)]


def test_zero_epochs_give_the_scored_initial_network(frame: h2o.H2OFrame) -> None:
    model = classifier(epochs=0).train(x=X, y="y", training_frame=frame)
    assert model.summary()["type"] == ["Input", "Rectifier", "Softmax"]
    assert model.scoring_history()["samples"].tolist() == [0.0, 0.0]
    assert 0.2 < model.logloss() < 5


def test_predictors_by_name_index_or_frame_are_the_same(frame: h2o.H2OFrame) -> None:
    one = classifier(reproducible=True).train(x=X, y="y", training_frame=frame)
    two = classifier(reproducible=True).train(x=list(range(5)), y=5, training_frame=frame)
    three = classifier(reproducible=True).train(x=frame[:, :5], y=frame["y"])
    assert one.logloss() == two.logloss() == three.logloss()


def test_all_other_columns_are_predictors_by_default(frame: h2o.H2OFrame) -> None:
    model = classifier(ignored_columns=["x4"]).train(y="y", training_frame=frame)
    assert {v[0] for v in model.varimp()} == {"x0", "x1", "x2", "x3", "z"}


def test_same_seed_same_bits_and_another_seed_others(frame: h2o.H2OFrame) -> None:
    def weights(seed: int) -> np.ndarray:
        model = classifier(reproducible=True, seed=seed).train(x=X, y="y", training_frame=frame)
        return model._model.state.arrays["W0"]

    assert (weights(5) == weights(5)).all()
    assert (weights(5) != weights(6)).any()


def test_runtime_limit_ends_training_and_says_so(frame: h2o.H2OFrame) -> None:
    began = time.monotonic()
    model = classifier(epochs=1e7, max_runtime_secs=1.0, stopping_rounds=0, classification_stop=-1).train(
        x=X, y="y", training_frame=frame
    )
    assert time.monotonic() - began < 6
    assert "max_runtime_secs (1 s) was reached" in repr(model)
    assert model.scoring_history()["samples"].iloc[-1] > 600


def endless(frame: h2o.H2OFrame, **params: Any) -> H2ODeepLearningEstimator:
    params = {"epochs": 1e9, "stopping_rounds": 0, "classification_stop": -1, "max_runtime_secs": 60, **params}
    return classifier(**params).train(x=X, y="y", training_frame=frame)


@pytest.mark.parametrize("reproducible", [False, True])
def test_interrupt_keeps_the_model_so_far(frame: h2o.H2OFrame, reproducible: bool) -> None:
    classifier(epochs=1, reproducible=reproducible).train(
        x=X, y="y", training_frame=frame
    )  # compiled before the clock runs
    timer = threading.Timer(1.0, _thread.interrupt_main)
    timer.start()
    model = endless(frame, reproducible=reproducible)
    assert "stopped by the user after" in repr(model)
    assert model.predict(frame).nrow == 600
    assert h2o.get_model(model.model_id or model.key).logloss() == model.logloss()


@pytest.mark.parametrize("reproducible", [False, True])
def test_cancel_before_the_first_row_leaves_no_model(frame: h2o.H2OFrame, reproducible: bool) -> None:
    data = frame._frame()
    ctx = prepare("deeplearning", {"reproducible": reproducible}, key="never", x=X, y="y", train=data, warn=print)
    ctx.stop.set()
    with pytest.raises(Cancelled, match="before the first row"):
        fit(ctx, "deeplearning", session.current().put)


def test_early_stopping_ends_with_its_numbers(frame: h2o.H2OFrame) -> None:
    model = classifier(epochs=1000, stopping_rounds=2, stopping_tolerance=0.1, score_each_iteration=True).train(
        x=X, y="y", training_frame=frame, validation_frame=frame
    )
    history = model.scoring_history()
    assert history["epochs"].iloc[-1] < 1000
    assert "early stopping: the moving average of the validation logloss over 2 scorings" in repr(model)


def test_best_model_is_restored(frame: h2o.H2OFrame) -> None:
    train, valid = frame.split_frame([0.5], seed=3)
    params = {
        "epochs": 200, "hidden": [50, 50], "score_each_iteration": True, "stopping_rounds": 0, "train_samples_per_iteration": 0,
    }  # fmt: skip
    best = classifier(**params).train(x=X, y="y", training_frame=train, validation_frame=valid)
    last = classifier(**params, overwrite_with_best_model=False).train(
        x=X, y="y", training_frame=train, validation_frame=valid
    )
    losses = best.scoring_history()["validation_logloss"].dropna()
    assert losses.iloc[-1] == pytest.approx(losses.min(), rel=1e-6)
    assert best.logloss(valid=True) == losses.iloc[-1]
    assert last.logloss(valid=True) > best.logloss(valid=True)


def test_perfect_training_accuracy_stops_unless_switched_off(frame: h2o.H2OFrame) -> None:
    easy = h2o.H2OFrame({"a": [0.0, 1.0] * 50, "y": ["n", "p"] * 50})
    params = {"epochs": 500, "score_each_iteration": True, "stopping_rounds": 0}
    stopped = classifier(**params).train(x="a", y="y", training_frame=easy)
    assert "reached classification_stop=0" in repr(stopped)
    going_on = classifier(**params, classification_stop=-1).train(x="a", y="y", training_frame=easy)
    assert going_on.scoring_history()["epochs"].iloc[-1] >= 500


def test_regression_stop(frame: h2o.H2OFrame) -> None:
    model = classifier(epochs=500, regression_stop=0.5, score_each_iteration=True).train(
        x=X, y="z", training_frame=frame
    )
    assert model.mse() <= 0.5
    assert "reached regression_stop=0.5" in repr(model)


def test_threads_and_memory_of_init_are_honoured(
    frame: h2o.H2OFrame, fresh: None, capsys: pytest.CaptureFixture[str]
) -> None:
    h2o.init(nthreads=1, max_mem_size=4096)
    assert session.current().nthreads == 1
    assert "4.00" not in capsys.readouterr().out.split("threads")[0]
    with pytest.raises(H2OValueError, match=r"design matrix needs .* more than max_mem_size"):
        classifier().train(x=X, y="y", training_frame=frame)
    h2o.init(nthreads=1, max_mem_size="1G")
    assert classifier().train(x=X, y="y", training_frame=frame).auc() > 0.4


def test_an_autoencoder_by_parameter_is_one_by_class(frame: h2o.H2OFrame) -> None:
    params = {"hidden": [3], "activation": "Tanh", "epochs": 5, "seed": 2, "reproducible": True}
    one = H2OAutoEncoderEstimator(**params).train(x=X, training_frame=frame)
    two = H2ODeepLearningEstimator(autoencoder=True, **params).train(x=X, training_frame=frame)
    assert one.mse() == two.mse()


def test_every_activation_loss_and_distribution_learns(frame: h2o.H2OFrame) -> None:
    for activation in ("Tanh", "Rectifier", "Maxout", "ExpRectifier"):
        for dropout in ("", "WithDropout"):
            model = classifier(hidden=[20], epochs=30, activation=activation + dropout).train(
                x=X, y="z", training_frame=frame
            )
            assert model.r2() > (0.5 if dropout else 0.9), activation + dropout
    for distribution in ("laplace", "quantile", "huber"):
        model = classifier(hidden=[20], epochs=30, distribution=distribution).train(x=X, y="z", training_frame=frame)
        assert model.r2() > 0.8, distribution
    positive = frame[:, :5].cbind((frame["z"] / 3).exp())
    positive.names = [*X, "w"]
    for distribution in ("poisson", "gamma", "tweedie"):
        model = classifier(hidden=[20], epochs=30, distribution=distribution).train(x=X, y="w", training_frame=positive)
        worst = classifier(hidden=[20], epochs=0, distribution=distribution).train(x=X, y="w", training_frame=positive)
        assert model.mean_residual_deviance() < 0.3 * worst.mean_residual_deviance(), distribution
    for loss in ("CrossEntropy", "Quadratic"):
        model = classifier(hidden=[20], epochs=60, loss=loss).train(x=X, y="y", training_frame=frame)
        assert model.auc() > 0.85, loss


@pytest.mark.parametrize("options", [{}, {"mini_batch_size": 8}, {"reproducible": True}])
def test_what_training_needed_is_let_go_at_its_end(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not when the collector of cycles comes by: a matrix of inputs is as large as the table."""
    made: list[weakref.ref[Any]] = []
    for name in ("FastEngine", "ExactEngine"):
        kind = getattr(engines, name)

        def remembered(*args: Any, kind: Any = kind) -> Any:
            engine = kind(*args)
            made.append(weakref.ref(engine._data.inputs.dense))
            return engine

        monkeypatch.setattr(engines, name, remembered)
    frame = h2o.H2OFrame(
        {"a": [0.5, 1.25, 0.0, 2.0] * 25, "b": [0.0, 0.5, 1.0, 3.5] * 25, "y": [1.0, 2.0, 3.0, 4.0] * 25}
    )
    gc.collect()
    gc.disable()
    try:
        H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1, **options).train(y="y", training_frame=frame)
        assert [ref() is None for ref in made] == [True]
    finally:
        gc.enable()
