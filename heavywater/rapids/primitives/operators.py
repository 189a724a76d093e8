"""Arithmetic, comparison and logic between frames, columns, rows and scalars.

Missing values: arithmetic gives NA; ``< <= > >= ==`` give 0 and ``!=`` gives 1; ``& |`` follow three-valued logic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Value, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.table import Col, Table, joined

Operation = Callable[[Col, Col], pl.Expr]


def constant(value: Any, name: str = "") -> Col:
    """A scalar, or a list of one number, as a column."""
    if isinstance(value, Items) and len(value.values) == 1:
        value = value.values[0]
    if isinstance(value, str):
        return Col(name, pl.lit(value), pl.String)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Col(name, pl.lit(None, dtype=pl.Float64), pl.Float64)
    if isinstance(value, (int, float)):
        return Col(name, pl.lit(float(value)), pl.Float64)
    raise H2OTypeError(f"a number, a text or a frame is needed; got {value!r}")


def is_na(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def paired(left: Any, right: Any, op: str) -> tuple[pl.DataFrame, list[tuple[Col, Col, str]]]:
    """Columns to combine, over one base, with the name of each result.

    Raises
    ------
    H2OValueError
        When two frames have shapes that do not go together.
    """
    if not isinstance(left, Table) and not isinstance(right, Table):
        return pl.DataFrame(height=1), [(constant(left), constant(right), "C1")]
    if not isinstance(right, Table):
        left = left.shallow()
        c = constant(right)
        return left.base, [(a, c, a.name) for a in left.cols]
    if not isinstance(left, Table):
        right = right.shallow()
        c = constant(left)
        return right.base, [(c, b, b.name) for b in right.cols]
    if left.ncol != right.ncol and 1 not in (left.ncol, right.ncol):
        raise H2OValueError(f"({op} …): frames have different numbers of columns: {left.ncol} and {right.ncol}")
    if left.nrow != right.nrow and right.nrow == 1:
        left, right = left.shallow(), spread(right, left)
    elif left.nrow != right.nrow and left.nrow == 1:
        left, right = spread(left, right), right.shallow()
    else:
        left, right = joined(left, right)
    wide = max(left.ncol, right.ncol)
    names = (left if left.ncol == wide else right).names
    lefts = left.cols if left.ncol == wide else left.cols * wide
    rights = right.cols if right.ncol == wide else right.cols * wide
    return left.base, list(zip(lefts, rights, names))


def spread(row: Table, over: Table) -> Table:
    """A one-row table as constants over another table's base."""
    data = row.data
    cols = [Col(c.name, pl.lit(data[c.name][0], dtype=data[c.name].dtype), data[c.name].dtype) for c in row.cols]
    return Table(over.shallow().base, tuple(cols))


def binary(left: Any, right: Any, op: str, fn: Operation, dtype: Any, rename: bool = False, cost: int = 2) -> Any:
    """Apply `fn` to every pair of columns; two scalars give a scalar."""
    base, pairs = paired(left, right, op)
    cols = []
    for i, (a, b, name) in enumerate(pairs):
        e = fn(a, b)
        e = e.fill_nan(None) if dtype == pl.Float64 else e
        cols.append(Col(f"C{i + 1}" if rename else name, e, dtype, size=cost * (a.size + b.size) + 1))
    table = Table(base, tuple(cols))
    if isinstance(left, Table) or isinstance(right, Table):
        return table
    value = table.series()[0]
    return math.nan if value is None else float(value)


# -- arithmetic ---------------------------------------------------------------------------------------------------


def _truncated(e: pl.Expr) -> pl.Expr:
    return pl.when(e >= 0).then(e.floor()).otherwise(e.ceil())


def _beside(b: pl.Expr, a: pl.Expr) -> pl.Expr:
    """`b` in every row: by a constant Polars divides with its reciprocal, so that 389 / 389 is less than 1."""
    return pl.when(a.is_null()).then(b).otherwise(b)


def _remainder(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    b = _beside(b, a)
    r = a.abs() % b.abs()  # of non-negative numbers, so that the sign of the dividend can be put back
    return pl.when(a < 0).then(-r).otherwise(r)


def _int_div(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    whole = _truncated(a) / _truncated(_beside(b, a))
    return pl.when(whole.is_finite()).then(_truncated(whole)).when(a.is_null() | b.is_null()).then(0.0)


def _quotient(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    whole = a / _beside(b, a)
    return pl.when(whole.is_finite()).then(_truncated(whole)).when(a.is_null() | b.is_null()).then(0.0)


ARITHMETIC: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / _beside(b, a),
    "^": lambda a, b: a.pow(b),
    "%": _remainder,
    "%%": _remainder,
    "intDiv": _int_div,
    "%/%": _quotient,
}


def _declare_arithmetic(op: str, fn: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> None:
    cost = {"%": 6, "%%": 6, "intDiv": 24, "%/%": 24}.get(op, 2)  # how often the expression repeats its operands

    @primitive(op, lazy=True, doc=f"``a {op} b``; NA where either is NA or the result is undefined.")
    def arithmetic(left: Value, right: Value) -> Any:
        if isinstance(left, str) or isinstance(right, str):
            raise H2OTypeError(f"({op} …): a text has no arithmetic; got {left if isinstance(left, str) else right!r}")
        for side in (left, right):
            text = next((c for c in side.cols if c.is_text), None) if isinstance(side, Table) else None
            if text is not None:
                raise H2OTypeError(f"({op} …): Operation not allowed on string vector: column {text.name!r} holds text")
        return binary(left, right, op, lambda a, b: fn(a.number(), b.number()), pl.Float64, cost=cost)


for _op, _fn in ARITHMETIC.items():
    _declare_arithmetic(_op, _fn)


# -- comparison ---------------------------------------------------------------------------------------------------


def equal(a: Col, b: Col) -> pl.Expr:
    """Same value; labels are compared as texts, a number never equals a text, and NA equals nothing."""
    a_label, b_label = a.is_enum or a.is_text, b.is_enum or b.is_text
    if a_label != b_label:
        return pl.when(a.expr.is_null()).then(False).otherwise(False)
    if not a_label:
        return (a.number() == b.number()).fill_null(False)
    if a.is_enum and b.is_enum and a.levels == b.levels:
        return (a.expr.to_physical() == b.expr.to_physical()).fill_null(False)
    return (a.text() == b.text()).fill_null(False)


def _declare_equality(op: str, negate: bool) -> None:
    @primitive(op, lazy=True, doc=f"``a {op} b`` as 0 or 1; labels are compared as texts; ``NaN`` asks for NA.")
    def equality(left: Value, right: Value) -> Any:
        if is_na(right) and isinstance(left, Table):
            test: Operation = lambda a, b: a.expr.is_null()  # noqa: E731
        elif is_na(left) and isinstance(right, Table):
            test = lambda a, b: b.expr.is_null()  # noqa: E731
        else:
            test = equal
        table, other = (left, right) if isinstance(left, Table) else (right, left)
        # as the original names it: a comparison of numbers with a number is a new, nameless column
        rename = isinstance(table, Table) and isinstance(other, (int, float)) and all(c.is_numeric for c in table.cols)
        return binary(left, right, op, lambda a, b: ~test(a, b) if negate else test(a, b), pl.Boolean, rename)


_declare_equality("==", False)
_declare_equality("!=", True)

ORDER: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _declare_order(op: str, fn: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> None:
    @primitive(op, lazy=True, doc=f"``a {op} b`` as 0 or 1; 0 where either is NA.")
    def order(left: Value, right: Value) -> Any:
        for side in (left, right):
            text = next((c for c in side.cols if c.is_text), None) if isinstance(side, Table) else None
            if isinstance(side, str) or text is not None:
                shown = repr(side) if text is None else f"column {text.name!r}"
                raise H2OTypeError(f"({op} …): texts have no order here; {shown} is text")
        return binary(left, right, op, lambda a, b: fn(a.number(), b.number()).fill_null(False), pl.Boolean)


for _op, _fn in ORDER.items():
    _declare_order(_op, _fn)


# -- logic --------------------------------------------------------------------------------------------------------


def truth(c: Col) -> pl.Expr:
    """Non-zero, or null."""
    return c.expr if c.dtype == pl.Boolean else c.number() != 0


def _declare_logic(names: tuple[str, ...], fn: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> None:
    @primitive(*names, lazy=True, doc=f"``a {names[0]} b`` in three-valued logic.")
    def logic(left: Value, right: Value) -> Any:
        return binary(left, right, names[0], lambda a, b: fn(truth(a), truth(b)), pl.Boolean)


_declare_logic(("&", "&&"), lambda a, b: a & b)
_declare_logic(("|", "||"), lambda a, b: a | b)


@primitive("not", "!!", lazy=True)
def not_(x: Value) -> Any:
    """1 where 0, 0 where anything else, NA where NA."""
    if isinstance(x, Table):
        return x.map(lambda c: ~truth(c), pl.Boolean, lambda n: f"not({n})")
    return math.nan if is_na(x) else float(x == 0)


@primitive(",", lazy=True)
def comma(*values: Value) -> Any:
    """The last value."""
    return values[-1]
