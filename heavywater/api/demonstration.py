"""`demo`: a whole run on built-in data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

from heavywater.api.models import load_model, save_model
from heavywater.api.session import init
from heavywater.errors import NotFound, did_you_mean
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.estimators.registry import estimator_class
from heavywater.h2oframe import H2OFrame

_SETTINGS: dict[str, dict[str, Any]] = {
    "deeplearning": {"hidden": [20, 20], "epochs": 20, "seed": 1},
    "gbm": {"ntrees": 30, "max_depth": 4, "seed": 1},
    "glm": {"family": "binomial", "seed": 1},
}


def demo(funcname: str, interactive: bool = True, echo: bool = True, test: bool = False) -> H2OEstimator:
    """Run a demonstration: train, score and save a classifier on built-in data.

    Parameters
    ----------
    funcname : {"deeplearning", "gbm", "glm"}
        Which algorithm.
    interactive : bool
        Wait for Enter between the steps, in a terminal.
    echo : bool
        Print each step before it runs.
    test : bool
        Never wait.
    """
    if funcname not in _SETTINGS:
        there = ", ".join(f"demo({name!r})" for name in _SETTINGS)
        raise NotFound(f"there is no demo {funcname!r}{did_you_mean(funcname, _SETTINGS)}; there are {there}")

    def step(text: str) -> None:
        if echo:
            print(f"\n>>> {text}")
        if interactive and not test and os.isatty(0):
            input("    (Enter to go on)")

    return _classifier(funcname, step)


def _classifier(algo: str, step: Callable[[str], None]) -> H2OEstimator:
    from sklearn.datasets import load_breast_cancer

    step("import heavywater as h2o; h2o.init()")
    init()
    data = load_breast_cancer(as_frame=True)
    table = data.frame.assign(target=data.target.map({0: "malignant", 1: "benign"}))
    step("frame = h2o.H2OFrame(table)   # scikit-learn's breast cancer data, 569 rows")
    frame = H2OFrame(table)
    step("train, test = frame.split_frame([0.75], seed=1)")
    train, test = frame.split_frame([0.75], seed=1)
    kind, settings = estimator_class(algo), _SETTINGS[algo]
    step(f"model = {kind.__name__}({', '.join(f'{k}={v!r}' for k, v in settings.items())})")
    model = kind(**settings)
    step("model.train(y='target', training_frame=train, validation_frame=test)")
    model.train(y="target", training_frame=train, validation_frame=test)
    print(model)
    step("model.predict(test).head()")
    print(model.predict(test).head())
    with tempfile.TemporaryDirectory() as folder:
        step("path = h2o.save_model(model, folder); h2o.load_model(path).auc(valid=True)")
        print(load_model(save_model(model, folder)).model_performance(valid=True).auc())
    return model
