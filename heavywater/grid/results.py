"""Reading a grid: ranking, failures, metrics of every model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from heavywater.display.table import Table
from heavywater.errors import H2OTypeError, H2OValueError, NotFound, did_you_mean
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.metrics import more_is_better, stopping_value
from heavywater.models.model import Model

_DEFAULT = {"Regression": "deviance", "AutoEncoder": "MSE", "Binomial": "logloss", "Multinomial": "logloss"}
_SPELLINGS = {
    name.lower(): name
    for name in (
        "logloss", "deviance", "MSE", "RMSE", "MAE", "RMSLE", "AUC", "AUCPR", "misclassification",
        "mean_per_class_error", "lift_top_group", "r2",
    )
} | {
    "mean_residual_deviance": "deviance", "residual_deviance": "deviance", "pr_auc": "AUCPR",
    "err": "misclassification", "error": "misclassification", "lift_top_gain": "lift_top_group",
}  # fmt: skip
"""Names by which models can be sorted, in lower case."""


def metric_name(asked: str | None, models: list[H2OEstimator]) -> str:
    """The metric meant by a name; by default the one of the models' kind.

    Raises
    ------
    H2OValueError
        No such metric; with suggestions.
    """
    if asked is None or asked.upper() == "AUTO":
        return _DEFAULT[models[0]._trained().category] if models else "logloss"
    if asked.lower() not in _SPELLINGS:
        raise H2OValueError(f"cannot sort by {asked!r}{did_you_mean(asked, _SPELLINGS.values())}")
    return _SPELLINGS[asked.lower()]


def decreasing_by(name: str) -> bool:
    """Whether larger values of a metric are better."""
    return name == "r2" or more_is_better(name)


def value_of(model: Model, name: str) -> float:
    """A metric by the best evidence there is: holdouts, validation frame, training frame."""
    metrics = model.metrics("xval") or model.metrics("valid") or model.metrics("train")
    if metrics is None:
        return math.nan
    return float(metrics.r2()) if name == "r2" else float(stopping_value(metrics, name))


class GridResults:
    """Methods that read a grid."""

    models: list[H2OEstimator]
    points: dict[str, dict[str, Any]]
    failures: list[dict[str, Any]]
    hyper_params: dict[str, list[Any]]
    grid_id: str
    why_stopped: str
    _sorting: tuple[str | None, bool | None]

    def get_grid(self, sort_by: str | None = None, decreasing: bool | None = None) -> GridResults:
        """The same grid with its models sorted.

        Parameters
        ----------
        sort_by : str, optional
            A metric such as ``"auc"``; by default logloss, deviance or (autoencoder) MSE.  Taken from the holdouts of
            cross-validation, else from the validation frame, else from the training frame.
        decreasing : bool, optional
            Largest first; by default the best model comes first.
        """
        grid = object.__new__(type(self))
        grid.__dict__.update(self.__dict__)
        grid._sorting = (sort_by, decreasing)
        grid.models = self._sorted(sort_by, decreasing)
        return grid

    def _sorted(self, sort_by: str | None, decreasing: bool | None) -> list[H2OEstimator]:
        name = metric_name(sort_by, self.models)
        down = decreasing_by(name) if decreasing is None else bool(decreasing)
        values = {m.key: value_of(m._trained(), name) for m in self.models}

        def place(m: H2OEstimator) -> tuple[bool, float]:
            v = values[m.key]
            return math.isnan(v), -v if down else v

        return sorted(self.models, key=place)

    # -- tables -----------------------------------------------------------------------------------------------------

    def table(self) -> Table:
        """Models with their values and metric: best first, or in the order that `get_grid` was asked for."""
        sort_by, decreasing = self._sorting
        name = metric_name(sort_by, self.models)
        columns = [*self.hyper_params, "model_ids", name]
        rows = []
        for m in self._sorted(sort_by, decreasing):
            point = self.points[str(m.key)]
            rows.append([*(_shown(point[p]) for p in self.hyper_params), m.key, value_of(m._trained(), name)])
        types = ["string"] * (len(columns) - 1) + ["double"]
        return Table("Hyper-Parameter Search Summary", columns, types, rows, description=self._note())

    def _note(self) -> str:
        note = f"{len(self.models)} model{'s' * (len(self.models) != 1)}"
        if self.failures:
            note += f", {len(self.failures)} failed"
        halted = sum(_is_halted(m) for m in self.models)
        if halted:
            note += f", {halted} of them stopped by the user and trained anew when the search goes on"
        return note + (f"; ended because {self.why_stopped}" if self.why_stopped else "")

    def sorted_metric_table(self) -> Any:
        """`table` as a pandas data frame."""
        return self.table().as_data_frame()

    def failures_table(self) -> Table:
        """Combinations that failed, with their errors."""
        names = list(self.hyper_params)
        rows = []
        for f in self.failures:
            rows.append([*(_shown(f["params"].get(p)) for p in names), f["type"], " ".join(f["error"].split())])
        return Table("Failed combinations", [*names, "type", "error"], ["string"] * (len(names) + 2), rows)

    def summary(self, header: bool = True) -> Table:
        """Models with the time each took, the epochs it trained and why it ended."""
        columns = [*self.hyper_params, "model_ids", "epochs", "run_time", "why_stopped"]
        rows = []
        for m in self.models:
            o, point = m._trained().output, self.points[str(m.key)]
            shown = [_shown(point[p]) for p in self.hyper_params]
            rows.append([*shown, m.key, float(o["epochs"]), f"{o['run_time'] / 1000:.3f} s", str(o["why_stopped"])])
        types = ["string"] * (len(columns) - 3) + ["double", "string", "string"]
        return Table("Grid Summary", columns, types, rows)

    def show(self) -> None:
        """Print the ranking and the failures."""
        print(self)

    def __repr__(self) -> str:
        if not self.models and not self.failures:
            return f"H2OGridSearch({self.hyper_params!r}, not trained yet)"
        parts = [repr(self.table())] if self.models else []
        return "\n\n".join(parts + ([repr(self.failures_table())] if self.failures else []))

    def _repr_html_(self) -> str:
        if not self.models and not self.failures:
            return f"<pre>{self!r}</pre>"
        parts = [self.table()._repr_html_()] if self.models else []
        return "".join(parts + ([self.failures_table()._repr_html_()] if self.failures else []))

    # -- models -----------------------------------------------------------------------------------------------------

    @property
    def model_ids(self) -> list[str]:
        """Keys of the models, in the order of `models`."""
        return [str(m.key) for m in self.models]

    @property
    def hyper_names(self) -> list[str]:
        """Names of the parameters that vary."""
        return list(self.hyper_params)

    @property
    def failed_params(self) -> list[dict[str, Any]]:
        """Combinations that failed."""
        return [f["params"] for f in self.failures]

    @property
    def failure_details(self) -> list[str]:
        """Why they failed, in the same order."""
        return [f["error"] for f in self.failures]

    def get_hyperparams_dict(self, id: int | str, display: bool = False) -> dict[str, Any]:
        """The values that the model `id` (index or key) was trained with."""
        if isinstance(id, int) and not -len(self.models) <= id < len(self.models):
            raise H2OValueError(f"there is no model {id}; the grid has {len(self.models)}")
        key = self.model_ids[id] if isinstance(id, int) else id
        if key not in self.points:
            raise NotFound(f"the grid has no model {key!r}{did_you_mean(key, self.points)}")
        if display:
            print(self.points[key])
        return dict(self.points[key])

    def get_hyperparams(self, id: int | str, display: bool = False) -> list[Any]:
        """The same without the names, in the order of `hyper_names`."""
        return list(self.get_hyperparams_dict(id, display).values())

    def predict(self, test_data: Any) -> dict[str, Any]:
        """Predictions of every model, by key."""
        return {str(m.key): m.predict(test_data) for m in self.models}

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[H2OEstimator]:
        return iter(self.models)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, str):
            found = [m for m in self.models if m.key == which]
            if not found:
                raise NotFound(f"the grid has no model {which!r}{did_you_mean(which, self.model_ids)}")
            return found[0]
        if not isinstance(which, slice) and not hasattr(which, "__index__"):
            raise H2OTypeError(f"a model of a grid is an index or a key; got {which!r}")
        return self.models[which]

    def __getattr__(self, name: str) -> Any:
        """Metrics such as ``grid.auc(valid=True)`` ask every model and answer by key."""
        if name.startswith("_") or not callable(getattr(H2OEstimator, name, None)) or name in _NOT_PER_MODEL:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

        def ask(*args: Any, **options: Any) -> dict[str, Any]:
            return {str(m.key): getattr(m, name)(*args, **options) for m in self.models}

        return ask


_NOT_PER_MODEL = {"train", "request", "detach"}


def _is_halted(m: H2OEstimator) -> bool:
    return str(m._trained().output["why_stopped"]).startswith("stopped by the user")


def _shown(value: Any) -> str:
    for name in ("frame_id", "key", "__name__"):
        if isinstance(getattr(value, name, None), str):
            return str(getattr(value, name))
    return str(dict(value)) if isinstance(value, Mapping) else str(value)
