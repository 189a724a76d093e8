"""Weights of Caffe (caffemodel), in the layouts of both of its formats, read without Caffe."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.protobuf import fields, floats, text, varints
from heavywater.networks.source import as_float32, blaming, file_bytes

__all__ = ["named", "read_caffemodel"]

_V1_INNER_PRODUCT = 14


def read_caffemodel(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The weights of a caffemodel by our names: ``<layer>_weight``, ``<layer>_bias``, ``<layer>_moving_mean``, ...

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no caffemodel, is damaged or hostile.
    """
    data = file_bytes(path)
    with blaming(path, "a Caffe model"):
        made: dict[str, NDArray[np.float32]] = {}
        for f in fields(data):
            if f.number in (2, 100):
                made |= _weights(f.bytes, first=f.number == 2)
        if not made:
            raise ModelFileError("it holds no weights")
        return made


def _weights(message: memoryview, *, first: bool) -> dict[str, NDArray[np.float32]]:
    name_at, type_at, blobs_at = (4, 5, 6) if first else (1, 2, 7)
    name, kind = "", ""
    blobs: list[NDArray[np.float32]] = []
    for f in fields(message):
        if f.number == name_at:
            name = text(f.bytes)
        elif f.number == type_at:
            kind = {_V1_INNER_PRODUCT: "InnerProduct"}.get(f.int, "V1") if first else text(f.bytes)
        elif f.number == blobs_at:
            blobs.append(_blob(f.bytes))
    return named(name, blobs, kind)


def named(name: str, blobs: Sequence[NDArray[np.float32]], kind: str = "") -> dict[str, NDArray[np.float32]]:
    """The arrays of one layer by our names; the statistics of a BatchNorm come divided by their last number."""
    if len(blobs) == 3 and kind in ("BatchNorm", "") and blobs[2].size == 1:
        factor = float(blobs[2].reshape(-1)[0])
        scale = np.float32(1 / factor if factor else 0.0)
        return {f"{name}_moving_mean": blobs[0].reshape(-1) * scale, f"{name}_moving_var": blobs[1].reshape(-1) * scale}
    made = {}
    for role, values in zip(("weight", "bias"), blobs):
        shape = values.shape
        if role == "bias":
            shape = (-1,)
        elif kind == "InnerProduct" and len(shape) == 4:  # the first format gives every array four dimensions
            shape = shape[2:]
        made[f"{name}_{role}"] = np.ascontiguousarray(values.reshape(shape), np.float32)
    return made


def _blob(message: memoryview) -> NDArray[np.float32]:
    shape: list[int] = []
    old = [0, 0, 0, 0]
    parts: list[NDArray[Any]] = []
    for f in fields(message):
        if f.number == 7:
            shape = [n for d in fields(f.bytes) if d.number == 1 for n in varints(d)]
        elif f.number == 5:
            parts.append(floats(f.bytes))
        elif f.number == 8:
            if len(f.bytes) % 8:
                raise ModelFileError("packed numbers are cut short")
            parts.append(np.frombuffer(f.bytes, "<f8"))
        elif f.number in (1, 2, 3, 4):
            old[f.number - 1] = f.int
    sizes = tuple(shape or old)
    values = np.concatenate(parts) if parts else np.zeros(0)
    if any(n < 0 for n in sizes) or math.prod(sizes) != len(values):
        raise ModelFileError(f"an array of the shape {sizes} has {len(values):,} numbers")
    return as_float32(values).reshape(sizes)
