"""A fitted generalised linear model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from heavywater.algos.glm.params import LINKS, GLMParams
from heavywater.algos.glm.report import with_deviances
from heavywater.algos.tabular.model import TabularModel
from heavywater.algos.tabular.result import DESIGN, check_manifest, checked_design, need
from heavywater.core.mlp.layout import Inputs
from heavywater.display.table import Table
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.metrics import ModelMetrics
from heavywater.models.expect import expect
from heavywater.models.state import ArraySpec, ModelState


class GLMModel(TabularModel):
    """Coefficients; the linear predictor goes through the inverse link."""

    @cached_property
    def design(self) -> Design:
        return Design.from_json(self.state.schema["design"])

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        s = self.state.schema
        adapted = impute(self.design.adapt(frame), s["modes"])
        inputs = self.design.encode(adapted, training=False)
        eta = linear(inputs, self.state.arrays["beta"], self.state.arrays["intercept"])
        offsets = self._offsets(frame)
        if offsets is not None:
            eta = eta + offsets[:, None]
        return answers_of(eta, s["link"], s["link_power"])

    def _measured(
        self, answers: np.ndarray, actual: np.ndarray, weights: np.ndarray | None, options: dict[str, Any]
    ) -> ModelMetrics:
        found = super()._measured(answers, actual, weights, options)
        o = self.output
        if "null_answer" not in o:  # a file of a version that did not know it
            return found
        return with_deviances(
            found,
            family=self._actual_parameter("family"),
            rank=o["rank"],
            intercept=self._actual_parameter("intercept"),
            null_answer=o["null_answer"],
            response=self.response,
            options=options,
            actual=actual,
            weights=weights,
        )

    def coefficients(self, *, standardized: bool = False, threads: int = 1) -> Mapping[str, Any]:
        """Coefficients by name, for more than two classes a dictionary of them per class."""
        table = self.table("coefficients_table")
        assert table is not None
        first = 1 if not standardized else 1 + (len(table.col_header) - 1) // 2
        count = (len(table.col_header) - 1) // 2
        columns = {
            table.col_header[first + k]: {row[0]: row[first + k] for row in table.cell_values} for k in range(count)
        }
        return columns if count > 1 else next(iter(columns.values()))


def impute(frame: Frame, modes: Mapping[str, str]) -> Frame:
    """Missing categories replaced by the most frequent level of training."""
    columns = [(frame.stored_column(name), level) for name, level in modes.items()]
    filled = [c.fill_null(level) for c, level in columns if c.null_count()]
    return frame.with_columns(filled) if filled else frame


def modes_of(frame: Frame, design: Design) -> dict[str, str]:
    """The most frequent level of each categorical column, the first of several."""
    found = {}
    for name, levels in zip(design.cats, design.levels):
        codes = frame.codes(name)
        found[name] = levels[int(np.bincount(codes[codes >= 0], minlength=len(levels)).argmax())]
    return found


def linear(inputs: Inputs, beta: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """Linear predictors, float64 ``(n, outputs)``."""
    eta: np.ndarray = inputs.dense @ beta[:, inputs.num_start :].T + intercept
    for i in range(inputs.slots.shape[1]):
        slots = inputs.slots[:, i]
        eta += np.where((slots >= 0)[:, None], beta.T[np.maximum(slots, 0)], 0.0)
    return eta


def answers_of(eta: np.ndarray, link: str, power: float) -> np.ndarray:
    """Predictions from linear predictors: probabilities ``(n, classes)`` or means ``(n, 1)``."""
    if link == "logit":
        p = 1.0 / (1.0 + np.exp(-eta[:, 0]))
        return np.column_stack([1.0 - p, p])
    if link == "multinomial":
        e = np.exp(eta - eta.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    if link == "tweedie":
        link = {0.0: "log", 1.0: "identity"}.get(power, "power")
    match link:
        case "identity":
            return eta
        case "log":
            return np.exp(eta)
        case "inverse":
            return 1.0 / eta
        case _:
            return eta ** (1.0 / power)


def build_model(state: ModelState, key: str, params: Any = None) -> GLMModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = GLMModel(state, key)
    model.custom_metric = None if params is None else params.custom_metric_func
    return model


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    schema = {"design": DESIGN, "modes": dict, "link": str, "link_power": float}
    check_manifest(state, GLMParams, schema, {"iterations": int})
    design = checked_design(state)
    s = state.schema
    classes = len(s["response"]["levels"] or ())
    need(s["link"] in {link for links in LINKS.values() for link in links}, "its link is unknown")
    need((s["link"] == "multinomial") == (classes > 2), "its link does not go with its classes")
    need((s["link"] == "logit") == (classes == 2), "its link does not go with its classes")
    need(s["link"] != "tweedie" or np.isfinite(s["link_power"]), "its link has no power")
    levels = dict(zip(design.cats, design.levels))
    need(set(s["modes"]) == set(levels), "the most frequent levels are not those of its categorical columns")
    need(all(s["modes"][c] in levels[c] for c in levels), "a most frequent level is unknown")
    Table.from_json(state.output["coefficients_table"])
    if "null_answer" in state.output:
        expect(state.output["null_answer"], [float], "output['null_answer']")
        expect(state.output.get("rank"), int, "output['rank']")
        need(len(state.output["null_answer"]) == max(classes, 1), "the answer of its null model has another length")
    outputs = classes if classes > 2 else 1
    return {"beta": ArraySpec("F64", (outputs, design.width)), "intercept": ArraySpec("F64", (outputs,))}
