"""Predictions and metrics."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from heavywater.engine.jobs import Job
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics, binomial, multinomial, regression
from heavywater.models.model import Model
from heavywater.server.errors import Refused, bad_request
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.frame import frame_object
from heavywater.server.v3.metrics import metrics, metrics_list
from heavywater.server.v3.schema import schema

_TREES = (
    "leaf_node_assignment", "predict_staged_proba", "predict_contributions", "row_to_tree_assignment",
    "feature_frequencies", "reconstruct_train", "project_archetypes", "reverse_transform",
)  # fmt: skip


def _answer_of(hub: Hub, m: Model, frame: Frame, what: dict[str, Any]) -> tuple[Frame, str]:
    """The frame that is asked for, and how its name begins."""
    _check_columns(m, frame)
    if what["reconstruction_error"]:
        per_feature = what["reconstruction_error_per_feature"]
        return hub.engine.ask(m, "anomaly", frame, per_feature=per_feature), "reconstruction_error"
    layer = what["layer"]
    if layer >= 0:
        features = hub.engine.ask(m, "deepfeatures", frame, layer=layer)
        return features, "deep_features" if layer else "transformation"
    return hub.engine.predict(m, frame), "predictions"


def _check_columns(m: Model, frame: Frame) -> None:
    predictors = set(m.output["original_names"] or m.output["names"]) - {m.output["response_column"]}
    if predictors.isdisjoint(frame.names):
        raise H2OValueError("Test/Validation dataset has no columns in common with the training set")


def _layer(m: Model, layer: int, name: str | None) -> int:
    if name is None:
        return layer
    digits = "".join(c for c in name if c.isdigit())
    if not digits:
        raise bad_request(f"deep_features_hidden_layer_name {name!r} holds no number of a layer")
    return int(digits)


def _refuse_trees(given: dict[str, str]) -> None:
    for name, text in given.items():
        if name not in _TREES:
            raise Refused(f"Unknown parameter: {name}")
        if text.lower() in ("1", "true"):
            raise Refused(f"{name} is for algorithms that this server does not have")


@route("POST", "/4/Predictions/models/{model}/frames/{frame}")
def predict_job(
    hub: Hub,
    model: str,
    frame: str,
    predictions_frame: str | None = None,
    deep_features_hidden_layer: int = -1,
    deep_features_hidden_layer_name: str | None = None,
    reconstruction_error: bool = False,
    reconstruction_error_per_feature: bool = False,
    **others: str,
) -> dict[str, Any]:
    """Predict the rows of a frame; a job."""
    _refuse_trees({k: v for k, v in others.items() if k != "custom_metric_func"})
    m, rows = hub.model(model, "model", "predict"), hub.frame(frame, "frame", "predict")
    what = {
        "layer": _layer(m, deep_features_hidden_layer, deep_features_hidden_layer_name),
        "reconstruction_error": reconstruction_error,
        "reconstruction_error_per_feature": reconstruction_error_per_feature,
    }
    prefix = "deep_features" if what["layer"] > 0 else "transformation"
    dest = predictions_frame or _name(prefix, model, frame)

    def work(job: Job[Frame]) -> Frame:
        answer = _answer_of(hub, m, rows, what)[0]
        if what["layer"] < 0 and m.output["response_column"] in rows.names:
            hub.remember(model, frame, _scored(hub, m, rows, model, frame))
        if not job.stop.is_set():
            hub.engine.put(dest, answer)
        return answer

    return v3job.job(hub.start(work, "transformation", dest))


def _name(prefix: str, model: str, frame: str) -> str:
    return f"{prefix}_{secrets.token_hex(2)}_{model}_on_{frame}"


def _scored(hub: Hub, m: Model, rows: Frame, model: str, frame: str, auc_type: str | None = None) -> ModelMetrics:
    _check_columns(m, rows)
    options = {} if auc_type is None or auc_type.upper() in ("NONE", "AUTO") else {"auc_type": auc_type.upper()}
    return hub.engine.performance(m, rows, frame_key=frame, **options).described(description="")


@route("POST", "/3/Predictions/models/{model}/frames/{frame}")
def predict_now(
    hub: Hub,
    model: str,
    frame: str,
    predictions_frame: str | None = None,
    reconstruction_error: bool = False,
    reconstruction_error_per_feature: bool = False,
    deep_features_hidden_layer: int = -1,
    deep_features_hidden_layer_name: str | None = None,
    **others: str,
) -> dict[str, Any]:
    """Predict the rows of a frame and wait."""
    _refuse_trees({k: v for k, v in others.items() if k != "custom_metric_func"})
    m, rows = hub.model(model, "model", "predict"), hub.frame(frame, "frame", "predict")
    what = {
        "layer": _layer(m, deep_features_hidden_layer, deep_features_hidden_layer_name),
        "reconstruction_error": reconstruction_error,
        "reconstruction_error_per_feature": reconstruction_error_per_feature,
    }
    answer, prefix = _answer_of(hub, m, rows, what)
    dest = predictions_frame or _name(prefix, model, frame)
    hub.engine.put(dest, answer)
    response = m.output["response_column"]
    scored = None
    if what["layer"] < 0 and (response is None or response in rows.names):
        scored = _scored(hub, m, rows, model, frame)
        hub.remember(model, frame, scored)
    shown = frame_object(dest, answer)
    entry = metrics(scored, shown) or schema(
        f"ModelMetrics{m.category}V3", f"ModelMetrics{m.category}", {"predictions": shown, "frame": None, "model": None}
    )
    return metrics_list([entry], model=model, frame=frame, predictions=dest)


# -- metrics ----------------------------------------------------------------------------------------------------------------


@route("POST", "/3/ModelMetrics/models/{model}/frames/{frame}")
def score(
    hub: Hub, model: str, frame: str, auc_type: str | None = None, auuc_type: str | None = None, **others: str
) -> dict[str, Any]:
    """Metrics of a model on a frame."""
    _refuse_trees(
        {k: v for k, v in others.items() if k not in ("custom_metric_func", "auuc_nbins", "custom_auuc_thresholds")}
    )
    m, rows = hub.model(model, "model", "predict"), hub.frame(frame, "frame", "predict")
    found = _scored(hub, m, rows, model, frame, auc_type)
    hub.remember(model, frame, found)
    return metrics_list([metrics(found)], model=model, frame=frame)


@route("GET", "/3/ModelMetrics")
def listed(hub: Hub) -> dict[str, Any]:
    """All metrics that were computed."""
    return _chosen(hub, None, None)


@route("GET", "/3/ModelMetrics/models/{model}")
def of_model(hub: Hub, model: str) -> dict[str, Any]:
    """Metrics of a model."""
    return _chosen(hub, model, None)


@route("GET", "/3/ModelMetrics/frames/{frame}")
def on_frame(hub: Hub, frame: str) -> dict[str, Any]:
    """Metrics on a frame."""
    return _chosen(hub, None, frame)


@route("GET", "/3/ModelMetrics/models/{model}/frames/{frame}")
def of_pair(hub: Hub, model: str, frame: str) -> dict[str, Any]:
    """Metrics of a model on a frame, as far as computed."""
    return _chosen(hub, model, frame)


route("GET", "/3/ModelMetrics/frames/{frame}/models/{model}")(of_pair)


@route("DELETE", "/3/ModelMetrics/models/{model}/frames/{frame}")
def forget(hub: Hub, model: str, frame: str) -> dict[str, Any]:
    """Forget the metrics of a model on a frame."""
    hub.metrics.pop((model, frame), None)
    return metrics_list([], model=model, frame=frame)


route("DELETE", "/3/ModelMetrics/frames/{frame}/models/{model}")(forget)


def _chosen(hub: Hub, model: str | None, frame: str | None) -> dict[str, Any]:
    listed: list[ModelMetrics] = []
    for m in hub.models():
        parts = (m.metrics("train"), m.metrics("valid"))
        listed += [p for p in parts if p is not None and (m.key, str(p.frame_id)) not in hub.metrics]
    listed += list(hub.metrics.values())
    fitting = [
        metrics(x) for x in listed if (model is None or x.model_id == model) and (frame is None or x.frame_id == frame)
    ]
    return metrics_list(fitting, model=model, frame=frame)


@route("POST", "/3/ModelMetrics/predictions_frame/{predictions_frame}/actuals_frame/{actuals_frame}")
def make(
    hub: Hub,
    predictions_frame: str,
    actuals_frame: str,
    domain: list[str] | None = None,
    distribution: str | None = None,
    weights_frame: str | None = None,
    treatment_frame: str | None = None,
    auc_type: str | None = None,
    auuc_type: str | None = None,
    auuc_nbins: int = -1,
    custom_auuc_thresholds: list[float] | None = None,
) -> dict[str, Any]:
    """Metrics of given predictions and actual values."""
    if treatment_frame:
        raise Refused("treatment_frame is for uplift models, which this server does not have")
    predicted, actual = hub.frame(predictions_frame, "predictions_frame"), hub.frame(actuals_frame, "actuals_frame")
    if actual.ncol != 1 or actual.nrow != predicted.nrow:
        raise bad_request("actuals_frame must be one column with as many rows as predictions_frame")
    weights = hub.frame(weights_frame, "weights_frame") if weights_frame else None
    found = _made(predicted, actual, weights, domain, distribution, auc_type)
    found = found.described(description="Computed on user-given predictions and labels")
    shown = metrics(found)
    fields = {
        "predictions_frame": predictions_frame,
        "actuals_frame": actuals_frame,
        "weights_frame": weights_frame,
        "treatment_frame": treatment_frame,
        "domain": domain,
        "distribution": distribution,
        "auc_type": auc_type,
        "auuc_type": auuc_type,
        "auuc_nbins": max(auuc_nbins, 0),
        "custom_auuc_thresholds": custom_auuc_thresholds,
        "model_metrics": None if shown is None else shown | {"model_category": None},
    }
    return schema("ModelMetricsMakerSchemaV3", "ModelMetricsMaker", fields)


def _made(
    predicted: Frame,
    actual: Frame,
    weights: Frame | None,
    domain: list[str] | None,
    distribution: str | None,
    auc: str | None,
) -> ModelMetrics:
    column = actual.names[0]
    w = None if weights is None else weights.numeric(weights.names[0])
    levels = domain or actual.levels(column)
    if levels is None:
        values = predicted.numeric(predicted.names[-1])
        chosen = (distribution or "gaussian").lower()
        return regression(
            actual.numeric(column), values, distribution="gaussian" if chosen == "auto" else chosen, weights=w
        )
    codes = _codes(actual, column, levels)
    probs = np.column_stack([predicted.numeric(n) for n in predicted.names[-len(levels) :]])
    if len(levels) == 2:
        return binomial(codes, np.ascontiguousarray(probs[:, -1]), domain=levels, weights=w)
    return multinomial(codes, probs, domain=levels, weights=w, auc_type=(auc or "AUTO").upper())


def _codes(frame: Frame, column: str, levels: list[str]) -> np.ndarray:
    """Positions of the values among `levels`; -1 where missing or not among them."""
    place = {v: i for i, v in enumerate(levels)}
    if frame.levels(column) is not None:
        own = frame.levels(column) or []
        table = np.array([place.get(v, -1) for v in own] + [-1])
        return table[frame.codes(column)]
    x = frame.numeric(column)
    return np.array([-1 if np.isnan(v) else place.get(f"{v:g}", -1) for v in x])
