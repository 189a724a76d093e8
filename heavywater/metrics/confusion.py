"""Confusion matrix: a table that knows its counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.errors import H2OValueError

__all__ = ["ConfusionMatrix", "MAX_CLASSES", "count_classes"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MAX_CLASSES = 1000
"""Above so many classes no confusion matrix is made."""


class ConfusionMatrix(Table):
    """Rows are actual classes, columns predicted ones; the last row and the last two columns are totals and errors.

    Parameters
    ----------
    counts : (classes, classes) array
        Rows, or their weights.
    domain : sequence of str
        Class names.
    title, description : str
        Heading and the line below it.
    """

    def __init__(
        self,
        counts: npt.ArrayLike,
        domain: Sequence[str],
        title: str = "Confusion Matrix",
        description: str = "Row labels: Actual class; Column labels: Predicted class",
    ) -> None:
        self.counts: F64 = np.asarray(counts, dtype=np.float64)
        self.domain = [str(d) for d in domain]
        if self.counts.shape != (len(self.domain),) * 2:
            raise H2OValueError(f"counts of shape {self.counts.shape} for {len(self.domain)} classes")
        whole = bool(np.all(self.counts == np.rint(self.counts)))
        numbers = np.vstack([self.counts, self.counts.sum(axis=0)])
        shown: Any = np.rint(numbers).astype(np.int64) if whole else numbers
        wrong = self.counts.sum(axis=1) - np.diag(self.counts)
        wrong = np.append(wrong, wrong.sum())
        rows = np.append(self.counts.sum(axis=1), self.counts.sum())
        rates = [e / n if n else math.nan for e, n in zip(wrong, rows)]
        texts = [f"{_count(e)} / {_count(n)}" for e, n in zip(wrong, rows)]
        width = max(map(len, texts))
        kind = "long" if whole else "double"
        self._fill(
            title,
            [*self.domain, "Error", "Rate"],
            [*[kind] * len(self.domain), "double", "string"],
            [*shown.T.tolist(), rates, texts],
            description,
            [*["%d" if whole else "%.4f"] * len(self.domain), "%.4f", f"= %{width}s"],
            [*self.domain, "Total"],
        )

    @property
    def table(self) -> Table:
        """The same with the class names as a first column."""
        rows = [[label, *row] for label, row in zip(self.row_labels or [], self.cell_values)]
        types, formats = ["string", *self.col_types], ["%s", *self.col_formats]
        return Table(self.title, ["", *self.col_header], types, rows, self.description, formats)

    def to_list(self) -> list[list[Any]]:
        """The counts without totals, as nested lists."""
        return [row[: len(self.domain)] for row in self.cell_values[:-1]]

    @property
    def class_errors(self) -> F64:
        """Share of wrong rows per actual class; 0 for a class without rows."""
        return np.nan_to_num(np.array(self["Error"][:-1], dtype=np.float64))

    @property
    def error(self) -> float:
        """Share of wrong rows; NaN without rows."""
        return float(self["Error"][-1])

    @property
    def mean_per_class_error(self) -> float:
        """Mean of `class_errors`; NaN without rows."""
        return math.nan if not self.counts.sum() else float(self.class_errors.mean())

    @staticmethod
    def from_json(d: Mapping[str, Any]) -> ConfusionMatrix:
        """The matrix that `to_json` described."""
        table = Table.from_json(d)
        k = len(table.col_header) - 2
        if k < 1 or len(table) != k + 1:
            raise H2OValueError(f"not a confusion matrix: {len(table)} rows and {k + 2} columns")
        counts = np.array(table.data[:k], dtype=np.float64).T[:k]
        return ConfusionMatrix(counts, table.col_header[:k], table.title, table.description)


def count_classes(actual: I64, predicted: I64, classes: int, weights: F64 | None = None) -> F64:
    """(classes, classes) matrix of rows, or of their weights, per actual and predicted class."""
    flat = np.bincount(actual * classes + predicted, weights, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.float64)


def _count(x: float) -> str:
    return f"{x:.0f}" if x == round(x) else f"{x:.4g}"
