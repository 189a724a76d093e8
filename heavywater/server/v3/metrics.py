"""`ModelMetrics…V3`."""

from __future__ import annotations

from typing import Any

from heavywater.metrics import ModelMetrics
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import table


def metrics(m: ModelMetrics | None, predictions: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Metrics of a model on a frame; None for None."""
    if m is None:
        return None
    stored = m.to_json()
    category = stored.pop("model_category")
    stored.pop("duration_ms", None)
    if category != "Binomial":
        stored.pop("domain", None)
    head = {
        "model": key(stored.pop("model_id"), "Model"),
        "model_checksum": stored.pop("model_checksum") or 0,
        "frame": key(stored.pop("frame_id"), "Frame"),
        "frame_checksum": stored.pop("frame_checksum") or 0,
        "description": stored.pop("description") or None,
        "model_category": category,
        "scoring_time": stored.pop("scoring_time") or 0,
        "predictions": predictions,
    }
    kind = f"ModelMetrics{category}{'GLM' if 'null_deviance' in stored else ''}"
    return schema(f"{kind}V3", kind, head | {k: _value(k, v) for k, v in stored.items()})


def _value(name: str, value: Any) -> Any:
    if name == "cm" and value is not None:
        bare = {k: v for k, v in value["table"].items() if k != "row_labels"}
        return schema("ConfusionMatrixV3", "ConfusionMatrix", {"table": table(bare)})
    return table(value) if isinstance(value, dict) and "columns" in value else value


def metrics_list(
    listed: list[dict[str, Any] | None],
    *,
    model: str | None = None,
    frame: str | None = None,
    predictions: str | None = None,
) -> dict[str, Any]:
    """`ModelMetricsListSchemaV3`."""
    fields = {
        "model": key(model, "Model"),
        "frame": key(frame, "Frame"),
        "predictions_frame": key(predictions, "Frame"),
        "deviances_frame": None,
        "custom_auuc_thresholds": None,
        "output_per_reference": False,
        "model_metrics": listed,
    }
    return schema("ModelMetricsListSchemaV3", "ModelMetricsList", fields, request=True)
