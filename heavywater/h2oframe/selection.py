"""Choosing, replacing, adding and dropping columns and rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError, NotFound
from heavywater.h2oframe.base import Identity
from heavywater.h2oframe.values import column_position, column_positions, node_of, row_choice, scalar_of
from heavywater.rapids.node import Call, Items


class Selection(Identity):
    """``frame[...]``, ``frame[...] = value`` and their relatives."""

    def __getitem__(self, item: Any) -> Any:
        """Columns by name, index, list or slice; ``[rows, columns]``; rows by a 0/1 column.

        Negative indices count from the end.  ``frame[i, j]`` of two single positions is the value of the cell.

        Raises
        ------
        NotFound
            For a column or row that is not there.
        """
        if isinstance(item, Identity):
            return self._rows(item)
        if isinstance(item, tuple):
            if len(item) != 2:
                raise H2OTypeError(f"frame[rows, columns] takes two parts; got {len(item)}")
            return self._rectangle(*item)
        return self._columns(item)

    def _columns(self, which: Any) -> Self:
        positions = column_positions(which, self.names)
        choice: Any = Items(tuple(float(p) for p in positions))
        if isinstance(which, str):
            choice = which
        elif isinstance(which, (list, tuple)) and which and all(isinstance(w, str) for w in which):
            choice = Items(tuple(which))
        elif not isinstance(which, (slice, list, tuple, range, np.ndarray, set)) and which is not None:
            choice = float(positions[0])
        node = self._node
        if isinstance(node, Call) and node.primitive == "rows" and not node._memo:  # fewer columns, then fewer rows
            return self._call("rows", Call("cols_py", (node.args[0], choice)), node.args[1])
        return self._call("cols_py", self, choice)

    def _rows(self, which: Any) -> Self:
        if isinstance(which, Identity):
            self._check_mask(which)
            return self._call("rows", self, which)
        chosen = row_choice(which, self.nrow)
        return self if chosen is None else self._call("rows", self, chosen)

    def _check_mask(self, mask: Identity) -> None:
        if mask.ncol != 1:
            raise H2OTypeError(f"rows are chosen by one column; this frame has {mask.ncol}")
        if mask.nrow != self.nrow:
            raise H2OValueError(
                f"rows are chosen by a column of the same length; it has {mask.nrow} rows, the frame {self.nrow}"
            )

    def _rectangle(self, rows: Any, cols: Any) -> Any:
        if isinstance(rows, Identity):
            self._check_mask(rows)
        part = self if cols is None or cols == slice(None) else self._columns(cols)
        if rows is None or (isinstance(rows, slice) and rows == slice(None)):
            return part
        out = part._rows(rows)
        one_row = isinstance(rows, (int, np.integer))
        if one_row and isinstance(cols, (int, str, np.integer)):
            return out.flatten()
        return out

    def __setitem__(self, item: Any, value: Any) -> None:
        """Replace columns, rows of columns, or add a column.

        Raises
        ------
        H2OValueError
            For a label that a categorical column does not have, or a source of the wrong size.
        """
        rows: Any = None
        cols: Any = item
        if isinstance(item, Identity):
            rows, cols = item, None
        elif isinstance(item, tuple):
            if len(item) != 2:
                raise H2OTypeError(f"frame[rows, columns] takes two parts; got {len(item)}")
            rows, cols = item
        if isinstance(rows, slice) and rows == slice(None):
            rows = None
        value = self._source(value)
        names = self.names
        new = [c for c in (cols if isinstance(cols, list) else [cols]) if isinstance(c, str) and c not in names]
        if new:
            self._add(new, cols, rows, value)
            return
        positions = column_positions(cols if cols is not None else slice(None), names)
        where = Items(tuple(float(p) for p in positions)) if len(positions) != 1 else float(positions[0])
        if isinstance(rows, Identity):
            self._check_mask(rows)
            chosen: Any = rows
        else:
            chosen = Items() if rows is None else (row_choice(rows, self.nrow) or Items())
        self._set(self._call(":=", self, value, where, chosen)._node)

    def _add(self, new: list[str], cols: Any, rows: Any, value: Any) -> None:
        if rows is not None:
            raise NotFound(f"column {new[0]!r} does not exist; a new column must be given for all rows")
        names = cols if isinstance(cols, list) else [cols]
        if len(names) != 1 and isinstance(value, Identity) and value.ncol not in (1, len(names)):
            raise H2OValueError(f"{len(names)} columns cannot take a frame of {value.ncol} columns")
        for k, n in enumerate(names):
            part = value[k] if isinstance(value, Selection) and value.ncol > 1 else value
            if n in new:
                self._set(self._call("append", self, part, n)._node)
            else:
                self._set(self._call(":=", self, part, n, Items())._node)

    def _source(self, value: Any) -> Any:
        if (
            isinstance(value, (list, tuple, range, np.ndarray))
            or hasattr(value, "__array__")
            and not np.isscalar(value)
        ):
            if isinstance(value, (Identity, np.generic, np.datetime64)):
                return value
            from heavywater.frame.convert import from_python

            return type(self)._of(from_python(value if not isinstance(value, (tuple, range)) else list(value)))
        return value if isinstance(value, Identity) else scalar_of(value)

    def drop(self, index: Any, axis: int = 1) -> Self:
        """Without some columns (axis 1: names, indices or a frame with such columns) or rows (axis 0: indices)."""
        if axis not in (0, 1):
            raise H2OValueError(f"axis must be 0 (rows) or 1 (columns); got {axis!r}")
        if axis == 0:
            chosen = row_choice(index, self.nrow)
            gone = [] if chosen is None else chosen.numbers()
            if chosen is None:
                gone = [float(i) for i in range(self.nrow)]
            if not gone:
                return self
            return self._call("rows", self, Items(tuple(-v - 1 for v in gone)))
        which = index.names if isinstance(index, Identity) else index
        positions = sorted(set(column_positions(which, self.names)))
        if not positions:
            return self
        return self._call("cols", self, Items(tuple(-float(p) - 1 for p in positions)))

    def pop(self, i: str | int) -> Self:
        """Take a column out of this frame and return it."""
        position = column_position(i, self.names)
        taken = self._columns(position)
        self._set(self._call("cols", self, -float(position) - 1)._node)
        return taken

    def head(self, rows: int = 10, cols: int = 200) -> Self:
        """The first rows of the first columns."""
        return self._corner(0, min(_count(rows), self.nrow), cols)

    def tail(self, rows: int = 10, cols: int = 200) -> Self:
        """The last rows of the first columns."""
        n = min(_count(rows), self.nrow)
        return self._corner(self.nrow - n, n, cols)

    def _corner(self, first: int, count: int, cols: int) -> Self:
        part = self if self.ncol <= cols else self._columns(slice(0, cols))
        return part._rows(slice(first, first + count))

    def flatten(self) -> Any:
        """The value of the only cell: number, label or text."""
        return self._ask("flatten", self)

    def getrow(self) -> list[float]:
        """The values of the only row as numbers."""
        return list(self._ask("getrow", self))

    def __iter__(self) -> Any:
        return (self._columns(i) for i in range(self.ncol))

    def __contains__(self, value: Any) -> bool:
        values = value if isinstance(value, (list, tuple)) else [value]
        return all(bool(self._ask("any", self._call("==", self, node_of(v)))) for v in values)

    def __bool__(self) -> bool:
        if self.shape == (1, 1):
            value = self.flatten()
            return bool(value)
        raise H2OValueError("a frame of several values is neither true nor false; use any() or all()")

    def __int__(self) -> int:
        return int(self.flatten())

    def __float__(self) -> float:
        return float(self.flatten())


def _count(rows: int) -> int:
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 0:
        raise H2OValueError(f"rows must be a whole number of at least 0; got {rows!r}")
    return int(rows)
