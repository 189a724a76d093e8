"""What only some algorithms tell of their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from heavywater.algos.naivebayes import NaiveBayesModel
from heavywater.models.model import Model
from heavywater.server.v3.schema import key
from heavywater.server.v3.table import made, table

_LINEAR_HISTORY = (
    "timestamp", "duration", "iterations", "negative_log_likelihood", "objective", "alpha", "lambda", "deviance_train",
)  # fmt: skip
_NOT_COMPUTED: dict[str, Any] = {
    "dispersion": 0.0, "vif_predictor_names": None, "variable_inflation_factors": None, "linear_constraint_states": None,
    "linear_constraints_table": None, "regression_influence_diagnostics": None, "all_constraints_satisfied": False,
    "scoring_history_unrestricted_model": None,
}  # fmt: skip
"""Members of a linear model's output that belong to parameters which are refused, as they are without those."""


def own_output(m: Model) -> dict[str, Any]:
    """Members of a model's output that are its algorithm's own."""
    own = _OWN.get(m.algo)
    return {} if own is None else own(m)


def _glm(m: Model) -> dict[str, Any]:
    o = m.output
    coefficients = o["coefficients_table"]
    many = len(coefficients["columns"]) > 3
    searched = o.get("lambda_max") is not None
    folds = bool(o.get("cross_validation_metrics"))
    return {
        "model_summary": table(_with_text(o["model_summary"], "number_of_active_predictors"), labels=True),
        "scoring_history": table(o.get("scoring_history"), labels=True, plain=_LINEAR_HISTORY),
        "coefficients_table": table(_by_number(coefficients) if many else coefficients | {"description": _ABOUT}),
        "coefficients_table_multinomials_with_class_names": table(coefficients) if many else None,
        "standardized_coefficient_magnitudes": table(o.get("standardized_coefficient_magnitudes")),
        "coefficient_names": o.get("coefficient_names"),
        "lambda_best": o["lambda_best"],
        "alpha_best": o["alpha_best"],
        "best_submodel_index": 0,  # one is kept
        "lambda_1se": o["lambda_best"] if folds else -1.0,
        "lambda_min": o["lambda_min"] if searched else -1.0,
        "lambda_max": o["lambda_max"] if searched else -1.0,
        **_NOT_COMPUTED,
    }


_ABOUT = "glm coefficients"


def _by_number(coefficients: Mapping[str, Any]) -> dict[str, Any]:
    """Coefficients of more than two classes, which H2O numbers here."""
    count = (len(coefficients["columns"]) - 1) // 2
    names = ["names", *(f"{kind}_class_{k}" for kind in ("coefs", "std_coefs") for k in range(count))]
    columns = [dict(c) | {"name": n} for c, n in zip(coefficients["columns"], names)]
    return dict(coefficients) | {"columns": columns, "description": _ABOUT}


def _with_text(stored: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table with one column's numbers as text, as H2O has it there."""
    place = next(i for i, c in enumerate(stored["columns"]) if c["name"] == name)
    data = [[str(v) for v in c] if i == place else c for i, c in enumerate(stored["data"])]
    return dict(stored) | {"data": data, "description": "summary"}


def _trees(m: Model) -> dict[str, Any]:
    return {"init_f": m.output.get("init_f", 0.0)}


def _ensemble(m: Model) -> dict[str, Any]:
    o = m.output
    blended = o["parameters"]["blending_frame"]["actual"] is not None
    return {
        "model_summary": table(o["model_summary"]),
        "metalearner": key(o["metalearner"], "Model"),
        "levelone_frame_id": key(o.get("levelone_frame_id"), "Frame"),
        "stacking_strategy": "blending" if blended else "cross_validation",
    }


def _bayes(m: Model) -> dict[str, Any]:
    assert isinstance(m, NaiveBayesModel)
    classes = [str(v) for v in m.response.levels or ()]
    prior = [float(v) for v in m.state.arrays["prior"]]
    named = [(level, "double", "%5f", level) for level in classes]
    tables = []
    for name, known_by, numbers in m.conditionals():
        heads = {"mean": "Mean", "std_dev": "Std_Dev"} if name in m.design.nums else {}
        columns = [(f"y_by_{name.lower()}", "string", "%s", f"Y_by_{name}")]
        columns += [(k, "double", "%5f", heads.get(k, k)) for k in known_by]
        tables.append(made(name, columns, [[c, *map(float, row)] for c, row in zip(classes, numbers)]))
    blank = ("", "string", "%s", "")
    return {
        "levels": classes,
        "apriori": made("A Priori Response Probabilities", [blank, *named], [["", *prior]]),
        "pcond": tables,
    }


_OWN: dict[str, Callable[[Model], dict[str, Any]]] = {
    "glm": _glm, "gbm": _trees, "drf": _trees, "naivebayes": _bayes, "stackedensemble": _ensemble,
}  # fmt: skip
