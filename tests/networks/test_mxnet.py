"""Files of MXNet: Deep Water's own networks and weights, both dialects, every layout of arrays, and damaged ones."""

from __future__ import annotations

import json
import struct

import numpy as np
import polars
import pytest

from heavywater.errors import H2OValueError, ModelFileError, NotFound
from heavywater.networks.catalog import build
from heavywater.networks.files import read_arrays, read_network, write_params, write_symbol
from heavywater.networks.mxnet_arrays import params_bytes, parse_params
from heavywater.networks.mxnet_symbol import parse_symbol
from heavywater.networks.mxnet_symbol_write import symbol_text

torch = pytest.importorskip("torch")

from heavywater.networks.module import GraphModule  # noqa: E402

SYMBOLS = {
    "alexnet": ((3, 224, 224), 58_322_314),
    "googlenet": ((3, 224, 224), 6_014_522),
    "inception-bn": ((3, 224, 224), 10_280_490),
    "inception-bn2": ((3, 224, 224), 10_280_490),
    "inception-v3": ((3, 299, 299), 21_969_898),
    "lenet": ((3, 28, 28), 432_080),
    "mlp": ((784,), 109_386),
    "resnet": ((3, 224, 224), 2_399_264),
    "unet": ((3, 64, 64), None),
    "vgg": ((3, 224, 224), 128_807_306),
}


def digits(shared, rows):
    table = polars.read_csv(shared / "data" / "mnist" / "test.csv.gz", has_header=False, n_rows=rows).to_numpy()
    return table[:, :784].reshape(-1, 1, 28, 28).repeat(3, 1), table[:, 784]


def scored(module, pixels, labels):
    """Share of right answers and mean logloss."""
    module.eval()
    with torch.inference_mode():
        logs = torch.log_softmax(module(torch.from_numpy(pixels.astype(np.float32))).double(), 1).numpy()
    return (logs.argmax(1) == labels).mean(), -logs[np.arange(len(labels)), labels].mean()


def test_every_symbol_of_deep_water_is_read(shared):
    for name, (shape, weights) in SYMBOLS.items():
        graph = read_network(shared / f"data/deepwater/symbols/symbol_{name}-cpp.json")
        if weights is not None:
            assert graph.shapes(shape)[graph.nodes[graph.head].name] == (10,), name
            assert graph.weights(shape) == weights, name


def test_the_stored_lenet_reads_digits_as_it_did(shared):
    folder = shared / "data" / "deepwater"
    pixels, labels = digits(shared, 10_000)
    graph = read_network(folder / "model_mnist_lenet_mx.json")
    module = GraphModule(graph, (3, 28, 28))
    module.load_arrays(read_arrays(folder / "model_mnist_lenet_mx_params", graph))
    share, logloss = scored(module, pixels, labels)
    assert share == 0.9882
    assert logloss == pytest.approx(0.05330, abs=1e-5)


def test_the_pretrained_inception_builds_and_runs(shared):
    graph = read_network(shared / "data/deepwater/Inception_BN-symbol.json")
    assert graph.weights((3, 224, 224)) == 11_295_240
    module = GraphModule(graph, (3, 224, 224), seed=1).eval()
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 255
    with torch.inference_mode():
        assert module(x).shape == (1, 1000)
        assert module.features(x, "global_pool_output").shape == (1, 1024)
        assert module.features(x, "conv_5b_double_3x3_1_output").shape == (1, 10_976)


def test_the_mean_image_is_read(shared):
    arrays = read_arrays(shared / "data/deepwater/mean_224.nd")
    assert arrays["mean_img"].shape == (3, 224, 224)
    assert arrays["mean_img"].mean() == pytest.approx(113.87, abs=0.01)


@pytest.mark.parametrize("dialect", ["nnvm", "legacy"])
@pytest.mark.parametrize("name", ["lenet", "mlp"])
def test_what_is_written_is_read_as_the_same_network(tmp_path, name, dialect):
    graph = build(name, 7)
    path = write_symbol(tmp_path / "net.json", graph, dialect=dialect)
    again = read_network(path)
    shape = (784,) if name == "mlp" else (3, 28, 28)
    assert again.shapes(shape) == graph.shapes(shape)
    assert {n: s.shape for n, s in again.arrays(shape).items()} == {n: s.shape for n, s in graph.arrays(shape).items()}
    one, two = GraphModule(graph, shape, 1).eval(), GraphModule(again, shape, 2).eval()
    two.load_arrays(one.arrays())
    x = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(one(x), two(x))


def test_a_symbol_of_deep_water_survives_both_dialects(shared):
    graph = read_network(shared / "data/deepwater/symbols/symbol_resnet-cpp.json")
    for dialect in ("nnvm", "legacy"):
        again = parse_symbol(symbol_text(graph, dialect=dialect))
        assert again.arrays((3, 32, 32)) == graph.arrays((3, 32, 32))


@pytest.mark.parametrize("layout", ["V2", "legacy"])
def test_arrays_come_back(tmp_path, layout):
    rng = np.random.default_rng(1)
    arrays = {"a_weight": rng.random((2, 3, 4), np.float32), "bn_moving_var": rng.random(5, np.float32)}
    path = write_params(tmp_path / "a.params", arrays, layout=layout)
    again = read_arrays(path)
    assert list(again) == list(arrays)
    assert all(np.array_equal(again[n], arrays[n]) for n in arrays)
    assert b"aux:bn_moving_var" in path.read_bytes()
    assert b"arg:a_weight" in path.read_bytes()


def test_the_layout_is_that_of_the_stored_file(shared):
    stored = (shared / "data/deepwater/model_mnist_lenet_mx_params").read_bytes()
    written = params_bytes(parse_params(stored), layout="legacy")
    # The stored arrays lay on a GPU (kind of device 2); ours lie on the CPU (1).
    assert len(written) == len(stored) == 1_728_796
    assert sum(a != b for a, b in zip(written, stored)) == 8


def raw(version, dtype, values):
    """A file with one array of any layout and type, put together by hand."""
    shape = values.shape
    head = struct.pack("<QQQ", 0x112, 0, 1)
    if version == "V1":
        head += struct.pack("<II", 0xF993FAC8, len(shape)) + struct.pack(f"<{len(shape)}q", *shape)
    else:
        magic = {"V2": 0xF993FAC9, "V3": 0xF993FACA}[version]
        head += struct.pack("<IiI", magic, 0, len(shape)) + struct.pack(f"<{len(shape)}q", *shape)
    return head + struct.pack("<iii", 2, 0, dtype) + values.tobytes() + struct.pack("<Q", 0)


@pytest.mark.parametrize("version", ["V1", "V2", "V3"])
@pytest.mark.parametrize(
    ("dtype", "name"), [(0, "f4"), (1, "f8"), (2, "f2"), (3, "u1"), (4, "i4"), (5, "i1"), (6, "i8")]
)
def test_every_layout_and_type(version, dtype, name):
    values = np.array([[1, 2, 3], [4, 5, 100]], name)
    assert np.array_equal(parse_params(raw(version, dtype, values))["0"], values)


def test_bfloat16():
    values = np.array([1.5, -2.0], np.float32)
    halves = (values.view(np.uint32) >> 16).astype("<u2")
    assert np.array_equal(parse_params(raw("V2", 12, halves))["0"], values)


def damaged():
    good = params_bytes({"a": np.ones((2, 3))})
    yield "cut", good[:-3], "bytes from byte"
    yield "longer", good + b"x", "1 bytes follow its end"
    yield "many arrays", struct.pack("<QQQ", 0x112, 0, 1 << 60), "announces"
    yield "many dimensions", struct.pack("<QQQI", 0x112, 0, 1, 1 << 30), "dimensions"
    one = raw("V1", 0, np.ones(1, "f4"))
    yield "huge", one[:32] + struct.pack("<q", 1 << 50) + one[40:], "are left"
    yield "negative", one[:32] + struct.pack("<q", -1) + one[40:], "impossible"
    yield "unknown type", raw("V1", 99, np.ones(1, "f4")), "unknown type 99"
    yield "sparse", struct.pack("<QQQIi", 0x112, 0, 1, 0xF993FAC9, 1), "row_sparse"


@pytest.mark.parametrize(("data", "message"), [d[1:] for d in damaged()], ids=[d[0] for d in damaged()])
def test_damaged_arrays_are_refused(tmp_path, data, message):
    path = tmp_path / "a.params"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message) as error:
        read_arrays(path)
    assert str(path) in str(error.value)


def symbol(*nodes, heads=None):
    return json.dumps({"nodes": list(nodes), "heads": heads or [[len(nodes) - 1, 0]]})


DATA = {"op": "null", "name": "data", "inputs": []}
W = {"op": "null", "name": "c_weight", "inputs": []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1", "not JSON"),
        ("[" * 100_000, "JSON"),
        ('{"nodes": [], "nodes": []}', "given twice"),
        ("{}", "no list of nodes"),
        (symbol(), "0 nodes"),
        (symbol(DATA, {"op": "Custom", "name": "x", "inputs": [[0, 0]]}), "operation 'Custom' is not known"),
        (symbol(DATA, {"op": "Flatten", "name": "x", "inputs": [[5, 0]]}), "does not come before it"),
        (symbol(DATA, {"op": "Flatten", "name": "x", "inputs": [[True, 0]]}), r"must be \[node, output\]"),
        (symbol(DATA, {"op": "Flatten", "name": "x", "inputs": [[0, 3]]}), "does not have"),
        (symbol(DATA, {"op": "Flatten", "name": "x", "inputs": []}), "has no input"),
        (
            symbol(DATA, {"op": "Dropout", "name": "x", "inputs": [[0, 0]], "attrs": {"p": "a" * 9}}),
            "p must be a number",
        ),
        (
            symbol(DATA, {"op": "Dropout", "name": "x", "inputs": [[0, 0]], "attrs": {"p": "7"}}),
            "p must be a number from",
        ),
        (symbol(DATA, {"op": "Dropout", "name": "x", "inputs": [[0, 0]], "attrs": 3}), "attrs is not an object"),
        (
            symbol(DATA, W, {"op": "Convolution", "name": "c", "inputs": [[0, 0], [1, 0]], "param": {"no_bias": "1"}}),
            "num_filter is missing",
        ),
        (
            symbol(
                DATA,
                W,
                {
                    "op": "Convolution",
                    "name": "c",
                    "inputs": [[0, 0], [1, 0]],
                    "param": {"no_bias": "1", "num_filter": "99999999999", "kernel": "(3,3)"},
                },
            ),
            "filters must be a whole number",
        ),
        (
            symbol(DATA, {"op": "FullyConnected", "name": "f", "inputs": [[0, 0]], "param": {"num_hidden": "3"}}),
            "lacks inputs",
        ),
        (symbol(DATA), "is no operation"),
    ],
)
def test_damaged_symbols_are_refused(tmp_path, text, message):
    path = tmp_path / "net.json"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=message):
        read_network(path)


def test_pickles_are_never_opened(tmp_path):
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02cos\nsystem\n")
    for name, data in {
        "a.pt": packed.getvalue(),
        "a.params": b"\x80\x04\x95cos\nsystem\n",
        "a.pkl": b"\x80\x05K\x01.",
    }.items():
        (tmp_path / name).write_bytes(data)
        for read in (read_network, read_arrays):
            with pytest.raises(ModelFileError, match="is a Python pickle.*safetensors"):
                read(tmp_path / name)


def test_what_is_no_network_is_told_so(tmp_path):
    with pytest.raises(NotFound, match="there is no file"):
        read_network(tmp_path / "absent.json")
    (tmp_path / "a.txt").write_bytes(b"\x00\x01\x02" * 50)
    with pytest.raises(ModelFileError, match="no file of a network that is known"):
        read_network(tmp_path / "a.txt")
    path = write_params(tmp_path / "b.params", {"a": np.ones(3)})
    with pytest.raises(ModelFileError, match=r"\(mxnet arrays\) holds no network"):
        read_network(path)


def test_words_of_the_writer_are_checked():
    with pytest.raises(H2OValueError, match="layout must be"):
        params_bytes({}, layout="V9")
    with pytest.raises(H2OValueError, match="dialect must be"):
        symbol_text(build("mlp", 2), dialect="x")
