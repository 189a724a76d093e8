"""SavedModels of TensorFlow: numbers against TensorFlow's own, stored and made anew, and damaged or hostile folders.

The stored ones are what Keras 3.15 (`model.export`) and TensorFlow 2.21 (`saved_model.simple_save`, for version 1) wrote, each
with some input and TensorFlow's predictions for it.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from heavywater.errors import ModelFileError, NotFound
from heavywater.networks.files import kind_of, read_arrays, read_network
from tests.networks.wire import field, node, write_checkpoint

torch = pytest.importorskip("torch")

from heavywater.networks.module import GraphModule  # noqa: E402

STORED = Path(__file__).parent / "saved_models"


def predictions(folder, x, table=None):
    graph = read_network(folder)
    rows = np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x
    module = GraphModule(graph, rows.shape[1:]).eval()
    module.load_arrays(read_arrays(folder, graph))
    out = module(torch.from_numpy(rows), None if table is None else torch.from_numpy(table)).detach()
    ends = graph.loss if any(n.op in ("softmax", "output") for n in graph.nodes) else "linear"
    return {"softmax": out.softmax(1), "logistic": out.sigmoid(), "linear": out}[ends].numpy()


@pytest.mark.parametrize("name", ["dense", "conv", "v1"])
def test_predictions_are_those_of_tensorflow(name):
    assert kind_of(STORED / name) == "tensorflow saved model"
    with np.load(STORED / name / "expected.npz") as stored:
        for path in (STORED / name, STORED / name / "saved_model.pb"):
            np.testing.assert_allclose(predictions(path, stored["x"]), stored["y"], rtol=1e-5, atol=1e-6)


def test_a_normalisation_is_one_again_and_learns():
    graph = read_network(STORED / "conv")
    assert [n.op for n in graph.nodes].count("batchnorm") == 1
    learned = GraphModule(graph, (3, 8, 9)).learned()
    assert {n.removesuffix("_1").rsplit("/", 1)[1] for n in learned} == {"kernel", "bias", "gamma", "beta"}


def test_networks_that_keras_exports_now(tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras does not run on TensorFlow here (KERAS_BACKEND)")
    layers = keras.layers
    keras.utils.set_random_seed(1)
    image, table = keras.Input((16, 16, 3)), keras.Input((4,))
    x = layers.SeparableConv2D(6, 3)(layers.ZeroPadding2D(2)(image))
    x = layers.Conv2D(8, 3, groups=2, activation="softplus")(layers.UpSampling2D(2, interpolation="bilinear")(x))
    x = layers.BatchNormalization(scale=False, center=False)(layers.MaxPooling2D(3)(x))
    both = keras.Model([image, table], layers.Dense(3)(layers.Concatenate()([layers.Flatten()(x), table])))
    x = layers.Conv2D(4, 3, padding="same")(image)
    x = layers.Concatenate()([layers.Add()([x, layers.Conv2D(4, 1, activation="swish")(x)]), x])
    x = layers.BatchNormalization(center=False)(layers.GlobalMaxPooling2D()(x))
    branches = keras.Model(image, layers.Dense(3, activation="softmax")(x))
    straight = keras.Sequential(
        [
            keras.Input((48,)), layers.Reshape((4, 4, 3)), layers.Conv2D(3, 3, use_bias=False), layers.LeakyReLU(),
            layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(4, activation="gelu"), layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for i, model in enumerate((both, branches, straight)):
        for w in model.weights:
            w.assign(np.abs(rng.normal(0.5, 0.3, w.shape)) if "normalization" in w.path else w)
        model.export(str(tmp_path / f"{i}"), verbose=False)
        given = [rng.normal(size=(3, *v.shape[1:])).astype("f4") for v in model.inputs]
        want = np.asarray(model(given if len(given) > 1 else given[0], training=False))
        np.testing.assert_allclose(predictions(tmp_path / f"{i}", *given), want, rtol=1e-4, atol=1e-5)


# -- strangers --------------------------------------------------------------------------------------------------------


def call(name, inputs, function):
    return node(name, "StatefulPartitionedCall", inputs) + field(
        5, field(1, "f") + field(2, field(10, field(1, function)))
    )


def function(name, arguments, nodes, result):
    """A FunctionDef with one result."""
    signature = field(1, name) + b"".join(field(2, field(1, a)) for a in arguments) + field(3, field(1, "out"))
    returned = field(4, field(1, "out") + field(2, result))
    return field(1, signature) + b"".join(field(3, n) for n in nodes) + returned


def saved_model(nodes, functions=(), result="y:0", inputs=("x:0",)):
    library = b"".join(field(1, f) for f in functions)
    graph = b"".join(field(1, n) for n in nodes) + field(2, library)
    given = b"".join(field(1, field(1, f"in{i}") + field(2, field(1, n))) for i, n in enumerate(inputs))
    made = field(2, field(1, "out") + field(2, field(1, result)))
    signature = field(1, "serving_default") + field(2, given + made)
    return field(1, 1) + field(2, field(2, graph) + field(5, signature))


X = node("x", "Placeholder", shape=("shape", (-1, 4)))


def test_a_function_inside_a_function_is_written_out(tmp_path):
    inner = function(
        "inner",
        ["a", "w"],
        [node("r", "ReadVariableOp", ["w"]), node("m", "MatMul", ["a", "r:value:0"])],
        "m:product:0",
    )
    outer = function(
        "outer", ["a", "w"], [call("c", ["a", "w"], "inner"), node("m", "Relu", ["c:output:0"])], "m:activations:0"
    )
    w = node("w", "VarHandleOp", shape=("shape", (4, 3)), shared_name="stored")
    (tmp_path / "saved_model.pb").write_bytes(saved_model([X, w, call("y", ["x", "w"], "outer")], [inner, outer]))
    (tmp_path / "variables").mkdir()
    values = np.arange(12, dtype="f4").reshape(4, 3) - 5
    write_checkpoint(tmp_path / "variables" / "variables", {"stored": values, "other": np.ones(3)})
    x = np.random.default_rng(1).normal(size=(2, 4)).astype("f4")
    np.testing.assert_allclose(predictions(tmp_path, x), np.maximum(x @ values, 0), rtol=1e-5)
    assert read_network(tmp_path).layers() == ["m_output", "m_1_output"]  # both functions call a node so


def hostile():
    yield b"", "holds no graph"
    yield b"\xff" * 40, "longer than 64 bits|unknown kind|does not fit"
    yield field(2, field(2, field(1, X))), "no signature says"
    yield saved_model([X, call("y", ["x"], "f")]), "'f', which is called, is not there"
    itself = function("f", ["a"], [call("c", ["a"], "f")], "c:output:0")
    yield saved_model([X, call("y", ["x"], "f")], [itself]), "calls itself"
    doubling = [
        function(f"f{i}", ["a"], [call("c", ["a"], f"f{i + 1}"), call("d", ["c:output:0"], f"f{i + 1}")], "d:output:0")
        for i in range(40)
    ]
    last = function("f40", ["a"], [], "a")
    yield saved_model([X, call("y", ["x"], "f0")], [*doubling, last]), "nested too deep"
    yield saved_model([X, call("y", ["x", "x"], "f")], [function("f", ["a"], [], "a")]), "called with 2 arguments"
    two = [X, node("a", "PyFunc", ["x"]), node("y", "ReadFile", ["a"])]
    yield saved_model(two), r"'PyFunc' is not known \('a'\); the operation 'ReadFile' is not known \('y'\)"
    yield saved_model([X, node("y", "Relu", ["x"])], inputs=("x:0", "q:0", "r:0")), "3 inputs and 1 results"
    yield saved_model([X, node("y", "Relu", ["x"])], inputs=("q:0",)), "its input 'q' is not there"
    yield saved_model([node("x", "Placeholder"), node("y", "Relu", ["x"])]), "an input without a shape"
    ragged = node("x", "Placeholder", shape=("shape", (-1, -1, 4, 3)))
    yield saved_model([ragged, node("y", "Relu", ["x"])]), r"an input of the shape \(-1, -1, 4, 3\)"
    w = node("w", "VarHandleOp", shape=("shape", (4,)))
    yield saved_model([X, w, node("y", "Mul", ["x", "w"])]), "of these inputs is not known"
    halves = [
        X,
        w,
        node("e", "Const", value=np.array(1e-3, "f4")),
        node("v", "Add", ["w", "e"]),
        node("r", "Rsqrt", ["v"]),
    ]
    yield saved_model([*halves, node("y", "Mul", ["x", "r"])]), "such a product with variables is not known"
    yield saved_model([X, w, node("n", "Neg", ["w"]), node("y", "Mul", ["x", "n"])]), "such a product with variables"
    squares = [w, *[node(f"s{i}", "Square", [f"s{i - 1}" if i else "w"]) for i in range(30)]]
    yield saved_model([X, *squares, node("y", "Mul", ["x", "s29"])]), "so long a calculation"


@pytest.mark.parametrize(("data", "message"), list(hostile()), ids=lambda v: v if isinstance(v, str) else "")
def test_graphs_of_strangers_are_refused(tmp_path, data, message):
    (tmp_path / "saved_model.pb").write_bytes(data)
    with pytest.raises(ModelFileError, match=message):
        read_network(tmp_path)


def test_damaged_folders_are_refused(tmp_path):
    folder = shutil.copytree(STORED / "dense", tmp_path / "m")
    (folder / "variables" / "variables.data-00000-of-00001").unlink()
    with pytest.raises(NotFound, match=r"variables\.data-00000-of-00001"):
        read_arrays(folder)
    with pytest.raises(ModelFileError, match="no SavedModel"):
        read_network(tmp_path)
    good = (folder / "saved_model.pb").read_bytes()
    for at in range(0, len(good), 97):
        (folder / "saved_model.pb").write_bytes(good[:at] + bytes([good[at] ^ 0x5A]) + good[at + 1 :])
        with contextlib.suppress(ModelFileError):  # any other error fails the test
            read_network(folder)


def test_the_estimator_goes_on_with_one():
    import heavywater as h2o
    from heavywater.estimators.deepwater import H2ODeepWaterEstimator

    with np.load(STORED / "dense" / "expected.npz") as stored:
        x, want = stored["x"], stored["y"]
    columns = {f"x{i}": x[:, i].tolist() for i in range(5)}
    frame = h2o.H2OFrame({**columns, "y": ["a", "b", "c", "a"]}, column_types={"y": "enum"})
    file = str(STORED / "dense")
    common = {
        "network_definition_file": file,
        "network_parameters_file": file,
        "standardize": False,
        "gpu": False,
        "seed": 1,
    }
    still = H2ODeepWaterEstimator(epochs=1e-6, learning_rate=1e-12, **common)
    still.train(y="y", training_frame=frame)
    np.testing.assert_allclose(still.predict(frame).as_data_frame(use_pandas=True)[list("abc")], want, atol=1e-5)
    learned = H2ODeepWaterEstimator(epochs=50, learning_rate=0.01, mini_batch_size=4, **common)
    learned.train(y="y", training_frame=frame)
    assert learned.logloss() < still.logloss()
