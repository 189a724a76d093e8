"""Predefined networks by name, and networks and weights that come in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OValueError, HeavywaterError, InvalidParams
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from tests.algos.deepwater.conftest import SMALL, read


def trained(pictures: Path, **settings) -> H2ODeepWaterEstimator:
    return H2ODeepWaterEstimator(**{**SMALL, **settings}).train(x="uri", y="label", training_frame=read(pictures))


def digits(shared: Path, folder: Path, part: str, rows: int) -> h2o.H2OFrame:
    """A frame of stored digits, whose list has no heading."""
    source = shared / "data" / "images" / "mnist_png"
    lines = (source / f"{part}.csv").read_text().splitlines()[1 : rows + 1]
    path = folder / f"{part}.csv"
    path.write_text("".join(f"{source}/{line}\n" for line in lines))
    return h2o.import_file(str(path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["googlenet", "inception_bn", "resnet", "resnet18"])
def test_networks_train_are_saved_and_answer_the_same(pictures, name, tmp_path):
    frame = read(pictures)[:12, :]
    model = H2ODeepWaterEstimator(**{**SMALL, "network": name, "image_shape": [32, 32], "mini_batch_size": 6}, epochs=1)
    model.train(x="uri", y="label", training_frame=frame)
    assert np.isfinite(model.logloss())
    again = h2o.load_model(h2o.save_model(model, str(tmp_path / name)))
    assert np.array_equal(model._model.answers(frame._frame()), again._model.answers(frame._frame()))


def test_images_that_are_too_small_for_a_network(pictures):
    with pytest.raises(HeavywaterError, match="resnet18 needs images of at least 32x32 pixels; image_shape is 16x16"):
        trained(pictures, network="resnet18")


def test_native_files_are_written_and_read(pictures, tmp_path):
    prefix = tmp_path / "native"
    model = trained(pictures, epochs=2, export_native_parameters_prefix=str(prefix), stopping_rounds=0)
    assert Path(f"{prefix}.json").is_file()
    files = sorted(tmp_path.glob("native.*.params"))
    assert files
    settings = {"network": "user", "network_definition_file": f"{prefix}.json", "pixel_scaling": "channel", "epochs": 0}
    again = trained(pictures, **settings, network_parameters_file=str(files[-1]))
    for name, w in model._model.net.arrays().items():
        assert np.array_equal(w, again._model.net.arrays()[name]), name
    assert np.allclose(model._model.answers(read(pictures)._frame()), again._model.answers(read(pictures)._frame()))


def test_weights_of_another_head_are_loaded_in_part_and_that_is_said(pictures, tmp_path):
    prefix = tmp_path / "native"
    trained(pictures, epochs=1, export_native_parameters_prefix=str(prefix))
    frame = read(pictures)
    frame["two"] = frame["label"] == "lying"
    frame["two"] = frame["two"].asfactor()
    weights = str(sorted(tmp_path.glob("native.*.params"))[-1])
    model = H2ODeepWaterEstimator(
        **{**SMALL, "network": "user"},
        network_definition_file=f"{prefix}.json",
        network_parameters_file=weights,
        epochs=0,
    )
    with pytest.warns(UserWarning, match="last layer is replaced|fullyconnected1"):
        model.train(x="uri", y="two", training_frame=frame)
    assert model._model.category == "Binomial"
    assert model.deepfeatures(frame, "flatten0_output").ncol == 50


def test_weights_of_another_network_are_refused(pictures, tmp_path):
    prefix = tmp_path / "native"
    trained(pictures, epochs=1, export_native_parameters_prefix=str(prefix))
    weights = str(sorted(tmp_path.glob("native.*.params"))[-1])
    with pytest.raises(H2OValueError, match="none of the arrays"):
        trained(pictures, network="resnet18", image_shape=[32, 32], network_parameters_file=weights)


def test_files_that_are_no_networks(pictures, tmp_path):
    pickle = tmp_path / "net.json"
    pickle.write_bytes(b"\x80\x04\x95\x10\x00\x00\x00")
    text = tmp_path / "other.json"
    text.write_text("{}")
    for path in (pickle, text):
        with pytest.raises(HeavywaterError):
            trained(pictures, network="user", network_definition_file=str(path))
    with pytest.raises(InvalidParams, match="there is no file"):
        trained(pictures, network="user", network_definition_file=str(tmp_path / "gone.json"))


def test_a_stored_network_is_read_and_goes_on_learning(shared, tmp_path):
    files = shared / "data" / "deepwater"
    frame = digits(shared, tmp_path, "test", 400)
    settings = {
        "network": "user", "network_definition_file": str(files / "model_mnist_lenet_mx.json"),
        "network_parameters_file": str(files / "model_mnist_lenet_mx_params"), "image_shape": [28, 28], "channels": 3,
        "gpu": False, "seed": 1,
    }  # fmt: skip
    model = H2ODeepWaterEstimator(**settings, epochs=0).train(x=[0], y=1, training_frame=frame)
    assert model._model.columns.pixels.mul == (1.0,) * 3
    error = model.confusion_matrix(frame).cell_values[-1][-2]
    assert error < 0.03
    more = H2ODeepWaterEstimator(**settings, epochs=1, learning_rate=1e-4).train(x=[0], y=1, training_frame=frame)
    assert more.logloss() < model.logloss()
    assert model.deepfeatures(frame, "flatten0_output").shape == (400, 800)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*arrays of .* were loaded")
def test_inception_with_random_weights_and_a_mean_image(shared, tmp_path):
    from heavywater.networks.files import read_network, write_params
    from heavywater.networks.module import GraphModule

    files = shared / "data" / "deepwater"
    graph = read_network(files / "Inception_BN-symbol.json")
    write_params(tmp_path / "Inception_BN-0039.params", GraphModule(graph, (3, 224, 224), 1).arrays())
    frame = digits(shared, tmp_path, "train", 6)
    model = H2ODeepWaterEstimator(
        epochs=0, network="user", network_definition_file=str(files / "Inception_BN-symbol.json"),
        network_parameters_file=str(tmp_path / "Inception_BN-0039.params"), mean_image_file=str(files / "mean_224.nd"),
        image_shape=[224, 224], channels=3, gpu=False,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="1000 outputs"):
        model.train(x=[0], y=1, training_frame=frame)
    assert model.deepfeatures(frame, "global_pool_output").shape == (6, 1024)
    assert model.deepfeatures(frame, "conv_5b_double_3x3_1_output").shape == (6, 10976)


@pytest.mark.long
def test_lenet_on_mnist(shared):
    """At most 1.2% of the test rows after 5 epochs, which are never looked at before."""
    train, test = (h2o.import_file(str(shared / "data" / "mnist" / f"{p}.csv.gz")) for p in ("train", "test"))
    for frame in (train, test):
        frame["C785"] = frame["C785"].asfactor()
    model = H2ODeepWaterEstimator(
        network="lenet", image_shape=[28, 28], channels=1, epochs=5, ignore_const_cols=False, seed=1, gpu=False,
        learning_rate=0.01,
    )  # fmt: skip
    model.train(y="C785", training_frame=train)
    assert model._model.output["epochs"] <= 5
    hits = model.model_performance(test).hit_ratio_table().cell_values
    assert 1 - hits[0][1] <= 0.012
