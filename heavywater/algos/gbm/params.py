"""Parameters of gradient boosting: H2O-3 3.46's, with its defaults."""

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
    "nbins": "columns are cut into bins once, before the first tree; set nbins_top_level",
    "nbins_cats": "every level of a categorical column has its own bin",
    "r2_stopping": "H2O no longer obeys it; use stopping_rounds",
    "build_tree_one_node": "there is one node",
    "sample_rate_per_class": _OTHER_TREES,
    "col_sample_rate_change_per_level": _OTHER_TREES,
    "histogram_type": "bins hold equal numbers of rows, which is QuantilesGlobal",
    "max_abs_leafnode_pred": _OTHER_TREES,
    "pred_noise_bandwidth": _OTHER_TREES,
    "categorical_encoding": "categories are split as sets of levels, which is Enum",
    "calibrate_model": "probabilities are not calibrated",
    "calibration_frame": "probabilities are not calibrated",
    "calibration_method": "probabilities are not calibrated",
    "custom_distribution_func": "choose a distribution",
    "in_training_checkpoints_dir": "use export_checkpoints_dir",
    "in_training_checkpoints_tree_interval": "use export_checkpoints_dir",
}
BUILT: dict[str, Sequence[Any]] = {
    "histogram_type": ("QuantilesGlobal",),
    "categorical_encoding": ("Enum",),
}


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class GBMParams(CommonParams):
    """Parameters of gradient boosting; each is described in the reference pages."""

    algo: ClassVar[str] = "gbm"
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
    max_depth: int = param(5, "Most splits from root to leaf; 0: no limit.", level="critical", gridable=True, ge=0)
    min_rows: float = param(10.0, "Fewest rows in a leaf.", level="critical", gridable=True, ge=1)
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
    learn_rate: float = param(0.1, "Share of each tree that is added.", level="critical", gridable=True, gt=0, le=1)
    learn_rate_annealing: float = param(1.0, "Factor on the learning rate after every tree.", gridable=True, gt=0, le=1)
    distribution: Distribution = common.distribution()
    quantile_alpha: float = common.quantile_alpha()
    tweedie_power: float = common.tweedie_power()
    huber_alpha: float = common.huber_alpha()
    checkpoint: Any = param(None, "Model to continue; `ntrees` then counts its trees too.", wire="Key<Model>")
    sample_rate: float = param(1.0, "Share of rows for each tree.", level="critical", gridable=True, gt=0, le=1)
    sample_rate_per_class: Sequence[float] | None = param(
        None, "Share of rows for each tree, per class.", level="expert", gridable=True
    )
    col_sample_rate: float = param(
        1.0, "Share of columns that each split looks at.", level="critical", gridable=True, gt=0, le=1
    )
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
    max_abs_leafnode_pred: float = param(sys.float_info.max, "Largest value of a leaf.", level="expert", gridable=True)
    pred_noise_bandwidth: float = param(0.0, "Noise on the predictions of trees.", level="expert", gridable=True)
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()
    calibrate_model: bool = param(False, "Calibrate probabilities.", level="expert")
    calibration_frame: Any = param(None, "Frame for calibration.", level="expert", wire="Key<Frame>")
    calibration_method: Literal["AUTO", "PlattScaling", "IsotonicRegression"] = param(
        "AUTO", "How to calibrate.", level="expert"
    )
    custom_metric_func: Any = common.custom_metric_func()
    custom_distribution_func: str | None = param(None, "A distribution of your own.")
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    in_training_checkpoints_dir: str | None = param(None, "Folder for snapshots between trees.", level="expert")
    in_training_checkpoints_tree_interval: int = param(1, "Trees between two snapshots.", level="expert")
    monotone_constraints: Any = param(
        None, "Columns whose effect must rise (1) or fall (-1).", wire="KeyValue[]", note="A dictionary, column → 1 or -1; "
        "numeric columns only.",
    )  # fmt: skip
    check_constant_response: bool = param(True, "Refuse a response with one value only.", level="expert")
    gainslift_bins: int = common.gainslift_bins()
    auc_type: AucType = common.auc_type()
    interaction_constraints: Any = param(
        None, "Groups of columns that may appear together on a path.", level="expert", wire="string[][]",
        note="A list of lists of columns.",
    )  # fmt: skip
    auto_rebalance: bool = param(
        True, "Deprecated: rows are not spread over nodes, so it changes nothing.", level="expert"
    )

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if self.distribution in ("quasibinomial", "ordinal", "custom", "huber"):
            text = f"distribution {self.distribution} is not available for gradient boosting"
            yield Message("distribution", "error", text)
        if not self.check_constant_response:
            text = "check_constant_response=False: there is nothing to learn from a response with one value only"
            yield Message("check_constant_response", "error", text)
        constraints = self.monotone_constraints
        if constraints is not None and not (
            isinstance(constraints, Mapping) and all(v in (-1, 0, 1) for v in constraints.values())
        ):
            text = "monotone_constraints must be a dictionary from columns to 1 or -1"
            yield Message("monotone_constraints", "error", text)
        groups = self.interaction_constraints
        if groups is not None and not (
            isinstance(groups, list) and all(isinstance(g, list) and all(isinstance(c, str) for c in g) for g in groups)
        ):
            text = "interaction_constraints must be a list of lists of columns"
            yield Message("interaction_constraints", "error", text)
