"""Networks and weights in the files of other programs: what a file is, is told from its first bytes and its name."""

from __future__ import annotations

import importlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError, NotFound, NotSupported
from heavywater.networks.graph import Graph
from heavywater.networks.mxnet_arrays import MAGIC, write_params
from heavywater.networks.mxnet_symbol_write import write_symbol

__all__ = ["kind_of", "read_arrays", "read_network", "write_params", "write_symbol"]

_NETWORKS: Mapping[str, tuple[str, str]] = {
    "mxnet symbol": ("mxnet_symbol", "read_symbol"),
    "onnx": ("onnx_read", "read_onnx"),
    "tensorflow graph": ("tensorflow_graph", "read_metagraph"),
    "tensorflow saved model": ("tensorflow_saved_model", "read_saved_model"),
    "caffe text": ("caffe", "read_prototxt"),
    "keras": ("keras_file", "read_keras"),
    "hdf5": ("keras_file", "read_keras"),
}
"""Kind of file → module and function that read a network from it."""

_ARRAYS: Mapping[str, tuple[str, str]] = {
    "mxnet arrays": ("mxnet_arrays", "read_params"),
    "onnx": ("onnx_read", "read_onnx_arrays"),
    "tensorflow checkpoint": ("tensorflow_checkpoint", "read_checkpoint"),
    "tensorflow saved model": ("tensorflow_saved_model", "read_saved_arrays"),
    "caffe model": ("caffe_weights", "read_caffemodel"),
    "keras": ("keras_file", "read_keras_arrays"),
    "hdf5": ("keras_file", "read_keras_arrays"),
    "safetensors": ("weights", "read_safetensors"),
}
"""Kind of file → module and function that read arrays from it."""

_SAVED_MODEL = "saved_model.pb"
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin")
_ENDINGS = {
    ".onnx": "onnx",
    ".meta": "tensorflow graph",
    ".index": "tensorflow checkpoint",
    ".prototxt": "caffe text",
    ".caffemodel": "caffe model",
    ".json": "mxnet symbol",
    ".network": "mxnet symbol",
    ".params": "mxnet arrays",
    ".nd": "mxnet arrays",
    ".keras": "keras",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".safetensors": "safetensors",
}


def kind_of(path: str | os.PathLike[str]) -> str:
    """What a file is, e.g. ``"mxnet symbol"``.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is a pickle, which can run code when it is read, or nothing that is known.
    """
    file = Path(path)
    if not file.is_file():
        if file.with_name(file.name + ".index").is_file():
            return "tensorflow checkpoint"
        if not file.exists():
            raise NotFound(f"there is no file {os.fspath(path)!r}")
        if (file / _SAVED_MODEL).is_file():
            return "tensorflow saved model"
        raise ModelFileError(f"{file} is not a file, and no SavedModel of TensorFlow")
    if file.name == _SAVED_MODEL:
        return "tensorflow saved model"
    with open(file, "rb") as stream:
        head = stream.read(4096)
    ending = file.suffix.lower()
    if _is_pickle(head, ending):
        raise ModelFileError(
            f"{file} is a Python pickle, which can run code when it is read, and is never opened. Save the weights as "
            "safetensors (safetensors.torch.save_file(module.state_dict(), path)), or the network as ONNX"
        )
    if len(head) >= 8 and struct.unpack("<Q", head[:8])[0] == MAGIC:
        return "mxnet arrays"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if head.lstrip()[:1] == b"{":
        return "mxnet symbol"
    if len(head) > 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < (100 << 20):
        return "safetensors"
    if head.isascii() and b":" in head and ending in ("", ".txt"):
        return "caffe text"
    raise ModelFileError(
        f"{file} is no file of a network that is known: an MXNet symbol (.json), ONNX (.onnx), a TensorFlow graph (.meta) or "
        "SavedModel (its folder), Caffe's text (.prototxt), a model of Keras (.keras, .h5); and for weights MXNet (.params), "
        "safetensors, HDF5, .caffemodel or a TensorFlow checkpoint"
    )


def _is_pickle(head: bytes, ending: str) -> bool:
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    return head.startswith(b"PK\x03\x04") and (b"data.pkl" in head or ending in _PICKLES)


def read_network(path: str | os.PathLike[str], *, compat: str | None = None) -> Graph:
    """The network in a file that may come from anybody.

    Parameters
    ----------
    path : str or path-like
        An MXNet symbol, an ONNX model, a MetaGraph of TensorFlow 1, the folder of a SavedModel, Caffe's text format (a
        network, or a solver that names one beside it), a model of Keras (``.keras``, or HDF5).
    compat : str, optional
        ``"deepwater"``: a graph of TensorFlow reads its pixels in Deep Water's order; see
        ``tensorflow_graph.read_metagraph``.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is a file of another kind, damaged or hostile, or has an operation that is not known; the message names it.
    NotSupported
        A package that is needed to read it is not installed, or it holds weights alone.
    """
    kind = kind_of(path)
    if kind not in _NETWORKS:
        raise ModelFileError(f"{os.fspath(path)} ({kind}) holds no network; files with one are {', '.join(_NETWORKS)}")
    module, function = _NETWORKS[kind]
    options = {"compat": compat} if kind == "tensorflow graph" else {}
    graph: Graph = getattr(_module(module), function)(path, **options)
    return graph


def read_arrays(path: str | os.PathLike[str], graph: Graph | None = None) -> dict[str, NDArray[np.float32]]:
    """The arrays in a file that may come from anybody.

    Parameters
    ----------
    path : str or path-like
    graph : Graph, optional
        The network they are for; arrays that it names get its layout.

    Returns
    -------
    dict of str to numpy.ndarray
        float32 arrays by the network's names; what the network does not name keeps the file's name.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is a file of another kind, damaged or hostile.
    NotSupported
        A package that is needed to read it is not installed.
    """
    kind = kind_of(path)
    if kind not in _ARRAYS:
        raise ModelFileError(
            f"{os.fspath(path)} ({kind}) holds no weights; files with weights are {', '.join(_ARRAYS)}"
        )
    module, function = _ARRAYS[kind]
    options = {"graph": graph} if module == "keras_file" else {}
    found: dict[str, NDArray[np.float32]] = getattr(_module(module), function)(path, **options)
    return found if graph is None else graph.from_file(found)


def _module(name: str) -> object:
    try:
        return importlib.import_module(f"heavywater.networks.{name}")
    except ImportError as error:
        raise NotSupported(f"reading this file needs the package {error.name}") from None
