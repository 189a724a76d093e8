"""Networks for other programs: ONNX runtimes give the model's own answers; the parts of a MOJO."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import NotSupported
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from tests.algos.deepwater.conftest import SMALL, bars, read

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

TABLE = {"hidden": [6], "gpu": False, "seed": 5, "epochs": 2}


def scored(path: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, {k: v.astype(np.float32) for k, v in inputs.items()})))


@pytest.fixture
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(4)
    x = random.normal(size=(120, 2)) * [1, 50]
    return h2o.H2OFrame(
        {
            "a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "kind": random.choice(["u", "v"], 120).tolist(),
            "class": ["no" if v > -1 else "yes" for v in x[:, 0]], "number": (x[:, 1] * 10 + 500).tolist(),
        }
    )  # fmt: skip


def test_images(pictures, tmp_path):
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**SMALL, epochs=2).train(x="uri", y="label", training_frame=frame)
    path = model.download_onnx(str(tmp_path))
    found = scored(path, data=bars(90)[0].transpose(0, 3, 1, 2))
    assert np.allclose(found["probabilities"], model._model.answers(frame._frame()), atol=1e-5)


@pytest.mark.parametrize("balance", [False, True])
def test_a_table_with_categories_and_balanced_classes(frame, tmp_path, balance):
    model = H2ODeepWaterEstimator(**TABLE, balance_classes=balance)
    model.train(x=["a", "b", "kind"], y="class", training_frame=frame)
    f = frame._frame()
    u = f.codes("kind") == 0
    data = np.stack([u, ~u, np.zeros(120, bool), f.numeric("a"), f.numeric("b")], axis=1)
    found = scored(model.download_onnx(str(tmp_path)), data=data)
    assert np.allclose(found["probabilities"], model._model.answers(f), atol=1e-5)


def test_a_number(frame, tmp_path):
    model = H2ODeepWaterEstimator(**TABLE).train(x=["a", "b"], y="number", training_frame=frame)
    f = frame._frame()
    found = scored(model.download_onnx(str(tmp_path)), data=np.stack([f.numeric("a"), f.numeric("b")], axis=1))
    assert np.allclose(found["prediction"], model._model.answers(f), rtol=1e-4)


def test_the_parts_of_a_mojo(pictures, tmp_path):
    model = H2ODeepWaterEstimator(**SMALL, epochs=1).train(x="uri", y="label", training_frame=read(pictures))
    path = model.download_mojo(str(tmp_path / "model.zip"))
    with zipfile.ZipFile(path) as archive:
        ini = archive.read("model.ini").decode()
        (tmp_path / "network.onnx").write_bytes(archive.read("model_network"))
        assert archive.read("domains/d000.txt").decode().split() == ["lying", "slanting", "standing"]
        assert len(archive.read("model_params")) > 4 * 1000
    for line in (
        "algorithm = Deep Water",
        "category = Multinomial",
        "problem_type = image",
        "width = 16",
        "channels = 3",
    ):
        assert line in ini
    found = scored(str(tmp_path / "network.onnx"), data=bars(90)[0].transpose(0, 3, 1, 2))
    assert np.allclose(found["probabilities"], model._model.answers(read(pictures)._frame()), atol=1e-5)


def test_what_cannot_be_written(frame, tmp_path):
    from torch import nn

    own = H2ODeepWaterEstimator(network="user", network_module=nn.Linear(2, 1), gpu=False, epochs=0)
    own.train(x=["a", "b"], y="number", training_frame=frame)
    with pytest.raises(NotSupported, match="code of its user's"):
        own.download_onnx(str(tmp_path))
    coded = H2ODeepWaterEstimator(**TABLE, categorical_encoding="Binary")
    coded.train(x=["a", "kind"], y="number", training_frame=frame)
    with pytest.raises(NotSupported, match="categorical_encoding"):
        coded.download_mojo(str(tmp_path))


@pytest.mark.parametrize("kind", ["images", "mean image", "balanced table", "number"])
def test_a_mojo_comes_back(kind, pictures, frame, tmp_path):
    from heavywater.algos.deepwater import build_model
    from heavywater.export.mojo import read_mojo

    if kind in ("images", "mean image"):
        frame = read(pictures)
        settings = {**SMALL, "epochs": 1}
        if kind == "mean image":
            np.save(tmp_path / "mean.npy", np.random.default_rng(1).random((3, 16, 16)).astype(np.float32) * 90)
            settings |= {"mean_image_file": str(tmp_path / "mean.npy"), "pixel_scaling": "unit"}
        model = H2ODeepWaterEstimator(**settings).train(x="uri", y="label", training_frame=frame)
    elif kind == "number":
        model = H2ODeepWaterEstimator(**TABLE).train(x=["a", "b", "kind"], y="number", training_frame=frame)
    else:
        model = H2ODeepWaterEstimator(**TABLE, balance_classes=True)
        model.train(x=["a", "b", "kind"], y="class", training_frame=frame)
    path = model.download_mojo(str(tmp_path / "model.zip"))
    again = build_model(read_mojo(path), "again")
    assert np.allclose(again.answers(frame._frame()), model._model.answers(frame._frame()), rtol=1e-5)
    assert again.predict(frame._frame()).names == model.predict(frame).names


def test_the_stored_mojo_of_deep_water(shared, tmp_path):
    """400 stored digits with the original's gray gamma; the whole test set is measured with the networks."""
    from heavywater.algos.deepwater import build_model
    from heavywater.export.mojo import read_mojo
    from tests.algos.deepwater.test_networks import digits

    files = shared / "data" / "deepwater"
    model = build_model(read_mojo(files / "model_mnist_lenet_mx.zip"), "lenet")
    assert model.columns.recipe.gray_gamma
    frame = digits(shared, tmp_path, "test", 400)
    source = frame._frame().rename({frame.names[0]: "uri"})
    labels = [f"digit_{c}" for c in model.labels(model.answers(source))]
    truth = source.data[frame.names[1]].cast(str).to_list()
    assert np.mean([a != b for a, b in zip(labels, truth)]) < 0.03
    assert model.deepfeatures(source, layer="activation2_output").ncol == 500
    never_learned = build_model(read_mojo(files / "model_mnist_lenet_caffe.zip"), "caffe")
    assert set(never_learned.labels(never_learned.answers(source))) == {1}
    assert never_learned.deepfeatures(source, layer="ip1").ncol == 500


@pytest.mark.slow
def test_the_stored_mojo_has_the_metrics_that_it_was_stored_with(shared, tmp_path):
    """MNIST's 10,000 test digits as gray PNG: error 0.0106 and logloss 0.0501713 with Java's gray, 98.91% without."""
    import dataclasses

    import polars as pl
    from PIL import Image

    from heavywater.algos.deepwater import build_model
    from heavywater.export.mojo import read_mojo
    from heavywater.frame import Frame

    table = np.loadtxt(shared / "data" / "mnist" / "test.csv.gz", delimiter=",", dtype=np.uint8)
    for i, row in enumerate(table):
        Image.fromarray(row[:784].reshape(28, 28)).save(tmp_path / f"{i}.png", compress_level=0)
    levels = [str(d) for d in range(10)]
    paths = [str(tmp_path / f"{i}.png") for i in range(len(table))]
    label = pl.Series("label", [str(d) for d in table[:, 784]], dtype=pl.Enum(levels))
    frame = Frame(pl.DataFrame({"uri": paths}).with_columns(label))
    model = build_model(read_mojo(shared / "data" / "deepwater" / "model_mnist_lenet_mx.zip"), "lenet")
    stored = model.performance(frame, threads=2)
    assert 1 - stored.hit_ratio_table().cell_values[0][1] == pytest.approx(0.0106, abs=1e-9)
    assert stored.logloss() == pytest.approx(0.0501713, abs=1e-5)
    assert stored.mse() == pytest.approx(0.00902317, abs=1e-6)
    model.columns.recipe = dataclasses.replace(model.columns.recipe, gray_gamma=False)
    bare = model.performance(frame, threads=2)
    assert 1 - bare.hit_ratio_table().cell_values[0][1] == pytest.approx(0.0109, abs=1e-9)


def test_damaged_mojos(pictures, tmp_path):
    from heavywater.errors import ModelFileError
    from heavywater.export.mojo import read_mojo

    model = H2ODeepWaterEstimator(**SMALL, epochs=0).train(x="uri", y="label", training_frame=read(pictures))
    path = model.download_mojo(str(tmp_path / "model.zip"))
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    changes = {
        "model_params": b"no safetensors", "model_network": b"no onnx",
        "model.ini": parts["model.ini"].replace(b"width = 16", b"width = 99"),
    }  # fmt: skip
    for name, content in changes.items():
        broken = tmp_path / "broken.zip"
        with zipfile.ZipFile(broken, "w") as out:
            for entry, data in {**parts, name: content}.items():
                out.writestr(entry, data)
        with pytest.raises(ModelFileError):
            read_mojo(broken)
