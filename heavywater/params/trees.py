"""Parameters that algorithms of trees share; each places them where H2O's list has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from heavywater.params.declare import Message, param

HistogramType = Literal["AUTO", "UniformAdaptive", "Random", "QuantilesGlobal", "RoundRobin", "UniformRobust"]
Calibration = Literal["AUTO", "PlattScaling", "IsotonicRegression"]
OTHER_LIBRARY = "trees are grown by another library, which has nothing like it"
NOT_YET: Mapping[str, str] = {
    "balance_classes": "use weights_column",
    "class_sampling_factors": "use weights_column",
    "max_after_balance_size": "use weights_column",
    "nbins": "columns are cut into bins once, before the first tree; set nbins_top_level",
    "nbins_cats": "every level of a categorical column has its own bin",
    "r2_stopping": "H2O no longer obeys it; use stopping_rounds",
    "build_tree_one_node": "there is one node",
    "sample_rate_per_class": OTHER_LIBRARY,
    "col_sample_rate_change_per_level": OTHER_LIBRARY,
    "histogram_type": "bins hold equal numbers of rows, which is QuantilesGlobal",
    "categorical_encoding": "categories are split as sets of levels, which is Enum",
    "calibrate_model": "probabilities are not calibrated",
    "calibration_frame": "probabilities are not calibrated",
    "calibration_method": "probabilities are not calibrated",
}
BUILT: Mapping[str, Sequence[Any]] = {
    "histogram_type": ("QuantilesGlobal",),
    "categorical_encoding": ("Enum",),
}


def balance_classes() -> Any:
    return param(False, "Balance the classes.", gridable=True)


def class_sampling_factors() -> Any:
    return param(None, "How often rows of each class are drawn.", level="expert", gridable=True, wire="float[]")


def max_after_balance_size() -> Any:
    return param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", gridable=True, wire="float"
    )


def max_confusion_matrix_size() -> Any:
    return param(20, "Deprecated: it changes nothing.")


def score_tree_interval() -> Any:
    return param(0, "Score after so many trees; 0: about twenty times in all.", ge=0)


def ntrees() -> Any:
    return param(50, "Number of trees (per class, for more than two).", level="critical", gridable=True, ge=1)


def nbins() -> Any:
    return param(20, "Bins per split of a numeric column.", level="critical", gridable=True, ge=2)


def nbins_top_level() -> Any:
    return param(1024, "Bins into which numeric columns are cut.", gridable=True, ge=2, le=65535)


def nbins_cats() -> Any:
    return param(1024, "Bins of a categorical column.", gridable=True, ge=2)


def r2_stopping() -> Any:
    return param(sys.float_info.max, "No longer used by H2O.", gridable=True)


def seed() -> Any:
    return param(
        -1,
        "Seed of all random draws.",
        level="critical",
        gridable=True,
        wire="long",
        note="-1: a different one each time.",
    )


def build_tree_one_node() -> Any:
    return param(False, "Grow on one node of many.", level="expert")


def sample_rate_per_class() -> Any:
    return param(None, "Share of rows for each tree, per class.", level="expert", gridable=True)


def col_sample_rate_change_per_level() -> Any:
    return param(1.0, "Change of the share of columns with depth.", level="expert", gridable=True)


def col_sample_rate_per_tree() -> Any:
    return param(1.0, "Share of columns for each tree.", gridable=True, gt=0, le=1)


def min_split_improvement() -> Any:
    return param(1e-5, "Least gain of a split.", gridable=True, ge=0, note="Gain as LightGBM counts it.")


def histogram_type() -> Any:
    return param("AUTO", "How numeric columns are cut into bins.", gridable=True)


def calibrate_model() -> Any:
    return param(False, "Calibrate probabilities.", level="expert")


def calibration_frame() -> Any:
    return param(None, "Frame for calibration.", level="expert", wire="Key<Frame>")


def calibration_method() -> Any:
    return param("AUTO", "How to calibrate.", level="expert")


def check_constant_response() -> Any:
    return param(True, "Refuse a response with one value only.", level="expert")


def constant_response(p: Any) -> Iterator[Message]:
    """What is wrong with `check_constant_response`."""
    if not p.check_constant_response:
        text = "check_constant_response=False: there is nothing to learn from a response with one value only"
        yield Message("check_constant_response", "error", text)
