"""H2O's module-level functions that concern frames only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heavywater.errors import H2OTypeError
from heavywater.h2oframe.frame import H2OFrame


def interaction(
    data: H2OFrame,
    factors: Sequence[str | int],
    pairwise: bool,
    max_factors: int,
    min_occurrence: int,
    destination_frame: str | None = None,
) -> H2OFrame:
    """Combine the levels of categorical columns.

    Parameters
    ----------
    data : H2OFrame
        The frame.
    factors : list of str or int
        Categorical columns.
    pairwise : bool
        A column for each pair, instead of one for all together.
    max_factors : int
        Combinations kept; the others become ``other``.
    min_occurrence : int
        Rows that a combination must have to be kept.
    destination_frame : str, optional
        Name of the result.

    Returns
    -------
    H2OFrame
        Columns such as ``a_b`` with levels such as ``x_y``, the most frequent first.
    """
    return _frame(data).interaction(factors, pairwise, max_factors, min_occurrence, destination_frame)


def as_list(data: H2OFrame, use_pandas: bool = True, header: bool = True) -> Any:
    """The data as a pandas data frame or as a list of rows of texts."""
    return _frame(data).as_data_frame(use_pandas, header)


def rapids(expr: str) -> Any:
    """Evaluate Rapids text against the frames of the session.

    Returns
    -------
    H2OFrame, float, str or list
    """
    from heavywater.frame import Frame
    from heavywater.h2oframe.base import current_session

    value, key = current_session().run_text(expr)
    return H2OFrame._of(value, key=key) if isinstance(value, Frame) else value


def _frame(data: Any) -> H2OFrame:
    if not isinstance(data, H2OFrame):
        raise H2OTypeError(f"an H2OFrame is needed; got {type(data).__name__}")
    return data
