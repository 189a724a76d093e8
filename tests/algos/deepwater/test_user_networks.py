"""Networks of one's own with columns of a table beside images, and networks of Keras in an estimator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import heavywater as h2o
from heavywater.algos.deepwater.own_module import OwnNet
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from heavywater.networks.catalog import build
from heavywater.networks.files import write_params, write_symbol
from heavywater.networks.fitting import with_table
from heavywater.networks.module import GraphModule
from tests.algos.deepwater.conftest import SMALL, read
from tests.networks.keras_models import L, keras

OWN = {**SMALL, "network": "user", "learning_rate": 0.02, "stopping_rounds": 0}
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself


@pytest.fixture
def mixed(pictures) -> h2o.H2OFrame:
    """Images with a number and a category beside them; the number alone decides the target."""
    random = np.random.default_rng(3)
    beside = {"hint": random.normal(size=90).tolist(), "colour": random.choice(["red", "blue"], 90).tolist()}
    frame = read(pictures).cbind(h2o.H2OFrame(beside))
    frame["target"] = frame["hint"] * 3 + 1
    frame["big"] = (frame["hint"] > 0).asfactor()
    return frame


X = ["uri", "hint", "colour"]


def two_inputs(classes: int, channels: int, size: tuple[int, int], columns: int = 0) -> nn.Module:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(3)
            self.image = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.last = nn.Linear(4 + columns, classes)

        def forward(self, x, table):
            return self.last(torch.cat([self.image(x / 255), table], 1))

    return Both()


def test_a_module_gets_the_table_as_its_second_argument(mixed, tmp_path):
    model = H2ODeepWaterEstimator(**OWN, network_module=two_inputs, epochs=40)
    model.train(x=X, y="target", training_frame=mixed)
    assert isinstance(model._model.net, OwnNet)
    assert model._model.columns.table_width == 4
    assert model.r2() > 0.9
    assert model.deepfeatures(mixed, "image.2_output").shape == (90, 4)
    loaded = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    loaded.use_module(two_inputs)
    assert np.array_equal(loaded.predict(mixed).as_data_frame(), model.predict(mixed).as_data_frame())

    def one_input(classes, channels, size):
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * size[0] * size[1], classes))

    with pytest.raises(H2OTypeError, match=r"one_input must take \(classes, channels, \(width, height\), columns\)"):
        H2ODeepWaterEstimator(**OWN, network_module=one_input).train(x=X, y="target", training_frame=mixed)
    with pytest.raises(H2OValueError, match="and 4 columns of a table beside them, as a second argument"):
        H2ODeepWaterEstimator(**OWN, network_module=nn.Flatten()).train(x=X, y="target", training_frame=mixed)


def test_a_table_joins_the_last_layer_of_a_network_from_a_file(mixed, tmp_path):
    graph = build("lenet", 10, (16, 16), 3)
    arrays = GraphModule(graph, (3, 16, 16), 5).arrays()
    write_symbol(tmp_path / "lenet.json", graph)
    write_params(tmp_path / "lenet.params", arrays)
    files = {"network_definition_file": str(tmp_path / "lenet.json"), "pixel_scaling": "channel"}
    model = H2ODeepWaterEstimator(**OWN, **files, epochs=60)
    with pytest.warns(UserWarning, match=r"join its last layer|10 outputs, the response needs 1"):
        model.train(x=X, y="target", training_frame=mixed)
    assert model.r2() > 0.9
    spec = model._model.graph.arrays((3, 16, 16))
    assert spec["fullyconnected1_weight"].shape == (1, 504)
    loaded = h2o.load_model(h2o.save_model(model, str(tmp_path / "saved")))
    assert np.array_equal(loaded.predict(mixed).as_data_frame(), model.predict(mixed).as_data_frame())

    # With weights: those of the features are taken over, those of the columns begin as drawn.
    ready = H2ODeepWaterEstimator(
        **{**OWN, **files, "network_parameters_file": str(tmp_path / "lenet.params"), "epochs": 0}
    )
    mixed["ten"] = h2o.H2OFrame({"ten": [str(i % 10) for i in range(90)]})["ten"].asfactor()
    with pytest.warns(UserWarning, match="join its last layer"):
        ready.train(x=X, y="ten", training_frame=mixed)
    weight = ready._model.net.arrays()["fullyconnected1_weight"]
    assert np.array_equal(weight[:, :500], arrays["fullyconnected1_weight"])
    assert weight[:, 500:].std() > 0


def test_joining_computes_what_the_parts_compute():
    graph = with_table(build("lenet", 3, (16, 16), 3), (3, 16, 16), 2)
    module = GraphModule(graph, (3, 16, 16), 1).eval()
    x, table = torch.rand(4, 3, 16, 16), torch.rand(4, 2)
    arrays = module.arrays()
    features = module.features(x, "activation2_output", table)
    want = torch.cat([features, table], 1) @ torch.from_numpy(arrays["fullyconnected1_weight"]).T
    assert torch.allclose(module(x, table), want, atol=1e-5)
    with pytest.raises(H2OValueError, match=r"before its head stands 'pooling1' \(pooling\)"):
        with_table(graph.up_to("pooling1_output"), (3, 16, 16), 2)


# -- Keras ------------------------------------------------------------------------------------------------------------


def small_keras(last: int, activation: str | None, *, table: int = 0):
    i = keras.Input((16, 16, 3))
    x = L.Rescaling(1 / 255)(i)
    x = L.MaxPooling2D(4)(L.Conv2D(8, 3, padding="same", activation="relu")(x))
    x = L.Flatten()(x)
    t = keras.Input((table,)) if table else None
    x = L.Concatenate()([x, t]) if table else x
    return keras.Model([i, t] if table else i, L.Dense(last, activation=activation)(x))


def test_a_trained_model_of_keras_scores_as_in_keras_and_goes_on_learning(pictures, tmp_path):
    model = small_keras(3, "softmax")
    model.save(tmp_path / "m.keras")
    frame = read(pictures)
    files = {n: str(tmp_path / "m.keras") for n in ("network_definition_file", "network_parameters_file")}
    ready = H2ODeepWaterEstimator(**{**OWN, **files, "epochs": 0}).train(x="uri", y="label", training_frame=frame)
    source = ready._model._source(frame._frame(), 1)
    pixels = source.batch(np.arange(90))[0].transpose(0, 2, 3, 1).astype(np.float32)
    want = model.predict_on_batch(pixels)
    assert np.abs(ready._model.answers(frame._frame()) - want).max() < 1e-5
    learned = H2ODeepWaterEstimator(**{**OWN, **files, "epochs": 30}).train(x="uri", y="label", training_frame=frame)
    assert learned.mean_per_class_error() < 0.1 < ready.mean_per_class_error()
    path = learned.download_mojo(str(tmp_path))
    again = h2o.import_mojo(path)
    assert np.abs(again._model.answers(frame._frame()) - learned._model.answers(frame._frame())).max() < 1e-5


def test_one_sigmoid_of_keras_is_two_classes_or_a_number(mixed, tmp_path):
    model = small_keras(1, "sigmoid", table=4)
    model.save(tmp_path / "m.keras")
    files = {n: str(tmp_path / "m.keras") for n in ("network_definition_file", "network_parameters_file")}
    ready = H2ODeepWaterEstimator(**{**OWN, **files, "epochs": 0}).train(x=X, y="big", training_frame=mixed)
    data, table = ready._model._source(mixed._frame(), 1).batch(np.arange(90))
    want = model.predict_on_batch([data.transpose(0, 2, 3, 1).astype(np.float32), table])
    assert np.abs(ready._model.answers(mixed._frame())[:, 1:] - want).max() < 1e-5
    learned = H2ODeepWaterEstimator(**{**OWN, **files, "epochs": 20}).train(x=X, y="big", training_frame=mixed)
    assert learned.auc() > 0.95
    number = H2ODeepWaterEstimator(**{**OWN, **files, "epochs": 0, "standardize": False})
    mixed["share"] = mixed["hint"] * 0 + 0.5
    mixed[0, "share"] = 0.6
    number.train(x=X, y="share", training_frame=mixed)
    given = number._model._source(mixed._frame(), 1).batch(np.arange(90))
    want = model.predict_on_batch([given[0].transpose(0, 2, 3, 1).astype(np.float32), given[1]])
    assert np.abs(number._model.answers(mixed._frame()) - want).max() < 1e-5

    with pytest.raises(H2OValueError, match="takes 4 columns of a table beside an image; x has 3"):
        H2ODeepWaterEstimator(**{**OWN, **files}).train(x=["uri", "colour"], y="big", training_frame=mixed)
    with pytest.raises(H2OValueError, match="takes 4 columns of a table beside an image; x has no"):
        H2ODeepWaterEstimator(**{**OWN, **files}).train(x="uri", y="big", training_frame=mixed)
