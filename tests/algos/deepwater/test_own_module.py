"""A PyTorch module of the user's as the network; its code is never stored."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

import heavywater as h2o
from heavywater.errors import H2OTypeError, H2OValueError, InvalidParams, NotFound, NotSupported
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from tests.algos.deepwater.conftest import SMALL, read

OWN = {**SMALL, "network": "user"}


def small_network(classes: int, channels: int, size: tuple[int, int]) -> nn.Module:
    torch.manual_seed(3)
    width = 8 * (size[0] // 4) * (size[1] // 4)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(width, classes),
    )  # fmt: skip


def test_a_function_that_makes_a_module(pictures, tmp_path):
    frame = read(pictures)
    settings = {**OWN, "network_module": small_network, "epochs": 15, "learning_rate": 0.02}
    model = H2ODeepWaterEstimator(**settings).train(x="uri", y="label", training_frame=frame)
    assert model.mean_per_class_error() < 0.1
    assert model.layers() == [f"{i}_output" for i in range(7)]
    features = model.deepfeatures(frame, "4_output")
    assert features.shape == (90, 128)
    with pytest.raises(NotFound, match="0_output\n1_output"):
        model.deepfeatures(frame, "conv")
    again = H2ODeepWaterEstimator(**settings).train(x="uri", y="label", training_frame=frame)
    assert again._model.checksum == model._model.checksum

    loaded = h2o.load_model(h2o.save_model(model, str(tmp_path / "saved")))
    with pytest.raises(NotSupported, match="small_network.*use_module"):
        loaded.predict(frame)
    loaded.use_module(small_network)
    assert np.array_equal(loaded._model.answers(frame._frame()), model._model.answers(frame._frame()))
    assert loaded.network_module is None
    with pytest.raises(H2OValueError, match="are not those of Linear"):
        loaded.use_module(nn.Linear(3, 3))


def test_a_module_itself_is_not_changed(pictures):
    module = small_network(3, 3, (16, 16))
    before = module[0].weight.detach().clone()
    model = H2ODeepWaterEstimator(**OWN, network_module=module, epochs=1)
    model.train(x="uri", y="label", training_frame=read(pictures))
    assert torch.equal(module[0].weight, before)
    assert not np.array_equal(model._model.net.arrays()["0.weight"], before.numpy())


def test_a_name_to_import(pictures, monkeypatch):
    module = types.ModuleType("networks_of_a_test")
    module.make = small_network
    monkeypatch.setitem(sys.modules, "networks_of_a_test", module)
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**OWN, network_module="networks_of_a_test:make", epochs=0)
    model.train(x="uri", y="label", training_frame=frame)
    assert model._model.output["parameters"]["network_module"]["actual"] is None
    for name, fault in (("os.system", "'package.module:name' is expected"), ("nowhere_at_all:x", "cannot be imported")):
        with pytest.raises(H2OValueError, match=fault):
            H2ODeepWaterEstimator(**OWN, network_module=name).train(x="uri", y="label", training_frame=frame)


def test_modules_that_do_not_fit(pictures):
    frame = read(pictures)

    def refused(module, error, fault):
        with pytest.raises(error, match=fault):
            H2ODeepWaterEstimator(**OWN, network_module=module).train(x="uri", y="label", training_frame=frame)

    refused(small_network(5, 3, (16, 16)), H2OValueError, "has 5 outputs; the response needs 3")
    refused(small_network(3, 1, (16, 16)), H2OValueError, "cannot take rows of the shape")
    refused(nn.Identity(), H2OValueError, "must give")
    refused(lambda classes, channels, size: 5, H2OTypeError, "must return a torch.nn.Module")


def test_a_table_in_a_module_and_no_module_at_all():
    frame = h2o.H2OFrame({"a": [1.0, 2.0, 3.0, 4.0] * 5, "y": [1.0, 2.0, 3.0, 5.0] * 5})
    model = H2ODeepWaterEstimator(network="user", network_module=nn.Linear(1, 1), gpu=False, epochs=1, seed=1)
    assert model.train(y="y", training_frame=frame).mse() > 0
    with pytest.raises(InvalidParams, match="network='user' needs network_definition_file or network_module"):
        H2ODeepWaterEstimator(network="user", gpu=False).train(y="y", training_frame=frame)
