"""Operators and functions of numbers, shared by frames and by the stand-ins that trace a lambda."""

from __future__ import annotations

from typing import Any, Self

from heavywater.errors import H2OTypeError
from heavywater.h2oframe.values import scalar_of


class Operators:
    """Whatever turns into one primitive applied to this frame, element by element.

    Missing values: arithmetic gives NA; a comparison gives 0 (``!=``: 1); ``&`` and ``|`` follow three-valued logic.
    """

    __array_ufunc__ = None  # so that numpy scalars on the left side leave the operation to the frame
    __hash__ = object.__hash__

    def _call(self, op: str, *args: Any) -> Self:
        raise AssertionError  # given by H2OFrame and Traced

    def _binary(self, op: str, other: Any, *, swapped: bool = False) -> Self:
        value = scalar_of(other)
        return self._call(op, value, self) if swapped else self._call(op, self, value)

    def __add__(self, other: Any) -> Self:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> Self:
        return self._binary("+", other, swapped=True)

    def __sub__(self, other: Any) -> Self:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> Self:
        return self._binary("-", other, swapped=True)

    def __mul__(self, other: Any) -> Self:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> Self:
        return self._binary("*", other, swapped=True)

    def __truediv__(self, other: Any) -> Self:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._binary("/", other, swapped=True)

    def __floordiv__(self, other: Any) -> Self:
        return self._binary("intDiv", other)

    def __rfloordiv__(self, other: Any) -> Self:
        return self._binary("intDiv", other, swapped=True)

    def __mod__(self, other: Any) -> Self:
        return self._binary("%", other)

    def __rmod__(self, other: Any) -> Self:
        return self._binary("%", other, swapped=True)

    def __pow__(self, other: Any) -> Self:
        return self._binary("^", other)

    def __rpow__(self, other: Any) -> Self:
        return self._binary("^", other, swapped=True)

    def __neg__(self) -> Self:
        return self._binary("-", 0, swapped=True)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._call("abs", self)

    def __invert__(self) -> Self:
        return self._call("!!", self)

    def __and__(self, other: Any) -> Self:
        return self._binary("&", other)

    def __rand__(self, other: Any) -> Self:
        return self._binary("&", other, swapped=True)

    def __or__(self, other: Any) -> Self:
        return self._binary("|", other)

    def __ror__(self, other: Any) -> Self:
        return self._binary("|", other, swapped=True)

    def __lt__(self, other: Any) -> Self:
        return self._binary("<", other)

    def __le__(self, other: Any) -> Self:
        return self._binary("<=", other)

    def __gt__(self, other: Any) -> Self:
        return self._binary(">", other)

    def __ge__(self, other: Any) -> Self:
        return self._binary(">=", other)

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return self._binary("==", other)

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return self._binary("!=", other)

    def logical_negation(self) -> Self:
        """1 where 0, 0 elsewhere, NA where NA."""
        return self._call("not", self)

    def round(self, digits: int = 0) -> Self:
        """Rounded to `digits` decimals."""
        return self._call("round", self, digits)

    def signif(self, digits: int = 6) -> Self:
        """Rounded to `digits` significant digits."""
        return self._call("signif", self, digits)

    def isna(self) -> Self:
        """1 where missing; columns are called ``isNA(name)``."""
        return self._call("is.na", self)

    def ifelse(self, yes: Any, no: Any) -> Self:
        """`yes` where this is not 0, `no` where it is, NA where NA."""
        return self._call("ifelse", self, scalar_of(yes), scalar_of(no))

    def asnumeric(self) -> Self:
        """Numbers; of labels that are all numbers those, of other labels their indices."""
        return self._call("as.numeric", self)


FUNCTIONS = {
    "abs": "Absolute value",
    "acos": "Arc cosine",
    "acosh": "Inverse hyperbolic cosine",
    "asin": "Arc sine",
    "asinh": "Inverse hyperbolic sine",
    "atan": "Arc tangent",
    "atanh": "Inverse hyperbolic tangent",
    "ceil": "Smallest whole number not below",
    "cos": "Cosine",
    "cosh": "Hyperbolic cosine",
    "cospi": "Cosine of pi times the value",
    "digamma": "Derivative of lgamma",
    "exp": "Exponential",
    "expm1": "Exponential less 1",
    "floor": "Largest whole number not above",
    "gamma": "Gamma function",
    "lgamma": "Logarithm of the gamma function",
    "log": "Natural logarithm",
    "log10": "Logarithm to base 10",
    "log1p": "Natural logarithm of 1 plus the value",
    "log2": "Logarithm to base 2",
    "sign": "-1, 0 or 1",
    "sin": "Sine",
    "sinh": "Hyperbolic sine",
    "sinpi": "Sine of pi times the value",
    "sqrt": "Square root",
    "tan": "Tangent",
    "tanh": "Hyperbolic tangent",
    "tanpi": "Tangent of pi times the value",
    "trigamma": "Second derivative of lgamma",
    "trunc": "Whole number towards zero",
}


def _declare(name: str, what: str) -> None:
    op = {"ceil": "ceiling"}.get(name, name)

    def method(self: Operators) -> Operators:
        return self._call(op, self)

    method.__name__ = name
    method.__qualname__ = f"Operators.{name}"
    method.__doc__ = f"{what}, element by element; columns are called ``{op}(name)``."
    setattr(Operators, name, method)


for _name, _what in FUNCTIONS.items():
    _declare(_name, _what)


class Traced(Operators):
    """Stand-in for a row or column while a lambda given to ``apply`` is turned into a tree."""

    def __init__(self, node: Any):
        self._node = node

    def _call(self, op: str, *args: Any) -> Traced:
        from heavywater.h2oframe.values import node_of
        from heavywater.rapids.node import Call

        return Traced(Call(op, tuple(node_of(a) for a in args)))

    def __getitem__(self, which: Any) -> Traced:
        if isinstance(which, (str, int)):
            return self._call("cols", self, which)
        if isinstance(which, list):
            return self._call("cols_py", self, which)
        raise H2OTypeError(f"inside apply() columns are chosen by name, index or a list of them; got {which!r}")

    def sum(self, skipna: bool = True) -> Traced:
        return self._call("sumNA" if skipna else "sum", self, True, 0)

    def mean(self, skipna: bool = True) -> Traced:
        return self._call("mean", self, skipna, 0)

    def min(self) -> Traced:
        return self._call("min", self)

    def max(self) -> Traced:
        return self._call("max", self)

    def median(self, na_rm: bool = False) -> Traced:
        return self._call("median", self, na_rm)

    def sd(self, na_rm: bool = False) -> Traced:
        return self._call("sd", self, na_rm)

    def prod(self, na_rm: bool = False) -> Traced:
        return self._call("prod.na" if na_rm else "prod", self)

    def __bool__(self) -> bool:
        raise H2OTypeError("a function given to apply() cannot branch on values; use ifelse()")

    def __getattr__(self, name: str) -> Any:
        raise H2OTypeError(f"apply() cannot express .{name}() of a row or column; work on the whole frame instead")
