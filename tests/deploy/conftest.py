"""Model files of every format that a service can be started from."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import heavywater as h2o
from heavywater.estimators import H2ODeepLearningEstimator


def table(n: int = 200) -> dict[str, list[object]]:
    random = np.random.default_rng(3)
    age, pay = random.uniform(18, 70, n), random.normal(1000, 200, n)
    sex = random.choice(["f", "m", "ü <b>"], n)
    risky = age / 50 + (sex == "m") + random.normal(size=n) * 0.3 > 1.4
    return {
        "age": [float(v) for v in age],
        "sex": [str(v) for v in sex],
        "pay": [None if random.random() < 0.1 else float(v) for v in pay],
        "risk": ["yes" if r else "no" for r in risky],
    }


@pytest.fixture(scope="session")
def model() -> H2ODeepLearningEstimator:
    frame = h2o.H2OFrame(table())
    for c in ("sex", "risk"):
        frame[c] = frame[c].asfactor()
    made = H2ODeepLearningEstimator(hidden=[6], epochs=5, seed=1, model_id="risk")
    return made.train(y="risk", training_frame=frame)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def files(model: H2ODeepLearningEstimator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    found = {"heavywater": Path(h2o.save_model(model, str(folder))), "MOJO": Path(model.download_mojo(folder))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("onnxruntime", reason="needs heavywater[onnx]")
        found["ONNX"] = Path(model.download_onnx(folder))
    return found
