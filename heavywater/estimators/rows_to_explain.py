"""What every explanation needs: a model with a response, frames, single rows, predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame
from heavywater.models.model import Model


def supervised(model: Model) -> Model:
    """The model, when it predicts a response."""
    if model.category == "AutoEncoder":
        raise NotSupported("an autoencoder predicts no response to explain; see anomaly(frame, per_feature=True)")
    return model


def answers(model: Model, frame: Frame) -> np.ndarray:
    """Predictions as an array, with all threads of the session."""
    return np.asarray(session.current().ask(model, "answers", frame))


def frame_of(value: Any) -> Frame:
    """The data of an H2OFrame."""
    if not isinstance(value, H2OFrame):
        raise H2OTypeError(f"a frame is needed; got {type(value).__name__}")
    return value._frame()


def row_of(frame: Frame, index: int) -> Frame:
    """One row of a frame."""
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < frame.nrow:
        raise H2OValueError(f"row_index must be between 0 and {frame.nrow - 1}; got {index!r}")
    return frame.slice(index, 1)
