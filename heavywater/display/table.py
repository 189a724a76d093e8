"""`Table`: the small two-dimensional table of every report, H2O's TwoDimTable."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, NotSupported, did_you_mean

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["Table", "format_number"]

_FORMATS = {"int": "%d", "long": "%d", "float": "%f", "double": "%f", "string": "%s"}
_MAX_ROWS = 40
_RULE = "rgba(128,128,128,.35)"


class Table:
    """A titled table with typed, named columns.

    Parameters
    ----------
    title, description : str
        Heading, and a line below it.
    columns : sequence of str
        Column names; a column of row labels has the name ``""``.
    types : sequence of str
        Per column ``"int"``, ``"long"``, ``"float"``, ``"double"`` or ``"string"``.
    rows : sequence of sequences
        The cells, row by row; None is an empty cell, a float NaN an unknown number.
    formats : sequence of str, optional
        printf-like format per column, passed on to clients; text and HTML choose the digits themselves.
    row_labels : sequence of str, optional
        Names of the rows: shown in front of them, the index of `as_data_frame`, no column of their own.

    Raises
    ------
    H2OValueError
        Names, types, formats and rows differ in length, or a type is unknown.
    """

    def __init__(
        self,
        title: str,
        columns: Sequence[str],
        types: Sequence[str],
        rows: Sequence[Sequence[object]],
        description: str = "",
        formats: Sequence[str] | None = None,
        row_labels: Sequence[str] | None = None,
    ) -> None:
        for i, row in enumerate(rows):
            if len(row) != len(columns):
                raise H2OValueError(f"table {title!r}: row {i} has {len(row)} cells for {len(columns)} columns")
        cells = [list(c) for c in zip(*rows)] if rows else [[] for _ in columns]
        self._fill(title, columns, types, cells, description, formats, row_labels)

    @classmethod
    def from_columns(
        cls,
        title: str,
        columns: Sequence[str],
        types: Sequence[str],
        data: Sequence[Iterable[object]],
        description: str = "",
        formats: Sequence[str] | None = None,
        row_labels: Sequence[str] | None = None,
    ) -> Table:
        """The same table from one sequence of cells per column (numpy arrays too)."""
        table = cls.__new__(cls)
        cells = [c.tolist() if hasattr(c, "tolist") else list(c) for c in data]
        if len({len(c) for c in cells}) > 1 or len(cells) != len(columns):
            raise H2OValueError(f"table {title!r}: {len(columns)} columns with lengths {[len(c) for c in cells]}")
        table._fill(title, columns, types, cells, description, formats, row_labels)
        return table

    def _fill(
        self,
        title: str,
        columns: Sequence[str],
        types: Sequence[str],
        cells: list[list[Any]],
        description: str,
        formats: Sequence[str] | None,
        row_labels: Sequence[str] | None,
    ) -> None:
        if len(types) != len(columns) or (formats is not None and len(formats) != len(columns)):
            raise H2OValueError(f"table {title!r}: {len(columns)} columns need as many types and formats")
        wrong = next((t for t in types if t not in _FORMATS), None)
        if wrong is not None:
            raise H2OValueError(f"table {title!r}: unknown column type {wrong!r}; known are {', '.join(_FORMATS)}")
        if row_labels is not None and cells and len(row_labels) != len(cells[0]):
            raise H2OValueError(f"table {title!r}: {len(row_labels)} row labels for {len(cells[0])} rows")
        self.title = title
        self.description = description
        self._names = [str(c) for c in columns]
        self._types = list(types)
        self._formats = list(formats) if formats is not None else [_FORMATS[t] for t in types]
        self.row_labels = None if row_labels is None else [str(r) for r in row_labels]
        self._cells = [[v.item() if hasattr(v, "item") else v for v in c] for c in cells]

    # -- content --------------------------------------------------------------------------------------------------

    @property
    def col_header(self) -> list[str]:
        """Column names."""
        return list(self._names)

    @property
    def col_types(self) -> list[str]:
        """Column types."""
        return list(self._types)

    @property
    def col_formats(self) -> list[str]:
        """printf-like formats."""
        return list(self._formats)

    @property
    def cell_values(self) -> list[list[Any]]:
        """The cells as a list of rows."""
        return [list(row) for row in zip(*self._cells)]

    @property
    def data(self) -> list[list[Any]]:
        """The cells as a list of columns."""
        return [list(c) for c in self._cells]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self), len(self._names)

    def __len__(self) -> int:
        return len(self._cells[0]) if self._cells else 0

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, column: str | int) -> list[Any]:
        """One column, by name or by position."""
        if isinstance(column, int):
            if not -len(self._names) <= column < len(self._names):
                raise NotFound(f"table {self.title!r} has {len(self._names)} columns, no column {column}")
            return list(self._cells[column])
        if not isinstance(column, str):
            raise H2OTypeError(f"a column of table {self.title!r} is chosen by name or position, not by {column!r}")
        if column not in self._names:
            hint = did_you_mean(column, self._names)
            raise NotFound(f"table {self.title!r} has no column {column!r}{hint}; it has {', '.join(self._names)}")
        return list(self._cells[self._names.index(column)])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        mine = (self.title, self.description, self._names, self._types, self._formats, self.row_labels)
        theirs = (other.title, other.description, other._names, other._types, other._formats, other.row_labels)
        if mine != theirs or self.shape != other.shape:
            return False
        pairs = ((a, b) for x, y in zip(self._cells, other._cells) for a, b in zip(x, y))
        return all(a == b or (a != a and b != b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    # -- conversion -----------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary in the layout of H2O's TwoDimTableV3; NaN stays a float."""
        labels = {} if self.row_labels is None else {"row_labels": list(self.row_labels)}
        return {
            "name": self.title,
            "description": self.description,
            "columns": [
                {"name": n, "type": t, "format": f} for n, t, f in zip(self._names, self._types, self._formats)
            ],
            "rowcount": len(self),
            "data": self.data,
            **labels,
        }

    @staticmethod
    def from_json(d: Mapping[str, Any]) -> Table:
        """The table that `to_json` described.

        Raises
        ------
        H2OValueError
            A member is missing or of the wrong shape.
        """
        try:
            columns = d["columns"]
            return Table.from_columns(
                str(d["name"]),
                [c["name"] for c in columns],
                [c["type"] for c in columns],
                d["data"],
                str(d.get("description") or ""),
                [c["format"] for c in columns],
                d.get("row_labels"),
            )
        except (KeyError, TypeError, AttributeError) as e:
            raise H2OValueError(f"not a table: {type(e).__name__} {e}; needed are name, columns and data") from None

    def as_data_frame(self) -> pandas.DataFrame:
        """The table as a pandas data frame."""
        try:
            import pandas
        except ImportError:
            raise NotSupported("as_data_frame() needs pandas (heavywater[pandas]); as_polars() does not") from None
        frame = pandas.DataFrame(dict(enumerate(self._cells))).set_axis(self._names, axis="columns")
        return frame if self.row_labels is None else frame.set_axis(self.row_labels, axis="index")

    def as_polars(self) -> polars.DataFrame:
        """The table as a polars data frame; a column named ``""`` keeps that name."""
        import polars

        kinds = {"int": polars.Int64, "long": polars.Int64, "string": polars.String}
        columns: dict[str, polars.Series] = {}
        for name, kind, cells in zip(self._names, self._types, self._cells):
            if kind == "string":
                cells = [None if c is None else str(c) for c in cells]
            whole = all(c is None or isinstance(c, int) for c in cells)
            dtype = kinds.get(kind, polars.Float64) if whole or kind == "string" else polars.Float64
            columns[name] = polars.Series(name, cells, dtype=dtype, strict=False)
        return polars.DataFrame(columns)

    # -- looks ----------------------------------------------------------------------------------------------------

    def show(self, rows: int | None = None) -> None:
        """Print the table; `rows` limits how many rows are shown."""
        print(self.to_text(rows or _MAX_ROWS))

    def to_text(self, rows: int = _MAX_ROWS, width: int | None = None) -> str:
        """Aligned text: numbers to the right, text to the left, the middle of a long table left out.

        A table wider than `width` characters (the terminal's) is broken into blocks of columns that repeat the first.
        """
        width = width or max(shutil.get_terminal_size((120, 24)).columns, 60)
        blocks = self._blocks(self._picked(rows), width)
        head = self.title + (f": {self.description}" if self.description and self.title else self.description)
        more = [f"[{len(self)} rows x {len(self._names)} columns]"] if len(self) > rows else []
        return "\n".join(([head] if head else []) + ["\n\n".join(blocks)] + more)

    def _picked(self, rows: int) -> list[list[str]]:
        """Shown cells as text per column, the middle rows replaced by a mark when there are more than `rows`."""
        columns = [self.row_labels, *self._cells] if self.row_labels is not None else self._cells[self._blank() :]
        if len(self) <= rows:
            return [[format_number(v) for v in c] for c in columns]
        top = (rows + 1) // 2
        tail = max(rows - top, 1)
        return [[format_number(v) for v in c[:top]] + ["---"] + [format_number(v) for v in c[-tail:]] for c in columns]

    def _shown(self) -> tuple[list[str], list[str]]:
        """Names and types of the shown columns."""
        if self.row_labels is not None:
            return ["", *self._names], ["string", *self._types]
        return self._names[self._blank() :], self._types[self._blank() :]

    def _blank(self) -> int:
        """1 if the table starts with a column of empty row labels, which clients expect but nobody needs to see."""
        return int(bool(self._names) and self._names[0] == "" and not any(self._cells[0]) and len(self._names) > 1)

    def _blocks(self, cells: list[list[str]], width: int) -> list[str]:
        if not cells:
            return ["(no columns)"]
        columns = []
        for name, kind, text in zip(*self._shown(), cells):
            w = max([len(name), *map(len, text)])
            side = str.ljust if kind == "string" else str.rjust
            columns.append([side(name, w), "-" * w, *(side(t, w) for t in text)])
        blocks, block, used = [], [columns[0]], len(columns[0][0])
        for column in columns[1:]:
            if used + 2 + len(column[0]) > width and len(block) > 1:
                blocks.append(block)
                block, used = [columns[0]], len(columns[0][0])
            block.append(column)
            used += 2 + len(column[0])
        return ["\n".join("  ".join(line).rstrip() for line in zip(*b)) for b in [*blocks, block]]

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        cells = self._picked(_MAX_ROWS)
        names, types = self._shown()
        side = ["left" if t == "string" else "right" for t in types]
        line = f"border-bottom:1px solid {_RULE};padding:2px 10px"
        head = "".join(f"<th scope='col' style='{line};text-align:{s}'>{escape(n)}</th>" for n, s in zip(names, side))
        body = "".join(
            "<tr>" + "".join(f"<td style='{line};text-align:{s}'>{escape(v)}</td>" for v, s in zip(row, side)) + "</tr>"
            for row in zip(*cells)
        )
        caption = f"<b>{escape(self.title)}</b>" + (f" {escape(self.description)}" if self.description else "")
        note = f"<div>{len(self)} rows, {len(self._names)} columns</div>" if len(self) > _MAX_ROWS else ""
        return (
            f"<div style='overflow-x:auto;margin:.5em 0'><div style='margin-bottom:.2em'>{caption}</div>"
            "<table style='border-collapse:collapse;background:transparent;color:inherit;"
            f"font-variant-numeric:tabular-nums'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}</div>"
        )


def format_number(value: object) -> str:
    """A cell as text: whole numbers in full, others to seven significant digits, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == int(value) and abs(value) < 1e15:
        return f"{value:.1f}"
    return f"{value:.7g}"
