"""The module-level verbs that scripts use besides training: metrics of any predictions, Rapids as text, the session."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import heavywater as h2o
from heavywater.engine import session
from heavywater.errors import H2OConnectionError, H2OTypeError, H2OValueError, NotFound, NotSupported
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator


@pytest.fixture
def fresh() -> Iterator[None]:
    before = session.current()
    session.use(None)
    yield
    session.use(before)


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(2)
    x = random.normal(size=(120, 2))
    classes = np.array(["p", "q", "r"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 1)]
    labels = np.where(x[:, 0] > 0, "yes", "no")
    return h2o.H2OFrame({"a": x[:, 0], "b": x[:, 1], "y": labels, "c": classes, "z": x[:, 0] * 3})


def test_every_verb_of_the_api_is_public() -> None:
    api = importlib.import_module("heavywater.api")
    modules = [importlib.import_module(f"heavywater.api.{m.name}") for m in pkgutil.iter_modules(api.__path__)]
    verbs = {
        name
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert verbs - {"memory_size", "rapids"} <= set(h2o.__all__)
    assert verbs <= set(api.__all__)
    assert callable(h2o.rapids)
    assert h2o.H2OGridSearch is h2o.grid.H2OGridSearch


# -- make_metrics ---------------------------------------------------------------------------------------------------


def test_metrics_of_two_classes(frame: h2o.H2OFrame) -> None:
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x=["a", "b"], y="y", training_frame=frame)
    p = model.predict(frame)["yes"]
    got = h2o.make_metrics(p, frame["y"])
    assert got.auc() == model.model_performance(frame).auc()
    indices = h2o.H2OFrame({"y": (frame._frame().codes("y")).astype(int)})
    assert h2o.make_metrics(p, indices, domain=["no", "yes"]).logloss() == got.logloss()
    weights = h2o.H2OFrame({"w": [0.0, 1.0] * 60})
    half = h2o.make_metrics(p, frame["y"], weights=weights)
    truth, probabilities = frame._frame().codes("y")[1::2], p._frame().numeric("yes")[1::2]
    assert half.logloss() == pytest.approx(sk.log_loss(truth, probabilities), rel=1e-9)
    assert half.nobs() == 60


def test_metrics_of_several_classes(frame: h2o.H2OFrame) -> None:
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x=["a", "b"], y="c", training_frame=frame)
    p = model.predict(frame)[:, ["p", "q", "r"]]
    got = h2o.make_metrics(p, frame["c"], auc_type="MACRO_OVR")
    assert got.logloss() == pytest.approx(model.model_performance(frame).logloss(), rel=1e-12)
    assert 0 < got.auc() <= 1
    turned = h2o.make_metrics(p[:, ["r", "q", "p"]], frame["c"], domain=["r", "q", "p"])
    assert turned.logloss() == pytest.approx(got.logloss(), rel=1e-12)


def test_metrics_of_numbers(frame: h2o.H2OFrame) -> None:
    guess = h2o.H2OFrame({"g": frame._frame().numeric("z") + 0.5})
    got = h2o.make_metrics(guess, frame["z"])
    assert (got.mse(), got.mae()) == (pytest.approx(0.25), pytest.approx(0.5))
    assert got.mean_residual_deviance() == pytest.approx(0.25)
    laplace = h2o.make_metrics(guess, frame["z"], distribution="laplace")
    assert laplace.mean_residual_deviance() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actual": "two"}, "actual must be one column; it has 2"),
        ({"actual": "short"}, "actual has 3 rows, predicted 120"),
        ({"domain": ["no", "maybe"]}, "actual holds the class 'yes', which is not in the domain"),
        ({"domain": ["no", "yes", "never"]}, "3 classes need 3 columns of probabilities; got 1"),
        ({"actual": "numbers", "domain": ["no", "yes"]}, "which is no class index of 2 classes"),
        ({"actual": "numbers", "distribution": "gausian"}, "no distribution 'gausian' .did you mean 'gaussian'"),
        ({"predicted": "two", "actual": "numbers"}, "a numeric actual column needs one column of predictions; got 2"),
    ],
)
def test_frames_that_do_not_fit(change: dict[str, Any], message: str, frame: h2o.H2OFrame) -> None:
    frames = {"two": frame[:, ["a", "b"]], "short": frame[:3, "y"], "numbers": frame["z"], None: frame["y"]}
    predicted = frames["two"] if change.get("predicted") else frame["a"].tanh() / 2 + 0.5
    with pytest.raises(H2OValueError, match=message):
        h2o.make_metrics(predicted, frames[change.get("actual")], change.get("domain"), change.get("distribution"))


def test_metrics_need_frames() -> None:
    with pytest.raises(H2OTypeError, match="actual must be an H2OFrame; got list"):
        h2o.make_metrics([0.1], [1])  # type: ignore[arg-type]


# -- rapids ----------------------------------------------------------------------------------------------------------


def test_rapids_text(fresh: None) -> None:
    frame = h2o.H2OFrame({"a": [1.0, 2.0, 6.0], "b": ["x", "y", "x"]})
    frame.frame_id = "numbers"
    assert h2o.rapids("(+ 1 2)") == {"scalar": 3.0}
    assert h2o.rapids("(sumNA (cols numbers 'a'))")["scalar"] == 9.0
    made = h2o.rapids("(tmp= doubled (* (cols numbers 'a') 2))")
    assert made == {"key": {"name": "doubled"}, "num_rows": 3, "num_cols": 1}
    assert h2o.get_frame("doubled")._frame().numeric("a").tolist() == [2.0, 4.0, 12.0]
    unnamed = h2o.rapids("(cols numbers [0])")["key"]["name"]
    assert h2o.get_frame(unnamed).nrow == 3
    assert h2o.rapids("(rm doubled)") == {"scalar": 1.0}
    with pytest.raises(NotFound, match="doubled"):
        h2o.get_frame("doubled")
    for text in ("(+ 1", "(nope 1)", "(mean missing_frame)"):
        with pytest.raises((H2OValueError, NotFound, NotSupported)):
            h2o.rapids(text)
    with pytest.raises(H2OTypeError, match="an expression as text; got int"):
        h2o.rapids(3)  # type: ignore[arg-type]


def test_the_package_rapids_stays_a_package() -> None:
    import heavywater.rapids.node as module
    from heavywater.rapids.node import Leaf

    assert module.Leaf is Leaf
    assert h2o.rapids.node is module


# -- the session ------------------------------------------------------------------------------------------------------


@pytest.mark.network
def test_engines_that_do_not_answer_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for attempt in (
        lambda: h2o.connect(url="http://127.0.0.1:1"),
        lambda: h2o.connect(ip="127.0.0.1", port=1),
        lambda: h2o.init(url="http://localhost:1"),
    ):
        with pytest.raises(H2OConnectionError, match=r"http://(127.0.0.1|localhost):1 does not answer"):
            attempt()
    h2o.connect(ip="localhost")
    assert "in this process" in capsys.readouterr().out


def test_keys_are_listed_and_removed(fresh: None, frame: h2o.H2OFrame) -> None:
    model = H2ODeepLearningEstimator(hidden=[2], epochs=0, seed=1, model_id="m").train(
        x=["a", "b"], y="y", training_frame=frame
    )
    grid = h2o.H2OGridSearch(H2ODeepLearningEstimator(hidden=[2], epochs=0), {"l1": [0.0]}, grid_id="g")
    grid.train(x=["a", "b"], y="y", training_frame=frame)
    own = h2o.deep_copy(frame, "f")
    assert {"m", "g", "g_model_1", "f"} <= set(h2o.ls()["key"])
    assert "f" in h2o.frames()
    assert not {"m", "g", "g_model_1"} & set(h2o.frames())
    h2o.remove([grid, "m"])
    assert not {"m", "g"} & set(h2o.ls()["key"])
    h2o.remove_all(retained=[own])
    assert list(h2o.ls()["key"]) == ["f"]
    assert not math.isnan(model.logloss())
