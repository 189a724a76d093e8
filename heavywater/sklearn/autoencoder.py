"""`DeepLearningAutoencoder`: compression and anomaly detection."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.engine import session
from heavywater.errors import H2OValueError
from heavywater.sklearn.base import Face
from heavywater.sklearn.tables import table, training_table


class DeepLearningAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DeepLearningParams, Face):  # type: ignore[misc]
    """A deep network that reproduces its inputs through a narrow layer.

    `transform` gives the activations of the narrowest hidden layer (the first of several), `score_samples` tells how
    ordinary a row is.  The parameters are those of `DeepLearningParams`; `autoencoder` is taken to be True.

    Attributes
    ----------
    model_ : DeepLearningModel
        The trained model.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        For data frames only.
    """

    def fit(self, X: Any, y: Any = None, validation: Any = None) -> DeepLearningAutoencoder:
        """Train the network.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n_samples, n_features)
            Rows to learn; NaN is a missing value.
        y : object
            Not looked at.
        validation : like `X`, optional
            Rows that are scored during training, never learned from.
        """
        frame = training_table(self, X, min_rows=2)
        valid = None if validation is None else (table(self, validation), None)
        self.model_ = self._train(frame, None, None, valid, autoencoder=True)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Activations of the narrowest hidden layer, float64 of shape (n_samples, units)."""
        check_is_fitted(self)
        return self.deepfeatures(X, self._narrowest())

    def deepfeatures(self, X: Any, layer: int) -> np.ndarray:
        """Activations of hidden layer `layer`, counted from 0, float64 of shape (n_samples, units)."""
        check_is_fitted(self)
        return self.model_.deepfeatures(table(self, X), layer=layer, threads=session.current().nthreads).data.to_numpy()

    def anomaly(self, X: Any, per_feature: bool = False) -> np.ndarray:
        """Reconstruction error.

        Parameters
        ----------
        X : array, sparse matrix or data frame of shape (n_samples, n_features)
        per_feature : bool
            Squared errors of shape (n_samples, network inputs) instead of their mean per row, shape (n_samples,).
        """
        check_is_fitted(self)
        threads = session.current().nthreads
        errors = self.model_.anomaly(table(self, X), per_feature=per_feature, threads=threads).data.to_numpy()
        return errors if per_feature else errors[:, 0]

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the reconstruction error of each row, shape (n_samples,); the lower, the stranger the row."""
        return -self.anomaly(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    @property
    def _n_features_out(self) -> int:
        return int(self.model_.actual.hidden[self._narrowest()])

    def _narrowest(self) -> int:
        sizes = self.model_.actual.hidden
        if not sizes:
            raise H2OValueError("transform needs a hidden layer; this network has none")
        return int(np.argmin(sizes))
