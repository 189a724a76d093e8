"""First weights, drawn in numpy: the same seed gives the same network on every machine and every version of PyTorch."""

from __future__ import annotations

import math
import zlib

import numpy as np
from numpy.typing import NDArray

from heavywater.networks.ops import ArraySpec

__all__ = ["initial_array"]

_CONSTANT = {"zeros": 0.0, "ones": 1.0, "small": 1e-6}


def initial_array(name: str, spec: ArraySpec, seed: int) -> NDArray[np.float32]:
    """First values of the array `name`; the draw depends on the name and the seed alone, not on other arrays."""
    if spec.init in _CONSTANT:
        return np.full(spec.shape, _CONSTANT[spec.init], np.float32)
    rng = np.random.default_rng([seed & (2**63 - 1), zlib.crc32(name.encode())])
    if spec.init == "xavier" and len(spec.shape) > 1:
        area = math.prod(spec.shape[2:])
        limit = math.sqrt(6 / (area * (spec.shape[0] + spec.shape[1])))
        made = rng.random(spec.shape, np.float32)
        made *= 2 * limit
        made -= limit
        return made
    made = rng.standard_normal(spec.shape, np.float32)
    if spec.init == "he":
        made *= math.sqrt(2 / math.prod(spec.shape[1:]))
    elif spec.init in ("narrow", "xavier"):
        made *= 0.02
    return made
