"""What the session holds: `ls`, `get_frame`, `get_model`, `remove`, `assign`, and expressions as text: `rapids`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heavywater.display.table import Table
from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.estimators.registry import estimator_of
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame


def ls() -> Any:
    """Keys of all frames and models, as a data frame with one column ``key``."""
    keys = session.current().keys()
    return Table("Objects", ["key"], ["string"], [[k] for k in keys]).as_data_frame()


def get_frame(frame_id: str, **ignored: Any) -> H2OFrame:
    """The frame called `frame_id`."""
    return H2OFrame.get_frame(frame_id)


def get_model(model_id: str) -> H2OEstimator:
    """The trained estimator called `model_id`."""
    return estimator_of(session.current().model(model_id))


def frames() -> list[str]:
    """Keys of all frames."""
    s = session.current()
    return [k for k, v in s.store.items() if isinstance(v, Frame) or hasattr(v, "_frame")]


def remove(x: Any, cascade: bool = True) -> None:
    """Forget frames, models and grids: an object, a key, or a list of them."""
    for item in x if isinstance(x, (list, tuple)) else [x]:
        key = item if isinstance(item, str) else _key_of(item)
        if key is None:
            raise H2OTypeError(f"remove() takes frames, models, grids and their keys; got {type(item).__name__}")
        session.current().get(key)
        session.current().remove(key)


def remove_all(retained: Sequence[Any] | None = None) -> None:
    """Forget every frame and model except those `retained` (objects or keys)."""
    keep = {str(r if isinstance(r, str) else _key_of(r)) for r in retained or ()}
    session.current().store.clear(keep)


def assign(data: H2OFrame, xid: str) -> H2OFrame:
    """Give a frame the name `xid`."""
    data.frame_id = xid
    return data


def deep_copy(data: H2OFrame, xid: str) -> H2OFrame:
    """A frame of its own with the same content, called `xid`."""
    if data.frame_id == xid:
        raise H2OValueError(f"the copy needs another name than {xid!r}")
    return H2OFrame._of(data._frame(), key=xid)


def _key_of(item: Any) -> str | None:
    found = getattr(item, "frame_id", None) or getattr(item, "key", None) or getattr(item, "grid_id", None)
    return None if found is None else str(found)


def rapids(expr: str) -> dict[str, Any]:
    """Evaluate an expression in H2O's Rapids language against the objects of the session.

    Parameters
    ----------
    expr : str
        Such as ``"(mean (cols frame_1 'x') True 0)"``; frames are named by their keys.

    Returns
    -------
    dict
        As in H2O: ``key``, ``num_rows`` and ``num_cols`` of a frame (which `get_frame` finds under its key), or
        ``scalar``, or ``string``.

    Raises
    ------
    H2OValueError, NotFound
        The text is not an expression, or names something that is not there.
    """
    if not isinstance(expr, str):
        raise H2OTypeError(f"rapids() takes an expression as text; got {type(expr).__name__}")
    engine = session.current()
    value, name = engine.run_text(expr)
    if isinstance(value, Frame):
        key = name or engine.new_key("rapids")
        engine.put(key, value)
        return {"key": {"name": key}, "num_rows": value.nrow, "num_cols": value.ncol}
    texts = isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
    return {"string" if texts else "scalar": value}
