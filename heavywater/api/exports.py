"""Models from elsewhere: `import_mojo` and `upload_mojo`."""

from __future__ import annotations

import os

from heavywater.estimators.generic import H2OGenericEstimator


def import_mojo(mojo_path: str | os.PathLike[str], model_id: str | None = None) -> H2OGenericEstimator:
    """Open a Deep Learning MOJO, made by H2O or by heavywater, as a model that scores and can be trained further.

    Raises
    ------
    ModelFileError
        When the file is damaged, hostile or not a Deep Learning MOJO.
    """
    return H2OGenericEstimator.from_file(mojo_path, model_id)


def upload_mojo(mojo_path: str | os.PathLike[str], model_id: str | None = None) -> H2OGenericEstimator:
    """Open a MOJO of this machine; the same as `import_mojo`."""
    return import_mojo(mojo_path, model_id)
