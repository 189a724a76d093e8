"""Rapids trees: what to compute, not yet how.

`H2OFrame` methods and the text parser build the same nodes.  A tree is never changed; `heavywater.rapids.run` evaluates
it once and remembers the result in its nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from heavywater.frame import Frame

if TYPE_CHECKING:
    from heavywater.rapids.table import Table

Schema = list[tuple[str, str]]
"""Name and kind of each column."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """A table that is already there.

    Parameters
    ----------
    frame : Frame
        The data.
    key : str, optional
        Its name in the session, used by `text`.
    """

    frame: Frame
    key: str | None = None
    _memo: dict[str, Table] = field(default_factory=dict, repr=False)

    closed = True


@dataclass(frozen=True, eq=False)
class Done:
    """A tree that was worked out, without the way there, so that what it was made from can be let go."""

    table: Table

    closed = True


@dataclass(frozen=True)
class Name:
    """An identifier: an argument of a lambda, a constant, or a key of the session."""

    id: str

    closed = False


@dataclass(frozen=True)
class Span:
    """``first, first + step, …``: `count` numbers, or up to the end when `count` is NaN."""

    first: float
    count: float
    step: float = 1.0


@dataclass(frozen=True)
class Items:
    """A list literal: numbers and spans, or texts.  Empty: everything, or nothing, as the primitive has it."""

    values: tuple[float | Span, ...] | tuple[str, ...] = ()

    @property
    def texts(self) -> bool:
        return bool(self.values) and isinstance(self.values[0], str)

    def numbers(self, end: int | None = None) -> list[float]:
        """All numbers, spans written out; an open span stops before `end`."""
        out: list[float] = []
        for v in self.values:
            if isinstance(v, Span):
                count = v.count
                if math.isnan(count):
                    count = max(0.0, math.ceil(((end or 0) - v.first) / v.step))
                out.extend(v.first + v.step * i for i in range(int(count)))
            elif not isinstance(v, str):
                out.append(v)
        return out


@dataclass(frozen=True, eq=False)
class Lambda:
    """``{x y . body}``: a function of frames."""

    params: tuple[str, ...]
    body: Node

    closed = True


@dataclass(frozen=True, eq=False)
class Call:
    """A primitive applied to arguments.

    Parameters
    ----------
    primitive : str
        Name in the registry of `heavywater.rapids.declare`.
    args : tuple of nodes
        Arguments.
    """

    primitive: str
    args: tuple[Node, ...]
    _memo: dict[str, Table] = field(default_factory=dict, repr=False)
    closed: bool = field(init=False, repr=False)
    effect: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        open_args = any(isinstance(a, (Name, Call)) and not a.closed for a in self.args)
        object.__setattr__(self, "closed", not (open_args or self.effect))

    def __repr__(self) -> str:
        shown = text(self)
        return f"Call({shown[:200] + '…' if len(shown) > 200 else shown})"


Node: TypeAlias = Leaf | Done | Name | Items | Lambda | Call | float | int | str | bool | None


def text(node: Node) -> str:
    """The tree in Rapids' own language; a table without a key is written ``<rows x columns>``."""
    out: list[str] = []
    stack: list[object] = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, _Raw):
            out.append(n.text)
        elif isinstance(n, Call):
            stack.append(_Raw(")"))
            for a in reversed(n.args):
                stack.append(a)
                stack.append(_Raw(" "))
            stack.append(_Raw("(" + n.primitive))
        elif isinstance(n, Lambda):
            stack.extend([_Raw("}"), n.body, _Raw("{" + " ".join(n.params) + " . ")])
        else:
            out.append(_atom(n))
    return "".join(out)


@dataclass(frozen=True)
class _Raw:
    text: str


def _atom(n: object) -> str:
    if n is None:
        return "[]"
    if isinstance(n, bool):
        return str(n)
    if isinstance(n, (int, float)):
        return number(n)
    if isinstance(n, str):
        return quoted(n)
    if isinstance(n, Name):
        return n.id
    if isinstance(n, Leaf):
        return n.key or f"<{n.frame.nrow}x{n.frame.ncol}>"
    if isinstance(n, Done):
        return f"<{n.table.nrow}x{n.table.ncol}>"
    if isinstance(n, Items):
        return "[" + " ".join(_item(v) for v in n.values) + "]"
    return repr(n)


def _item(v: float | Span | str) -> str:
    if isinstance(v, Span):
        tail = "" if v.step == 1 else f":{number(v.step)}"
        return f"{number(v.first)}:{number(v.count)}{tail}"
    return quoted(v) if isinstance(v, str) else number(v)


def number(v: float) -> str:
    """A number as Rapids writes it."""
    if math.isnan(v):
        return "NaN"
    return str(int(v)) if float(v).is_integer() and abs(v) < 1e15 else repr(float(v))


def quoted(s: str) -> str:
    """A text literal."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(c, c) for c in s) + '"'
