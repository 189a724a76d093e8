"""Reordering and reshaping: sort, merge, distinct rows, pivot, melt."""

from __future__ import annotations

from typing import Any

import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.bounds import bounds
from heavywater.rapids.declare import Choice, Texts, Value, primitive, same_columns
from heavywater.rapids.primitives.group import directions
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.table import Col, Table, unique


@primitive("sort", schema=same_columns)
def sort(x: Table, by: Choice, ascending: Value = None) -> Table:
    """Rows sorted by columns (1 ascending, -1 descending), stable; missing values first in either direction."""
    keys = columns(x, by)
    text = next((x.names[i] for i in keys if x.cols[i].is_text), None)
    if text is not None:
        raise H2OTypeError(
            f"sort: column {text!r} holds text; rows are sorted by numbers, times and categories (see asfactor())"
        )
    flags = directions(ascending, len(keys), "sort")
    frame = x.frame()
    data = frame.stored.sort(
        [x.names[i] for i in keys], descending=[not f for f in flags], nulls_last=False, maintain_order=True
    )
    return Table.of_frame(type(frame)(data, frame.uuids))


@primitive("dropdup", schema=same_columns)
def drop_duplicates(x: Table, by: Choice, keep: str = "first") -> Table:
    """One row per combination of the columns, the first or the last, in the order of the frame."""
    if keep not in ("first", "last"):
        raise H2OValueError(f"drop_duplicates: keep must be 'first' or 'last'; got {keep!r}")
    names = [x.names[i] for i in columns(x, by)]
    frame = x.frame()
    data = frame.stored.unique(names, keep="first" if keep == "first" else "last", maintain_order=True)
    return Table.of_frame(type(frame)(data, frame.uuids))


METHODS = ("auto", "radix", "hash")


@primitive("merge")
def merge(
    left: Table, right: Table, all_x: bool, all_y: bool, by_x: Choice, by_y: Choice, method: str = "auto"
) -> Table:
    """Join on equal keys; labels are compared by name.

    Result: keys (named as in `left`), other columns of `left`, other columns of `right`.  ``auto`` and ``radix`` sort
    by key, ``hash`` keeps the order of the left frame.  `all_x` keeps rows of `left` without a match, `all_y` those of
    `right`.
    """
    if all_x and all_y:
        raise H2OValueError("all.x=TRUE and all.y=TRUE is not supported.  Choose one only.")
    if method not in METHODS:
        raise H2OValueError(f"merge: method must be one of {', '.join(METHODS)}; got {method!r}")
    kx, ky = columns(left, by_x), columns(right, by_y)
    if not kx:
        common = [n for n in left.names if n in right.names]
        kx, ky = [left.index(n) for n in common], [right.index(n) for n in common]
    if not kx or len(kx) != len(ky):
        raise H2OValueError(
            f"merge needs as many key columns of the left frame ({len(kx)}) as of the right ({len(ky)}), at least one"
        )
    pairs = [_keys(left, i, right, j, all_y) for i, j in zip(kx, ky)]
    keys = [left.names[i] for i in kx]
    rest = unique([c for j, c in enumerate(right.cols) if j not in ky], left.names)
    new = [c.name for c in rest]
    old = [c.name for j, c in enumerate(right.cols) if j not in ky]
    slots = [f"\0{k}" for k in range(len(keys))]
    a = left.data.with_columns(p[0].alias(s) for p, s in zip(pairs, slots))
    b = right.data.with_columns(p[1].alias(s) for p, s in zip(pairs, slots))
    b = b.select([*old, *slots]).rename(dict(zip(old, new)))
    how: Any = "left" if all_x else "right" if all_y else "inner"
    limits = bounds()
    if limits.max_rows < a.height * b.height:  # so many rows are possible; count the pairs before making them
        groups = a.group_by(slots).len("n").join(b.group_by(slots).len("m"), on=slots)
        pairs_of = groups["n"].cast(pl.Float64).to_numpy() @ groups["m"].cast(pl.Float64).to_numpy()
        limits.check_rows(float(pairs_of))
    data = a.join(b, on=slots, how=how, coalesce=True, maintain_order="right_left" if all_y else "left_right")
    if all_y:
        data = data.with_columns(_restored(pl.col(s), left.data[k].dtype).alias(k) for s, k in zip(slots, keys))
    if method != "hash":
        data = data.sort(slots, nulls_last=False, maintain_order=True)
    others = [n for i, n in enumerate(left.names) if i not in kx]
    return Table.of(data.select([*keys, *others, *new]), left.frame().uuids | right.frame().uuids)


def _restored(key: pl.Expr, dtype: Any) -> pl.Expr:
    """A joined key in the type of the left column."""
    return key if isinstance(dtype, pl.Enum) else key.cast(dtype)


def _keys(left: Table, i: int, right: Table, j: int, all_y: bool) -> tuple[pl.Series, pl.Series]:
    """A pair of key columns in one type."""
    a, b = left.cols[i], right.cols[j]
    sa, sb = left.series(i), right.series(j)
    label = [c.is_enum or c.is_text for c in (a, b)]
    if label[0] != label[1] or a.is_time != b.is_time:
        raise H2OTypeError(
            f"merge: key {a.name!r} is {sa.dtype.base_type()} on the left and {sb.dtype.base_type()} on the right"
        )
    if not label[0]:
        return (sa, sb) if sa.dtype == sb.dtype else (sa.cast(pl.Float64), sb.cast(pl.Float64))
    if not (a.is_enum and b.is_enum):
        return sa.cast(pl.String), sb.cast(pl.String)
    extra = [v for v in b.levels if v not in set(a.levels)] if all_y else []
    dtype = pl.Enum(a.levels + extra)
    return sa.cast(pl.String).cast(dtype), sb.cast(pl.String).cast(dtype, strict=False)


@primitive("pivot")
def pivot(x: Table, index: Choice, column: Choice, value: Choice) -> Table:
    """Wide form: one row per value of `index`, one column per value of `column`; of several values the first."""
    i, j, k = (columns(x, c)[0] for c in (index, column, value))
    names = x.names
    data = x.data.select([names[i], names[j], names[k]]).drop_nulls(names[j])
    labels = data[names[j]].unique().sort()
    wide = data.pivot(on=names[j], on_columns=labels, index=names[i], values=names[k], aggregate_function="first")
    return Table.of(wide.sort(names[i], nulls_last=False))


@primitive("melt")
def melt(x: Table, id_vars: Choice, value_vars: Choice, var_name: str, value_name: str, skipna: bool = False) -> Table:
    """Long form: the id columns, the name of a column as an enum, and its value."""
    ids = [x.names[i] for i in columns(x, id_vars)]
    chosen = columns(x, value_vars) if not _nothing(value_vars) else [i for i, n in enumerate(x.names) if n not in ids]
    values = [x.names[i] for i in chosen]
    label = next((x.names[i] for i in chosen if not x.cols[i].is_numeric), None)
    if label is not None:
        raise H2OTypeError(f"melt: value columns must be numeric; {label!r} is not")
    data = x.data.with_row_index("\0row").with_columns(pl.col(values).cast(pl.Float64))
    long = data.unpivot(on=values, index=["\0row", *ids], variable_name=var_name, value_name=value_name)
    long = long.with_columns(pl.col(var_name).cast(pl.Enum(values))).sort("\0row", var_name).drop("\0row")
    return Table.of(long.drop_nulls(value_name) if skipna else long)


def _nothing(choice: Any) -> bool:
    from heavywater.rapids.node import Items

    return choice is None or (isinstance(choice, Items) and not choice.values)


@primitive("interaction")
def interaction(x: Table, factors: Texts, pairwise: bool, max_factors: int, min_occurrence: int) -> Table:
    """Combined levels of categorical columns, ``a_b``; all together, or one column for each pair.

    The `max_factors` most frequent combinations with at least `min_occurrence` rows are kept; the rest is ``other``.
    """
    at = [x.index(f) for f in factors]
    other = next((x.names[i] for i in at if not x.cols[i].is_enum), None)
    if other is not None:
        raise H2OTypeError(f"interaction: column {other!r} is not categorical; use asfactor() first")
    if max_factors < 1 or min_occurrence < 1:
        raise H2OValueError("interaction: max_factors and min_occurrence must be at least 1")
    sets = [[i, j] for k, i in enumerate(at) for j in at[k + 1 :]] if pairwise else [at if len(at) > 1 else at * 2]
    made = [_combined(x, s, max_factors, min_occurrence) for s in sets]
    cols = unique([Col(s.name, pl.col(s.name), s.dtype) for s in made])
    return Table.of(pl.DataFrame([s.rename(c.name) for s, c in zip(made, cols)]))


def _combined(x: Table, at: list[int], most: int, least: int) -> pl.Series:
    name = "_".join(x.names[i] for i in at)
    parts = x.data.select(pl.col(x.names[i]).cast(pl.String).alias(str(k)) for k, i in enumerate(dict.fromkeys(at)))
    combined = parts.select(pl.concat_str(pl.all(), separator="_")).to_series()
    counts = (
        pl.DataFrame({"v": combined})
        .drop_nulls()
        .group_by("v", maintain_order=True)
        .len("n")
        .sort("n", descending=True, maintain_order=True)
    )
    kept = counts.filter(pl.col("n") >= least)["v"].to_list()[:most]
    levels = kept + (["other"] if len(kept) < counts.height and "other" not in kept else [])
    held = combined.is_in(pl.Series(kept, dtype=pl.String)) | combined.is_null()
    return combined.zip_with(held, pl.Series(["other"] * combined.len())).cast(pl.Enum(levels)).alias(name)
