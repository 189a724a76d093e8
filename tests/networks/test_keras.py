"""Models of Keras, read without Keras: their numbers against Keras's own, and damaged or hostile files."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from heavywater.errors import ModelFileError, NotFound, NotSupported
from heavywater.networks.files import read_arrays, read_network
from tests.networks.keras_models import ALL, keras, made

torch = pytest.importorskip("torch")

from heavywater.networks.module import GraphModule  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*HDF5 file via"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # in Keras itself
]


def saved(model, folder: Path) -> dict[str, Path]:
    paths = {"keras": folder / "m.keras", "hdf5": folder / "m.h5", "weights": folder / "m.weights.h5"}
    model.save(paths["keras"])
    model.save(paths["hdf5"])
    model.save_weights(paths["weights"])
    return paths


def inputs(graph, rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    shapes = {n.name: n.attrs["shape"] for n in graph.nodes if n.op == "input"}
    return [rng.random((rows, *shapes[n]), np.float32) * 3 - 1 for n in ("data", "table") if n in shapes]


def in_keras(model, given: list[np.ndarray], name: str) -> np.ndarray:
    turned = [x.transpose(0, 2, 3, 1) if x.ndim == 4 and name != "channels_first" else x for x in given]
    turned = [x[..., 0] if name == "digits" else x for x in turned]
    return model.predict_on_batch(turned[::-1] if len(turned) > 1 else turned[0])


@pytest.mark.parametrize("name", list(ALL))
def test_the_numbers_are_those_of_keras(name, tmp_path):
    model = made(name)
    paths = saved(model, tmp_path)
    for definition in ("keras", "hdf5"):
        graph = read_network(paths[definition])
        given = inputs(graph, 5)
        want = in_keras(model, given, name)
        module = GraphModule(graph, given[0].shape[1:], seed=1).eval()
        for weights in paths.values():
            report = module.load_arrays(read_arrays(weights, graph), partial=True)
            assert not report.missing
            assert not report.unexpected
            with torch.inference_mode():
                got = module(*map(torch.from_numpy, given))
                whole = {"softmax": lambda x: torch.softmax(x, 1), "logistic": torch.sigmoid}.get(
                    graph.loss if graph.nodes[-1].op in ("softmax", "output") else "", lambda x: x
                )
            assert np.abs(whole(got).numpy() - want).max() < 2e-5 * max(1, np.abs(want).max()), weights.name


def test_layers_have_the_names_of_keras_and_their_values(tmp_path):
    model = made("nested")
    path = saved(model, tmp_path)["keras"]
    graph = read_network(path)
    assert {"same_name_output", "inner/same_name_output"} <= set(graph.layers())
    assert set(graph.arrays((3, 8, 8))) >= {
        "same_name/kernel",
        "inner/same_name/bias",
        "inner/batch_normalization/gamma",
    }
    module = GraphModule(graph, (3, 8, 8))
    module.load_arrays(read_arrays(path, graph))
    x = inputs(graph, 2)[0]
    part = keras.Model(model.input, model.get_layer("same_name").output)
    want = part.predict_on_batch(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2).reshape(2, -1)
    with torch.inference_mode():
        got = module.eval().features(torch.from_numpy(x), "same_name_output").numpy()
    assert np.abs(got - want).max() < 1e-5


def test_a_file_without_the_names_of_layers_is_read_by_their_classes(tmp_path):
    """As Keras 3 wrote them at first: ``layers/dense_1`` is the second Dense, whatever it is called."""
    model = made("sequential")
    path = saved(model, tmp_path)["keras"]
    with zipfile.ZipFile(path) as z:
        config, weights = z.read("config.json"), io.BytesIO(z.read("model.weights.h5"))
    with h5py.File(weights, "a") as f:
        f.visititems(lambda name, item: item.attrs.pop("name", None) and None)
    told = json.loads(config)
    for i, layer in enumerate(told["config"]["layers"]):
        layer["config"]["name"] = f"layer_{i}"
    old = tmp_path / "old.keras"
    with zipfile.ZipFile(old, "w") as z:
        z.writestr("config.json", json.dumps(told))
        z.writestr("model.weights.h5", weights.getvalue())
    graph = read_network(old)
    arrays = read_arrays(old, graph)
    assert set(arrays) == set(graph.arrays((3, 12, 10)))
    assert np.array_equal(arrays["layer_8/kernel"].T, model.layers[-1].get_weights()[0])


# -- what is refused --------------------------------------------------------------------------------------------------


def keras_file(path: Path, config: object, weights: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("config.json", config if isinstance(config, (str, bytes)) else json.dumps(config))
        z.writestr("model.weights.h5", weights)
    return path


def layer(kind: str, **config: object) -> dict[str, object]:
    return {"class_name": kind, "module": "keras.layers", "config": {"name": kind.lower(), **config}}


def model_of(*layers: dict[str, object], shape: object = (None, 8, 8, 3)) -> dict[str, object]:
    first = layer("InputLayer", batch_shape=shape)
    return {"class_name": "Sequential", "config": {"layers": [first, *layers]}}


DENSE = layer("Dense", units=2)
REFUSED = {
    "lambda": (model_of(layer("Lambda", function="x")), "'lambda' is a Lambda.*never will be: it holds code"),
    "unknown": (model_of(layer("Dens", units=2)), "is a Dens .did you mean 'Dense'"),
    "augmentation": (model_of(layer("RandomFlip")), "the parameter augmentation changes training images"),
    "own class": (
        model_of({**DENSE, "registered_name": "mine>Dense"}),
        "of somebody's own, whose code a file cannot hold",
    ),
    "subclassed": ({"class_name": "MyModel", "config": {}}, "known are Sequential and Functional models"),
    "activation": (
        model_of(layer("Dense", units=2, activation="os.system")),
        "the activation 'os.system' is not known",
    ),
    "any size": (model_of(DENSE, shape=[None, None, None, 3]), "sizes must be fixed"),
    "no input": ({"class_name": "Sequential", "config": {"layers": [DENSE]}}, "does not say the shape of its input"),
    "huge": (model_of(layer("Dense", units=1 << 40)), "does not fit: a whole number from 1"),
    "huge kernel": (model_of(layer("Conv2D", filters=2, kernel_size=[1 << 40, 3])), "kernel_size must be"),
    "negative": (model_of(layer("Dense", units=-3)), "units must be a whole number above 0"),
    "threshold": (model_of(layer("ReLU", threshold=0.5)), "threshold=0.5 is not known"),
    "no object": ([1, 2], "no JSON object"),
    "deep": ("[" * 200_000, "nested too deeply"),
    "no json": (b"\xff\xfe", "cannot be read as a model of Keras"),
    "no layers": ({"class_name": "Sequential", "config": {"layers": []}}, "does not say the shape"),
    "no config": ({"class_name": "Functional"}, "lacks a part"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_is_not_known_is_refused_by_name(what, tmp_path):
    config, text = REFUSED[what]
    path = keras_file(tmp_path / "m.keras", config)
    with pytest.raises(ModelFileError, match=text):
        read_network(path)


def test_shared_weights_and_waiting_layers_are_refused(tmp_path):
    x = i = keras.Input((6,))
    dense = keras.layers.Dense(6)
    keras.Model(i, dense(dense(x))).save(tmp_path / "twice.keras")
    with pytest.raises(ModelFileError, match="used more than once, with the same weights"):
        read_network(tmp_path / "twice.keras")
    relu = keras.layers.ReLU()
    keras.Model(i, relu(keras.layers.Dense(3)(relu(x)))).save(tmp_path / "relu.keras")
    assert read_network(tmp_path / "relu.keras").shapes((6,))
    loop = {"class_name": "Functional", "config": {
        "layers": [
            layer("InputLayer", batch_shape=[None, 6]) | {"name": "inputlayer"},
            DENSE | {"name": "dense", "inbound_nodes": [[["dense", 0, 0, {}]]]},
        ],
        "input_layers": ["inputlayer", 0, 0], "output_layers": ["dense", 0, 0],
    }}  # fmt: skip
    with pytest.raises(ModelFileError, match="'dense' waits for an input that nothing gives"):
        read_network(keras_file(tmp_path / "loop.keras", loop))


def test_damaged_containers(tmp_path):
    model = made("digits")
    paths = saved(model, tmp_path)
    whole = paths["keras"].read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.keras").write_bytes(whole[:cut])
        with pytest.raises(ModelFileError):
            read_arrays(tmp_path / "cut.keras")
    rng = np.random.default_rng(1)
    for i in range(60):  # any byte may be another one: an error of ours, or arrays
        broken = bytearray(whole)
        for at in rng.integers(0, len(whole), 8):
            broken[at] = int(rng.integers(0, 256))
        path = tmp_path / f"broken{i}.keras"
        path.write_bytes(broken)
        for read in (read_network, read_arrays):
            with contextlib.suppress(ModelFileError, NotSupported):
                read(path)
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("config.json", b" " * (30 << 20))
    with pytest.raises(ModelFileError, match="claims 31,457,280 bytes"):
        read_network(bomb)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as z:
        z.writestr("other", b"")
    with pytest.raises(ModelFileError, match=r"no member config\.json"):
        read_network(tmp_path / "empty.keras")


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "m.weights.h5", "w") as f:
        f["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ModelFileError, match="is a link, which is never followed"):
        read_arrays(tmp_path / "m.weights.h5")


def test_weights_alone_are_no_network(tmp_path):
    path = saved(made("digits"), tmp_path)["weights"]
    with pytest.raises((ModelFileError, NotSupported), match="holds weights alone.*network_definition_file"):
        read_network(path)
    with pytest.raises(NotFound):
        read_network(tmp_path / "none.keras")
