"""`demo`: a whole run on built-in data."""

from __future__ import annotations

import os
import tempfile

from heavywater.api.models import load_model, save_model
from heavywater.api.session import init
from heavywater.errors import NotFound, NotSupported, did_you_mean
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.h2oframe import H2OFrame


def demo(funcname: str, interactive: bool = True, echo: bool = True, test: bool = False) -> H2OEstimator:
    """Run a demonstration; ``"deeplearning"`` trains, scores and saves a classifier on built-in data.

    Parameters
    ----------
    funcname : str
        ``"deeplearning"``.
    interactive : bool
        Wait for Enter between the steps, in a terminal.
    echo : bool
        Print each step before it runs.
    test : bool
        Never wait.
    """
    known = {"deeplearning": _demo_deeplearning}
    if funcname in ("glm", "gbm"):
        raise NotSupported(
            f"demo({funcname!r}): this algorithm is not part of this version; there is demo('deeplearning')"
        )
    if funcname not in known:
        raise NotFound(f"there is no demo {funcname!r}{did_you_mean(funcname, known)}; there is demo('deeplearning')")
    return known[funcname](interactive and not test, echo)


def _demo_deeplearning(interactive: bool, echo: bool) -> H2OEstimator:
    from sklearn.datasets import load_breast_cancer

    from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

    def step(text: str) -> None:
        if echo:
            print(f"\n>>> {text}")
        if interactive and os.isatty(0):
            input("    (Enter to go on)")

    step("import heavywater as h2o; h2o.init()")
    init()
    data = load_breast_cancer(as_frame=True)
    table = data.frame.assign(target=data.target.map({0: "malignant", 1: "benign"}))
    step("frame = h2o.H2OFrame(table)   # scikit-learn's breast cancer data, 569 rows")
    frame = H2OFrame(table)
    step("train, test = frame.split_frame([0.75], seed=1)")
    train, test = frame.split_frame([0.75], seed=1)
    step("model = H2ODeepLearningEstimator(hidden=[20, 20], epochs=20, seed=1)")
    model = H2ODeepLearningEstimator(hidden=[20, 20], epochs=20, seed=1)
    step("model.train(y='target', training_frame=train, validation_frame=test)")
    model.train(y="target", training_frame=train, validation_frame=test)
    print(model)
    step("model.predict(test).head()")
    print(model.predict(test).head())
    with tempfile.TemporaryDirectory() as folder:
        step("path = h2o.save_model(model, folder); h2o.load_model(path).auc(valid=True)")
        print(load_model(save_model(model, folder)).model_performance(valid=True).auc())
    return model
