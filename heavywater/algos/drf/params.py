"""Parameters of random forests: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.params import Message, common, param, parameters
from heavywater.params.common import AucType, CategoricalEncoding, CommonParams, Distribution, StoppingMetric

_OTHER_TREES = "trees are grown by another library, which has nothing like it"
NOT_YET: dict[str, str] = {
    "balance_classes": "use weights_column",
    "class_sampling_factors": "use weights_column",
    "max_after_balance_size": "use weights_column",
    "offset_column": "H2O's forests take none either",
    "nbins": "columns are cut into bins once, before the first tree; set nbins_top_level",
    "nbins_cats": "every level of a categorical column has its own bin",
    "r2_stopping": "H2O no longer obeys it; use stopping_rounds",
    "build_tree_one_node": "there is one node",
    "sample_rate_per_class": _OTHER_TREES,
    "binomial_double_trees": "one tree tells of both classes",
    "checkpoint": "train a larger forest; its first trees are the same for the same seed",
    "col_sample_rate_change_per_level": _OTHER_TREES,
    "histogram_type": "bins hold equal numbers of rows, which is QuantilesGlobal",
    "categorical_encoding": "categories are split as sets of levels, which is Enum",
    "calibrate_model": "probabilities are not calibrated",
    "calibration_frame": "probabilities are not calibrated",
    "calibration_method": "probabilities are not calibrated",
}
BUILT: dict[str, Sequence[Any]] = {
    "histogram_type": ("QuantilesGlobal",),
    "categorical_encoding": ("Enum",),
}
DISTRIBUTIONS = ("AUTO", "bernoulli", "multinomial", "gaussian")


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class DRFParams(CommonParams):
    """Parameters of random forests; each is described in the reference pages."""

    algo: ClassVar[str] = "drf"
    autoencoder: ClassVar[bool] = False
    loss: ClassVar[str] = "Automatic"
    not_yet: ClassVar[Mapping[str, str]] = NOT_YET
    built: ClassVar[Mapping[str, Sequence[Any]]] = BUILT

    balance_classes: bool = param(False, "Balance the classes.", gridable=True)
    class_sampling_factors: Sequence[float] | None = param(
        None, "How often rows of each class are drawn.", level="expert", gridable=True, wire="float[]"
    )
    max_after_balance_size: float = param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", gridable=True, wire="float"
    )
    max_confusion_matrix_size: int = param(20, "Deprecated: it changes nothing.")
    score_tree_interval: int = param(0, "Score after so many trees; 0: about twenty times in all.", ge=0)
    ntrees: int = param(50, "Number of trees (per class, for more than two).", level="critical", gridable=True, ge=1)
    max_depth: int = param(20, "Most splits from root to leaf; 0: no limit.", level="critical", gridable=True, ge=0)
    min_rows: float = param(1.0, "Fewest rows in a leaf.", level="critical", gridable=True, ge=1)
    nbins: int = param(20, "Bins per split of a numeric column.", level="critical", gridable=True, ge=2)
    nbins_top_level: int = param(1024, "Bins into which numeric columns are cut.", gridable=True, ge=2, le=65535)
    nbins_cats: int = param(1024, "Bins of a categorical column.", gridable=True, ge=2)
    r2_stopping: float = param(sys.float_info.max, "No longer used by H2O.", gridable=True)
    stopping_rounds: int = common.stopping_rounds(0)
    stopping_metric: StoppingMetric = common.stopping_metric()
    stopping_tolerance: float = common.stopping_tolerance(0.001)
    max_runtime_secs: float = common.max_runtime_secs()
    seed: int = param(
        -1,
        "Seed of all random draws.",
        level="critical",
        gridable=True,
        wire="long",
        note="-1: a different one each time.",
    )
    build_tree_one_node: bool = param(False, "Grow on one node of many.", level="expert")
    mtries: int = param(
        -1, "Columns that each split looks at.", level="critical", gridable=True, ge=-2, note="-1: the root of their "
        "number for classes, a third of it for numbers; -2: all. LightGBM takes a share of the columns, rounded.",
    )  # fmt: skip
    sample_rate: float = param(
        0.632, "Share of rows for each tree, drawn without putting back.", level="critical", gridable=True, gt=0, le=1
    )
    sample_rate_per_class: Sequence[float] | None = param(
        None, "Share of rows for each tree, per class.", level="expert", gridable=True
    )
    binomial_double_trees: bool = param(False, "Grow a tree for each of two classes.", level="expert")
    checkpoint: Any = param(None, "Model to continue.", wire="Key<Model>")
    col_sample_rate_change_per_level: float = param(
        1.0, "Change of the share of columns with depth.", level="expert", gridable=True
    )
    col_sample_rate_per_tree: float = param(1.0, "Share of columns for each tree.", gridable=True, gt=0, le=1)
    min_split_improvement: float = param(
        1e-5, "Least gain of a split.", gridable=True, ge=0, note="Gain as LightGBM counts it."
    )
    histogram_type: Literal["AUTO", "UniformAdaptive", "Random", "QuantilesGlobal", "RoundRobin", "UniformRobust"] = (
        param("AUTO", "How numeric columns are cut into bins.", gridable=True)
    )
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()
    calibrate_model: bool = param(False, "Calibrate probabilities.", level="expert")
    calibration_frame: Any = param(None, "Frame for calibration.", level="expert", wire="Key<Frame>")
    calibration_method: Literal["AUTO", "PlattScaling", "IsotonicRegression"] = param(
        "AUTO", "How to calibrate.", level="expert"
    )
    distribution: Distribution = common.distribution()
    custom_metric_func: Any = common.custom_metric_func()
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    check_constant_response: bool = param(True, "Refuse a response with one value only.", level="expert")
    gainslift_bins: int = common.gainslift_bins()
    auc_type: AucType = common.auc_type()

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if self.distribution not in DISTRIBUTIONS:
            text = f"distribution {self.distribution} is not for random forests; there are {', '.join(DISTRIBUTIONS)}"
            yield Message("distribution", "error", text)
        if self.mtries == 0:
            yield Message("mtries", "error", "mtries must be at least 1, or -1 or -2; got 0")
        if not self.check_constant_response:
            text = "check_constant_response=False: there is nothing to learn from a response with one value only"
            yield Message("check_constant_response", "error", text)
