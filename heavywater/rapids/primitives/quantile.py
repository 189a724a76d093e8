"""Quantiles (R's type 7), plain and weighted."""

from __future__ import annotations

import math

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Numbers, Value, primitive
from heavywater.rapids.table import Table

COMBINE = ("interpolate", "average", "low", "high")


def quantiles(v: np.ndarray, probs: list[float], combine: str, weights: np.ndarray | None = None) -> np.ndarray:
    """Quantiles of the values that are not NaN.

    Parameters
    ----------
    v : float64 (n,)
        Values.
    probs : list of float
        Probabilities from 0 to 1.
    combine : {"interpolate", "average", "low", "high"}
        What to do between two values.
    weights : float64 (n,), optional
        A value of weight w counts as w equal values.
    """
    keep = ~np.isnan(v) if weights is None else ~np.isnan(v) & (weights > 0)
    order = np.argsort(v[keep], kind="stable")
    s = v[keep][order]
    if not len(s):
        return np.full(len(probs), np.nan)
    upto = np.arange(1, len(s) + 1, dtype=np.float64) if weights is None else np.cumsum(weights[keep][order])
    out = np.empty(len(probs))
    for k, p in enumerate(probs):
        h = p * (upto[-1] - 1)
        low = s[min(int(np.searchsorted(upto, math.floor(h), side="right")), len(s) - 1)]
        high = s[min(int(np.searchsorted(upto, math.ceil(h), side="right")), len(s) - 1)]
        if low == high or combine == "low":
            out[k] = low
        elif combine == "high":
            out[k] = high
        else:
            f = 0.5 if combine == "average" else h - math.floor(h)
            out[k] = low + f * (high - low)
    return out


def combine_method(name: str) -> str:
    """The canonical spelling.

    Raises
    ------
    H2OValueError
        For anything else than `COMBINE` in any case, ``lo`` or ``hi``.
    """
    known = {"lo": "low", "hi": "high", "avg": "average"}.get(name.lower(), name.lower())
    if known not in COMBINE:
        raise H2OValueError(f"combine_method must be one of {', '.join(COMBINE)}; got {name!r}")
    return known


@primitive("quantile")
def quantile(x: Table, probs: Numbers, combine: str = "interpolate", weights: Value = "_") -> Table:
    """Quantiles of every column: ``Probs`` and one column ``<name>Quantiles`` each; NaN for labels and texts."""
    bad = next((p for p in probs if not 0 <= p <= 1), None)
    if bad is not None:
        raise H2OValueError(f"probabilities lie between 0 and 1; got {bad:g}")
    how = combine_method(combine)
    w, skip = None, -1
    if isinstance(weights, str) and weights != "_":
        skip = x.index(weights)
        if x.cols[skip].is_enum or x.cols[skip].is_text:
            raise H2OTypeError(f"the weights column {weights!r} must be numeric")
        w = np.nan_to_num(x.numeric(skip))
    cols = {"Probs": np.array(probs, np.float64)}
    for i, name in enumerate(x.names):
        if i != skip:
            cols[f"{name}Quantiles"] = quantiles(x.values(i), probs, how, w)
    return Table.of(cols)
