"""Graphs in Keras compute what they compute in PyTorch, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.networks.catalog import NAMES, build
from heavywater.networks.graph import Builder, Graph
from tests.networks.keras_models import keras

torch = pytest.importorskip("torch")

from heavywater.networks.keras_module import KerasModule  # noqa: E402
from heavywater.networks.module import GraphModule  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself


def drawn(module: GraphModule) -> dict[str, np.ndarray]:
    """Arrays of which none is as it begins, statistics of normalisations among them."""
    random = np.random.default_rng(2)
    made = {}
    for name, values in module.arrays().items():
        made[name] = random.uniform(0.5, 1.5, values.shape) if name.endswith(("var", "gamma")) else values
        if name.endswith(("mean", "beta", "bias")):
            made[name] = random.normal(0, 0.1, values.shape)
    return {n: v.astype(np.float32) for n, v in made.items()}


def compared(
    graph: Graph, shape: tuple[int, ...], *, layers: bool = True, tolerance: float = 2e-5, rows: int = 3
) -> None:
    plain, other = GraphModule(graph, shape, 3).eval(), KerasModule(graph, shape, 3)
    for name, values in plain.arrays().items():
        assert np.array_equal(values, other.arrays()[name])
    arrays = drawn(plain)
    plain.load_arrays(arrays)
    other.assign(arrays)
    random = np.random.default_rng(1)
    x = random.random((rows, *shape), np.float32)
    wide = [n.attrs["shape"] for n in graph.nodes if n.op == "input" and n.name == "table"]
    table = random.random((rows, *wide[0]), np.float32) if wide else None
    inputs, tensors = (x, table) if wide else (x,), [None if v is None else torch.from_numpy(v) for v in (x, table)]
    given = list(inputs) if wide else x
    with torch.inference_mode():
        for name in graph.layers() if layers else []:
            want = plain.features(tensors[0], name, tensors[1]).numpy()
            got = other.features(given, name)
            assert got.shape == want.shape, name
            assert np.abs(got - want).max() <= tolerance * max(1, np.abs(want).max()), name
        want = plain(*tensors).numpy()
    got = other.predict_on_batch(given)
    assert np.abs(got - want).max() <= tolerance * max(1, np.abs(want).max())


@pytest.mark.parametrize(("name", "side"), [("lenet", 28)])
def test_predefined_networks(name, side):
    compared(build(name, 4, (side, side), 3), (3, side, side), layers=name == "lenet")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in NAMES if n != "mlp"])
def test_every_predefined_network(name):
    compared(build(name, 4, (96, 96), 3), (3, 96, 96), layers=False)


def test_a_network_of_hidden_layers_and_one_with_a_table():
    compared(build("mlp", 3, hidden=[7, 5], activation="Tanh", hidden_dropout_ratios=[0.2, 0.2]), (6,))
    compared(build("lenet", 3, (20, 16), 1, table_columns=4), (1, 16, 20))


def windows() -> Graph:
    b = Builder()
    x = b.add("data", "input")
    x = b.add("c", "convolution", x, filters=6, kernel=(3, 2), stride=(2, 1), pad=(1, 0, 0, 1), dilate=(1, 2), groups=3)
    ceil = b.add("p0", "pooling", x, kind="max", kernel=(3, 3), stride=(2, 2), pad=(1, 1), ceil=True)
    parts = [
        b.add("p1", "pooling", x, kind="avg", kernel=(3, 3), stride=(2, 2), pad=(1, 1), ceil=True),
        b.add("p2", "pooling", x, kind="avg", kernel=(3, 3), stride=(2, 2), pad=(1, 1), ceil=True, count_pad=False),
        b.add("p3", "pooling", x, kind="sum", kernel=(3, 3), stride=(2, 2), pad=(1, 1), ceil=True),
    ]
    x = b.add("together", "concat", (ceil, *parts))
    x = b.add("lrn", "lrn", x, nsize=4, alpha=0.1)
    x = b.add("depth", "convolution", x, filters=48, kernel=(3, 3), pad=(1, 1), groups=24)
    x = b.add("up", "deconvolution", x, filters=8, kernel=(3, 2), stride=(2, 3), pad=(1, 0), adj=(1, 0), groups=2)
    x = b.add("few", "deconvolution", x, filters=5, kernel=(1, 2), stride=(2, 1), bias=False)
    ways = [("bilinear", a) for a in ("half_pixel", "corners", "origin")] + [
        ("nearest", a) for a in ("half_pixel", "origin")
    ]
    for i, (kind, align) in enumerate(ways):
        x = b.add(f"r{i}", "resize", x, size=(11 + i, 17 - i), kind=kind, align=align)
    x = b.add("prelu", "prelu", x)
    x = b.add("scale", "channelscale", x)
    x = b.add("norm", "layernorm", x)
    x = b.add("last", "layernorm", x, last=True)
    x = b.add("around", "pad", x, pad=(1, 0, 2, 1), value=0.5)
    x = b.add("a", "adaptivepooling", x, kind="avg", size=(7, 5))
    y = b.add("m", "adaptivepooling", x, kind="max", size=(3, 4))
    x = b.add("l2", "l2normalization", y)
    whole = b.add("g", "pooling", x, kind="sum", **{"global": True})
    x = b.add("times", "elementwise", (x, whole), kind="mul")
    x = b.add("flat", "flatten", x)
    return b.graph(b.add("fc", "fullyconnected", x, hidden=3))


def shapes() -> Graph:
    b = Builder()
    data = b.add("data", "input")
    bias = b.add("bias", "array", shape=(4, 1, 1))
    x = b.add("sum", "elementwise", (data, bias), kind="add")
    turned = b.add("turned", "transpose", x, axes=(0, 2, 3, 1))
    x = b.add("dense", "fullyconnected", turned, hidden=6, flatten=False)
    x = b.add("cut", "slice", x, axis=3, begin=1, end=5)
    x = b.add("part", "part", x, axis=1, index=1, count=3)
    x = b.add("one", "part", x, axis=1, index=0, count=2, squeeze=True)
    x = b.add("join", "concat", (x, x), axis=2)
    x = b.add("softmax", "softmax", x, axis=2)
    x = b.add("norm", "batchnorm", x)
    x = b.add("back", "reshape", x, shape=(5, -1, 2))
    x = b.add("mean", "mean", x, axes=(3,), keep=True)
    x = b.add("means", "mean", x, axes=(2, 3))
    towers = [b.add(f"t{i}", "batchpart", x, index=i, count=3) for i in range(3)]
    towers = [
        b.add(f"s{i}", "scalar", t, kind=k, value=1.5) for i, (t, k) in enumerate(zip(towers, ("rsub", "rdiv", "max")))
    ]
    x = b.add("rows", "batchjoin", towers)
    for kind in (
        "gelu",
        "silu",
        "relu6",
        "leaky",
        "elu",
        "exp",
        "erf",
        "softrelu",
        "softsign",
        "identity",
        "sigmoid",
        "tanh",
    ):
        x = b.add(kind, "activation", x, kind=kind)
    return b.graph(b.add("fc", "fullyconnected", x, hidden=2))


def test_windows_normalisations_and_sizes():
    compared(windows(), (6, 13, 12), tolerance=5e-5)


def test_axes_rows_and_arithmetic():
    compared(shapes(), (4, 6, 5), rows=7)


def test_a_batch_of_training_normalises_and_keeps_statistics_as_pytorch_does():
    b = Builder()
    x = b.add("data", "input")
    x = b.add("norm", "batchnorm", x, momentum=0.7)
    x = b.add("held", "batchnorm", x, fix_gamma=True)
    graph = b.graph(b.add("fc", "fullyconnected", x, hidden=2))
    plain, other = GraphModule(graph, (3, 5, 4), 1).train(), KerasModule(graph, (3, 5, 4), 1)
    x = np.random.default_rng(1).normal(2, 3, (6, 3, 5, 4)).astype(np.float32)
    want = plain(torch.from_numpy(x)).detach().numpy()
    got = keras.ops.convert_to_numpy(keras.ops.stop_gradient(other(x, training=True)))
    assert np.abs(got - want).max() < 1e-5
    for name, values in plain.arrays().items():
        assert np.abs(other.arrays()[name] - values).max() < 1e-5, name
    assert np.abs(plain.arrays()["norm_moving_mean"]).min() > 0.1
