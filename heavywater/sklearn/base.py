"""What the faces have in common: from `fit` to the engine and back."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from heavywater.algos.deeplearning.model import DeepLearningModel
from heavywater.engine import session
from heavywater.engine.request import TrainRequest
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.sklearn.tables import with_columns

_OF_H2O = ("training_frame", "validation_frame", "response_column", "ignored_columns")


class Face(BaseEstimator):  # type: ignore[misc]
    """Base of the scikit-learn estimators; a subclass adds the parameters and says what is predicted.

    Attributes
    ----------
    model_ : DeepLearningModel
        The trained model, with everything that H2O's estimators tell about it.
    """

    algo: ClassVar[str] = "deeplearning"
    model_: DeepLearningModel

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.non_deterministic = not (self.reproducible is True and self.seed not in (-1, None))
        return tags

    def _train(
        self, frame: Frame, y: Any, weights: Any, validation: tuple[Frame, Any] | None, **fixed: Any
    ) -> DeepLearningModel:
        """Train on `frame` with the response `y` and observation `weights` (either may be None)."""
        values = {f.name: getattr(self, f.name) for f in fields(self)} | fixed
        me = type(self).__name__
        for name in _OF_H2O:
            if values[name] is not None:
                raise H2OValueError(f"{name} has no place in {me}: data are given to fit")
        if weights is not None and values["weights_column"] is not None:
            raise H2OValueError("sample_weight and weights_column cannot be given together")
        training, names = with_columns(frame, y=y, weights=weights)
        if weights is not None:
            values["weights_column"] = names["weights"]
        special = {values[c] for c in ("weights_column", "offset_column", "fold_column")}
        valid = None
        if validation is not None:
            table, target = validation
            ones = None if weights is None else np.ones(table.nrow)
            valid, _ = with_columns(table, y=target, weights=ones)
        request = TrainRequest(
            algo=self.algo,
            params=values,
            x=[n for n in frame.names if n not in special],
            y=names.get("y"),
            training=training,
            validation=valid,
            quiet=True,
        )
        engine = session.current()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="the response .* is numeric with only the values 0 and 1")
            model = engine.train(request)
        assert isinstance(model, DeepLearningModel)
        if values["model_id"] is None:
            engine.remove(model.key)  # it belongs to the estimator
        return model


def checked_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Observation weights as float64 ``(rows,)``; a number counts for every row.

    Raises
    ------
    H2OValueError
        When their number is wrong, one is negative, infinite or missing, or all are zero.
    """
    if sample_weight is None:
        return None
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.ndim == 0:
        w = np.full(rows, float(w))
    if w.shape != (rows,):
        raise H2OValueError(f"sample_weight must be one number per row, shape ({rows},); got shape {w.shape}")
    if not np.isfinite(w).all() or (w < 0).any():
        raise H2OValueError("sample_weight must be finite and not negative")
    if not w.any():
        raise H2OValueError("sample_weight is zero in every row")
    return w
