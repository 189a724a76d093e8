"""Rows from requests and files: JSON, CSV and Arrow, checked, all problems told at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heavywater.deploy.scorers import Scorer
from heavywater.errors import H2OValueError, NotSupported, did_you_mean

MOST_ROWS = 1_000_000
_MOST_PROBLEMS = 20
ARROW = "application/vnd.apache.arrow.stream"


def from_json(text: bytes) -> list[Mapping[str, Any]]:
    """One row as an object, several as a list, an object with ``rows``, or an object per line.

    Raises
    ------
    H2OValueError
        It is no JSON, or holds something other than rows.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise H2OValueError("the JSON is nested too deeply") from None
    except ValueError as whole:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise H2OValueError(f"the body is not JSON: {whole}") from None
    if isinstance(found, dict) and isinstance(found.get("rows"), list):
        found = found["rows"]
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise H2OValueError('rows are objects, such as {"age": 31, "sex": "f"}, or a list of them')
    return rows


def from_csv(text: str) -> list[Mapping[str, Any]]:
    """Rows of a table with a header; empty cells are missing."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        names = next(reader, [])
        lines = [line for line in reader if line]
    except csv.Error as e:
        raise H2OValueError(f"the body is not CSV: {e}") from None
    if len(set(names)) != len(names):
        raise H2OValueError("a column is there twice")
    wrong = next((i for i, line in enumerate(lines) if len(line) != len(names)), None)
    if wrong is not None:
        raise H2OValueError(f"row {wrong + 1} has {len(lines[wrong])} cells, the header {len(names)}")
    return [{n: v if v != "" else None for n, v in zip(names, line)} for line in lines]


def from_arrow(body: bytes) -> dict[str, list[Any]]:
    """Columns of an Arrow stream."""
    try:
        import pyarrow as pa
    except ImportError:
        raise NotSupported("Arrow needs pyarrow on the server; send JSON or CSV") from None
    try:
        table = pa.ipc.open_stream(body).read_all()
    except (pa.ArrowException, OSError, ValueError) as e:
        raise H2OValueError(f"the body is no Arrow stream: {str(e)[:200]}") from None
    if table.num_rows > MOST_ROWS:
        raise H2OValueError(f"{table.num_rows:,} rows are more than the {MOST_ROWS:,} that one request may have")
    return {name: table.column(name).to_pylist() for name in table.column_names}


def to_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns; what a row lacks is missing."""
    if len(rows) > MOST_ROWS:
        raise H2OValueError(f"{len(rows):,} rows are more than the {MOST_ROWS:,} that one request may have")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def checked(columns: Mapping[str, Sequence[Any]], scorer: Scorer) -> dict[str, list[Any]]:
    """The model's columns with cells of the right kind; others are left out.

    Raises
    ------
    H2OValueError
        Cells that are no numbers, or not one column of the model is there; all problems at once.
    """
    problems: list[str] = []
    if columns and not set(columns) & set(scorer.columns):
        first = next(iter(columns))
        problems.append(
            f"no column of the model is there{did_you_mean(str(first), scorer.columns)}; it has {', '.join(scorer.columns[:20])}"
        )
    found = {}
    for name in scorer.columns:
        if name in columns:
            read = _level if name in scorer.levels else _number
            found[name] = list(_read(name, columns[name], read, problems))
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise H2OValueError("; ".join(problems[:_MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else ""))
    return found


def _read(name: str, cells: Sequence[Any], read: Any, problems: list[str]) -> Iterable[Any]:
    for i, cell in enumerate(cells):
        try:
            yield read(cell)
        except (TypeError, ValueError, OverflowError):
            problems.append(f"row {i + 1}: {name} must be {_WANTED[read]}; got {str(cell)[:40]!r}")
            yield None


def _number(cell: Any) -> float | None:
    if cell is None or cell == "" or cell == "NA":
        return None
    if isinstance(cell, bool):
        return float(cell)
    if isinstance(cell, (int, float, str)):
        return float(cell)
    raise TypeError


def _level(cell: Any) -> Any:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (str, int, float)):
        return cell
    raise TypeError


_WANTED = {_number: "a number", _level: "text or a number"}
