"""ONNX: what is written runs in onnxruntime with our numbers, what is read computes the same, strangers are refused."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.errors import H2OValueError, ModelFileError
from heavywater.networks.catalog import NAMES, build, smallest_size
from heavywater.networks.files import read_arrays, read_network
from heavywater.networks.graph import Builder
from heavywater.networks.onnx_read import parse_onnx
from heavywater.networks.onnx_write import to_onnx

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from heavywater.networks.module import GraphModule  # noqa: E402


def run(data, /, **inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))


def numbers(shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def settled(graph, shape, seed=1):
    """A module whose running statistics are not those of a new one."""
    module = GraphModule(graph, shape, seed).eval()
    rng = np.random.default_rng(seed)
    arrays = module.arrays()
    for name, values in arrays.items():
        if name.endswith("_moving_var") or name.endswith("_gamma"):
            arrays[name] = rng.uniform(0.5, 1.5, values.shape).astype(np.float32)
        elif name.endswith(("_moving_mean", "_beta", "_bias")):
            arrays[name] = rng.normal(0, 0.1, values.shape).astype(np.float32)
    module.load_arrays(arrays)
    return module


def compared(graph, shape, table=None, ways=(True, False)):
    module = settled(graph, shape)
    x = numbers((2, *shape))
    inputs = {"data": x} if table is None else {"data": x, "table": numbers((2, table))}
    with torch.inference_mode():
        logits = module(*map(torch.from_numpy, inputs.values()))
        ours = torch.softmax(logits, 1).numpy()
    data = to_onnx(graph, module.arrays(), shape)
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    theirs = run(data, **inputs)["probabilities"]
    np.testing.assert_allclose(theirs, ours, rtol=2e-3, atol=1e-4)
    for own in ways:
        again, arrays = parse_onnx(data, own=own)
        assert (again == graph) is own
        back = GraphModule(again, shape).eval()
        back.load_arrays(arrays)
        with torch.inference_mode():
            found = back(*map(torch.from_numpy, inputs.values())).numpy()
        np.testing.assert_allclose(found, logits.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("compat", [None, "deepwater"])
@pytest.mark.parametrize("name", ["lenet", "resnet"])
def test_small_networks_there_and_back(name, compat):
    compared(build(name, 5, (32, 32), compat=compat), (3, 32, 32))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"mlp", "lenet", "resnet"}))
def test_every_network_there_and_back(name):
    side = max(40, smallest_size(name))
    # Adaptive pooling to sizes that do not divide is written as matrix products, which only our own reader knows.
    ways = (True,) if name in ("alexnet", "vgg") else (True, False)
    compared(build(name, 5, (side, side)), (3, side, side), ways=ways)


def test_the_multi_layer_perceptron_and_a_table_beside_an_image():
    compared(build("mlp", 4, hidden=[20, 10], activation="Tanh", hidden_dropout_ratios=[0.5, 0.1]), (30,))
    compared(build("lenet", 4, table_columns=6), (3, 28, 28), table=6)


def every_operation():
    b = Builder()
    at = b.add("data", "input")
    at = b.add("conv", "convolution", at, filters=6, kernel=(3, 3), pad=(1, 0, 2, 1), groups=3, stride=(1, 2))
    at = b.add("leaky", "activation", at, kind="leaky", slope=0.1)
    at = b.add("up", "deconvolution", at, filters=4, kernel=(2, 2), stride=(2, 2), bias=False)
    at = b.add("norm", "layernorm", at)
    at = b.add("scale", "channelscale", at)
    for i, kind in enumerate(("gelu", "silu", "relu6", "elu", "softrelu", "softsign", "tanh", "sigmoid")):
        at = b.add(f"act{i}", "activation", at, kind=kind)
    at = b.add("full", "pooling", at, kind="max", kernel=(3, 3), stride=(2, 2), ceil=True)
    at = b.add("average", "pooling", at, kind="avg", kernel=(3, 3), pad=(1, 1), count_pad=False)
    at = b.add("lrn", "lrn", at, nsize=3, knorm=1.0)
    at = b.add("prelu", "prelu", at)
    left = b.add("left", "slice", at, axis=1, begin=0, end=1)
    right = b.add("right", "part", at, axis=1, index=1, count=4)
    at = b.add("join", "concat", (left, right, at))
    at = b.add("resize", "resize", at, size=(9, 8))
    at = b.add("pad", "pad", at, pad=(1, 0, 0, 2), value=0.5)
    bias = b.add("extra", "array", shape=(6, 1, 1), init="ones")
    at = b.add("plus", "elementwise", (at, bias), kind="add")
    at = b.add("half", "scalar", at, kind="rsub", value=0.5)
    at = b.add("adapt", "adaptivepooling", at, kind="avg", size=(5, 2))
    at = b.add("turn", "transpose", at, axes=(0, 2, 3, 1))
    at = b.add("shape", "reshape", at, shape=(10, -1))
    at = b.add("mean", "mean", at, axes=(1,))
    return b.graph(b.add("fc", "fullyconnected", at, hidden=3))


def test_every_operation():
    compared(every_operation(), (3, 11, 13))


def test_adaptive_pooling_of_any_size():
    b = Builder()
    at = b.add("pool", "adaptivepooling", b.add("data", "input"), kind="avg", size=(3, 4))
    graph = b.graph(b.add("flat", "flatten", at))
    x = numbers((1, 2, 7, 6))
    ours = GraphModule(graph, (2, 7, 6))(torch.from_numpy(x))
    theirs = run(to_onnx(graph, {}, (2, 7, 6)), data=x)["probabilities"]
    np.testing.assert_allclose(theirs, torch.softmax(ours, 1).numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("align", ["half_pixel", "corners", "origin"])
@pytest.mark.parametrize("size", [(7, 9), (3, 2)])
def test_resizing(align, size):
    b = Builder()
    at = b.add("resize", "resize", b.add("data", "input"), size=size, align=align)
    graph = b.graph(b.add("flat", "flatten", at))
    x = numbers((1, 2, 5, 4))
    ours = GraphModule(graph, (2, 5, 4))(torch.from_numpy(x))
    theirs = run(to_onnx(graph, {}, (2, 5, 4)), data=x)["probabilities"]
    np.testing.assert_allclose(theirs, torch.softmax(ours, 1).numpy(), rtol=1e-4, atol=1e-6)


def test_preprocessing_and_labels_are_inside():
    graph = build("lenet", 3)
    module = settled(graph, (3, 28, 28))
    mean, x = numbers((3, 28, 28), 2), numbers((4, 3, 28, 28), 3) * 100
    sub, mul = (1.0, 2.0, 3.0), (0.1, 0.2, 0.3)
    labels = ["cat", "dog", "mouse"]
    data = to_onnx(graph, module.arrays(), (3, 28, 28), mean_image=mean, sub=sub, mul=mul, labels=labels)
    ready = (x - mean - np.reshape(sub, (3, 1, 1))) * np.reshape(mul, (3, 1, 1))
    with torch.inference_mode():
        ours = torch.softmax(module(torch.from_numpy(ready.astype(np.float32))), 1).numpy()
    theirs = run(data, data=x)
    np.testing.assert_allclose(theirs["probabilities"], ours, rtol=1e-3, atol=1e-5)
    assert list(theirs["label"]) == [labels[i] for i in ours.argmax(1)]
    with pytest.raises(H2OValueError, match="2 labels for 3 classes"):
        to_onnx(graph, module.arrays(), (3, 28, 28), labels=["a", "b"])


def test_regression_is_scaled_back():
    graph = build("mlp", 1, hidden=[4])
    module = settled(graph, (5,))
    x = numbers((6, 5))
    data = to_onnx(graph, module.arrays(), (5,), output_mul=2.0, output_sub=10.0)
    ours = module(torch.from_numpy(x)).detach().numpy() * 2 + 10
    np.testing.assert_allclose(run(data, data=x)["prediction"], ours, rtol=1e-5)


def test_a_model_of_pytorch_itself_is_read(tmp_path):
    """Built with onnx's own helper, as another exporter would."""
    h, t = onnx.helper, onnx.TensorProto
    w, b = numbers((4, 3, 3, 3)), numbers((4,))
    m = numbers((4 * 36, 5))
    nodes = [
        h.make_node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
        h.make_node("Relu", ["c"], ["r"]),
        h.make_node("Constant", [], ["s"], value=onnx.numpy_helper.from_array(np.array([-1, 144], np.int64))),
        h.make_node("Reshape", ["r", "s"], ["f"]),
        h.make_node("MatMul", ["f", "m"], ["y"]),
    ]
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info("x", t.FLOAT, ["n", 3, 6, 6])],
        [h.make_tensor_value_info("y", t.FLOAT, ["n", 5])],
        [onnx.numpy_helper.from_array(v, n) for n, v in {"w": w, "b": b, "m": m}.items()],
    )
    data = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8).SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    module = GraphModule(net := read_network(path), (3, 6, 6)).eval()
    module.load_arrays(read_arrays(path, net))
    x = numbers((2, 3, 6, 6))
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach().numpy(), run(data, x=x)["y"], rtol=1e-4, atol=1e-4)


def model(nodes, arrays=(), out="y", **more):
    h, t = onnx.helper, onnx.TensorProto
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info("x", t.FLOAT, ["n", 4])],
        [h.make_tensor_value_info(out, t.FLOAT, ["n", 4])],
        list(arrays),
    )
    return h.make_model(graph, **more).SerializeToString()


def hostile():
    h = onnx.helper
    relu = h.make_node("Relu", ["x"], ["y"])
    yield b"\xff" * 100, "no ONNX model"
    yield b"", "0 operations"
    yield model([h.make_node("Loop", ["x"], ["y"])]), "operation 'Loop' is not known"
    yield model([h.make_node("Relu", ["x"], ["y"], domain="evil")]), "operations or functions of its own"
    yield model([h.make_node("Relu", ["nowhere"], ["y"])]), "not computed before it"
    yield model([h.make_node("Relu", ["x"], ["z"])]), "first output is not computed"
    weights = onnx.TensorProto(name="w", data_type=1, dims=[4, 4])
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    yield model([relu], [weights]), "lie in another file"
    huge = onnx.TensorProto(name="w", data_type=1, dims=[1 << 40, 1 << 20])
    yield model([relu], [huge]), "which it does not hold"
    negative = onnx.TensorProto(name="w", data_type=1, dims=[-4])
    yield model([relu], [negative]), "impossible shape"
    inner = h.make_graph([relu], "inner", [], [])
    yield model([h.make_node("Relu", ["x"], ["y"], body=inner)]), "holds a graph"


@pytest.mark.parametrize(("data", "message"), list(hostile()), ids=lambda v: v if isinstance(v, str) else "")
def test_models_of_strangers_are_refused(tmp_path, data, message):
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message):
        read_network(path)
