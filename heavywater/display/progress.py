"""`Progress`: one line in the terminal while something long runs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress"]


class Progress:
    """A progress bar with percent, rows per second, remaining time and the latest text.

    Parameters
    ----------
    title : str
        What is running, e.g. ``"deeplearning"``.
    rows : float, optional
        Rows that will have been processed at the end; with it the speed is shown.
    enabled : bool, optional
        Whether to show anything; by default only on a terminal or in a notebook.

    Examples
    --------
    >>> with Progress("deeplearning", rows=1000, enabled=False) as bar:
    ...     bar.update(0.5, "logloss 0.31")
    """

    def __init__(self, title: str = "", rows: float | None = None, enabled: bool | None = None) -> None:
        self.title = title
        self.rows = rows
        self.enabled = _has_audience() if enabled is None else enabled
        self.fraction = 0.0
        self.text = ""
        self._start = 0.0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        self._start = time.monotonic()
        if self.enabled:
            self._bar = _rich_bar()
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=1.0, speed="", left="", note="")
        return self

    def update(self, fraction: float, text: str = "") -> None:
        """Say how much is done.

        Parameters
        ----------
        fraction : float
            Share of the work done, 0 to 1; never shown as going back.
        text : str
            Latest news, e.g. a metric; an empty one keeps the last.
        """
        self.fraction = min(max(self.fraction, float(fraction)), 1.0)
        self.text = text or self.text
        if self._bar is not None:
            self._bar.update(self._task, completed=self.fraction, speed=self.speed(), left=self.left(), note=self.text)

    def speed(self) -> str:
        """Rows per second since the start as text; empty while unknown."""
        elapsed = time.monotonic() - self._start
        if not self.rows or not self.fraction or elapsed <= 0:
            return ""
        return f"{self.rows * self.fraction / elapsed:,.0f} rows/s"

    def left(self) -> str:
        """Estimate of the remaining time, or the time it took, as text; empty while unknown."""
        elapsed = time.monotonic() - self._start
        if not self.fraction:
            return ""
        if self.fraction == 1:
            return f"in {_clock(elapsed)}"
        return f"{_clock(elapsed * (1 - self.fraction) / self.fraction)} left"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            if kind is None:
                self.update(1.0)
            self._bar.stop()
            self._bar = None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _has_audience() -> bool:
    return bool(getattr(sys.stderr, "isatty", lambda: False)()) or _in_notebook()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
    )
