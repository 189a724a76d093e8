"""The interpreter: a tree becomes tables of expressions, and a frame when data is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from heavywater.errors import H2OTypeError, HeavywaterError, NotFound, NotSupported, did_you_mean
from heavywater.frame import Frame
from heavywater.rapids import primitives as _registered  # noqa: F401  (declares every primitive)
from heavywater.rapids.bounds import bounds
from heavywater.rapids.declare import REGISTRY, Primitive, describe, find
from heavywater.rapids.node import Call, Done, Items, Lambda, Leaf, Name, Node, Schema
from heavywater.rapids.table import Table

CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("TRUE", "True", "true"), 1.0),
    **dict.fromkeys(("FALSE", "False", "false"), 0.0),
    **dict.fromkeys(("NaN", "NA", "nan"), math.nan),
    **dict.fromkeys(("PI", "Pi"), math.pi),
    "_": "_",
    "null": None,
}


class World(Protocol):
    """What names and session calls mean outside the tree."""

    def find(self, name: str) -> Any:
        """The frame, node or other object called `name`; None when there is none."""

    def act(self, op: str, args: list[Any]) -> Any:
        """Do one of the calls that read or change the session, such as ``tmp=``."""


class Function:
    """A lambda with the scope in which it was written."""

    def __init__(self, node: Lambda, scope: Mapping[str, Any], world: World | None):
        self.node, self.scope, self.world = node, scope, world

    def __call__(self, *args: Any) -> Any:
        if len(args) != len(self.node.params):
            raise H2OTypeError(f"a function of {len(self.node.params)} arguments was given {len(args)}")
        return reduce(self.node.body, {**self.scope, **dict(zip(self.node.params, args))}, self.world)


def evaluate(node: Node | Frame, world: World | None = None) -> Any:
    """The result of a tree.

    Parameters
    ----------
    node : Node or Frame
        What to compute; a Frame is its own result.
    world : World, optional
        The session, for trees that were read from text.

    Returns
    -------
    Frame, float, str, list, or Function
        A frame's result is remembered in the tree.
    """
    if isinstance(node, Frame):
        return node
    if isinstance(node, Leaf):
        return node.frame
    value = reduce(node, {}, world)
    return finished(value)


def finished(value: Any) -> Any:
    """A value of the interpreter as a value for callers."""
    if isinstance(value, Table):
        return value.frame()
    if isinstance(value, Items):
        return [str(v) for v in value.values] if value.texts else value.numbers()
    if isinstance(value, dict):
        return {k: finished(v) for k, v in value.items()}
    if isinstance(value, (bool, int)):
        return float(value)
    return value


def table_of(node: Node) -> Table:
    """The columns of a tree, not necessarily computed."""
    value = reduce(node, {}, None)
    if not isinstance(value, Table):
        raise H2OTypeError(f"a frame is needed; got {describe(value)}")
    return value


def schema_of(node: Node) -> Schema:
    """Names and kinds of the columns; runs nothing where the primitives know them beforehand.

    A number column whose data is not known yet is ``"real"``.
    """
    if isinstance(node, Leaf):
        return [(n, str(node.frame.kind(n))) for n in node.frame.names]
    if isinstance(node, Call) and not node._memo:
        entry = find(node.primitive)
        if not entry.lazy and entry.schema is not None:
            known = entry.schema(schema_of, *node.args)
            if known is not None:
                return known
    return [(c.name, _kind(c.dtype, c.uuid)) for c in table_of(node).cols]


def names_of(node: Node) -> list[str]:
    """Column names, without running the tree where possible."""
    if isinstance(node, Leaf):
        return node.frame.names
    return [n for n, _ in schema_of(node)]


def _kind(dtype: Any, uuid: bool) -> str:
    import polars as pl

    if uuid:
        return "uuid"
    if isinstance(dtype, pl.Enum):
        return "enum"
    if isinstance(dtype, pl.Datetime):
        return "time"
    return {pl.String: "string", pl.Int64: "int", pl.Boolean: "int"}.get(dtype, "real")


def reduce(root: Node, scope: Mapping[str, Any], world: World | None) -> Any:
    """Evaluate with an explicit stack, arguments before their call, so that long chains need no recursion."""
    values: list[Any] = []
    todo: list[tuple[Node, bool]] = [(root, False)]
    while todo:
        node, ready = todo.pop()
        if isinstance(node, Call):
            if node._memo:
                values.append(node._memo["value"])
            elif ready:
                count = len(node.args)
                args = values[len(values) - count :]
                del values[len(values) - count :]
                values.append(_apply(node, args, world))
            else:
                todo.append((node, True))
                todo.extend((a, False) for a in reversed(node.args))
        else:
            values.append(_value(node, scope, world))
    return values[0]


def _apply(node: Call, args: list[Any], world: World | None) -> Any:
    if node.effect:
        if world is None:
            raise NotSupported(f"({node.primitive} …) needs a session")
        return world.act(node.primitive, args)
    entry = find(node.primitive)
    value = apply_primitive(entry, args)
    if node.closed and entry.pure:
        node._memo["value"] = value
    return value


def apply_primitive(entry: Primitive, args: list[Any]) -> Any:
    """Run a primitive; an error from below says which primitive it was."""
    try:
        made = entry(args)
        if isinstance(made, Table):
            limits = bounds()
            limits.check_rows(made.nrow)
            limits.check_columns(made.ncol)
        return made
    except HeavywaterError:
        raise
    except Exception as e:
        import polars as pl

        if isinstance(e, (pl.exceptions.PolarsError, ArithmeticError, ValueError, TypeError, IndexError)):
            raise H2OTypeError(f"({entry.names[0]} …) cannot be applied here: {str(e).splitlines()[0]}") from e
        raise


def _value(node: Node, scope: Mapping[str, Any], world: World | None) -> Any:
    if isinstance(node, Leaf):
        if not node._memo:
            node._memo["value"] = Table.of_frame(node.frame)
        return node._memo["value"]
    if isinstance(node, Done):
        return node.table
    if isinstance(node, Lambda):
        return Function(node, scope, world)
    if isinstance(node, Name):
        return _named(node.id, scope, world)
    return node


def _named(name: str, scope: Mapping[str, Any], world: World | None) -> Any:
    if name in scope:
        return scope[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    found = world.find(name) if world is not None else None
    if found is None and name in REGISTRY:
        return name  # a function passed by its name
    if found is None:
        raise NotFound(f"Name lookup of '{name}' failed{did_you_mean(name, [*scope, *REGISTRY])}")
    if isinstance(found, Frame):
        return Table.of_frame(found)
    if isinstance(found, (Leaf, Call)):
        return reduce(found, {}, world)
    return found
