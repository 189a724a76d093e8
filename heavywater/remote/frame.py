"""A frame that lies on the server: its names and kinds are asked for, its data only when somebody needs them here."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import polars as pl

from heavywater.errors import NotFound, did_you_mean
from heavywater.frame import Frame
from heavywater.frame.frame import Kind
from heavywater.frame.stored import unpack
from heavywater.remote.connection import quoted

if TYPE_CHECKING:
    from heavywater.remote.session import RemoteSession


class RemoteFrame(Frame):
    """A table under a name on the server.

    Parameters
    ----------
    session : RemoteSession
    key : str
        Its name there.
    temporary : bool
        Whether the server may forget it when this object goes.
    """

    def __init__(self, session: RemoteSession, key: str, *, temporary: bool = False) -> None:
        put = object.__setattr__  # the class is frozen
        put(self, "session", session)
        put(self, "key", key)
        put(self, "_cache", {})
        if temporary:
            weakref.finalize(self, session.connection.forgotten.append, key).atexit = False

    session: RemoteSession
    key: str

    @property
    def facts(self) -> dict[str, Any]:
        """Rows, and for each column its kind and levels."""
        if "facts" not in self._cache:
            told = self.session.connection.get(f"/99/Native/frames/{quoted(self.key)}")
            columns = {name: (kind, levels) for name, kind, levels in told["columns"]}
            self._cache["facts"] = {"rows": told["rows"], "columns": columns}
        return self._cache["facts"]  # type: ignore[return-value]

    def _whole(self) -> Frame:
        if "whole" not in self._cache:
            body = self.session.connection.raw("GET", f"/99/Native/frames/{quoted(self.key)}/data")
            self._cache["whole"] = unpack(body, f"the frame {self.key!r}")[0]
        return self._cache["whole"]  # type: ignore[return-value]

    @property
    def stored(self) -> pl.DataFrame:
        """The columns, fetched once."""
        return self._whole().stored

    @property
    def uuids(self) -> frozenset[str]:
        return frozenset(n for n, (kind, _) in self.facts["columns"].items() if kind == "uuid")

    @property
    def names(self) -> list[str]:
        return list(self.facts["columns"])

    @property
    def nrow(self) -> int:
        return int(self.facts["rows"])

    @property
    def ncol(self) -> int:
        return len(self.facts["columns"])

    def kind(self, name: str) -> Kind:
        return self._column(name)[0]

    def levels(self, name: str) -> list[str] | None:
        return self._column(name)[1]

    def _column(self, name: str) -> tuple[Any, Any]:
        columns = self.facts["columns"]
        if name not in columns:
            hint = did_you_mean(name, columns)
            raise NotFound(f"there is no column {name!r} among the {self.ncol} columns{hint}")
        return columns[name]

    def __repr__(self) -> str:
        return f"RemoteFrame({self.key!r})"
