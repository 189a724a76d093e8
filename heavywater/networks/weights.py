"""Weights in formats that hold arrays alone: safetensors and HDF5."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.source import blaming, file_bytes

__all__ = ["read_safetensors"]


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
        return {name: np.ascontiguousarray(values, np.float32) for name, values in found.items()}
