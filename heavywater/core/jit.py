"""Compiled functions that a later process finds ready, without loading the compiler.

`njit` and `intrinsic` stand for numba's decorators of the same names. numba takes a fifth of a second and 60 MB to load
and nearly as long again to find its own compiled code, so nothing of it is loaded before something has to be compiled: the
machine code of a kernel, a function without memory management of its own (``_nrt=False``), is kept beside its source by
`heavywater.core.stored_code`, and called by its address. All others go numba's way.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from heavywater.core import stored_code

_LOCK = threading.RLock()
_C_TYPES: dict[str, Any] = {
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
    "int32": ctypes.c_int32,
    "uint32": ctypes.c_uint32,
    "int16": ctypes.c_int16,
    "uint16": ctypes.c_uint16,
    "int8": ctypes.c_int8,
    "uint8": ctypes.c_uint8,
    "float64": ctypes.c_double,
    "float32": ctypes.c_float,
    "bool": ctypes.c_uint8,
    "boolean": ctypes.c_uint8,
    "none": ctypes.c_void_p,
}
_BOOLEANS = ("bool", "boolean")
_DONE = (0, -2)
"""States in which a compiled function returns: with a value, with None."""


class _Entry(NamedTuple):
    """Machine code for one combination of types of arguments."""

    call: Any
    result: Any
    unpack: Callable[[Any], Any]


class Kernel:
    """A function that is compiled when it is first called, unless its code is there.

    Parameters
    ----------
    function : callable
    options : dict
        Those of numba's ``njit``.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func = function
        self.targetoptions = options
        self.__name__, self.__qualname__ = function.__name__, function.__qualname__
        self.__doc__, self.__module__ = function.__doc__, function.__module__
        self._native = options.get("_nrt") is False
        self._dispatcher: Any = None
        self._entries: dict[tuple[Any, ...], _Entry] = {}

    @property
    def dispatcher(self) -> Any:
        """What numba makes of the function."""
        with _LOCK:
            if self._dispatcher is None:
                import numba

                options = self.targetoptions
                if self._native:
                    options = options | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
                self._dispatcher = numba.njit(**options)(self.py_func)
        return self._dispatcher

    @property
    def _numba_type_(self) -> Any:
        """Its type for functions that call it and are being compiled."""
        from numba import types

        return types.Dispatcher(self.dispatcher)

    def __call__(self, *args: Any) -> Any:
        if not self._native:
            return self.dispatcher(*args)
        key: list[Any] = []
        values: list[Any] = []
        for a in args:
            _flatten(a, key, values)
        entry = self._entries.get(tuple(key))
        if entry is None:
            entry = self._entry(tuple(key), args)
        result = entry.result()
        error = ctypes.c_void_p()
        state = entry.call(ctypes.addressof(result), ctypes.addressof(error), *values)
        if state not in _DONE:
            raise RuntimeError(f"the compiled function {self.__module__}.{self.__qualname__} failed with state {state}")
        return entry.unpack(result)

    def _entry(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> _Entry:
        """Code for arguments like these: from memory, from the store, or compiled."""
        with _LOCK:
            if key not in self._entries:
                code = stored_code.find(self.py_func, self.targetoptions, key)
                if code is None or not _known(code.result):
                    code = self._compiled(key, args)
                kinds = [ctypes.c_void_p, ctypes.c_void_p, *_arguments(key)]
                call = ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)(code.address)
                self._entries[key] = _Entry(call, *_result(code.result))
            return self._entries[key]

    def _compiled(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> stored_code.Code:
        import numba

        signature = tuple(numba.typeof(a) for a in args)
        self.dispatcher.compile(signature)
        made = self.dispatcher.overloads[signature]
        result = ",".join(map(str, getattr(made.signature.return_type, "types", [made.signature.return_type])))
        if not _known(result):
            raise TypeError(f"{self.__qualname__} returns {result}; a kernel returns numbers or nothing")
        name = made.fndesc.llvm_func_name
        stored_code.keep(self.py_func, self.targetoptions, key, name, result, made.library)
        return stored_code.Code(made.library.get_pointer_to_function(name), result)


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba's decorator of this name; see the module's description."""
    return lambda function: Kernel(function, options)


class _Lazy:
    """Something of numba's that compiled functions refer to, made when the first of them is compiled."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    @property
    def _numba_type_(self) -> Any:
        with _LOCK:
            if self._made is None:
                self._made = self._make()
        return self._made

    def __call__(self, *args: Any) -> Any:
        raise NotImplementedError("only compiled functions can call this")


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba's decorator of this name."""

    def make() -> Any:
        from numba.core.registry import cpu_target
        from numba.extending import intrinsic as numbas

        real = numbas(function)
        cpu_target.typing_context.refresh()
        return cpu_target.typing_context.resolve_value_type(real)

    return _Lazy(make)


def external(name: str, result: str) -> Any:
    """A function of the C library without arguments, for kernels."""

    def make() -> Any:
        from numba import types

        return types.ExternalFunction(name, getattr(types, result)())

    return _Lazy(make)


class _Types:
    """numba's module ``types``, loaded when it is used."""

    def __getattr__(self, name: str) -> Any:
        from numba import types

        return getattr(types, name)


types: Any = _Types()


def _flatten(x: Any, key: list[Any], values: list[Any]) -> None:
    """Append what tells numba's type of an argument to `key`, and to `values` what compiled code takes for it."""
    kind = type(x)
    if kind is np.ndarray:
        flags = x.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        key.append((x.dtype.str, x.ndim, layout, flags.writeable, flags.aligned))
        values += (None, None, x.size, x.itemsize, x.ctypes.data, *x.shape, *x.strides)
    elif kind is int:
        key.append("int64" if -(1 << 63) <= x < 1 << 63 else "uint64")
        values.append(x)
    elif kind is float:
        key.append("float64")
        values.append(x)
    elif kind is bool:
        key.append("bool")
        values.append(x)
    elif isinstance(x, tuple):
        key.append((kind.__qualname__, len(x)))
        for part in x:
            _flatten(part, key, values)
    elif isinstance(x, np.generic) and x.dtype.name in _C_TYPES:
        key.append(x.dtype.name)
        values.append(x.item())
    else:
        raise TypeError(f"a kernel takes numbers, arrays and tuples of them, not {kind.__name__}")


def _known(result: str) -> bool:
    return all(name in _C_TYPES for name in result.split(","))


def _result(names: str) -> tuple[Any, Callable[[Any], Any]]:
    """Where compiled code puts a number, or several separated by commas, and what makes Python's of it."""
    kinds = names.split(",")
    if len(kinds) == 1:
        return _C_TYPES[names], (lambda r: bool(r.value)) if names in _BOOLEANS else (lambda r: r.value)
    fields = [(f"part{i}", _C_TYPES[kind]) for i, kind in enumerate(kinds)]
    place = type("Numbers", (ctypes.Structure,), {"_fields_": fields})

    def unpack(r: Any) -> tuple[Any, ...]:
        parts = (getattr(r, name) for name, _ in fields)
        return tuple(bool(p) if kind in _BOOLEANS else p for p, kind in zip(parts, kinds))

    return place, unpack


def _arguments(key: tuple[Any, ...]) -> list[Any]:
    """Types of the values that `_flatten` gives for arguments with this key."""
    out: list[Any] = []
    for part in key:
        if isinstance(part, str):
            out.append(_C_TYPES[part])
        elif len(part) == 5:
            out += [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 2 + [ctypes.c_void_p] + [ctypes.c_int64] * (2 * part[1])
    return out


if sys.maxsize < 1 << 32:
    raise ImportError("heavywater needs a 64-bit Python")
