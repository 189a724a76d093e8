"""What cross-validation leaves behind: fold models, holdout predictions and the folds of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heavywater.engine import session
from heavywater.errors import H2OValueError, NotFound
from heavywater.h2oframe import H2OFrame
from heavywater.models.model import Model

if TYPE_CHECKING:
    from heavywater.estimators.estimator_base import H2OEstimator


class CrossValidated:
    """Methods that read a cross-validated model; mixed into every estimator.

    Each answers None when the thing was not kept (see the ``keep_cross_validation_*`` parameters), as in H2O.
    """

    def _trained(self) -> Model:
        raise H2OValueError("this model is not trained yet; call train() first")

    def is_cross_validated(self) -> bool:
        """Whether the model was trained with folds."""
        return self._trained().output.get("cross_validation_metrics") is not None

    def cross_validation_models(self) -> list[H2OEstimator] | None:
        """The models of the folds, or None when they were not kept.

        Raises
        ------
        NotFound
            When they are no longer in the session.
        """
        from heavywater.estimators.registry import estimator_of

        keys = self._left_behind("cross_validation_models")
        return None if keys is None else [estimator_of(_find(k, "fold model")) for k in keys]

    @property
    def xvals(self) -> list[H2OEstimator] | None:
        """The models of the folds."""
        return self.cross_validation_models()

    def get_xval_models(self, key: str | None = None) -> Any:
        """The models of the folds, or the one called `key`."""
        models = self.cross_validation_models()
        if key is None or models is None:
            return models
        for m in models:
            if m.key == key:
                return m
        raise NotFound(f"{key!r} is not a fold model; they are {', '.join(str(m.key) for m in models)}")

    def cross_validation_predictions(self) -> list[H2OFrame] | None:
        """A frame per fold: the predictions of its model for its held-out rows, 0 for all others."""
        keys = self._left_behind("cross_validation_predictions")
        return None if keys is None else [_frame(k) for k in keys]

    def cross_validation_holdout_predictions(self) -> H2OFrame | None:
        """The predictions for every training row by the model that had not seen it."""
        key = self._left_behind("cross_validation_holdout_predictions_frame_id")
        return None if key is None else _frame(key)

    def cross_validation_fold_assignment(self) -> H2OFrame | None:
        """The fold, from 0, of every training row, in the column ``fold_assignment``."""
        key = self._left_behind("cross_validation_fold_assignment_frame_id")
        return None if key is None else _frame(key)

    def _left_behind(self, name: str) -> Any:
        if not self.is_cross_validated():
            raise H2OValueError("the model was trained without cross-validation; train with nfolds= or fold_column=")
        return self._trained().output.get(name)


def _find(key: str, what: str) -> object:
    found = session.current().store.find(key)
    if found is None:
        raise NotFound(f"the {what} {key!r} is not in this session (removed, or the model was loaded from a file)")
    return found


def _frame(key: str) -> H2OFrame:
    _find(key, "frame")
    return H2OFrame.get_frame(key)
