"""`ModelMetrics`: how well a model does on a frame, with H2O's names, as plain data that a model file can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar, TypeVar

from heavywater.display.table import Table, format_number
from heavywater.errors import H2OTypeError, H2OValueError, NotFound, did_you_mean
from heavywater.metrics.confusion import ConfusionMatrix

__all__ = ["ModelMetrics"]

Self = TypeVar("Self", bound="ModelMetrics")

_CONTEXT = {
    "description": "",
    "model_id": None,
    "model_checksum": None,
    "frame_id": None,
    "frame_checksum": None,
    "scoring_time": None,
    "duration_ms": None,
}
_LINEAR = {
    "residual_deviance": "Residual deviance", "null_deviance": "Null deviance",
    "null_degrees_of_freedom": "Null degrees of freedom", "residual_degrees_of_freedom": "Residual degrees of freedom",
}  # fmt: skip
"""What only linear models know, with its label."""
_COMMON = ("MSE", "RMSE", "nobs", "custom_metric_name", "custom_metric_value")
_REGISTRY: dict[str, type[ModelMetrics]] = {}


class ModelMetrics:
    """Metrics of one model on one frame; made by `binomial`, `multinomial`, `regression` and `autoencoder`.

    A metric is read by its method (``m.mse()``) or by its name in H2O's JSON (``m["MSE"]``).  Where, when and of which
    model it was computed is set by the caller with `described` and read as attributes: ``description``, ``model_id``,
    ``model_checksum``, ``frame_id``, ``frame_checksum``, ``scoring_time`` (ms since 1970), ``duration_ms``.
    """

    model_category: ClassVar[str] = ""
    _names: ClassVar[tuple[str, ...]] = ()
    """Names of the values besides those that all categories have."""
    _report: ClassVar[tuple[tuple[str, str], ...]] = (("MSE", "MSE"), ("RMSE", "RMSE"))
    """Label and name of the numbers that a report lists."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.model_category:
            _REGISTRY[cls.model_category] = cls

    def __init__(self, values: Mapping[str, Any]) -> None:
        wanted: tuple[str, ...] = (*_COMMON, *self._names)
        given = {"custom_metric_name": None, "custom_metric_value": 0.0, **values}
        if any(k in given for k in _LINEAR):
            wanted += tuple(_LINEAR)
        wrong = sorted(set(given) ^ set(wanted))
        if wrong:
            raise H2OValueError(f"{self.model_category} metrics: missing or unknown {', '.join(wrong)}")
        self._values: dict[str, Any] = {k: given[k] for k in wanted}
        self._context: dict[str, Any] = dict(_CONTEXT)

    # -- where and when -------------------------------------------------------------------------------------------

    def described(self: Self, **context: Any) -> Self:
        """A copy that says where it comes from.

        Parameters
        ----------
        **context
            Any of description, model_id, model_checksum, frame_id, frame_checksum, scoring_time, duration_ms.
        """
        wrong = next((k for k in context if k not in _CONTEXT), None)
        if wrong is not None:
            hint = did_you_mean(wrong, _CONTEXT)
            raise H2OTypeError(f"metrics have no {wrong!r}{hint}; known are {', '.join(_CONTEXT)}")
        copy = type(self)(self._values)
        copy._context = {**self._context, **context}
        return copy

    def of_linear_model(self: Self, **values: float) -> Self:
        """A copy with what only linear models know.

        Parameters
        ----------
        **values
            ``residual_deviance, null_deviance, null_degrees_of_freedom, residual_degrees_of_freedom``, and others that
            replace those computed without knowing the model, such as ``AIC``.
        """
        copy = type(self)({**self._values, **values})
        copy._context = dict(self._context)
        return copy

    def __getattr__(self, name: str) -> Any:
        if name in _CONTEXT:
            return self._context[name]
        if name in _LINEAR and name in self.__dict__.get("_values", ()):
            return lambda: self._values[name]  # a method like those of the other numbers
        category = type(self).model_category
        methods = [m for m in dir(type(self)) if not m.startswith("_")]
        hint = "" if name.startswith("_") else did_you_mean(name, methods)
        raise AttributeError(f"{category} metrics have no {name!r}{hint}", name=name, obj=self)

    # -- as a dictionary ------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in _CONTEXT:
            return self._context[name]
        if name == "model_category":
            return self.model_category
        raise NotFound(f"{self.model_category} metrics have no {name!r}{did_you_mean(name, self.keys())}")

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self) -> list[str]:
        """Names that can be asked for in brackets."""
        return ["model_category", *_CONTEXT, *self._values]

    def get(self, name: str, default: Any = None) -> Any:
        """The value called `name`, or `default`."""
        try:
            return self[name]
        except NotFound:
            return default

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with H2O's names; tables as `Table.to_json`, NaN as a float."""
        plain = {k: _plain(v) for k, v in self._values.items()}
        return {"model_category": self.model_category, **self._context, **plain}

    @staticmethod
    def from_json(d: Mapping[str, Any]) -> ModelMetrics:
        """The metrics that `to_json` described; ``model_category`` selects the class.

        Raises
        ------
        H2OValueError
            Unknown category, or members that do not fit it.
        """
        kind = _REGISTRY.get(str(d.get("model_category"))) if isinstance(d, Mapping) else None
        if kind is None:
            raise H2OValueError(f"not metrics: model_category must be one of {', '.join(sorted(_REGISTRY))}")
        values = {k: _restored(k, v) for k, v in d.items() if k not in _CONTEXT and k != "model_category"}
        return kind(values).described(**{k: d[k] for k in _CONTEXT if k in d})

    @staticmethod
    def members(category: str) -> list[str]:
        """Names of all that `from_json` expects of metrics of a category; LookupError when there is no such one."""
        return ["model_category", *_CONTEXT, *_COMMON, *_REGISTRY[category]._names]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ModelMetrics):
            return NotImplemented
        return type(self) is type(other) and _same(self._context, other._context) and _same(self._values, other._values)

    __hash__ = None  # type: ignore[assignment]

    # -- numbers that every category has --------------------------------------------------------------------------

    def mse(self) -> float:
        """Mean squared error."""
        return float(self["MSE"])

    def rmse(self) -> float:
        """Root of the mean squared error."""
        return float(self["RMSE"])

    def nobs(self) -> int:
        """Number of rows that counted."""
        return int(self["nobs"])

    def custom_metric_name(self) -> str | None:
        """Name of the user's own metric, if any."""
        name = self["custom_metric_name"]
        return None if name is None else str(name)

    def custom_metric_value(self) -> float:
        """Value of the user's own metric."""
        return float(self["custom_metric_value"])

    # -- looks ----------------------------------------------------------------------------------------------------

    def _numbers(self) -> list[tuple[str, str]]:
        """Lines of the report: label and text."""
        listed = [*self._report, *((label, name) for name, label in _LINEAR.items() if name in self._values)]
        lines = [(label, format_number(self[name])) for label, name in listed if not _is_nan(self[name])]
        if self.custom_metric_name() is not None:
            lines.insert(0, (str(self.custom_metric_name()), format_number(self.custom_metric_value())))
        lines.append(("Number of observations", format_number(self.nobs())))
        for label, name, checksum in (("Model", "model_id", "model_checksum"), ("Frame", "frame_id", "frame_checksum")):
            if self[name] is not None:
                known = self[checksum] is not None
                lines.append((label, f"{self[name]}" + (f" (checksum {self[checksum]})" if known else "")))
        if self.scoring_time is not None:
            lines.append(("Scoring time", _clock(self.scoring_time)))
        if self.duration_ms is not None:
            lines.append(("Scoring duration", f"{self.duration_ms / 1000:.3f} s"))
        return lines

    def _tables(self) -> list[Table]:
        """Tables of the report."""
        return []

    def show(self) -> None:
        """Print the report."""
        print(self)

    def __repr__(self) -> str:
        head = [f"ModelMetrics{self.model_category}"]
        if self.description:
            head.append(f"** {self.description} **")
        lines = "\n".join(f"{label}: {text}" for label, text in self._numbers())
        return "\n\n".join(["\n".join(head), lines, *(repr(t) for t in self._tables())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='padding:1px 14px 1px 0;opacity:.75'>{escape(label)}</td><td>{escape(text)}</td></tr>"
            for label, text in self._numbers()
        )
        about = f" <span style='opacity:.75'>{escape(self.description)}</span>" if self.description else ""
        return (
            f"<div><div><b>ModelMetrics{self.model_category}</b>{about}</div>"
            "<table style='border-collapse:collapse;background:transparent;color:inherit;text-align:left;"
            f"font-variant-numeric:tabular-nums'>{rows}</table>"
            + "".join(t._repr_html_() for t in self._tables())
            + "</div>"
        )


def _clock(ms: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return bool(a == b) or (_is_nan(a) and _is_nan(b))


def _plain(value: Any) -> Any:
    if isinstance(value, ConfusionMatrix):
        return {"table": value.to_json()}
    return value.to_json() if isinstance(value, Table) else value


def _restored(name: str, value: Any) -> Any:
    if name == "cm" and isinstance(value, Mapping):
        return ConfusionMatrix.from_json(value.get("table", {}))
    return Table.from_json(value) if isinstance(value, Mapping) else value
