"""Caffe: Deep Water's stored model, networks in text, weights in both formats, and damaged files."""

from __future__ import annotations

import zipfile

import numpy as np
import polars
import pytest

from heavywater.errors import ModelFileError, NotFound
from heavywater.networks.caffe import caffe_lenet, parse_prototxt
from heavywater.networks.files import read_arrays, read_network
from tests.networks.wire import field, shape

torch = pytest.importorskip("torch")

from heavywater.networks.module import GraphModule  # noqa: E402

NET = """
# a network of every kind of layer
name: "all"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 2 dim: 9 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 pad: 1 stride: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "sc" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" relu_param { negative_slope: .1 } }
layer { name: "lrn" type: "LRN" bottom: "conv" top: "lrn" lrn_param { local_size: 3 alpha: 5e-5 } }
layer { name: "pool" type: "Pooling" bottom: "lrn" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "side" type: "Convolution" bottom: "pool" top: "side" convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "side" top: "sum" }
layer { name: "cat" type: "Concat" bottom: "sum" bottom: "pool" top: "cat" }
layer { name: "drop" type: "Dropout" bottom: "cat" top: "cat" dropout_param { dropout_ratio: 0.3 } }
layer { name: "ip" type: "InnerProduct" bottom: "cat" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def test_a_network_in_text():
    graph = parse_prototxt(NET)
    shapes = graph.shapes((2, 9, 8))
    assert shapes["conv"] == (4, 9, 9)
    assert shapes["pool"] == (4, 5, 5)  # 9 / 2, rounded up
    assert shapes["cat"] == (8, 5, 5)
    assert shapes[graph.nodes[graph.head].name] == (3,)
    assert graph.loss == "softmax"
    arrays = graph.arrays((2, 9, 8))
    assert arrays["conv_weight"].shape == (4, 2, 3, 2)
    assert arrays["sc_weight"].shape == arrays["bn_moving_mean"].shape == (4,)
    module = GraphModule(graph, (2, 9, 8), 1).eval()
    assert module(torch.ones(2, 2, 9, 8)).shape == (2, 3)


def test_the_stored_lenet_of_caffe_says_one_to_everything(shared, tmp_path):
    with zipfile.ZipFile(shared / "data/deepwater/model_mnist_lenet_caffe.zip") as archive:
        (tmp_path / "model_params").write_bytes(archive.read("model_params"))
        (tmp_path / "solver.prototxt").write_bytes(archive.read("model_network"))
    graph = caffe_lenet()
    arrays = read_arrays(tmp_path / "model_params", graph)
    assert {n: v.shape for n, v in arrays.items()} == {n: s.shape for n, s in graph.arrays((3, 28, 28)).items()}
    module = GraphModule(graph, (3, 28, 28)).eval()
    module.load_arrays(arrays)
    table = polars.read_csv(shared / "data/mnist/test.csv.gz", has_header=False, n_rows=2000).to_numpy()
    pixels = torch.from_numpy(table[:, :784].reshape(-1, 1, 28, 28).repeat(3, 1).astype(np.float32))
    with torch.inference_mode():
        logs = torch.log_softmax(module(pixels).double(), 1).numpy()
    assert set(logs.argmax(1)) == {1}
    assert -logs[np.arange(2000), table[:, 784]].mean() == pytest.approx(2.30, abs=0.01)
    with pytest.raises(
        ModelFileError, match="solver, which only names its network.*put a file 'lenet.prototxt' beside it"
    ):
        read_network(tmp_path / "solver.prototxt")


def test_a_solver_leads_to_the_network_beside_it(tmp_path):
    (tmp_path / "solver.prototxt").write_text('net: "/somewhere/else/../net.prototxt"\nbase_lr: 0.01\n')
    (tmp_path / "net.prototxt").write_text(NET)
    assert read_network(tmp_path / "solver.prototxt") == parse_prototxt(NET)


def blob(values, *, old=False):
    values = np.asarray(values, "f4")
    if old:
        sizes = (1,) * (4 - values.ndim) + values.shape
        head = b"".join(field(i + 1, n) for i, n in enumerate(sizes))
    else:
        head = field(7, field(1, b"".join(bytes([n]) for n in values.shape)))
    return head + field(5, values.tobytes())


def layer(name, kind, blobs, *, old=False):
    if old:
        parts = field(4, name) + field(5, kind) + b"".join(field(6, blob(b, old=True)) for b in blobs)
        return field(2, parts)
    return field(100, field(1, name) + field(2, kind) + b"".join(field(7, blob(b)) for b in blobs))


def test_weights_of_both_formats(tmp_path):
    rng = np.random.default_rng(1)
    w, b = rng.normal(size=(4, 2, 3, 2)), rng.normal(size=4)
    ip = rng.normal(size=(3, 7))
    mean, var = rng.normal(size=4), rng.uniform(1, 2, 4)
    new = layer("conv", "Convolution", [w, b]) + layer("ip", "InnerProduct", [ip])
    new += layer("bn", "BatchNorm", [mean * 5, var * 5, [5.0]])
    (tmp_path / "a.caffemodel").write_bytes(field(1, "net") + new)
    found = read_arrays(tmp_path / "a.caffemodel")
    for name, values in {"conv_weight": w, "conv_bias": b, "ip_weight": ip, "bn_moving_mean": mean}.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)
    np.testing.assert_allclose(found["bn_moving_var"], var, rtol=1e-5)
    old = layer("conv", 4, [w, b], old=True) + layer("ip", 14, [ip], old=True)
    (tmp_path / "b.caffemodel").write_bytes(old)
    found = read_arrays(tmp_path / "b.caffemodel")
    np.testing.assert_allclose(found["conv_weight"], w, rtol=1e-5)
    np.testing.assert_allclose(found["ip_weight"], ip, rtol=1e-5)
    assert found["conv_bias"].shape == (4,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer {", "never closed"),
        ("layer { } }", "never opened"),
        ("a { " * 40 + "}" * 40, "nested more than"),
        ("layer { name: }", "has no value"),
        ('layer { name: "unterminated }', "cannot be understood"),
        ("layer: 3", "has no layers"),
        ("layers { name: 'a' }", "first format"),
        ('layer { name: "a" type: "Python" bottom: "data" top: "a" }', "type 'Python', which is not known"),
        ('layer { name: "a" type: "ReLU" bottom: "nowhere" top: "a" }', "which no layer before it gives"),
        (
            'input: "d" layer { name: "a" type: "InnerProduct" bottom: "d" top: "a" }',
            "num_output must be a whole number",
        ),
        (
            'input: "d" layer { name: "a" type: "InnerProduct" bottom: "d" top: "a" inner_product_param { num_output: '
            "99999999999 } }",
            "hidden must be a whole number",
        ),
        ('input: "d"', "has no layers"),
    ],
)
def test_damaged_text_is_refused(tmp_path, text, message):
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=message):
        read_network(path)


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "a.caffemodel"
    for data, message in (
        (b"", "holds no weights"),
        (layer("a", "InnerProduct", [np.ones((2, 2))])[:-3], "does not fit"),
        (field(100, field(1, "a") + field(7, field(7, shape([1])) + field(5, b"\0" * 16))), "has 4 numbers"),
        (field(100, field(1, "a") + field(7, field(5, b"\0" * 3))), "cut short"),
    ):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=message):
            read_arrays(path)
    with pytest.raises(NotFound):
        read_arrays(tmp_path / "absent.caffemodel")


# -- HDF5 and safetensors ---------------------------------------------------------------------------------------------


def test_hdf5_of_others_and_what_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["model/dense/kernel"] = np.arange(6.0).reshape(2, 3)
    assert read_arrays(path)["model/dense/kernel"].shape == (2, 3)
    with h5py.File(path, "w") as file:
        file["a"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ModelFileError, match="is a link, which is never followed"):
        read_arrays(path)
    with h5py.File(path, "w") as file:
        file["a/b"] = np.zeros(3)
        file["a/again"] = h5py.SoftLink("/a")
    with pytest.raises(ModelFileError, match="is a link"):
        read_arrays(path)
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["itself"] = group
    with pytest.raises(ModelFileError, match="nested more than"):
        read_arrays(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("bomb", (1 << 20, 1 << 12), "f4", chunks=(1 << 10, 1 << 10), compression="gzip")
    with pytest.raises(ModelFileError, match="claims more than the file holds"):
        read_arrays(path)
    with h5py.File(path, "w") as file:
        file["text"] = "hello"
    with pytest.raises(ModelFileError, match="no array of numbers"):
        read_arrays(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises(ModelFileError):
        read_arrays(path)


def test_safetensors(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "a.safetensors"
    save_file({"a": np.ones((2, 3), np.float16)}, path)
    assert read_arrays(path)["a"].dtype == np.float32
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ModelFileError, match="cannot be read as a safetensors file"):
        read_arrays(path)
