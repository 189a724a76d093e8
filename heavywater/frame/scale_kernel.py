"""Scaling one column into the design matrix."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def scale_column(
    x: np.ndarray, replacement: float, missing: float, sub: float, mul: float, out: np.ndarray, j: int
) -> None:
    """Write ``(x - sub) * mul`` into column `j` of `out`.

    Values that are not finite count as missing: `replacement` stands for them before scaling; when it is NaN, `missing`
    stands for them after scaling.
    """
    for i in range(len(x)):
        v = x[i]
        if not np.isfinite(v):
            v = replacement
            if np.isnan(v):
                out[i, j] = missing
                continue
        out[i, j] = (v - sub) * mul
