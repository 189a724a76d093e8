"""`DeepLearningClassifier` and `DeepLearningRegressor`."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.engine import session
from heavywater.errors import H2OValueError
from heavywater.sklearn.base import Face, checked_weights
from heavywater.sklearn.tables import column_of_classes, table, training_table

S = TypeVar("S", bound="_Supervised")


class _Supervised(DeepLearningParams, Face):
    """Training with a response."""

    _y_numeric = False

    def fit(self: S, X: Any, y: Any, sample_weight: Any = None, validation: tuple[Any, Any] | None = None) -> S:
        """Train the network.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n_samples, n_features)
            Predictors; NaN is a missing value.  Columns of pandas, polars or arrow frames that hold text or categories
            become categorical inputs.
        y : array-like of shape (n_samples,)
            What to predict.
        sample_weight : array-like of shape (n_samples,), optional
            Observation weights.
        validation : (X, y), optional
            Rows that are scored during training, never learned from; early stopping looks at them.

        Returns
        -------
        self

        Raises
        ------
        InvalidParams
            With every problem of the parameters.
        """
        if self.autoencoder is True:
            raise H2OValueError("autoencoder=True: use DeepLearningAutoencoder")
        y = validate_data(self, y=y, y_numeric=self._y_numeric)
        frame = training_table(self, X, min_rows=2)
        check_consistent_length(X, y)
        weights = checked_weights(sample_weight, frame.nrow)
        target = self._target(y, fit=True)
        valid = None
        if validation is not None:
            rows = table(self, validation[0])
            valid_y = validate_data(self, y=validation[1], y_numeric=self._y_numeric)
            check_consistent_length(validation[0], valid_y)
            valid = (rows, self._target(valid_y, fit=False))
        self.model_ = self._train(frame, target, weights, valid)
        return self

    def _target(self, y: np.ndarray, *, fit: bool) -> Any:
        raise AssertionError

    def _scored(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.answers(table(self, X), threads=session.current().nthreads)


class DeepLearningClassifier(ClassifierMixin, _Supervised):  # type: ignore[misc]
    """A deep network that predicts classes.

    The parameters are those of `DeepLearningParams`; those that name frames and the response have no place here.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted.
    model_ : DeepLearningModel
        The trained model.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        For data frames only.

    Notes
    -----
    `predict` names the most probable class.  H2O's estimators label two classes by the threshold with the largest F1.
    """

    classes_: np.ndarray

    def _target(self, y: np.ndarray, *, fit: bool) -> Any:
        check_classification_targets(y)
        if fit:
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise H2OValueError(f"y has only one class, {self.classes_[0]!r}; at least two classes are needed")
        else:
            unknown = np.setdiff1d(y, self.classes_)
            if len(unknown):
                raise H2OValueError(f"the y of validation has a class that was not in training: {unknown[0]!r}")
            codes = np.searchsorted(self.classes_, y)
        return column_of_classes(codes, self.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, in the order of `classes_`, float64 of shape (n_samples, n_classes)."""
        return self._scored(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, shape (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        labels: np.ndarray = self.classes_[best]
        return labels


class DeepLearningRegressor(RegressorMixin, _Supervised):  # type: ignore[misc]
    """A deep network that predicts numbers.

    The parameters are those of `DeepLearningParams`; those that name frames and the response have no place here.

    Attributes
    ----------
    model_ : DeepLearningModel
        The trained model.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        For data frames only.
    """

    _y_numeric = True

    def _target(self, y: np.ndarray, *, fit: bool) -> Any:
        return y.astype(np.float64)

    def predict(self, X: Any) -> np.ndarray:
        """Predicted numbers, float64 of shape (n_samples,)."""
        return self._scored(X)[:, 0]
