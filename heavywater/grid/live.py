"""The table of a running search: a line per model, in a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

_LINES = 12


class LiveTable:
    """Shows models of a search while they train; quiet when nobody is looking.

    Parameters
    ----------
    title : str
        Heading.
    names : sequence of str
        Hyper-parameters, one column each.
    metric : str
        Heading of the last column.
    enabled : bool
        False shows nothing; True only on a terminal.
    """

    def __init__(self, title: str, names: Sequence[str], metric: str, enabled: bool = True) -> None:
        self.title, self.names, self.metric = title, list(names), metric
        self.rows: dict[int, tuple[dict[str, Any], str, str]] = {}
        self._live: Any = None
        self._enabled = enabled and bool(getattr(sys.stderr, "isatty", lambda: False)())

    def __enter__(self) -> LiveTable:
        if self._enabled:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, number: int, point: dict[str, Any], status: str, value: str = "") -> None:
        """Set the line of model `number`: its values, how far it is, and its metric."""
        line = (point, status, value)
        if self.rows.get(number) == line:
            return
        self.rows[number] = line
        if self._live is not None:
            self._live.update(self.render())

    def render(self) -> Any:
        """The table as rich draws it: the latest lines."""
        from rich.table import Table

        hidden = len(self.rows) - _LINES
        table = Table(title=self.title, caption=f"and {hidden} before these" if hidden > 0 else None)
        for name in ("model", *self.names, "status", self.metric):
            table.add_column(name)
        for number in sorted(self.rows)[-_LINES:]:
            point, status, value = self.rows[number]
            table.add_row(str(number), *(str(point[n]) for n in self.names), status, value)
        return table
