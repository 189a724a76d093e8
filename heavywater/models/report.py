"""The whole report on a model, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from heavywater.display.table import Table
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model, Part

_TITLES: dict[Part, str] = {"train": "train data", "valid": "validation data", "xval": "cross-validation data"}
_HISTORY_ROWS = 20


def text_report(model: Model) -> str:
    """Parameters, layers, metrics, scoring history and variable importances as plain text."""
    parts = [_headline(model)]
    for item in _sections(model):
        parts.append(item if isinstance(item, str) else repr(item))
    return "\n\n".join(parts) + "\n"


def html_report(model: Model) -> str:
    """The same report as HTML; nothing in it is fetched from elsewhere."""
    parts = [f"<h3 style='margin:.4em 0'>{escape(_headline(model))}</h3>"]
    for item in _sections(model):
        if isinstance(item, (ModelMetrics, Table)):
            parts.append(item._repr_html_())
        else:
            parts.append(f"<h4 style='margin:1em 0 .2em'>{escape(item)}</h4>")
    return "\n".join(parts)


def _headline(model: Model) -> str:
    lines = [
        "Model Details",
        f"{model.output['algo_full_name']}: {model.category}",
        f"Model Key: {model.key}",
        f"Model Checksum: {model.checksum:08x}",
        f"Run Time: {model.output['run_time'] / 1000:.3f} s",
    ]
    why = model.output.get("why_stopped")
    if why:
        lines.append(f"Training ended: {why}")
    return "\n".join(lines)


def _sections(model: Model) -> list[Any]:
    items: list[Any] = [parameters_table(model)]
    for name in ("model_summary", "coefficients_table"):
        table = model.table(name)
        if table is not None:
            items.append(table)
    for part, title in _TITLES.items():
        metrics = model.metrics(part)
        if metrics is not None:
            items += [f"Reported on {title}", metrics]
    for name in ("cross_validation_metrics_summary", "scoring_history", "variable_importances"):
        table = model.table(name)
        if table is not None:
            items.append(_shortened(table))
    return items


def _shortened(table: Table) -> Table:
    rows = table.cell_values
    if len(rows) <= _HISTORY_ROWS:
        return table
    half = _HISTORY_ROWS // 2
    kept = rows[:half] + [["…"] * len(table.col_header)] + rows[-half:]
    return Table(
        table.title,
        table.col_header,
        ["string"] * len(table.col_header),
        kept,
        description=f"{len(rows)} rows, the first and last {half} are shown",
    )


def parameters_table(model: Model) -> Table:
    """Parameters that differ from their defaults, with the value given and the value in force."""
    rows = [
        [name, _brief(p["input"]), _brief(p["actual"])]
        for name, p in model.output["parameters"].items()
        if p["input"] != p["default"] or p["actual"] != p["default"]
    ]
    return Table(
        "Parameters (those that are not at their default)", ["name", "given", "in force"], ["string"] * 3, rows
    )


def _brief(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
