"""How often two columns' values occur together, and the mean of one within the other: H2O's Tabulate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame import Frame
from heavywater.server.v3.table import made

_MAX_BINS = 10_000
_MAX_PAIRS = 1_000_000


@dataclass(frozen=True)
class Binned:
    """A column in bins: the bin of each row (-1: missing) and the bins' names."""

    name: str
    codes: np.ndarray
    labels: list[str]
    values: np.ndarray


def binned(frame: Frame, name: str, nbins: int) -> Binned:
    """Levels as they are; numbers in `nbins` bins of equal width, or one by one when so few whole numbers occur."""
    kind = frame.kind(name)
    if kind in ("string", "uuid"):
        raise H2OTypeError(f"column {name!r} is {kind}; tabulating needs numbers or categories")
    if not 1 <= nbins <= _MAX_BINS:
        raise H2OValueError(f"the number of bins lies between 1 and {_MAX_BINS}; got {nbins}")
    levels = frame.levels(name)
    x = frame.numeric(name)
    if levels is not None:
        return Binned(name, frame.codes(name), list(levels), x)
    finite = np.isfinite(x)
    if not finite.any():
        raise H2OValueError(f"column {name!r} has no values")
    low, high = float(x[finite].min()), float(x[finite].max())
    if kind == "int" and high - low + 1 <= nbins:
        width, count = 1.0, int(high - low) + 1
        labels = [str(int(low) + i) for i in range(count)]
    else:
        count = nbins if high > low else 1
        width = (high - low) / count or 1.0
        labels = [f"{low + (i + 0.5) * width:f}" for i in range(count)]
    codes = np.full(len(x), -1)
    codes[finite] = np.minimum(((x[finite] - low) / width).astype(int), count - 1)
    return Binned(name, codes, labels, x)


def count_table(a: Binned, b: Binned, weights: np.ndarray) -> dict[str, Any]:
    """Weighted counts of the pairs of bins."""
    if len(a.labels) * len(b.labels) > _MAX_PAIRS:
        text = f"{len(a.labels)} × {len(b.labels)} pairs of values are more than {_MAX_PAIRS}, the limit; ask for fewer bins"
        raise H2OValueError(text)
    known = (a.codes >= 0) & (b.codes >= 0)
    counts = np.zeros((len(b.labels), len(a.labels)))
    np.add.at(counts, (b.codes[known], a.codes[known]), weights[known])
    rows = [[p, r, counts[j, i]] for j, r in enumerate(b.labels) for i, p in enumerate(a.labels)]
    columns = [(a.name, "string", "%s", a.name), (b.name, "string", "%s", b.name), ("counts", "double", "%f", "counts")]
    return made(f"(Weighted) co-occurrence counts of '{a.name}' and '{b.name}'", columns, rows)


def response_table(a: Binned, b: Binned, weights: np.ndarray) -> dict[str, Any]:
    """Weighted mean of the second column in each bin of the first."""
    known = (a.codes >= 0) & ~np.isnan(b.values)
    counts = np.bincount(a.codes[known], weights[known], len(a.labels))
    sums = np.bincount(a.codes[known], (weights * b.values)[known], len(a.labels))
    rows = [[p, sums[i] / counts[i] if counts[i] else math.nan, counts[i]] for i, p in enumerate(a.labels)]
    columns = [
        (a.name, "string", "%s", a.name), (f"mean_{b.name}", "double", "%f", f"mean {b.name}"),
        ("counts", "double", "%f", "counts"),
    ]  # fmt: skip
    return made(f"Mean value of '{b.name}' and (weighted) counts for '{a.name}' values", columns, rows)
