"""MLflow flavour: models of heavywater saved, logged and loaded with MLflow, with signature and input example.

    import heavywater.mlflow

    heavywater.mlflow.log_model(model, name="churn")
    scorer = mlflow.pyfunc.load_model("runs:/.../churn")

The files are heavywater's own model file and MLflow's descriptions: nothing is pickled. As a ``pyfunc`` a network is scored
by numpy alone. Needs the extra ``[mlflow]``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heavywater
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported

if TYPE_CHECKING:
    import pandas

    from heavywater.deploy.scorers import Scorer
    from heavywater.estimators.estimator_base import H2OEstimator

FLAVOR_NAME = "heavywater"
MODEL_FILE = "model.hw"
_EXAMPLE_ROWS = 3


def get_default_pip_requirements() -> list[str]:
    """What a process needs that loads the model."""
    return [f"heavywater=={heavywater.__version__}"]


def save_model(
    model: H2OEstimator,
    path: str | os.PathLike[str],
    *,
    mlflow_model: Any = None,
    signature: Any = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Save a trained model in MLflow's layout.

    Parameters
    ----------
    model : H2OEstimator
        A trained estimator.
    path : str or path-like
        A folder that does not exist yet, or is empty.
    mlflow_model : mlflow.models.Model, optional
        The description to add to.
    signature : mlflow.models.ModelSignature, optional
        Made from the model when None: text for categorical columns, double for numbers, all of them optional.
    input_example : optional
        Rows; some made up from the model's own recipe when None, so that no training data leave the house.
    pip_requirements : sequence of str, optional
    metadata : dict, optional
        Kept in the description.

    Raises
    ------
    H2OTypeError, H2OValueError
        No estimator, not trained, or a folder that is not empty.
    NotSupported
        MLflow is not installed.
    """
    m = _mlflow()
    trained = _trained(model)
    folder = Path(path).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise H2OValueError(f"{folder} exists and is not an empty folder; name another one")
    folder.mkdir(parents=True, exist_ok=True)
    heavywater.save_model(model, folder, filename=MODEL_FILE)
    scorer = _scorer(folder)
    described = m.models.Model() if mlflow_model is None else mlflow_model
    described.signature = _signature(scorer) if signature is None else signature
    example = _example(trained, scorer) if input_example is None else input_example
    if example is not None:
        from mlflow.models.utils import _save_example

        _save_example(described, example, str(folder))
    if metadata is not None:
        described.metadata = metadata
    m.pyfunc.add_to_model(described, loader_module="heavywater.mlflow", data=MODEL_FILE, python_env="python_env.yaml")
    described.add_flavor(
        FLAVOR_NAME, data=MODEL_FILE, heavywater_version=heavywater.__version__, algo=trained.algo, model_id=trained.key
    )
    described.save(str(folder / "MLmodel"))
    wanted = list(get_default_pip_requirements() if pip_requirements is None else pip_requirements)
    (folder / "requirements.txt").write_text("".join(f"{r}\n" for r in wanted), encoding="utf-8")
    m.utils.environment._PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def log_model(model: H2OEstimator, name: str = "model", **options: Any) -> Any:
    """Log a trained model to the current run; options as those of `save_model` and of ``mlflow.models.Model.log``."""
    import heavywater.mlflow as flavor

    return _mlflow().models.Model.log(artifact_path=None, name=name, flavor=flavor, model=model, **options)


def load_model(model_uri: str, dst_path: str | None = None) -> H2OEstimator:
    """The estimator that was saved at an address of MLflow's, such as ``runs:/<id>/model`` or a folder.

    Raises
    ------
    ModelFileError
        When the file is damaged, hostile or of an unknown version.
    """
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri

    folder = Path(_download_artifact_from_uri(artifact_uri=model_uri, output_path=dst_path))
    return heavywater.load_model(folder / MODEL_FILE)


class Predictor:
    """What ``mlflow.pyfunc`` calls: data frames in, predictions out."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pandas.DataFrame:
        """Predictions in H2O's columns; ``params={"flags": True}`` adds the row warrants."""
        import pandas

        from heavywater.deploy.rows import checked

        table = model_input if isinstance(model_input, pandas.DataFrame) else pandas.DataFrame(model_input)
        columns = {str(c): [None if _is_missing(v) else v for v in table[c].tolist()] for c in table.columns}
        given = checked(columns, self.scorer)
        found: dict[str, Any] = dict(self.scorer.predict(given))
        if (params or {}).get("flags"):
            found |= self.scorer.warrants(given)
        return pandas.DataFrame({k: list(v) for k, v in found.items()}, index=table.index)


def _load_pyfunc(path: str) -> Predictor:
    """Called by MLflow with the model file, or the folder that holds it."""
    return Predictor(_scorer(Path(path)))


def _scorer(path: Path) -> Scorer:
    from heavywater.deploy.scorers import open_scorer

    return open_scorer(path / MODEL_FILE if path.is_dir() else path)


def _signature(scorer: Scorer) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    inputs = [ColSpec("string" if c in scorer.levels else "double", c, required=False) for c in scorer.columns]
    answers = scorer.predict({c: [None] for c in scorer.columns})
    outputs = [ColSpec("string" if isinstance(v[0], str) else "double", k) for k, v in answers.items()]
    flags = ParamSchema([ParamSpec("flags", "boolean", False)])
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs), params=flags)


def _example(trained: Any, scorer: Scorer) -> pandas.DataFrame | None:
    """Rows made up from the model's recipe; None when there is no pandas or the model has no such recipe."""
    from heavywater.export.bundle import golden_rows

    try:
        import pandas
    except ImportError:
        return None
    if trained.algo != "deeplearning":
        return None
    rows = golden_rows(trained)["rows"]
    return pandas.DataFrame({c: rows[c][:_EXAMPLE_ROWS] for c in scorer.columns})


def _trained(model: Any) -> Any:
    inner = getattr(model, "_trained", None)
    if inner is None:
        raise H2OTypeError(f"a trained estimator is needed; got {type(model).__name__}")
    return inner()


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _mlflow() -> Any:
    try:
        import mlflow
        import mlflow.models
        import mlflow.pyfunc
        import mlflow.utils.environment
    except ImportError as e:
        raise NotSupported(f"heavywater.mlflow needs {e.name}; install heavywater[mlflow]") from None
    return mlflow
