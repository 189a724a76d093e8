"""Column statistics ("rollups"), quantiles and histograms, worked out on first use and kept on the frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from heavywater.display.table import Table
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame.frame import Frame, Kind
from heavywater.frame.panels import each_group, few_rows, lie

PERCENTILES = (0.001, 0.01, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 0.99, 0.999)
"""Probabilities of the percentiles that H2O keeps for every column."""
EXTREMES = 5
NAN = float("nan")


@dataclass(frozen=True)
class Rollup:
    """Statistics of one column; the fields that make no sense for its kind are NaN.

    Attributes
    ----------
    kind : str
        real, int, enum, time, string or uuid; `constant` and `all_na` say more.
    nrow, missing, zeros, positive_infinities, negative_infinities : int
        Counts; zeros of an enum column are the rows with its first level.
    min, max, mean, sigma : float
        Of the finite values (level indices for enum, milliseconds for time); `sigma` is the sample standard deviation
        (0 for one row).  Mean and sigma of an enum column with more than two levels are NaN, as in H2O.
    cardinality : int
        Number of levels of an enum column, 0 for every other kind.
    constant : bool
        Whether all values that are not missing are equal (at least one is there).
    """

    kind: Kind
    nrow: int
    missing: int
    zeros: int
    positive_infinities: int
    negative_infinities: int
    min: float
    max: float
    mean: float
    sigma: float
    cardinality: int
    constant: bool

    @property
    def all_na(self) -> bool:
        """Whether every value is missing."""
        return self.missing == self.nrow


@dataclass(frozen=True)
class Histogram:
    """Counts of the finite values in bins of equal width: bin i covers ``base + i * stride`` up to the next bin."""

    base: float
    stride: float
    counts: tuple[int, ...]


def rollup(frame: Frame, name: str) -> Rollup:
    """Statistics of the column called `name`.

    Raises
    ------
    NotFound
        When there is no such column.
    """
    key = f"rollup:{name}"
    found = frame._cache.get(key)
    if found is None:
        found = frame._cache[key] = _rollup(frame, name)
    assert isinstance(found, Rollup)
    return found


def rollups(frame: Frame, names: Sequence[str] | None = None) -> dict[str, Rollup]:
    """Statistics of the columns called `names`, or of all; many at once are faster than one after another."""
    wanted = list(frame.names if names is None else names)
    numeric = [n for n in wanted if f"rollup:{n}" not in frame._cache and frame.stored_column(n).dtype != pl.String]
    each_group(frame, numeric, lambda _, group: _roll_up(frame, group))
    return {n: rollup(frame, n) for n in wanted}


def _rollup(frame: Frame, name: str) -> Rollup:
    col = frame.stored_column(name)
    if col.dtype != pl.String:
        _roll_up(frame, [name])
        return rollup(frame, name)
    same = col.null_count() < col.len() and col.drop_nulls().n_unique() == 1
    return Rollup(frame.kind(name), col.len(), col.null_count(), 0, 0, 0, NAN, NAN, NAN, NAN, 0, same)


def _roll_up(frame: Frame, names: Sequence[str]) -> None:
    """Put the statistics of a few columns that are no text into the frame's cache."""
    from heavywater.frame.rollup_kernel import new_rollup, rollup_columns  # compiles on first use

    state, columns = new_rollup(len(names)), lie(frame, names)
    rollup_columns(columns.address, columns.kind, frame.nrow, few_rows(len(names)), state)
    for name, counts, (low, high, mean, m2) in zip(
        names, state[:5].astype(np.int64).T.tolist(), state[5:].T.tolist(), strict=True
    ):
        missing, zeros, pinfs, ninfs, n = counts
        levels = frame.levels(name)
        sigma = NAN if n == 0 else math.sqrt(m2 / (n - 1)) if n > 1 else 0.0
        if n == 0:
            low = high = mean = NAN
        if levels is not None and len(levels) > 2:
            mean = sigma = NAN
        present = n + pinfs + ninfs
        constant = present > 0 and (n == present and low == high or pinfs == present or ninfs == present)
        frame._cache[f"rollup:{name}"] = Rollup(
            frame.kind(name),
            frame.nrow,
            missing,
            zeros,
            pinfs,
            ninfs,
            low,
            high,
            mean,
            sigma,
            len(levels or ()),
            constant,
        )


def extremes(frame: Frame, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The five smallest values ascending and the five largest descending, with repetitions; padded with NaN."""
    if frame.kind(name) in ("string", "uuid"):
        return (NAN,) * EXTREMES, (NAN,) * EXTREMES
    key = f"extremes:{name}"
    found = frame._cache.get(key)
    if found is None:
        found = frame._cache[key] = _extremes(frame, name)
    assert isinstance(found, tuple)
    return found


def _extremes(frame: Frame, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    x = frame.numeric(name)
    values = x[~np.isnan(x)]
    pad = (NAN,) * max(0, EXTREMES - len(values))
    if len(values) > 4 * EXTREMES:
        ends = np.partition(values, (EXTREMES - 1, len(values) - EXTREMES))
        low, high = np.sort(ends[:EXTREMES]), np.sort(ends[-EXTREMES:])
    else:
        low = high = np.sort(values)
    return tuple(low[:EXTREMES].tolist()) + pad, tuple(high[::-1][:EXTREMES].tolist()) + pad


def quantiles(
    frame: Frame, name: str, probs: Sequence[float] = PERCENTILES, *, method: str = "interpolate"
) -> list[float]:
    """Quantiles of a numeric or time column without its missing values; NaN when it has no others.

    Parameters
    ----------
    frame : Frame
    name : str
    probs : sequence of float
        Probabilities in [0, 1].
    method : {"interpolate", "average", "low", "high"}
        What to give between two neighbours of the ordered values: the linear interpolation (type 7, H2O's default),
        their mean, the lower or the upper one.
    """
    kinds = {"interpolate": "linear", "interpolated": "linear", "average": "midpoint", "low": "lower", "high": "higher"}
    if method not in kinds:
        raise H2OValueError(f"method must be one of {', '.join(kinds)}; got {method!r}")
    if bad := [p for p in probs if not 0 <= p <= 1]:
        raise H2OValueError(f"probabilities lie between 0 and 1; got {bad[0]!r}")
    kind = frame.kind(name)
    if kind in ("enum", "string", "uuid"):
        raise H2OTypeError(f"column {name!r} is {kind} and has no quantiles")
    x = frame.numeric(name)
    x = x[~np.isnan(x)]
    if not len(x):
        return [NAN] * len(probs)
    return [float(q) for q in np.quantile(x, list(probs), method=kinds[method])]  # type: ignore[call-overload]


def histogram(frame: Frame, name: str, bins: int | None = None) -> Histogram:
    """Histogram of a column: a bin per level or whole number when there are at most 1000, else 100 bins or `bins`.

    Raises
    ------
    H2OTypeError
        For a column of strings or UUIDs.
    """
    stats = rollup(frame, name)
    x = frame.numeric(name)
    x = x[np.isfinite(x)]
    if not len(x):
        return Histogram(NAN, NAN, ())
    span = stats.max - stats.min
    if bins is None and stats.kind in ("int", "enum") and span < 1000:
        base, width, n = stats.min, 1.0, int(span) + 1
        if stats.kind == "enum":
            base, n = 0.0, stats.cardinality
    else:
        n = bins or 100
        base, width = stats.min, (span / n if span > 0 else 1.0)
        n = n if span > 0 else 1
    index = np.minimum(((x - base) / width).astype(np.int64), n - 1)
    return Histogram(base, width, tuple(np.bincount(index, minlength=n).tolist()))


def describe_table(frame: Frame, rows: int = 10) -> Table:
    """H2O's description of a frame: type, mins, mean, maxs, sigma, zeros, missing and first values of each column."""
    labels = ["type", "mins", "mean", "maxs", "sigma", "zeros", "missing"]
    head = frame.slice(0, rows).data
    data: list[list[object]] = []
    for name in frame.names:
        r = rollup(frame, name)
        times = r.kind == "time"
        stats = [_shown(v, times) for v in (r.min, r.mean, r.max)] + [_shown(r.sigma, False)]
        values = [_shown(v, False) for v in head[name].to_list()]
        data.append([r.kind, *stats, str(r.zeros), str(r.missing), *values])
    labels += [str(i) for i in range(head.height)]
    return Table.from_columns(
        "Frame summary",
        frame.names,
        ["string"] * frame.ncol,
        data,
        description=f"Rows: {frame.nrow}  Columns: {frame.ncol}",
        row_labels=labels,
    )


def _shown(value: object, as_time: bool) -> str:
    if value is None or isinstance(value, float) and math.isnan(value):
        return ""
    if as_time:
        return str(pl.Series([int(value)]).cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%d %H:%M:%S")[0])  # type: ignore[call-overload]
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.10g}"
    return str(value)
