"""Small data and quick models for tests of single parameters."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

import heavywater as h2o
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

N = 240
X = ["a", "b", "c"]


@cache
def data() -> h2o.H2OFrame:
    """Numbers a to c, categories u and v, two classes y, three classes k, a number z and a positive one p."""
    random = np.random.default_rng(3)
    a, b, c = random.normal(size=(3, N))
    noise = random.normal(size=N)
    return h2o.H2OFrame(
        {
            "a": a,
            "b": 5 + 3 * b,
            "c": np.where(random.random(N) < 0.6, 0.0, c),
            "u": random.choice(["u1", "u2", "u3", "u4", "u5"], N),
            "v": random.choice(["v1", "v2", "v3"], N),
            "y": np.where(a * b + 0.5 * noise > 0, "yes", "no"),
            "k": np.array(["k1", "k2", "k3"])[np.digitize(a + b, [-0.7, 0.7])],
            "z": 10 + 4 * a - 2 * b + noise,
            "p": np.exp(0.5 * a + 0.3 * noise),
        }
    )


def fit(y: str = "y", x: list[str] | None = None, frame: Any = None, valid: Any = None, **params: Any) -> Any:
    """A trained estimator: exact, small, without any rule that ends training early, unless `params` say otherwise."""
    quick = {
        "hidden": [6], "epochs": 2, "seed": 7, "reproducible": True, "stopping_rounds": 0, "classification_stop": -1,
        "regression_stop": -1, "overwrite_with_best_model": False,
    }  # fmt: skip
    model = H2ODeepLearningEstimator(**{**quick, **params})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.train(x=x or X, y=y, training_frame=data() if frame is None else frame, validation_frame=valid)


def fast(y: str = "y", **params: Any) -> Any:
    """As `fit`, with the fast trainer."""
    return fit(y, **{"reproducible": False, **params})


def encode(x: list[str] | None = None, frame: Any = None, **params: Any) -> Any:
    """A trained autoencoder."""
    quick = {"hidden": [4], "activation": "Tanh", "epochs": 2, "seed": 7, "reproducible": True, "regression_stop": -1}
    return H2OAutoEncoderEstimator(**{**quick, **params}).train(
        x=x or X, training_frame=data() if frame is None else frame
    )


def W(model: Any, layer: int = 0) -> np.ndarray:
    """Weights of a layer."""
    return np.asarray(model._model.network.W(layer))


def b(model: Any, layer: int = 0) -> np.ndarray:
    """Biases of a layer."""
    return np.asarray(model._model.network.b(layer))


def numbers(frame: Any) -> np.ndarray:
    """All numeric columns of a frame as an array."""
    f = frame._frame()
    return np.stack([f.numeric(n) for n in f.names if f.kind(n) != "enum"], axis=1)


def inputs(model: Any, frame: Any = None) -> np.ndarray:
    """Network inputs of a frame."""
    return np.asarray(model._model.inputs((data() if frame is None else frame)._frame()))


def actual(model: Any, name: str) -> Any:
    """The value in force of a parameter."""
    return model._model.output["parameters"][name]["actual"]


def history(model: Any) -> Any:
    return model.scoring_history()


def why(model: Any) -> str:
    return str(model._model.output["why_stopped"])
