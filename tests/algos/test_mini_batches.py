"""Mini-batches through the public API: they learn, and a seed decides every bit whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.engine import session
from heavywater.engine.session import LocalSession
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(3)
    x = random.normal(size=(900, 4))
    levels = random.choice(["u", "v", "w"], 900)
    z = x @ np.arange(1.0, 5.0) + (levels == "u")
    columns = {f"x{i}": x[:, i] for i in range(4)} | {"c": levels, "y": np.where(z > 0, "p", "n"), "z": z}
    return h2o.H2OFrame(columns)


@pytest.fixture
def threads() -> Iterator[Any]:
    before = session.current()

    def use(count: int) -> None:
        fresh = LocalSession(count)
        fresh.store, fresh.show_progress = before.store, before.show_progress
        session.use(fresh)

    yield use
    session.use(before)


X = ["x0", "x1", "x2", "x3", "c"]


@pytest.mark.parametrize("reproducible", [False, True])
def test_one_thread_and_two_give_the_same_bits(frame: h2o.H2OFrame, threads: Any, reproducible: bool) -> None:
    weights = []
    for count in (1, 2):
        threads(count)
        model = H2ODeepLearningEstimator(
            hidden=[20, 20], epochs=5, seed=4, mini_batch_size=16, reproducible=reproducible
        )
        model.train(x=X, y="y", training_frame=frame)
        weights.append(model._model.state.arrays)
    for name in weights[0]:
        assert (weights[0][name] == weights[1][name]).all(), name


@pytest.mark.parametrize("size", [0, 8, 7])
def test_batches_learn(frame: h2o.H2OFrame, size: int) -> None:
    params = {"hidden": [20], "epochs": 60, "seed": 1, "mini_batch_size": size}
    model = H2ODeepLearningEstimator(**params).train(x=X, y="y", training_frame=frame)
    assert model.auc() > 0.97
    regression = H2ODeepLearningEstimator(**params).train(x=X, y="z", training_frame=frame)
    assert regression.r2() > 0.9


def test_autoencoders_learn_in_batches(frame: h2o.H2OFrame) -> None:
    def mse(**params: Any) -> float:
        model = H2OAutoEncoderEstimator(hidden=[6], activation="Tanh", seed=1, **params).train(
            x=X, training_frame=frame
        )
        return float(model.mse())

    assert mse(mini_batch_size=8, epochs=60) < 0.5 * mse(epochs=0)
