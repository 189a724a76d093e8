"""Weights in formats that hold arrays alone: safetensors and HDF5."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError, NotSupported
from heavywater.networks.caffe_weights import named
from heavywater.networks.source import as_float32, blaming, file_bytes

__all__ = ["datasets", "opened_hdf5", "parse_hdf5", "read_hdf5", "read_safetensors"]

_MAX_DEPTH = 16
_MAX_MEMBERS = 100_000
_MAX_RATIO = 20
"""Weights hardly compress; a file that unpacks to more than 20 times its size is a bomb."""


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The arrays of a safetensors file, float32; see ``files.read_arrays``."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = file_bytes(path)
    with blaming(path, "a safetensors file"):
        try:
            found = load(data)
        except SafetensorError as error:
            raise ModelFileError(str(error)) from None
        return {name: as_float32(values) for name, values in found.items()}


def read_hdf5(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The arrays of an HDF5 file by our names.

    Caffe's files hold a group ``data`` with a group per layer and datasets ``0`` and ``1``, which become ``<layer>_weight``
    and ``<layer>_bias``. In others, e.g. Keras's, an array is named by its path.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no HDF5 file, is damaged or hostile; links to other files are never followed.
    NotSupported
        The package h5py is not installed.
    """
    data = file_bytes(path)
    with blaming(path, "an HDF5 file of weights"):
        return parse_hdf5(data)


def parse_hdf5(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Like :func:`read_hdf5`, from bytes."""
    with opened_hdf5(data) as file:
        return datasets(file, len(data))


@contextlib.contextmanager
def opened_hdf5(data: bytes) -> Iterator[Any]:
    """The bytes of an HDF5 file, opened with h5py.

    Raises
    ------
    ModelFileError
        They are damaged, whether that shows at once or while they are read.
    NotSupported
        The package h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise NotSupported("reading HDF5 needs the package h5py: pip install 'heavywater[deepwater]'") from None
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise ModelFileError(f"it is damaged ({error!s:.100})") from None


def datasets(file: Any, size: int, leave_out: Sequence[str] = ()) -> dict[str, NDArray[np.float32]]:
    """The arrays of an opened HDF5 file of `size` bytes by our names; see :func:`read_hdf5`.

    Parameters
    ----------
    leave_out : sequence of str
        Groups at the top that are not read.
    """
    import h5py

    made: dict[str, NDArray[np.float32]] = {}
    layers: dict[str, list[NDArray[np.float32]]] = {}
    stack, total, members = [("", file, 0)], 0, 0
    while stack:
        prefix, group, depth = stack.pop()
        members += 1 + len(group)
        if depth > _MAX_DEPTH or members > _MAX_MEMBERS:
            raise ModelFileError(f"it is nested more than {_MAX_DEPTH} levels deep, or has too many members")
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"{prefix}{name[:60]!a} is a link, which is never followed")
            item = group[name]
            where = f"{prefix}{name}"
            if where in leave_out:
                continue
            if isinstance(item, h5py.Group):
                stack.append((f"{where}/", item, depth + 1))
                continue
            total += item.nbytes
            if item.external or item.is_virtual:
                raise ModelFileError(f"{where[:80]!a} lies in another file")
            if item.dtype.kind not in "fiu" or total > max(_MAX_RATIO * size, 1 << 20):
                raise ModelFileError(f"{where[:80]!a} is no array of numbers, or claims more than the file holds")
            values = as_float32(item[()])
            caffe = where.split("/")
            if len(caffe) == 3 and caffe[0] == "data" and caffe[2].isdigit():
                layers.setdefault(caffe[1], []).append(values)  # h5py lists names in order
            else:
                made[where] = values
    for layer, blobs in layers.items():
        made |= named(layer, blobs)
    return made
