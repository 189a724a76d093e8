"""How much an expression may ask for; nothing is bounded unless the caller says so, as the server does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf

from heavywater.errors import H2OValueError


@dataclass(frozen=True)
class Bounds:
    """Limits of one evaluation.

    Attributes
    ----------
    max_rows, max_columns : float
        Largest table that a primitive may give.
    linear_patterns : bool
        Whether only regular expressions that run in linear time are taken (no look-around, no back-references).
    """

    max_rows: float = inf
    max_columns: float = inf
    linear_patterns: bool = False

    def check_rows(self, rows: float) -> None:
        """Refuse a table of more rows than allowed, if possible before it is made."""
        if rows > self.max_rows:
            raise H2OValueError(f"the result would have {rows:.0f} rows; at most {self.max_rows:.0f} are allowed")

    def check_columns(self, columns: float) -> None:
        """Refuse a table of more columns than allowed, if possible before it is made."""
        if columns > self.max_columns:
            raise H2OValueError(
                f"the result would have {columns:.0f} columns; at most {self.max_columns:.0f} are allowed"
            )


_UNBOUNDED = Bounds()
_current: ContextVar[Bounds] = ContextVar("bounds", default=_UNBOUNDED)


def bounds() -> Bounds:
    """The limits in force."""
    return _current.get()


@contextlib.contextmanager
def bounded(limits: Bounds) -> Iterator[None]:
    """Within this block, on this thread, `limits` are in force."""
    token = _current.set(limits)
    try:
        yield
    finally:
        _current.reset(token)
