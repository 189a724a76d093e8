"""Mathematical functions of one number, column by column.  Outside a function's domain the result is NA."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError
from heavywater.rapids.declare import Value, primitive
from heavywater.rapids.table import Table

Array = np.ndarray


def _lgamma(x: Array) -> Array:
    from scipy.special import gammaln

    return np.where(x > 0, gammaln(x), np.nan)


def _gamma(x: Array) -> Array:
    from scipy.special import gamma

    return gamma(x)


def _digamma(x: Array) -> Array:
    from scipy.special import digamma

    return digamma(x)


def _trigamma(x: Array) -> Array:
    from scipy.special import polygamma

    return polygamma(1, x)


def of_pi(fn: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: fn(math.pi * x)


NUMPY: dict[str, Callable[[Array], Array]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cos": np.cos,
    "cosh": np.cosh,
    "cospi": of_pi(np.cos),
    "digamma": _digamma,
    "exp": np.exp,
    "expm1": np.expm1,
    "gamma": _gamma,
    "lgamma": _lgamma,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "sinh": np.sinh,
    "sinpi": of_pi(np.sin),
    "tan": np.tan,
    "tanh": np.tanh,
    "tanpi": of_pi(np.tan),
    "trigamma": _trigamma,
}
EXPRESSIONS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "abs": lambda e: e.abs(),
    "ceiling": lambda e: e.ceil(),
    "floor": lambda e: e.floor(),
    "sign": lambda e: e.sign(),
    "sqrt": lambda e: e.sqrt(),
    "trunc": lambda e: pl.when(e >= 0).then(e.floor()).otherwise(e.ceil()),
}


def by_numpy(fn: Callable[[Array], Array]) -> Callable[[pl.Expr], pl.Expr]:
    """A function of float64 arrays as a function of expressions."""

    def on_series(s: pl.Series) -> pl.Series:
        with np.errstate(all="ignore"):
            return pl.Series(s.name, np.asarray(fn(s.fill_null(math.nan).to_numpy()), np.float64))

    return lambda e: e.map_batches(on_series, return_dtype=pl.Float64)


def elementwise(x: Any, op: str, fn: Callable[[pl.Expr], pl.Expr], rename: bool = True) -> Any:
    """Apply to every column of a frame, or to a number."""
    if isinstance(x, Table):
        text = next((c.name for c in x.cols if c.is_text), None)
        if text is not None:
            raise H2OTypeError(f"({op} …): Operation not allowed on string vector: column {text!r} holds text")
        return x.map(lambda c: fn(c.number()), name=(lambda n: f"{op}({n})") if rename else None)
    if not isinstance(x, (int, float)):
        raise H2OTypeError(f"({op} …): a frame or a number is needed; got {x!r}")
    value = pl.DataFrame({"x": [float(x)]}).select(fn(pl.col("x"))).item()
    return math.nan if value is None else value


def _declare(op: str, fn: Callable[[pl.Expr], pl.Expr]) -> None:
    @primitive(op, lazy=True, doc=f"``{op}(x)`` of every number; columns are called ``{op}(name)``.")
    def unary(x: Value) -> Any:
        return elementwise(x, op, fn)


for _op, _fn in EXPRESSIONS.items():
    _declare(_op, _fn)
for _op, _array_fn in NUMPY.items():
    _declare(_op, by_numpy(_array_fn))


@primitive("round", lazy=True)
def round_(x: Value, digits: float = 0) -> Any:
    """Round to `digits` decimals: halves to even for whole numbers, away from zero otherwise, as the original does."""
    n = int(digits)

    def fn(e: pl.Expr) -> pl.Expr:
        if n == 0:
            return e.round(0, mode="half_to_even")
        if n < 0:
            return (e / 10.0**-n).round(0, mode="half_to_even") * 10.0**-n
        return e.round(n, mode="half_away_from_zero")

    return elementwise(x, "round", fn, rename=False)


@primitive("signif", lazy=True)
def signif(x: Value, digits: float = 6) -> Any:
    """Round to `digits` significant digits, halves to even."""
    n = max(int(digits), 1)

    def fn(a: Array) -> Array:
        magnitude = np.where((a == 0) | ~np.isfinite(a), 0.0, np.floor(np.log10(np.abs(a))))
        scale = 10.0 ** (n - 1 - magnitude)
        return np.where(np.isfinite(a), np.rint(a * scale) / scale, a)

    return elementwise(x, "signif", by_numpy(fn), rename=False)
