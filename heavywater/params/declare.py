"""Declaring parameters: one line per parameter of an algorithm, read by everything else.

An algorithm's parameters are the fields of a dataclass::

    @parameters
    @dataclass(kw_only=True, eq=False, repr=False)
    class DeepLearningParams(CommonParams):
        epochs: float = param(10.0, "Passes over the training data.", level="critical", gridable=True, ge=0)

The annotation gives the type, the call gives default, help, bounds and place in a form.  Validation (`check`), metadata
for clients (`metadata`) and the reference pages follow from it.  The constructor stores what it is given and does
nothing else (scikit-learn's contract); errors belong to training.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

from heavywater.errors import H2OTypeError, did_you_mean

Level = Literal["critical", "secondary", "expert"]
T = TypeVar("T")

_WIRE = {bool: "boolean", int: "int", float: "double", str: "string"}


@dataclass(frozen=True)
class Message:
    """One problem of one parameter.

    Attributes
    ----------
    field : str
        The parameter, or one of H2O's names for the data: ``response``, ``train``, ``validation_frame``.
    severity : {"error", "warn"}
    text : str
        What is wrong and what would be right.
    """

    field: str
    severity: Literal["error", "warn"]
    text: str

    def __str__(self) -> str:
        return f"ERRR on field: _{self.field}: {self.text}" if self.severity == "error" else self.text


@dataclass(frozen=True)
class Info:
    """Everything known about a parameter.

    Attributes
    ----------
    name : str
    kind : type
        ``bool``, ``int``, ``float``, ``str``, or ``object`` for frames and models (an object or its key).
    sequence : bool
        Whether the value is a list of `kind`; `values` and the bounds then hold for its items.
    single : bool
        Whether one value stands for a list of one.
    optional : bool
        Whether None is a value of its own rather than another word for the default.
    default : object
    help : str
        What it does, in a sentence.
    note : str
        Special values, spellings and other things worth knowing.
    type : str
        H2O's name of the type, such as ``"double[]"`` or ``"Key<Frame>"``.
    level : {"critical", "secondary", "expert"}
    gridable : bool
        Whether a grid search may vary it.
    values : tuple of str
        Accepted words in their canonical spelling; empty if there is no list.
    listed : tuple of str
        The words that H2O's metadata lists.
    spellings : mapping of str to str
        Other words for some of the `values`.
    ge, gt, le, lt : float or None
        Bounds.
    infinite : bool
        Whether infinity is a number it accepts.
    member_of, excludes : tuple of str
        For columns: the frame parameters they belong to and the parameters that must name other columns.
    ours : bool
        Whether it is heavywater's own and unknown to H2O.
    """

    name: str
    kind: type
    sequence: bool
    single: bool
    optional: bool
    default: Any
    help: str
    note: str
    type: str
    level: Level
    gridable: bool
    values: tuple[str, ...]
    listed: tuple[str, ...]
    spellings: Mapping[str, str]
    ge: float | None
    gt: float | None
    le: float | None
    lt: float | None
    infinite: bool
    member_of: tuple[str, ...]
    excludes: tuple[str, ...]
    ours: bool


def param(
    default: Any,
    help: str,
    *,
    level: Level = "secondary",
    gridable: bool = False,
    note: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    infinite: bool = False,
    single: bool = False,
    wire: str | None = None,
    listed: Sequence[str] | None = None,
    spellings: Mapping[str, str] | None = None,
    member_of: Sequence[str] = (),
    excludes: Sequence[str] = (),
    ours: bool = False,
) -> Any:
    """Declare a parameter; see `Info` for the meaning of the arguments.

    `default` must be immutable (a tuple for lists), because scikit-learn compares defaults by identity.  `wire`
    replaces the type name that follows from the annotation.
    """
    facts = {
        "help": help, "level": level, "gridable": gridable, "note": note, "ge": ge, "gt": gt, "le": le, "lt": lt,
        "infinite": infinite, "single": single, "wire": wire, "listed": listed, "spellings": spellings or {},
        "member_of": tuple(member_of), "excludes": tuple(excludes), "ours": ours,
    }  # fmt: skip
    return field(default=default, metadata=facts)


class Params:
    """Base of all parameter classes."""

    removed: ClassVar[Mapping[str, str]] = {}
    """Names that were parameters once → what to write instead; part of the message for unknown names."""
    not_yet: ClassVar[Mapping[str, str]] = {}
    """Parameters accepted but not built → why; `check` raises NotSupported when one differs from its default."""
    built: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """For parameters in `not_yet`: values besides the default that do work."""

    def __post_init__(self) -> None:
        """For subclasses that fix a parameter; does nothing."""

    def check(self) -> Iterator[Message]:
        """Rules between parameters; every value is of the right type and spelling when this is called."""
        yield from ()


def parameters(cls: type[T]) -> type[T]:
    """Class decorator: the dataclass's constructor explains arguments that it does not know.

    The signature stays that of the dataclass, so that `inspect.signature` and scikit-learn's ``clone`` work.
    """
    build = cls.__init__
    known = tuple(inspect.signature(build).parameters)[1:]

    @functools.wraps(build)
    def constructor(self: Any, *args: Any, **values: Any) -> None:
        if args:
            me = type(self).__name__
            raise H2OTypeError(f"{me} takes its parameters by name, as in {me}({known[0]}=...)")
        unknown = [name for name in values if name not in known]
        if unknown:
            raise H2OTypeError("\n".join(_unknown(type(self), name, known) for name in unknown))
        build(self, **values)

    cls.__init__ = constructor  # type: ignore[method-assign]
    return cls


def _unknown(cls: type, name: str, known: Sequence[str]) -> str:
    removed = getattr(cls, "removed", {})
    hint = f"; {removed[name]}" if name in removed else did_you_mean(name, known)
    return f"{cls.__name__} has no parameter {name!r}{hint}"


_INFOS: WeakKeyDictionary[type, dict[str, Info]] = WeakKeyDictionary()


def infos(cls: type) -> dict[str, Info]:
    """The parameters of a class by name, in the order of their declaration."""
    if cls not in _INFOS:
        hints = {c: get_type_hints(c) for c in cls.__mro__ if c.__dict__.get("__annotations__")}
        _INFOS[cls] = {f.name: _info(cls, f, hints) for f in fields(cls) if "help" in f.metadata}
    return _INFOS[cls]


def _info(cls: type, f: Any, hints: Mapping[type, Mapping[str, Any]]) -> Info:
    owner = next(c for c in cls.__mro__ if f.name in c.__dict__.get("__annotations__", {}))
    m = f.metadata
    hint, optional = _without_none(hints[owner][f.name])
    sequence = get_origin(hint) is not None and get_origin(hint) is not Literal
    if sequence:
        (hint,) = get_args(hint)
        hint, _ = _without_none(hint)
    values = tuple(get_args(hint)) if get_origin(hint) is Literal else ()
    kind = str if values else hint if hint in _WIRE else object
    wire = m["wire"] or ("enum" if values else _WIRE.get(kind, "string")) + ("[]" if sequence else "")
    default = f.default if f.default is not MISSING else None
    return Info(
        name=f.name, kind=kind, sequence=sequence, single=m["single"], optional=optional or default is None, default=default,
        help=m["help"], note=m["note"], type=wire, level=m["level"], gridable=m["gridable"],
        values=values, listed=tuple(values if m["listed"] is None else m["listed"]), spellings=m["spellings"],
        ge=m["ge"], gt=m["gt"], le=m["le"], lt=m["lt"], infinite=m["infinite"],
        member_of=m["member_of"], excludes=m["excludes"], ours=m["ours"],
    )  # fmt: skip


def _without_none(hint: Any) -> tuple[Any, bool]:
    """A type without its ``| None``, and whether it had one."""
    if get_origin(hint) in (Union, types.UnionType):
        rest = [a for a in get_args(hint) if a is not type(None)]
        return (rest[0] if len(rest) == 1 else object), len(rest) < len(get_args(hint))
    return hint, False
