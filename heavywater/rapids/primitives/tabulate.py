"""Counting: table, unique, hist, cut, topn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Choice, Column, Value, Words, describe, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.factor import java_double
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.table import Table, enum_series


@primitive("unique")
def unique(x: Column, include_nas: bool = False) -> Table:
    """Distinct values, sorted; enum levels in their order."""
    s = x.series().rename("C1")
    return Table.of(pl.DataFrame([(s if include_nas else s.drop_nulls()).unique().sort(nulls_last=False)]))


@primitive("table")
def table(x: Table, other: Value = True, dense: bool = True) -> Table:
    """Counts of the values of one column, or of the pairs of two; missing values are left out."""
    if isinstance(other, Table):
        x = Table.of(
            pl.DataFrame(
                [
                    x.series(),
                    other.series().alias(f"{other.names[0]}\0" if other.names[0] == x.names[0] else other.names[0]),
                ]
            )
        )
    else:
        dense = bool(other)
    if x.ncol == 1:
        name = x.names[0]
        count = "Count" if name != "Count" else "Count0"
        return Table.of(x.data.drop_nulls().group_by(name).len(count).sort(name))
    if x.ncol != 2:
        raise H2OTypeError(f"table counts one or two columns; got {describe(x)}")
    a, b = x.names
    counts = x.data.drop_nulls().group_by(a, b).len("\0n").sort(a, b)
    if dense:
        clean = b.rstrip("\0") + ("0" if b.endswith("\0") else "")
        return Table.of(counts.rename({b: clean, "\0n": "Counts"}))
    wide = counts.pivot(on=b, index=a, values="\0n", sort_columns=False).fill_null(0)
    labels = sorted(wide.columns[1:], key=_order_of(counts[b]))
    return Table.of(wide.select([a, *labels]))


def _order_of(s: pl.Series) -> Any:
    place = {str(v): i for i, v in enumerate(s.unique().sort().to_list())}
    return lambda label: place.get(label, len(place))


def bin_count(rule: str, v: np.ndarray) -> int:
    """Number of bins by one of the usual rules.

    Raises
    ------
    H2OValueError
        For an unknown rule.
    """
    n = len(v)
    spread = float(v.max() - v.min())
    if rule == "sturges":
        return int(math.ceil(math.log2(n))) + 1
    if rule == "rice":
        return int(np.ceil(2 * np.cbrt(n)))
    if rule == "sqrt":
        return math.ceil(math.sqrt(n))
    if rule == "doane":
        sd = v.std()
        g = abs(float(((v - v.mean()) ** 3).mean() / sd**3)) if sd > 0 else 0.0
        sigma = math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3))) if n > 2 else 1.0
        return math.ceil(1 + math.log2(n) + math.log2(1 + g / sigma))
    if rule in ("fd", "scott"):
        iqr = float(np.subtract(*np.percentile(v, [75, 25])))
        width = 2 * iqr / n ** (1 / 3) if rule == "fd" else 3.5 * float(v.std(ddof=1)) / n ** (1 / 3)
        return max(1, math.ceil(spread / width)) if width > 0 else 1
    raise H2OValueError(
        f"hist: breaks must be a number, a list or one of sturges, rice, sqrt, doane, fd, scott; got {rule!r}"
    )


@primitive("hist")
def hist(x: Column, breaks: Value = "sturges") -> Table:
    """Histogram of a column.

    Row 0 is the left edge; each further row is a bin up to and including ``breaks``: ``counts``, the middle of the
    values in it (``mids_true``) and of its edges (``mids``).  The first bin includes the left edge.
    """
    if not x.cols[0].is_numeric:
        raise H2OTypeError(f"hist: column {x.names[0]!r} must be numeric")
    v = x.numeric()
    v = v[~np.isnan(v)]
    if not len(v):
        raise H2OValueError(f"hist: column {x.names[0]!r} has no values")
    if isinstance(breaks, Items) and not breaks.texts:
        edges = np.unique(breaks.numbers())
    else:
        n = bin_count(breaks.lower(), v) if isinstance(breaks, str) else int(breaks)
        if n < 1:
            raise H2OValueError(f"hist: at least one bin is needed; got {n}")
        edges = np.linspace(v.min(), v.max(), n + 1)
    if len(edges) < 2:
        raise H2OValueError("hist: at least two breaks are needed")
    place = np.searchsorted(edges, v, side="left") - 1
    place[v == edges[0]] = 0
    bins = len(edges) - 1
    counts = np.full(bins + 1, np.nan)
    middle = np.full(bins + 1, np.nan)
    for b in range(bins):
        inside = v[place == b]
        counts[b + 1] = len(inside)
        if len(inside):
            middle[b + 1] = (inside.min() + inside.max()) / 2
    mids = np.concatenate([[np.nan], (edges[1:] + edges[:-1]) / 2])
    return Table.of({"breaks": edges, "counts": counts, "mids_true": middle, "mids": mids})


@primitive("cut")
def cut(
    x: Column, breaks: Value, labels: Words = None, include_lowest: bool = False, right: bool = True, digits: float = 3
) -> Table:
    """Intervals of numbers as an enum, ``(a,b]`` or ``[a,b)``; values outside become NA."""
    c = x.cols[0]
    if not c.is_numeric:
        raise H2OTypeError(f"cut: column {c.name!r} must be numeric")
    v = x.numeric()
    edges = np.array(breaks.numbers() if isinstance(breaks, Items) else [float(breaks)])
    if len(edges) == 1:
        edges = _equal_edges(v, int(edges[0]))
    edges = np.sort(edges)
    n = len(edges) - 1
    names = list(labels or [])
    if not names:
        names = [
            f"{'(' if right else '['}{java_double(a)},{java_double(b)}{']' if right else ')'}"
            for a, b in zip(edges, edges[1:])
        ]
        if include_lowest:
            edge = 0 if right else n - 1
            names[edge] = f"[{java_double(edges[edge])},{java_double(edges[edge + 1])}]"
    if len(names) != n:
        raise H2OValueError(f"cut: {n} intervals need as many labels; got {len(names)}")
    code = np.searchsorted(edges, v, side="left" if right else "right") - 1
    if include_lowest:
        code = np.where(v == edges[0 if right else -1], 0 if right else n - 1, code)
    code = np.where(np.isnan(v) | (code < 0) | (code >= n), -1, code)
    return Table.of({c.name: enum_series(c.name, code, names)})


def _equal_edges(v: np.ndarray, n: int) -> np.ndarray:
    kept = v[np.isfinite(v)]
    if n < 2 or not len(kept):
        raise H2OValueError(f"cut: give at least two breaks, or a number of intervals of at least 2; got {n}")
    low, high = float(kept.min()), float(kept.max())
    margin = (high - low) * 1e-3 or 1e-3
    edges = np.linspace(low, high, n + 1)
    edges[0], edges[-1] = low - margin, high + margin
    return edges


@primitive("topn")
def top_n(x: Table, which: Choice, percent: float, direction: float) -> Table:
    """The top (1) or bottom (-1) n percent of a column: original row numbers and values, most extreme first."""
    i = columns(x, which)[0]
    if not x.cols[i].is_numeric:
        raise H2OTypeError(f"topn: column {x.names[i]!r} must be numeric")
    if not 0 < percent <= 100:
        raise H2OValueError(f"topn: the percentage lies between 0 and 100; got {percent:g}")
    v = x.numeric(i)
    count = round(percent / 100 * len(v))
    rows = np.flatnonzero(~np.isnan(v))
    order = rows[np.argsort(-v[rows] if direction > 0 else v[rows], kind="stable")][:count]
    return Table.of({"Original_Row_Indices": order.astype(np.int64), x.names[i]: v[order]})
