"""Graphs and checkpoints of TensorFlow 1: those of Deep Water, numbers against a plain twin, and damaged files."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from heavywater.errors import H2OValueError, ModelFileError, NotFound
from heavywater.networks.files import read_arrays, read_network
from heavywater.networks.tensorflow_checkpoint import read_index
from heavywater.networks.tensorflow_graph import parse_metagraph
from tests.networks.wire import field, metagraph, node, write_checkpoint

torch = pytest.importorskip("torch")

from heavywater.networks.module import GraphModule  # noqa: E402

GRAPHS = {
    "mymodel_tensorflow": ((784,), 10, 7_850),
    "tf_meta/mlp_784x1x1_10": ((784,), 10, 199_210),
    "tf_meta/lenet_28x28x1_10": ((1, 28, 28), 10, 5_024_320),
    "tf_meta/lenet_28x28x3_10": ((3, 28, 28), 10, 5_028_320),
    "tf_meta/lenet_28x28x3_3": ((3, 28, 28), 3, 1_253_573),
    "tf_meta/resnet_224x224x3_10": ((3, 224, 224), 10, 316_234),
    "tf_meta/alexnet_224x224x3_10": ((3, 224, 224), 10, 58_322_314),
    "tf_meta/vgg_224x224x3_10": ((3, 224, 224), 10, 128_807_306),
}


def test_every_graph_of_deep_water_is_read(shared):
    for name, (shape, classes, weights) in GRAPHS.items():
        graph = read_network(shared / "data" / "deepwater" / f"{name}.meta")
        assert graph.shapes(shape)[graph.nodes[graph.head].name] == (classes,), name
        assert graph.weights(shape) == weights, name
        assert graph.loss == "softmax"


def test_the_four_towers_share_the_rows_of_a_batch(shared):
    graph = read_network(shared / "data/deepwater/tf_meta/lenet_28x28x1_10.meta")
    module = GraphModule(graph, (1, 28, 28), 1).eval()
    x = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        whole, last = module(x), module(x[[0, 2, 4, 6]])
        assert torch.allclose(whole[6], last[3], atol=1e-5)  # the fourth tower in both
        assert not torch.allclose(whole[0], module(x[[1, 0, 2, 3]])[1], atol=1e-5)
        assert module(x[:1]).shape == (1, 10)  # a tower without rows does not mind


def test_layers_have_the_names_of_tensorflow(shared):
    graph = read_network(shared / "data/deepwater/tf_meta/lenet_28x28x3_3.meta")
    assert graph.nodes[graph.find("fc1/Relu")].name == "fc1/Relu"
    assert graph.nodes[graph.find("fc1/Relu:0")].name == "fc1/Relu"
    assert graph.shapes((3, 28, 28))["fc1/Relu"] == (500,)


def test_another_size_of_image_is_refused(shared):
    graph = read_network(shared / "data/deepwater/tf_meta/lenet_28x28x3_3.meta")
    with pytest.raises(H2OValueError, match=r"takes rows of the shape \(3, 28, 28\); the data have \(3, 32, 32\)"):
        graph.shapes((3, 32, 32))


def test_the_stored_index_names_the_weights_of_its_graph(shared):
    folder = shared / "data" / "deepwater" / "tf_meta"
    entries = read_index(folder / "lenet-100epochs.index")
    graph = read_network(folder / "lenet_28x28x3_3.meta")
    sizes = {n: np.prod(s.shape) for n, s in graph.arrays((3, 28, 28)).items()}
    assert {n: np.prod(entries[n].shape) for n in sizes} == sizes
    with pytest.raises(NotFound, match=r"lenet-100epochs\.data-00000-of-00001"):
        read_arrays(folder / "lenet-100epochs")


# -- numbers ----------------------------------------------------------------------------------------------------------


def same(size, kernel, stride):
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def twin(x, w, stride, how):
    """TensorFlow's convolution, or its pooling for a callable `w`, of images (rows, columns, channels), loop by loop."""
    kh, kw = w.shape[:2] if how == "conv" else w
    pads = [same(n, k, stride) for n, k in zip(x.shape[1:3], (kh, kw))]
    fill = 0.0 if how == "conv" else np.nan
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    rows = range(0, x.shape[1] - kh + 1, stride)
    columns = range(0, x.shape[2] - kw + 1, stride)
    parts = [[x[:, i : i + kh, j : j + kw] for j in columns] for i in rows]
    if how == "conv":
        made = [[np.einsum("nijc,ijcf->nf", p, w) for p in line] for line in parts]
    else:
        best = np.nanmax if how == "max" else np.nanmean
        made = [[best(p, axis=(1, 2)) for p in line] for line in parts]
    return np.array(made).transpose(2, 0, 1, 3)


def example(tmp_path):
    """A small network, its weights in a checkpoint, and the same in plain numpy."""
    rng = np.random.default_rng(5)
    w = {
        "c/weights": rng.normal(size=(3, 4, 3, 5)).astype("f4"),
        "c/biases": rng.normal(size=5).astype("f4"),
        "d/weights": rng.normal(size=(4 * 3 * 5, 6)).astype("f4"),
        "d/biases": rng.normal(size=6).astype("f4"),
    }
    sizes = {n: ("shape", v.shape) for n, v in w.items()}
    nodes = [
        node("x", "Placeholder"),
        node("s", "Const", value=np.array([-1, 13, 11, 3], "i4")),
        node("image", "Reshape", ["x", "s"]),
        *[node(n, "VariableV2", shape=sizes[n]) for n in w],
        *[node(f"{n}/read", "Identity", [n]) for n in w],
        node("conv", "Conv2D", ["image", "c/weights/read"], strides=[1, 2, 2, 1], padding="SAME", data_format="NHWC"),
        node("conv_b", "BiasAdd", ["conv", "c/biases/read"]),
        node("relu", "Relu", ["conv_b"]),
        node("max", "MaxPool", ["relu"], ksize=[1, 2, 3, 1], strides=[1, 1, 1, 1], padding="SAME"),
        node("avg", "AvgPool", ["max"], ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME"),
        node("lrn", "LRN", ["avg"], depth_radius=1, bias=2.0, alpha=0.3, beta=0.5),
        node("flat_s", "Const", value=np.array([-1, 60], "i4")),
        node("flat", "Reshape", ["lrn", "flat_s"]),
        node("dense", "MatMul", ["flat", "d/weights/read"]),
        node("dense_b", "Add", ["dense", "d/biases/read"]),
        node("p", "Softmax", ["dense_b"]),
    ]
    (tmp_path / "net.meta").write_bytes(metagraph(nodes, "p:0"))
    write_checkpoint(tmp_path / "net", {**w, "c/weights/Adam": w["c/weights"], "beta1_power": np.zeros(())})
    x = rng.normal(size=(2, 13, 11, 3)).astype("f4")
    y = np.maximum(twin(x, w["c/weights"], 2, "conv") + w["c/biases"], 0)
    y = twin(twin(y, (2, 3), 1, "max"), (3, 3), 2, "avg")
    square = np.pad(y**2, [(0, 0), (0, 0), (0, 0), (1, 1)])
    y = y / np.sqrt(2 + 0.3 * (square[..., :-2] + square[..., 1:-1] + square[..., 2:]))
    return x, y.reshape(2, -1) @ w["d/weights"] + w["d/biases"]


def test_numbers_are_those_of_a_plain_twin(tmp_path):
    x, expected = example(tmp_path)
    graph = read_network(tmp_path / "net.meta")
    arrays = read_arrays(tmp_path / "net", graph)
    assert set(arrays) == set(graph.arrays((3, 13, 11)))  # neither slots of the optimiser nor counters
    module = GraphModule(graph, (3, 13, 11)).eval()
    module.load_arrays(arrays)
    found = module(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_scrambled_pixels_are_read_as_deep_water_handed_them_over(tmp_path):
    x, expected = example(tmp_path)
    graph = parse_metagraph((tmp_path / "net.meta").read_bytes(), compat="deepwater")
    module = GraphModule(graph, (3, 13, 11)).eval()
    module.load_arrays(read_arrays(tmp_path / "net", graph))
    found = module(torch.from_numpy(x.reshape(2, 3, 13, 11))).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


# -- strangers --------------------------------------------------------------------------------------------------------

X = node("x", "Placeholder")


def hostile():
    yield b"\xff" * 50, "longer than 64 bits|unknown kind|does not fit"
    yield b"", "holds no graph"
    yield metagraph([X, X], "x"), "is there twice"
    yield metagraph([X, node("y", "PyFunc", ["x"])], "y"), "operation 'PyFunc' is not known"
    yield metagraph([X, node("y", "ReadFile", ["x"])], "y"), "operation 'ReadFile' is not known"
    yield metagraph([X, node("y", "Relu", ["nowhere"])], "y"), "which is not there"
    yield metagraph([X, node("y", "Relu", ["z"]), node("z", "Relu", ["y"])], "y"), "need each other"
    yield metagraph([X, node("y", "Relu")], "y"), "lacks its input 0"
    yield (
        metagraph([X, node("w", "VariableV2", shape=("shape", (-1, 4))), node("y", "MatMul", ["x", "w"])], "y"),
        "shape",
    )
    huge = field(1, 1) + field(2, b"".join(field(2, field(1, 1 << 40)) for _ in range(2))) + field(5, 1.0)
    bomb = field(1, "c") + field(2, "Const") + field(5, field(1, "value") + field(2, field(8, huge)))
    yield metagraph([X, bomb, node("y", "Add", ["x", "c"])], "y"), "has 1 numbers"
    yield metagraph([X, node("q", "Placeholder"), node("y", "Add", ["x", "q"])], "y"), "second input, 'q'"
    yield metagraph([X, node("y", "Relu", ["x"])], "other"), "what it predicts"


@pytest.mark.parametrize(("data", "message"), list(hostile()), ids=lambda v: v if isinstance(v, str) else "")
def test_graphs_of_strangers_are_refused(tmp_path, data, message):
    path = tmp_path / "a.meta"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message):
        read_network(path)


def test_a_chain_of_any_length_is_walked_without_recursion():
    nodes = [X] + [node(f"r{i}", "Relu", [f"r{i - 1}" if i else "x"]) for i in range(5000)]
    assert len(parse_metagraph(metagraph(nodes, "r4999")).nodes) == 5001


def test_damaged_checkpoints_are_refused(tmp_path):
    prefix = tmp_path / "c"
    write_checkpoint(prefix, {"a": np.ones((2, 3)), "b": np.zeros(4)})
    assert {n: v.shape for n, v in read_arrays(prefix).items()} == {"a": (2, 3), "b": (4,)}
    index, data = tmp_path / "c.index", tmp_path / "c.data-00000-of-00001"
    good = index.read_bytes()
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(ModelFileError, match="lies beyond the end"):
        read_arrays(prefix)
    for at in range(0, len(good) - 48):
        index.write_bytes(good[:at] + bytes([good[at] ^ 0x5A]) + good[at + 1 :])
        with contextlib.suppress(ModelFileError):  # any other error fails the test
            read_index(index)
    index.write_bytes(good[:-9])
    with pytest.raises(ModelFileError, match="does not end like one"):
        read_arrays(prefix)
