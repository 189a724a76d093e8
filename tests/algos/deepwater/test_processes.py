"""Several devices share every mini-batch; here they are processes on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import InvalidParams
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from tests.algos.deepwater.conftest import SMALL, read

pytestmark = pytest.mark.slow


def test_two_processes_learn_what_one_does():
    random = np.random.default_rng(1)
    x = random.normal(size=(203, 3))
    frame = h2o.H2OFrame({f"x{i}": x[:, i].tolist() for i in range(3)} | {"y": (x @ [1.0, 2.0, 3.0]).tolist()})
    settings = {"hidden": [6], "gpu": False, "seed": 3, "epochs": 3, "momentum_start": 0.5, "learning_rate": 0.01}
    one = H2ODeepWaterEstimator(**settings).train(y="y", training_frame=frame)
    two = H2ODeepWaterEstimator(**settings, device_id=[0, 1]).train(y="y", training_frame=frame)
    for name, w in one._model.net.arrays().items():
        assert np.allclose(w, two._model.net.arrays()[name], atol=1e-5), name
    assert two._model.output["samples"] == 609


def test_images_with_augmentation_in_two_processes(pictures):
    frame = read(pictures)
    settings = {**SMALL, "epochs": 8, "learning_rate": 0.02, "device_id": [0, 1], "stopping_rounds": 0}
    model = H2ODeepWaterEstimator(**settings, augmentation=["crop"]).train(x="uri", y="label", training_frame=frame)
    assert model.mean_per_class_error() < 0.3


def test_device_ids_are_distinct():
    frame = h2o.H2OFrame({"a": [1, 2, 3, 4], "y": [1, 2, 3, 5]})
    with pytest.raises(InvalidParams, match="device_id must name each device once"):
        H2ODeepWaterEstimator(device_id=[0, 0], gpu=False).train(y="y", training_frame=frame)
    with pytest.raises(InvalidParams, match="compile works on one device"):
        H2ODeepWaterEstimator(device_id=[0, 1], compile=True, gpu=False).train(y="y", training_frame=frame)
