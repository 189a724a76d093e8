"""Declaring primitives: one function each, its annotations say what it takes.

::

    @primitive("strlen")
    def strlen(col: TextColumn) -> Table: ...

Annotations
-----------
Table           a frame (a primitive never changes one)
Column          a frame of one column
TextColumn      one text or categorical column
float, int, bool, str
Numbers, Texts  a list; a single value counts as a list of one
Choice          positions of columns or rows: a number, a name, a list, or a column
Value           anything: a number, a text, None or a frame
Function        a lambda, called like a Python function
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, get_type_hints

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, did_you_mean
from heavywater.rapids.node import Items, Node, Schema
from heavywater.rapids.table import Table, require_text

Value = Any
Choice = Annotated[Any, "choice"]
Column = Annotated[Table, "column"]
TextColumn = Annotated[Table, "text column"]
Numbers = Annotated[list[float], "numbers"]
Texts = Annotated[list[str], "texts"]
Function = Annotated[Any, "function"]
Words = Annotated[Any, "texts or nothing"]

SchemaRule = Callable[..., "Schema | None"]


@dataclass(frozen=True)
class Primitive:
    """An entry of the registry.

    Attributes
    ----------
    names : tuple of str
        Rapids names; the first is the usual one.
    run : callable
        The declared function.
    kinds : tuple of str
        How each argument is converted.
    least, most : int
        Number of arguments; `most` is -1 for any number.
    lazy : bool
        Whether evaluating touches no data.
    schema : callable, optional
        Columns of the result from ``(schema_of, *raw arguments)`` without running, or None when it takes data.
    pure : bool
        Whether the result depends on nothing but the arguments.
    """

    names: tuple[str, ...]
    run: Callable[..., Any]
    kinds: tuple[str, ...]
    least: int
    most: int
    lazy: bool = False
    schema: SchemaRule | None = None
    pure: bool = True
    doc: str = ""
    variadic: str | None = field(default=None)

    def __call__(self, args: list[Any]) -> Any:
        """Apply to evaluated arguments."""
        if len(args) < self.least or (self.most >= 0 and len(args) > self.most):
            expected = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
            if self.most < 0:
                expected = f"at least {self.least}"
            raise H2OValueError(
                f"Incorrect number of arguments; '{self.names[0]}' expects {expected} but was passed {len(args)}"
            )
        kinds = self.kinds if self.variadic is None else self.kinds + (self.variadic,) * (len(args) - len(self.kinds))
        return self.run(*(convert(a, k, self.names[0], i) for i, (a, k) in enumerate(zip(args, kinds))))


REGISTRY: dict[str, Primitive] = {}


def primitive(
    *names: str, lazy: bool = False, schema: SchemaRule | None = None, pure: bool = True, doc: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under one or several Rapids names; `doc` stands in for a docstring."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        hints = get_type_hints(fn, include_extras=True)
        kinds, least, most, variadic = [], 0, 0, None
        for p in inspect.signature(fn).parameters.values():
            kind = _kind(hints.get(p.name, Any))
            if p.kind is p.VAR_POSITIONAL:
                variadic, most = kind, -1
                continue
            kinds.append(kind)
            most += 1
            least += p.default is p.empty
        entry = Primitive(
            names, fn, tuple(kinds), least, most, lazy, schema, pure, doc or inspect.getdoc(fn) or "", variadic
        )
        for n in names:
            if n in REGISTRY:
                raise RuntimeError(f"two primitives are called {n}")
            REGISTRY[n] = entry
        return fn

    return register


def find(name: str) -> Primitive:
    """The primitive called `name`.

    Raises
    ------
    NotFound
        With the closest names.
    """
    if name not in REGISTRY:
        raise NotFound(f"Name lookup of '{name}' failed{did_you_mean(name, REGISTRY)}")
    return REGISTRY[name]


_PLAIN = {Table: "frame", float: "number", int: "int", bool: "bool", str: "text"}


def _kind(hint: Any) -> str:
    extra = getattr(hint, "__metadata__", None)
    return extra[0] if extra else _PLAIN.get(hint, "any")


def describe(value: Any) -> str:
    """What a value is, for messages."""
    if isinstance(value, Table):
        return f"a frame of {value.nrow} rows and {value.ncol} columns"
    if isinstance(value, Items):
        return "a list of texts" if value.texts else "a list of numbers"
    if value is None:
        return "nothing"
    return f"the {'text' if isinstance(value, str) else 'value'} {value!r}"


def convert(value: Any, kind: str, op: str, i: int) -> Any:
    """An argument as its declaration wants it.

    Raises
    ------
    H2OTypeError
        Says which argument of which primitive, what it got and what it wants.
    """

    def fail(wanted: str) -> H2OTypeError:
        return H2OTypeError(f"({op} …): argument {i + 1} must be {wanted}; got {describe(value)}")

    if kind in ("any", "choice"):
        return value
    if kind in ("frame", "column", "text column"):
        if not isinstance(value, Table):
            raise fail("a frame")
        if kind != "frame" and value.ncol != 1:
            raise fail("a frame of one column")
        if kind == "text column":
            require_text(value.cols[0], op)
        return value
    if isinstance(value, Table) and value.nrow == 1 and value.ncol == 1 and kind in ("number", "int", "text", "bool"):
        value = value.series()[0]
        value = math.nan if value is None else value
    if kind in ("number", "int", "bool"):
        return _scalar(value, kind, fail)
    if kind == "text":
        if not isinstance(value, str):
            raise fail("a text")
        return value
    if kind == "numbers":
        if isinstance(value, Items) and not value.texts:
            return value.numbers()
        if isinstance(value, (int, float)):
            return [float(value)]
        raise fail("a list of numbers")
    if kind in ("texts", "texts or nothing"):
        if isinstance(value, Items) and (value.texts or not value.values):
            return list(value.values)
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        raise fail("a list of texts")
    if kind == "function":
        if not callable(value):
            raise fail("a function {x . body}")
        return value
    raise AssertionError(kind)


def _scalar(value: Any, kind: str, fail: Callable[[str], H2OTypeError]) -> Any:
    if not isinstance(value, (int, float)):
        raise fail({"number": "a number", "int": "a whole number", "bool": "True or False"}[kind])
    if kind == "number":
        return float(value)
    if kind == "bool":
        return bool(value)
    if math.isnan(value) or int(value) != value:
        raise fail("a whole number")
    return int(value)


# -- rules for columns known without running ----------------------------------------------------------------------


def same_columns(schema_of: Callable[[Node], Schema], first: Node, *rest: Node) -> Schema:
    """The result has the first argument's columns."""
    return schema_of(first)
