"""Damaged files of every kind: whatever a byte is changed to, the answer is one of our errors, at once."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest

from heavywater.errors import HeavywaterError, ModelFileError
from heavywater.networks.catalog import build
from heavywater.networks.files import read_arrays, read_network
from heavywater.networks.initial import initial_array
from heavywater.networks.mxnet_arrays import params_bytes
from heavywater.networks.mxnet_symbol_write import symbol_text
from tests.networks.wire import field, metagraph, node


def onnx_file():
    pytest.importorskip("onnx")
    from heavywater.networks.onnx_write import to_onnx

    graph = build("mlp", 3, hidden=[4])
    arrays = {n: initial_array(n, s, 1) for n, s in graph.arrays((5,)).items()}
    return to_onnx(graph, arrays, (5,), labels=["a", "b", "c"])


def safetensors_file():
    from safetensors.numpy import save

    return save({"a": np.ones(3), "b": np.ones((2, 2), np.float32)})


def tensorflow_file():
    shape = node("s", "Const", value=np.array([-1, 6, 6, 2], "i4"))
    variable = node("w", "VariableV2", shape=("shape", (3, 3, 2, 4)))
    layer = node("c", "Conv2D", ["i", "w"], strides=[1, 1, 1, 1], padding="SAME")
    nodes = [node("x", "Placeholder"), shape, node("i", "Reshape", ["x", "s"]), variable, layer]
    return metagraph([*nodes, node("p", "Softmax", ["c"])], "p")


FILES = {
    "a.json": lambda: symbol_text(build("lenet", 3)).encode(),
    "a.params": lambda: params_bytes({"a": np.ones((2, 3)), "b": np.ones(4)}),
    "a.onnx": onnx_file,
    "a.meta": tensorflow_file,
    "a.caffemodel": lambda: field(100, field(1, "a") + field(7, field(7, field(1, b"\x02")) + field(5, b"\0" * 8))),
    "a.prototxt": lambda: (
        b'input: "d" layer { name: "r" type: "ReLU" bottom: "d" top: "r" relu_param { negative_slope: .1 } }'
    ),
    "a.safetensors": safetensors_file,
}


def changed(data, rng):
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, what = rng.randrange(len(made)), rng.random()
        if what < 0.6:
            made[at] = rng.randrange(256)
        elif what < 0.8:
            del made[at : at + rng.randrange(1, 9)]
            made += b"\0" * (not made)
        else:
            made[at:at] = made[rng.randrange(len(made)) :][: rng.randrange(1, 30)]
    return bytes(made)


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes_never_surprise(tmp_path, name):
    data, rng, path = FILES[name](), random.Random(name), tmp_path / name
    for _ in range(120):
        path.write_bytes(changed(data, rng))
        for read in (read_network, read_arrays):
            with contextlib.suppress(HeavywaterError):  # any other error, or a warning, fails the test
                read(path)


def test_a_file_cut_anywhere_is_refused_or_whole(tmp_path):
    for name in ("a.params", "a.safetensors", "a.json"):
        data, path = FILES[name](), tmp_path / name
        read = read_network if name == "a.json" else read_arrays
        read_whole = path.write_bytes(data) and read(path)
        assert read_whole
        for end in range(0, len(data), max(1, len(data) // 60)):
            path.write_bytes(data[:end])
            with pytest.raises(HeavywaterError):
                read(path)


def test_folders_and_pipes_are_no_files(tmp_path):
    import os

    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.params")
    for name in ("folder.json", "pipe.params"):
        for read in (read_network, read_arrays):
            with pytest.raises(HeavywaterError, match="is not a file"):
                read(tmp_path / name)


def test_a_damaged_model_of_keras(tmp_path):
    (tmp_path / "a.keras").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ModelFileError, match="cannot be read as a model of Keras: it is damaged"):
        read_network(tmp_path / "a.keras")
