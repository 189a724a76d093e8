"""Facts about small tables, for tests of the rules between parameters and data."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from heavywater.algos.deeplearning.resolve import ColumnFacts, DataFacts


def column_facts(cells: Sequence[str | float | None], kind: str) -> ColumnFacts:
    """Facts about a column; empty and None cells are missing."""
    there = [c for c in cells if c not in ("", None)]
    missing = len(cells) - len(there)
    if kind == "enum":
        levels = sorted({str(c) for c in there})
        last = float(len(levels) - 1)
        return ColumnFacts(missing, 0.0 if levels else math.nan, last if levels else math.nan, len(levels))
    numbers = [float(c) for c in there]  # type: ignore[arg-type]
    finite = [v for v in numbers if math.isfinite(v)] or [math.nan]
    return ColumnFacts(missing, min(finite), max(finite), infinite=sum(map(math.isinf, numbers)))


def facts(
    columns: Mapping[str, Sequence[str | float | None]],
    kinds: Mapping[str, str],
    *,
    y: str | None,
    x: Sequence[str] | None = None,
    **more: object,
) -> DataFacts:
    """`DataFacts` of columns given as lists."""
    return DataFacts(
        nrow=len(next(iter(columns.values()))),
        kinds=kinds,
        predictors=[c for c in columns if c != y] if x is None else x,
        response=y,
        column=lambda name: column_facts(columns[name], kinds[name]),
        **more,  # type: ignore[arg-type]
    )


def csv_facts(path: Path, kinds: Mapping[str, str], *, y: str | None, x: Sequence[str]) -> DataFacts:
    """`DataFacts` of a CSV file with kinds enum, numeric and string."""
    with path.open(newline="") as f:
        rows = list(csv.DictReader(f))
    columns = {name: [r[name] for r in rows] for name in rows[0]}
    exact = {
        n: k if k != "numeric" else "int" if all(float(v).is_integer() for v in columns[n] if v != "") else "real"
        for n, k in kinds.items()
    }
    return facts(columns, exact, y=y, x=x)
