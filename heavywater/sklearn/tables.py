"""What users of scikit-learn hand over — arrays, sparse matrices, data frames — as frames of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from sklearn.utils.validation import validate_data

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame import Frame
from heavywater.frame.convert import from_python


def training_table(estimator: Any, X: Any, *, min_rows: int) -> Frame:
    """The frame of `X`, whose columns `estimator` takes note of.

    Sets ``n_features_in_``, ``feature_names_in_`` (data frames only), ``_names`` and ``_kinds``.
    """
    frame = _mixed(estimator, X, None) if is_mixed(X) else _numeric(estimator, X, reset=True, min_rows=min_rows)
    if frame.nrow < min_rows:
        raise H2OValueError(f"X has n_samples = {frame.nrow} rows; a minimum of {min_rows} is required")
    estimator._names, estimator._kinds = frame.names, [frame.kind(n) for n in frame.names]
    return frame


def table(estimator: Any, X: Any) -> Frame:
    """The frame of `X` with the columns that `estimator` was fitted on; columns go by their place."""
    kinds = estimator._kinds
    if is_data_frame(X) and any(k not in ("real", "int") for k in kinds):
        return _mixed(estimator, X, kinds)
    if all(k in ("real", "int") for k in kinds):
        return _numeric(estimator, X, reset=False)
    me = type(estimator).__name__
    raise H2OTypeError(f"{me} was fitted on a data frame with columns that are not numbers; it needs one here too")


def column_of_classes(codes: np.ndarray, classes: np.ndarray) -> pl.Series:
    """An enum column of class indices; the levels are the classes' names, in order."""
    names = [str(c) for c in classes]
    if len(set(names)) < len(names):  # such as 1 and "1"
        names = [f"{i}: {n}" for i, n in enumerate(names)]
    return pl.Series(names, dtype=pl.Enum(names)).gather(codes.astype(np.uint32))


def with_columns(frame: Frame, **columns: Any) -> tuple[Frame, dict[str, str]]:
    """`frame` with more columns (those that are not None), and their names, which no other column has."""
    taken, names, data = set(frame.names), {}, frame.stored
    for wanted, values in columns.items():
        if values is None:
            continue
        name = wanted
        while name in taken:
            name += "_"
        taken.add(name)
        names[wanted] = name
        data = data.with_columns(pl.Series(name, values))
    return Frame.of(data, uuids=tuple(frame.uuids)), names


def is_data_frame(X: Any) -> bool:
    """Whether `X` is a table with named columns: pandas, polars or arrow."""
    foreign = type(X).__module__.split(".")[0] in ("pandas", "pyarrow") and hasattr(X, "columns")
    return isinstance(X, pl.DataFrame) or foreign


def is_mixed(X: Any) -> bool:
    """Whether `X` is a data frame with a column that is not numeric."""
    if isinstance(X, pl.DataFrame):
        return not all(t.is_numeric() or t == pl.Boolean for t in X.dtypes)
    if not is_data_frame(X):
        return False
    if hasattr(X, "schema"):
        return True  # arrow
    return not all(getattr(t, "kind", "O") in "biuf" for t in X.dtypes)


def _numeric(estimator: Any, X: Any, *, reset: bool, min_rows: int = 1) -> Frame:
    X = validate_data(
        estimator, X, reset=reset, accept_sparse="csc", dtype="numeric", ensure_all_finite="allow-nan",
        ensure_min_samples=min_rows,
    )  # fmt: skip
    names = _names(estimator, X.shape[1], reset)
    if hasattr(X, "tocsc"):
        return from_python(X, names)
    return Frame.of(pl.from_numpy(np.asarray(X, dtype=np.float64), schema=names))


def _mixed(estimator: Any, X: Any, kinds: Sequence[str] | None) -> Frame:
    """A data frame as it is; text becomes categories, in the kinds of the training table if there is one already."""
    reset = kinds is None
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    names = _names(estimator, X.shape[1], reset)
    types = None if kinds is None else ["numeric" if k in ("real", "int") else k for k in kinds]
    frame = from_python(X, names, types)
    for n in frame.names:
        if frame.kind(n) in ("real", "int") and np.isinf(frame.numeric(n)).any():
            raise H2OValueError(f"Input X contains infinity: column {n!r}")
    return frame


def _names(estimator: Any, count: int, reset: bool) -> list[str]:
    if not reset:
        return list(estimator._names)
    given = getattr(estimator, "feature_names_in_", None)
    return [f"x{i}" for i in range(count)] if given is None else [str(n) for n in given]
