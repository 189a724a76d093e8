"""`H2OEstimator`: H2O's way to train — parameters in the constructor, columns and frames in `train`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from heavywater.engine import session
from heavywater.engine.request import TrainRequest
from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.estimators.cross_validation import CrossValidated
from heavywater.estimators.explanation import Explained
from heavywater.estimators.exports import Exports
from heavywater.estimators.inspection import ModelInspection
from heavywater.estimators.partial_dependence import PartialDependence
from heavywater.h2oframe import H2OFrame
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.models.report import html_report, text_report

Columns = str | int | Sequence[str | int] | H2OFrame


class H2OEstimator(ModelInspection, CrossValidated, Explained, PartialDependence, Exports):
    """Base of all estimators; a subclass adds its algorithm's parameter dataclass and nothing else."""

    algo: ClassVar[str]
    _model: Model | None = None
    _wanted_id: str | None = None

    @property
    def model_id(self) -> str | None:
        """The model's name in the session; before training the name that it will get, None for a new one."""
        return self._wanted_id if self._model is None else self._model.key

    @model_id.setter
    def model_id(self, value: str | None) -> None:
        self._wanted_id = value

    def train(
        self,
        x: Columns | None = None,
        y: str | int | H2OFrame | None = None,
        training_frame: H2OFrame | None = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: H2OFrame | None = None,
        max_runtime_secs: float | None = None,
        ignored_columns: Sequence[str] | None = None,
        model_id: str | None = None,
        verbose: bool = False,
    ) -> H2OEstimator:
        """Train the model.

        Parameters
        ----------
        x : str, int, sequence of them, or H2OFrame, optional
            Predictors by name or index, or a frame that holds them; all but `y` and special ones when None.
        y : str, int or one-column H2OFrame, optional
            Response; not for autoencoders.
        training_frame, validation_frame : H2OFrame
            Data; the validation frame is only scored.
        offset_column, fold_column, weights_column, max_runtime_secs, ignored_columns, model_id
            Override the estimator's parameters of the same names for this run.
        verbose : bool
            Print the scoring history while it grows.

        Returns
        -------
        H2OEstimator
            This estimator, now trained.

        Raises
        ------
        InvalidParams
            With every problem of parameters and data found.
        """
        given = {
            "offset_column": offset_column,
            "fold_column": fold_column,
            "weights_column": weights_column,
            "max_runtime_secs": max_runtime_secs,
            "ignored_columns": ignored_columns,
            "model_id": model_id,
        }
        overrides = {k: v for k, v in given.items() if v is not None}
        self._model = session.current().train(
            self.request(x, y, training_frame, validation_frame, verbose=verbose, **overrides)
        )
        return self

    def request(
        self,
        x: Columns | None = None,
        y: str | int | H2OFrame | None = None,
        training_frame: H2OFrame | None = None,
        validation_frame: H2OFrame | None = None,
        *,
        verbose: bool = False,
        **overrides: Any,
    ) -> TrainRequest:
        """The request that `train` would send, with parameters replaced by `overrides`."""
        values = {**self._values(), **overrides}
        training = training_frame if training_frame is not None else values.get("training_frame")
        validation = validation_frame if validation_frame is not None else values.get("validation_frame")
        x, y, training, validation = _bind(x, y, training, validation)
        if y is None:
            y = values.get("response_column")
        training, validation = _as_frame(training, "training_frame"), _as_frame(validation, "validation_frame")
        if training is None:
            raise H2OValueError("training_frame is missing: train(x, y, training_frame=...)")
        names = training.names
        special = {values.get(c) for c in ("offset_column", "fold_column", "weights_column")}
        response = None if y is None else _column(y, names, "y")  # type: ignore[arg-type]
        ignored = set(values.get("ignored_columns") or ())
        wanted = set(names) - ignored if x is None else set(_columns(x, names))
        return TrainRequest(
            algo=self.algo,
            params=values,
            x=[n for n in names if n in wanted and n != response and n not in special],
            y=response,
            training=training._frame(),
            validation=None if validation is None else validation._frame(),
            training_key=training.frame_id,
            validation_key=None if validation is None else validation.frame_id,
            verbose=verbose,
        )

    # -- after training ---------------------------------------------------------------------------------------------

    def predict(self, test_data: H2OFrame, flags: bool = False) -> H2OFrame:
        """Predictions for every row: ``predict``, then a probability per class; reconstructions for autoencoders.

        Parameters
        ----------
        test_data : H2OFrame
            Rows to predict.
        flags : bool
            Add the columns ``missing``, ``unseen`` and ``out_of_range``: for every row the names of the inputs that had no
            value, a level that training did not have, or a number outside the range of training.
        """
        engine = session.current()
        frame = _as_frame(test_data, "test_data")
        if frame is None:
            raise H2OTypeError("predict needs a frame; got None")
        found = H2OFrame._of(engine.predict(self._trained(), frame._frame()))
        return found.cbind(H2OFrame._of(engine.ask(self._trained(), "warrants", frame._frame()))) if flags else found

    def _performance_on(self, test_data: Any, auc_type: str) -> ModelMetrics:
        frame = _as_frame(test_data, "test_data")
        if frame is None:
            raise H2OTypeError("a frame is needed; got None")
        options = {} if auc_type.lower() == "none" else {"auc_type": auc_type}
        return session.current().performance(self._trained(), frame._frame(), frame_key=frame.frame_id, **options)

    @property
    def key(self) -> str | None:
        """The model's name in the session; None before training."""
        return None if self._model is None else self._model.key

    @property
    def _id(self) -> str | None:
        return self.key

    def show(self) -> None:
        """Print the whole report."""
        print(self)

    def detach(self) -> None:
        """Forget the trained model (it stays in the session)."""
        self._model = None

    def _trained(self) -> Model:
        if self._model is None:
            raise H2OValueError(f"this {type(self).__name__} is not trained yet; call train(x, y, training_frame)")
        return self._model

    def _values(self) -> dict[str, Any]:
        """The parameters as given (after training ``model_id`` is that model's name, which no other may take)."""
        names = [f.name for f in dataclasses.fields(self)]  # type: ignore[arg-type]
        return {n: self._wanted_id if n == "model_id" else getattr(self, n) for n in names}

    def __repr__(self) -> str:
        if self._model is not None:
            return text_report(self._model)
        changed = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _repr_html_(self) -> str:
        return html_report(self._model) if self._model is not None else f"<pre>{self!r}</pre>"


def _as_frame(value: Any, what: str) -> H2OFrame | None:
    if value is None or isinstance(value, H2OFrame):
        return value
    if isinstance(value, str):
        return H2OFrame.get_frame(value)
    if hasattr(value, "__dataframe__") or hasattr(value, "__arrow_c_stream__") or hasattr(value, "__array__"):
        return H2OFrame(value)
    raise H2OTypeError(f"{what} must be an H2OFrame, a frame's name or a data frame; got {type(value).__name__}")


def _bind(x: Any, y: Any, training: Any, validation: Any) -> tuple[Any, Any, Any, Any]:
    """Frames given as `x` and `y` become columns of the training frame."""
    if isinstance(x, H2OFrame):
        frame, x = x, list(x.names)
        if training is None:
            training = frame
            if isinstance(y, H2OFrame):
                training = frame.cbind(y)
                y = training.names[-1]
    if isinstance(y, H2OFrame):
        if y.ncol != 1:
            raise H2OValueError(f"y must be one column; this frame has {y.ncol}")
        y = y.names[0]
    return x, y, training, validation


def _column(which: str | int, names: list[str], what: str) -> str:
    if isinstance(which, str):
        if which not in names:
            hint = did_you_mean(which, names)
            raise H2OValueError(f"{what}: there is no column {which!r} in the training frame{hint}")
        return which
    if isinstance(which, bool) or not hasattr(which, "__index__"):
        raise H2OTypeError(f"{what}: a column is a name or an index; got {which!r}")
    if not -len(names) <= int(which) < len(names):
        raise H2OValueError(f"{what}: column index {which} is outside 0..{len(names) - 1}")
    return names[int(which)]


def _columns(x: Any, names: list[str]) -> list[str]:
    """All columns named by `x`; every unknown one is reported at once."""
    if isinstance(x, (str, int)):
        x = [x]
    found, wrong = [], []
    for c in x:
        try:
            found.append(_column(c, names, "x"))
        except H2OValueError as e:
            wrong.append(str(e))
    if wrong:
        raise H2OValueError("\n".join(wrong))
    return found
