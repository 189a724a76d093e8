"""H2O's module-level functions that concern frames only."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
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
    from heavywater.rapids.session import RapidsSession

    runner = RapidsSession(_Store(current_session()))
    value = runner.run(expr)
    if not isinstance(value, Frame):
        return value
    return H2OFrame._of(value, key=runner.last_key) if runner.last_key else H2OFrame._of(value)


class _Store(MutableMapping[str, Any]):
    """The session's objects as the mapping that Rapids wants."""

    def __init__(self, session: Any):
        self.session = session

    def __getitem__(self, key: str) -> Any:
        if key not in set(self.session.keys()):
            raise KeyError(key)
        return self.session.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.session.put(key, value)

    def __delitem__(self, key: str) -> None:
        self.session.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.session.keys()))

    def __len__(self) -> int:
        return len(list(self.session.keys()))


def _frame(data: Any) -> H2OFrame:
    if not isinstance(data, H2OFrame):
        raise H2OTypeError(f"an H2OFrame is needed; got {type(data).__name__}")
    return data
