"""Models from elsewhere: `import_mojo` and `upload_mojo`."""

from __future__ import annotations

import os

from heavywater.algos.base import algorithm
from heavywater.engine import session
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.estimators.registry import estimator_of
from heavywater.export.mojo import read_mojo
from heavywater.models.model import Model


def import_mojo(mojo_path: str | os.PathLike[str], model_id: str | None = None) -> H2OEstimator:
    """Open a Deep Learning MOJO, made by H2O or by heavywater, as a model that scores.

    Raises
    ------
    ModelFileError
        When the file is damaged, hostile or not a Deep Learning MOJO.
    """
    state = read_mojo(mojo_path, key=model_id)
    model: Model = algorithm(state.algo).build_model(state, str(state.output["model_id"]))
    session.current().put(model.key, model)
    return estimator_of(model)


def upload_mojo(mojo_path: str | os.PathLike[str], model_id: str | None = None) -> H2OEstimator:
    """Open a MOJO of this machine; the same as `import_mojo`."""
    return import_mojo(mojo_path, model_id)
