"""Python values as Rapids arguments."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from heavywater.errors import H2OTypeError, NotFound, did_you_mean
from heavywater.rapids.node import Call, Done, Items, Lambda, Leaf, Name, Node, Span


def node_of(value: Any) -> Node:
    """An argument of a primitive.

    Raises
    ------
    H2OTypeError
        For values that Rapids does not know.
    """
    inner = getattr(value, "_node", None)
    if inner is not None:
        return inner
    if value is None or isinstance(value, (str, bool, Items, Lambda, Call, Done, Leaf, Name)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, (dt.date, np.datetime64)):
        return moment(value)
    if isinstance(value, range) or (isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, bytes)):
        return items_of(value)
    raise H2OTypeError(f"a number, text, time, list or frame is needed; got {type(value).__name__}")


def items_of(values: Any) -> Items:
    """A list of numbers, or of texts."""
    if isinstance(values, range):
        return Items((Span(values.start, len(values), values.step),)) if len(values) else Items()
    items = [v.item() if isinstance(v, np.generic) else v for v in values]
    if all(isinstance(v, str) for v in items):
        return Items(tuple(items))
    if all(isinstance(v, numbers.Real) or v is None for v in items):
        return Items(tuple(math.nan if v is None else float(v) for v in items))
    raise H2OTypeError(f"a list holds numbers or texts, not both; got {values!r}")


def moment(value: dt.date | np.datetime64) -> Call:
    """A date or time as a one-cell time frame."""
    if isinstance(value, np.datetime64):
        value = dt.datetime(1970, 1, 1) + dt.timedelta(
            milliseconds=int(value.astype("datetime64[ms]").astype(np.int64))
        )
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC)
        clock: tuple[float, ...] = (value.hour, value.minute, value.second, value.microsecond // 1000)
    else:
        clock = (0, 0, 0, 0)
    return Call("moment", (float(value.year), float(value.month), float(value.day), *map(float, clock)))


def scalar_of(value: Any) -> Node:
    """The right side of an operator or assignment: a frame, number, text or time; None and NaN are a missing value."""
    if value is None:
        return math.nan
    scalar = isinstance(value, (str, bool, np.bool_, numbers.Real, dt.date, np.datetime64))
    if not scalar and getattr(value, "_node", None) is None:
        raise H2OTypeError(
            f"a frame, number, text or time is needed; got {type(value).__name__} (make it a column with H2OFrame(...))"
        )
    return node_of(value)


def column_position(which: Any, names: Sequence[str]) -> int:
    """Position of a column given by name or index; negative indices count from the end.

    Raises
    ------
    NotFound
        With the closest names or the range.
    H2OTypeError
        When it is neither.
    """
    if isinstance(which, str):
        if which not in names:
            raise NotFound(f"there is no column {which!r} among the {len(names)} columns{did_you_mean(which, names)}")
        return list(names).index(which)
    if isinstance(which, (bool, np.bool_)) or not hasattr(which, "__index__"):
        raise H2OTypeError(f"a column is chosen by name or index; got {which!r}")
    i = int(which)
    if not -len(names) <= i < len(names):
        raise NotFound(f"column index {i} is outside 0..{len(names) - 1}")
    return i % len(names)


def column_positions(which: Any, names: Sequence[str]) -> list[int]:
    """Positions of columns given by name, index, slice or a list of names and indices."""
    if which is None:
        return list(range(len(names)))
    if isinstance(which, slice):
        if isinstance(which.start, str) or isinstance(which.stop, str):
            raise H2OTypeError("a slice of columns is given by indices, not by names")
        return list(range(len(names)))[which]
    if isinstance(which, (list, tuple, range, np.ndarray, set)):
        return [column_position(w.item() if isinstance(w, np.generic) else w, names) for w in which]
    return [column_position(which, names)]


def row_choice(which: Any, nrow: int) -> Items | None:
    """Rows given by index, slice or list; None means all of them.

    Raises
    ------
    NotFound
        For an index that is not there.
    """
    if which is None:
        return None
    if isinstance(which, slice):
        if which == slice(None):
            return None
        first, stop, step = which.indices(nrow)
        found = range(first, stop, step)
        return Items((Span(first, len(found), step),)) if len(found) else Items((Span(0, 0),))
    if isinstance(which, (bool, np.bool_)):
        raise H2OTypeError(f"rows are chosen by index, slice, list or a 0/1 column; got {which!r}")
    values = list(which) if isinstance(which, (list, tuple, range, np.ndarray)) else [which]
    if values and all(isinstance(v, (bool, np.bool_)) for v in values):
        if len(values) != nrow:
            raise NotFound(f"a list of True and False must have {nrow} entries, one per row; it has {len(values)}")
        values = [i for i, v in enumerate(values) if v]
    out = []
    for v in values:
        if isinstance(v, (bool, str)) or not hasattr(v, "__index__"):
            raise H2OTypeError(f"rows are chosen by index, slice, list or a 0/1 column; got {v!r}")
        i = int(v)
        if not -nrow <= i < nrow:
            raise NotFound(
                f"row index {i} is outside 0..{nrow - 1}" if nrow else f"row index {i}: the frame has no rows"
            )
        out.append(float(i % nrow))
    return Items(tuple(out)) if out else Items((Span(0, 0),))
