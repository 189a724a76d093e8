"""A trained model as plain data: what is saved, sent, checked and exported. It holds no code and no class names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OTypeError, H2OValueError

__all__ = ["DTYPES", "ArraySpec", "ExpectedArrays", "ModelState", "Validators"]

DTYPES: Mapping[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
}
"""Element types of the arrays of a model, by their name in a safetensors file."""


class ArraySpec(NamedTuple):
    """What one array of a model must look like.

    Attributes
    ----------
    dtype : str
        A key of :data:`DTYPES`.
    shape : tuple of int or None
        Exact sizes; None leaves one dimension free.
    optional : bool
        Whether the array may be absent.
    """

    dtype: str
    shape: tuple[int | None, ...]
    optional: bool = False


@dataclass(frozen=True, eq=False)
class ModelState:
    """Everything a model is.

    Parameters
    ----------
    algo : str
        Name of the algorithm in the registry, e.g. ``"deeplearning"``.
    version : int
        Version of the layout that the algorithm gives the other fields, from 1.
    params : dict
        Parameters the model was trained with.
    schema : dict
        Columns, types and levels of the training frame, and the recipe from rows to network inputs.
    output : dict
        Results: metrics, tables, histories.
    arrays : dict of str to numpy.ndarray
        The numbers. Stored C-contiguous and read-only, with an element type of :data:`DTYPES`.

    Raises
    ------
    H2OTypeError, H2OValueError
        A field that a model file could not hold. `params`, `schema` and `output` are looked at when the state is
        written.
    """

    algo: str
    version: int
    params: dict[str, Any]
    schema: dict[str, Any]
    output: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.algo, str) or not self.algo:
            raise H2OTypeError(f"algo must be a non-empty name; got {self.algo!r}")
        if isinstance(self.version, bool) or not isinstance(self.version, int) or self.version < 1:
            raise H2OValueError(f"version must be an integer >= 1; got {self.version!r}")
        for name in ("params", "schema", "output", "arrays"):
            if not isinstance(getattr(self, name), dict):
                raise H2OTypeError(f"{name} must be a dict; got {type(getattr(self, name)).__name__}")
        object.__setattr__(self, "arrays", {name: _frozen(name, array) for name, array in self.arrays.items()})

    def with_output(self, **output: Any) -> ModelState:
        """Return the state with entries of `output` added or replaced; the arrays are shared."""
        return replace(self, output={**self.output, **output})


ExpectedArrays = Callable[[ModelState], Mapping[str, ArraySpec]]
"""From a state without arrays to the arrays that its `params` and `schema` imply; must only compute, not allocate."""

Validators = Mapping[str, ExpectedArrays | Mapping[int, ExpectedArrays]]
"""The models that a program knows: algorithm -> version of its state -> :data:`ExpectedArrays`.

A bare function in place of the inner mapping stands for ``{1: function}``.
"""


def dtype_name(array: NDArray[Any]) -> str:
    """Return the safetensors name of the element type of `array` (any byte order); raise KeyError if there is none."""
    return _NAMES[array.dtype.newbyteorder("<")]


_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _frozen(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if not isinstance(name, str) or not 0 < len(name) <= 512 or name == "__metadata__" or not name.isprintable():
        raise H2OValueError(f"name of an array must be 1 to 512 printable characters; got {name!a:.80}")
    if not isinstance(array, np.ndarray):
        raise H2OTypeError(f"array {name!r} must be a numpy array; got {type(array).__name__}")
    try:
        dtype = DTYPES[dtype_name(array)]
    except KeyError:
        known = ", ".join(str(np.dtype(d)) for d in DTYPES.values())
        raise H2OTypeError(f"array {name!r} has element type {array.dtype}; a model file holds {known}") from None
    kept = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape).view()
    kept.flags.writeable = False
    return kept
