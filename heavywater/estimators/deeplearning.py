"""Deep Learning estimators, under H2O's names."""

from __future__ import annotations

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.engine import session
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.h2oframe import H2OFrame


class H2ODeepLearningEstimator(H2OEstimator, DeepLearningParams):
    """A multi-layer feed-forward network trained with stochastic gradient descent and back-propagation.

    The parameters are those of `DeepLearningParams`; `train` takes columns and frames.
    Source: Deep Learning booklet, sections 3 to 8.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "b": [0, 0, 1, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> model = H2ODeepLearningEstimator(hidden=[8], epochs=2, seed=1)
    >>> model.train(x=["a", "b"], y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "deeplearning"

    def anomaly(self, test_data: H2OFrame, per_feature: bool = False) -> H2OFrame:
        """Reconstruction error of an autoencoder.

        Parameters
        ----------
        test_data : H2OFrame
            Rows to reconstruct.
        per_feature : bool
            One column of squared errors per network input (``reconstr_<input>.SE``) instead of the mean per row
            (``Reconstruction.MSE``).
        """
        found = session.current().ask(self._trained(), "anomaly", test_data._frame(), per_feature=per_feature)
        return H2OFrame._of(found)

    def deepfeatures(self, test_data: H2OFrame, layer: int | str) -> H2OFrame:
        """Activations of hidden layer `layer` (0 is the first) for every row, in columns ``DF.L<layer+1>.C<unit>``."""
        return H2OFrame._of(session.current().ask(self._trained(), "deepfeatures", test_data._frame(), layer=layer))

    def weights(self, matrix_id: int = 0) -> H2OFrame:
        """Weights into layer ``matrix_id + 1``, a row per unit, a column per input (see export_weights_and_biases)."""
        return H2OFrame._of(session.current().ask(self._trained(), "weights", matrix_id=matrix_id))

    def biases(self, vector_id: int = 0) -> H2OFrame:
        """Biases of layer ``vector_id + 1`` as one column (needs export_weights_and_biases)."""
        return H2OFrame._of(session.current().ask(self._trained(), "biases", vector_id=vector_id))


class H2OAutoEncoderEstimator(H2ODeepLearningEstimator):
    """A network trained to reproduce its inputs; `anomaly` gives the reconstruction error of each row.

    Source: Deep Learning booklet, section 7.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator
    >>> frame = h2o.H2OFrame({"a": list(range(50)), "b": [i * i for i in range(50)]})
    >>> model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[3], epochs=5, seed=1)
    >>> model.train(x=["a", "b"], training_frame=frame).anomaly(frame).names
    ['Reconstruction.MSE']
    """

    def __post_init__(self) -> None:
        self.autoencoder = True
