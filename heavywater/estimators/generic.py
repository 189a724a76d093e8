"""H2O's generic model: one that was made elsewhere and came as a MOJO."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.engine import session
from heavywater.errors import H2OValueError
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.export.mojo import read_mojo
from heavywater.models.model import Model
from heavywater.params import Params, param, parameters


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class GenericParams(Params):
    """Where a model comes from."""

    model_id: str | None = param(
        None, "Name of the model in the session; the MOJO's own when not given.", level="critical", wire="Key<Model>"
    )
    model_key: str | None = param(None, "Name of a model in the session, to take it as it is.", level="critical")
    path: str | None = param(None, "A MOJO file.", level="critical")


class H2OGenericEstimator(H2OEstimator, GenericParams):
    """A Deep Learning model that H2O or heavywater made elsewhere and wrote as a MOJO.

    It scores, shows its tables, metrics and variable importances as far as the MOJO tells them, is written in other
    formats, and can be trained further: ``H2ODeepLearningEstimator(checkpoint=generic, ...)`` with the shape of its network
    (see `continued`).

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators import H2ODeepLearningEstimator, H2OGenericEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> model = H2ODeepLearningEstimator(hidden=[8], epochs=2, seed=1).train(y="y", training_frame=frame)
    >>> path = model.download_mojo("model.zip")
    >>> H2OGenericEstimator.from_file(path).predict(frame).names
    ['predict', 'n', 'p']
    """

    algo = "generic"

    @staticmethod
    def from_file(file: str | os.PathLike[str], model_id: str | None = None) -> H2OGenericEstimator:
        """Open a MOJO file.

        Raises
        ------
        NotFound
            There is no such file.
        ModelFileError
            It is damaged, hostile or no MOJO.
        NotSupported
            It is the MOJO of another algorithm.
        """
        made = H2OGenericEstimator(model_id=model_id, path=os.fspath(file))
        made.train()
        return made

    def train(self, *args: Any, **params: Any) -> H2OGenericEstimator:
        """Open the model that `path` or `model_key` names; there is nothing to train and no argument to give."""
        if args or params:
            raise H2OValueError("a generic model is opened, not trained: call train() without arguments")
        if (self.path is None) == (self.model_key is None):
            raise H2OValueError("a generic model needs either path, a MOJO file, or model_key, a model of the session")
        engine = session.current()
        if self.path is None:
            assert self.model_key is not None
            self._model = engine.model(self.model_key)
            return self
        state = read_mojo(self.path, key=self._wanted_id)
        model: Model = algorithm(state.algo).build_model(state, str(state.output["model_id"]))
        engine.put(model.key, model)
        self._model = model
        return self

    def continued(self, **params: Any) -> H2ODeepLearningEstimator:
        """An estimator that trains this model further: its own parameters, changed by `params`.

        `epochs` counts from the very beginning and must be given; see `checkpoint` for what may change.
        """
        model = self._trained()
        known = {k: v for k, v in model.state.params.items() if k != "model_id"}
        return H2ODeepLearningEstimator(**{**known, "checkpoint": model, **params})
