"""`TwoDimTableV3`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heavywater.server.v3.schema import meta, schema

_FORMATS = {"string": "%s", "int": "%d", "long": "%d", "float": "%5f", "double": "%5f"}


def table(
    stored: Mapping[str, Any] | None, *, labels: bool = False, plain: Sequence[str] = ()
) -> dict[str, Any] | None:
    """The table that `heavywater.display.Table.to_json` described; None for None.

    Parameters
    ----------
    stored : mapping
    labels : bool
        Put a column of empty row labels first, which H2O's clients drop, if there is none.
    plain : sequence of str
        Columns over which their names stand as they are.
    """
    if stored is None:
        return None
    columns = [dict(c) | ({"description": c["name"]} if c["name"] in plain else {}) for c in stored["columns"]]
    data = [list(c) for c in stored["data"]]
    rows = stored.get("row_labels")
    if rows is not None:
        columns.insert(0, {"name": "", "type": "string", "format": "%s"})
        data.insert(0, list(rows))
    elif labels and (not columns or columns[0]["name"] != ""):
        columns.insert(0, {"name": "", "type": "string", "format": "%s"})
        data.insert(0, [""] * int(stored["rowcount"]))
    return _table(stored["name"], stored.get("description") or "", columns, data)


def made(
    name: str, columns: Sequence[tuple[str, ...]], rows: Sequence[Sequence[Any]], description: str = ""
) -> dict[str, Any]:
    """A table from rows, and for each column its name, type and, when they are not the usual ones, format and heading."""
    specs = [dict(zip(("name", "type", "format", "description"), c)) for c in columns]
    return _table(name, description, specs, [list(c) for c in zip(*rows)] if rows else [[] for _ in columns])


def _table(name: str, description: str, columns: list[dict[str, Any]], data: list[list[Any]]) -> dict[str, Any]:
    title, formats = _TITLES.get(name, heading), _TABLE_FORMATS.get(name, {})
    specs = [
        {
            "__meta": meta("ColumnSpecsBase", "Iced", -1),
            "name": c["name"],
            "type": c["type"],
            "format": formats.get(c["name"])
            or formats.get(c["type"])
            or c.get("format")
            or _FORMATS.get(c["type"], "%s"),
            "description": c["description"] if "description" in c else title(str(c["name"])),
        }
        for c in columns
    ]
    fields = {
        "name": name,
        "description": description,
        "columns": specs,
        "rowcount": len(data[0]) if data else 0,
        "data": data,
    }
    return schema("TwoDimTableV3", "TwoDimTable", fields)


_WORDS = {
    "rms": "RMS", "rmse": "RMSE", "mse": "MSE", "mae": "MAE", "auc": "AUC", "logloss": "LogLoss", "of": "of", "per": "per",
    "with": "with", "in": "in",
}  # fmt: skip


def heading(name: str) -> str:
    """What H2O writes over a column: ``mean_rate`` → ``Mean Rate``."""
    if name.endswith("pr_auc"):
        return f"{heading(name.removesuffix('_pr_auc'))} pr_auc".strip()
    return " ".join(_WORDS.get(w, w if w == "r2" else w.capitalize()) for w in name.split("_"))


_TITLES: dict[str, Callable[[str], str]] = {
    "Model Summary": lambda n: re.sub("^(Min|Max)(?= Depth| Leaves)", r"\1.", heading(n)),
    "Metrics for Thresholds": lambda n: "Threshold" if n == "threshold" else n,
    "Maximum Metrics": lambda n: n if n == "idx" else n.capitalize(),
    "Confusion Matrix": str,
    "Cross-Validation Metrics Summary": str,
    "PartialDependence": str,
    "Coefficients": lambda n: n if n == "names" else heading(n),
    "Standardized Coefficient Magnitudes": lambda n: n if n == "names" else heading(n),
}
_TABLE_FORMATS = {
    "Status of Neuron Layers": {"dropout": "%2.2f %%", "double": "%5f"},
    "Scoring History": {"samples": "%f", "double": "%.5f"},
    "Variable Importances": {"double": "%5f"},
    "Coefficients": {"double": "%5f"},
    "Standardized Coefficient Magnitudes": {"double": "%5f"},
    "Model Summary": {"double": "%.5f"},
}
"""Formats by table, and in it by column or type, where they are not those of the table itself."""
