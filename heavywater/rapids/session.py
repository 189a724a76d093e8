"""Rapids as text against named frames: ``(tmp= …)``, ``(assign …)``, ``(rm …)`` and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.frame import Frame
from heavywater.rapids.declare import describe
from heavywater.rapids.parse import parse
from heavywater.rapids.primitives.impute import impute
from heavywater.rapids.run import evaluate
from heavywater.rapids.table import Table


class RapidsSession:
    """Temporary names over a store of named objects.

    Parameters
    ----------
    store : mutable mapping
        Frames (and other objects) by key; shared with others.
    more : mapping of str to callable, optional
        Further primitives that need the world outside, such as those that ask models.
    """

    def __init__(self, store: MutableMapping[str, Any], more: Mapping[str, Callable[..., Any]] | None = None):
        self.store = store
        self.temps: dict[str, Frame] = {}
        self.last_key: str | None = None
        self._acts: dict[str, Callable[..., Any]] = {
            "tmp=": self._tmp,
            "assign": self._assign,
            "rm": self._rm,
            "rename": self._rename,
            "ls": self._ls,
            "h2o.impute": self._impute,
            "getTimeZone": lambda: "UTC",
            "setTimeZone": self._set_time_zone,
            **(more or {}),
        }

    def run(self, text: str) -> Any:
        """Evaluate one expression.

        Returns
        -------
        Frame, float, str, list, dict of Frame, or Function
            `last_key` is the name of a frame that was named by the outermost call, or None.
        """
        self.last_key = None
        node = parse(text)
        named = getattr(node, "primitive", None) in ("tmp=", "assign")
        value = evaluate(node, self)
        if not named:
            self.last_key = None
        return value

    def close(self) -> None:
        """Forget the temporary frames."""
        self.temps.clear()

    # -- what the interpreter asks -----------------------------------------------------------------------------------

    def find(self, name: str) -> Any:
        return self.temps[name] if name in self.temps else self.store.get(name)

    def act(self, op: str, args: list[Any]) -> Any:
        if op not in self._acts:
            raise NotSupported(f"({op} …) is not available here")
        try:
            return self._acts[op](*args)
        except TypeError as e:
            if "positional argument" not in str(e):
                raise
            raise H2OValueError(f"Incorrect number of arguments for '{op}': it was passed {len(args)}") from None

    def _tmp(self, key: str, value: Any) -> Table:
        table = _table(value)
        if key in self.temps or key in self.store:
            raise H2OValueError(f"Temp ID {key} already exists")
        self.temps[key] = table.frame()
        self.last_key = key
        return table

    def _assign(self, key: str, value: Any) -> Table:
        table = _table(value)
        if key in self.temps:
            raise H2OValueError(f"{key} is a temporary frame of this session and cannot be assigned to")
        self.store[key] = table.frame()
        self.last_key = key
        return table

    def _rm(self, key: str) -> float:
        if self.temps.pop(key, None) is not None:
            return 1.0
        return float(self.store.pop(key, None) is not None)

    def _rename(self, old: str, new: str) -> float:
        home: MutableMapping[str, Any] = self.temps if old in self.temps else self.store
        if old not in home:
            raise H2OValueError(f"there is no object with the key {old!r}")
        self.store[new] = home[old]
        del home[old]
        return math.nan

    def _ls(self) -> Table:
        return Table.of({"key": pl.Series(sorted({*self.store, *self.temps}), dtype=pl.String)})

    def _set_time_zone(self, zone: str) -> str:
        if str(zone).upper() not in ("UTC", "ETC/UTC", "GMT", "Z"):
            raise NotSupported(f"times are UTC here; the time zone {zone!r} cannot be set")
        return "UTC"

    def _impute(
        self,
        key: Any,
        column: Any,
        method: str,
        combine: str = "interpolate",
        by: Any = None,
        groups: Any = "_",
        values: Any = "_",
    ) -> Any:
        frame = self.find(key) if isinstance(key, str) else key
        if frame is None:
            raise H2OValueError(f"there is no frame with the key {key!r}")
        filled, found = impute(
            Table.of_frame(frame) if isinstance(frame, Frame) else frame, column, method, combine, by, groups, values
        )
        if isinstance(key, str):
            home: MutableMapping[str, Any] = self.temps if key in self.temps else self.store
            home[key] = filled.frame()
        return found


def _table(value: Any) -> Table:
    if not isinstance(value, Table):
        raise H2OTypeError(f"Expected a Frame but found {describe(value)}")
    return value
