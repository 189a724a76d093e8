"""Functions over rows and columns."""

from __future__ import annotations

from typing import Any

import polars as pl

from heavywater.errors import H2OValueError
from heavywater.rapids.declare import REGISTRY, Function, primitive
from heavywater.rapids.node import Call, Items, Lambda, Node
from heavywater.rapids.primitives.group import cells
from heavywater.rapids.table import Col, Table, unique

ROW_BY_ROW = {"mean", "sum", "sumNA", "min", "max", "median", "sd", "prod", "prod.na"}
"""Statistics that have a row-wise twin ``row.<name>``."""


@primitive("apply")
def apply(x: Table, margin: int, fn: Function) -> Table:
    """A function applied to every column (margin 2; names kept) or every row (margin 1; results in C1, …)."""
    if margin == 2:
        return _by_column(x, fn)
    if margin != 1:
        raise H2OValueError(f"apply: margin must be 1 (rows) or 2 (columns); got {margin}")
    whole = over_rows(fn.node)
    if whole is not None:
        value = type(fn)(whole, fn.scope, fn.world)(x)
        if isinstance(value, Table) and value.nrow == x.nrow:
            return Table(value.base, tuple(c.named(f"C{i + 1}") for i, c in enumerate(value.cols)))
    found = [cells(fn(x.gather([i]))) for i in range(x.nrow)]
    width = len(found[0]) if found else 1
    if any(len(r) != width for r in found):
        raise H2OValueError("apply: the function gave results of different lengths")
    return Table.of({f"C{j + 1}": pl.Series([r[j] for r in found], dtype=pl.Float64) for j in range(width)})


def _by_column(x: Table, fn: Any) -> Table:
    parts: list[pl.Series] = []
    for c in x.cols:
        value = fn(Table(x.base, (c,)))
        if isinstance(value, Table):
            parts.extend(s.rename(c.name) for s in value.all_series())
        else:
            numbers = value.numbers() if isinstance(value, Items) else [float(value)]
            parts.append(pl.Series(c.name, numbers, dtype=pl.Float64))
    if len({p.len() for p in parts}) > 1:
        raise H2OValueError(
            f"apply: the function gave columns of different lengths: {sorted({p.len() for p in parts})}"
        )
    cols = unique([Col(s.name, pl.col(s.name), s.dtype) for s in parts])
    return Table.of(pl.DataFrame([s.rename(c.name) for s, c in zip(parts, cols)]))


def over_rows(fn: Lambda) -> Lambda | None:
    """The same function over all rows at once, or None when the body holds something that has no row-wise twin."""
    body = _rowwise(fn.body)
    return None if body is None else Lambda(fn.params, body)


def _rowwise(node: Node) -> Node | None:
    if not isinstance(node, Call):
        return node
    args = [_rowwise(a) for a in node.args]
    if any(a is None and b is not None for a, b in zip(args, node.args)):
        return None
    if node.primitive in ROW_BY_ROW:
        return Call(f"row.{node.primitive}", tuple(args))
    entry = REGISTRY.get(node.primitive)
    if entry is None or not (entry.lazy or node.primitive == "ifelse") or node.primitive in ("nrow", "ncol"):
        return None
    return Call(node.primitive, tuple(args))
