"""Stored predictions of H2O's models with the metrics that H2O computed from them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heavywater import metrics
from heavywater.display.table import Table

NOT_COMPARABLE = {
    ("bal_auto", "train"): "metrics are those of the balanced frame, predictions those of the original one",
    ("bal_factors", "train"): "metrics are those of the balanced frame, predictions those of the original one",
    ("data_tspi", "train"): "metrics are those of a sample of 67 rows",
    **{
        (name, "test"): "H2O computes no metrics of an autoencoder on a new frame"
        for name in ("ae_nostd", "ae_rectifier", "ae_stop_best", "ae_tanh", "ae_tanh_dropout", "ae_tanh_sparsity")
    },
}
"""Configurations whose metrics do not belong to the stored predictions, and why."""


@dataclass
class Case:
    """One frame of one configuration."""

    name: str
    part: str
    arrays: Any
    output: dict[str, Any]
    params: dict[str, Any]

    @property
    def expected(self) -> dict[str, Any]:
        """H2O's metrics."""
        final = self.output["final"]
        names = {"train": "training_metrics", "valid": "validation_metrics", "xval": "cross_validation_metrics"}
        return final["test_metrics"] if self.part == "test" else final["model"][names[self.part]]

    @property
    def frame(self) -> str:
        """Frame that holds the actual values."""
        return "train" if self.part == "xval" else self.part

    @property
    def predictions(self) -> Any:
        """Predictions on that frame; the validation frame is the beginning of the test frame."""
        if self.part == "valid":
            return self.arrays["pred_test"][: self.output["frames"]["valid"]["rows"]]
        return self.arrays["cv_holdout_pred" if self.part == "xval" else f"pred_{self.part}"]

    def computed(self) -> metrics.ModelMetrics:
        """Ours, from the stored predictions."""
        model, given = self.output["final"]["model"], self.params["params"]
        predicted, category = self.predictions, model["model_category"]
        weights = None
        if self.params.get("weights_column"):
            weights = self.arrays[f"{self.frame}.col.{self.params['weights_column']}"]
        if category == "AutoEncoder":
            return metrics.autoencoder(self.arrays[f"anomaly_{self.part}"].ravel())
        actual = self.arrays[f"{self.frame}.col.{self.params['y']}"]
        if category == "Regression":
            loss = {"Absolute": "laplace", "Huber": "huber"}.get(given.get("loss"), "gaussian")
            return metrics.regression(
                actual,
                predicted.ravel(),
                distribution=given.get("distribution", loss),
                weights=weights,
                compat="h2o-3.46",
                **{k: given[k] for k in ("tweedie_power", "quantile_alpha", "huber_alpha") if k in given},
            )
        domain = model["domains"][-1]
        own = self._column(self.params["y"])["domain"]
        domain = [*domain, *(d for d in own if d not in domain)]  # H2O appends classes that it never saw
        known = np.array([domain.index(d) for d in own] + [-1])
        actual = known[actual]
        if category == "Binomial":
            return metrics.binomial(actual, predicted[:, 1], domain=domain, weights=weights, compat="h2o-3.46")
        return metrics.multinomial(
            actual,
            predicted,
            domain=domain,
            weights=weights,
            auc_type=given.get("auc_type", "AUTO"),
            compat="h2o-3.46",
        )

    def _column(self, name: str) -> dict[str, Any]:
        columns = self.output["frames"][self.frame]["columns"]
        return next(c for c in columns if c["name"] == name)


def cases(folder: Path) -> list[Case]:
    """Every configuration on its training, test, validation and holdout rows, as far as it has them."""
    found = []
    for path in sorted((folder / "reference" / "bitexact").iterdir()):
        if not (path / "arrays.npz").exists() or path.name == "expected_errors":
            continue
        arrays = dict(np.load(path / "arrays.npz"))
        output = json.loads((path / "output.json").read_text())
        params = json.loads((path / "params.json").read_text())
        model = output["final"]["model"]
        parts = ["train", "test"]
        parts += ["valid"] if model["validation_metrics"] else []
        parts += ["xval"] if model["cross_validation_metrics"] else []
        found += [Case(path.name, part, arrays, output, params) for part in parts]
    return found


def differences(ours: metrics.ModelMetrics, theirs: dict[str, Any], tolerance: float) -> list[str]:
    """What differs by more than `tolerance` (relative)."""
    wrong: list[str] = []
    for name, value in theirs.items():
        if name in ("description", "custom_metric_name", "custom_metric_value", "model_category"):
            continue
        mine = ours[name]
        if name == "cm" and value is not None:
            value = value["table"]
        if isinstance(value, dict):
            wrong += [f"{name} {w}" for w in _table_differences(mine, value, tolerance)]
        elif not _close(mine, value, tolerance):
            wrong.append(f"{name}: {mine} instead of {value}")
    return wrong


def _table_differences(mine: Table | None, theirs: dict[str, Any], tolerance: float) -> list[str]:
    if mine is None:
        return ["is missing"]
    wrong = []
    for what, a, b in (
        ("title", mine.title, theirs["table"]),
        ("description", mine.description, theirs["description"]),
        ("columns", mine.col_header, theirs["columns"]),
        ("types", mine.col_types, theirs["types"]),
    ):
        if a != b:
            wrong.append(f"{what}: {a!r} instead of {b!r}")
    for name, kind, a, b in zip(theirs["columns"], theirs["types"], mine.data, theirs["data"]):
        limit = max(tolerance, 1e-7) if kind == "float" else tolerance
        bad = [i for i, (x, y) in enumerate(zip(a, b)) if not _close(x, y, limit)]
        if len(a) != len(b):
            wrong.append(f"{name}: {len(a)} rows instead of {len(b)}")
        elif bad:
            wrong.append(f"{name}[{bad[0]}] (and {len(bad) - 1} more): {a[bad[0]]} instead of {b[bad[0]]}")
    return wrong


def _close(mine: Any, theirs: Any, tolerance: float) -> bool:
    if isinstance(theirs, str) and theirs in ("NaN", "Infinity", "-Infinity"):
        theirs = float(theirs)
    if isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
        if math.isnan(mine) or math.isnan(theirs):
            return math.isnan(mine) and math.isnan(theirs)
        return math.isclose(mine, theirs, rel_tol=tolerance, abs_tol=tolerance)
    return bool(mine == theirs)
