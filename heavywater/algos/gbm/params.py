"""Parameters of gradient boosting: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from heavywater.params import Message, common, param, parameters, trees
from heavywater.params.common import AucType, CategoricalEncoding, CommonParams, Distribution, StoppingMetric

NOT_YET: dict[str, str] = {
    **trees.NOT_YET,
    "max_abs_leafnode_pred": trees.OTHER_LIBRARY,
    "pred_noise_bandwidth": trees.OTHER_LIBRARY,
    "custom_distribution_func": "choose a distribution",
    "in_training_checkpoints_dir": "use export_checkpoints_dir",
    "in_training_checkpoints_tree_interval": "use export_checkpoints_dir",
}


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class GBMParams(CommonParams):
    """Parameters of gradient boosting; each is described in the reference pages."""

    algo: ClassVar[str] = "gbm"
    autoencoder: ClassVar[bool] = False
    loss: ClassVar[str] = "Automatic"
    not_yet: ClassVar[Mapping[str, str]] = NOT_YET
    built: ClassVar[Mapping[str, Sequence[Any]]] = trees.BUILT

    balance_classes: bool = trees.balance_classes()
    class_sampling_factors: Sequence[float] | None = trees.class_sampling_factors()
    max_after_balance_size: float = trees.max_after_balance_size()
    max_confusion_matrix_size: int = trees.max_confusion_matrix_size()
    score_tree_interval: int = trees.score_tree_interval()
    ntrees: int = trees.ntrees()
    max_depth: int = param(5, "Most splits from root to leaf; 0: no limit.", level="critical", gridable=True, ge=0)
    min_rows: float = param(10.0, "Fewest rows in a leaf.", level="critical", gridable=True, ge=1)
    nbins: int = trees.nbins()
    nbins_top_level: int = trees.nbins_top_level()
    nbins_cats: int = trees.nbins_cats()
    r2_stopping: float = trees.r2_stopping()
    stopping_rounds: int = common.stopping_rounds(0)
    stopping_metric: StoppingMetric = common.stopping_metric()
    stopping_tolerance: float = common.stopping_tolerance(0.001)
    max_runtime_secs: float = common.max_runtime_secs()
    seed: int = trees.seed()
    build_tree_one_node: bool = trees.build_tree_one_node()
    learn_rate: float = param(0.1, "Share of each tree that is added.", level="critical", gridable=True, gt=0, le=1)
    learn_rate_annealing: float = param(1.0, "Factor on the learning rate after every tree.", gridable=True, gt=0, le=1)
    distribution: Distribution = common.distribution()
    quantile_alpha: float = common.quantile_alpha()
    tweedie_power: float = common.tweedie_power()
    huber_alpha: float = common.huber_alpha()
    checkpoint: Any = param(None, "Model to continue; `ntrees` then counts its trees too.", wire="Key<Model>")
    sample_rate: float = param(1.0, "Share of rows for each tree.", level="critical", gridable=True, gt=0, le=1)
    sample_rate_per_class: Sequence[float] | None = trees.sample_rate_per_class()
    col_sample_rate: float = param(
        1.0, "Share of columns that each split looks at.", level="critical", gridable=True, gt=0, le=1
    )
    col_sample_rate_change_per_level: float = trees.col_sample_rate_change_per_level()
    col_sample_rate_per_tree: float = trees.col_sample_rate_per_tree()
    min_split_improvement: float = trees.min_split_improvement()
    histogram_type: trees.HistogramType = trees.histogram_type()
    max_abs_leafnode_pred: float = param(sys.float_info.max, "Largest value of a leaf.", level="expert", gridable=True)
    pred_noise_bandwidth: float = param(0.0, "Noise on the predictions of trees.", level="expert", gridable=True)
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()
    calibrate_model: bool = trees.calibrate_model()
    calibration_frame: Any = trees.calibration_frame()
    calibration_method: trees.Calibration = trees.calibration_method()
    custom_metric_func: Any = common.custom_metric_func()
    custom_distribution_func: str | None = param(None, "A distribution of your own.")
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    in_training_checkpoints_dir: str | None = param(None, "Folder for snapshots between trees.", level="expert")
    in_training_checkpoints_tree_interval: int = param(1, "Trees between two snapshots.", level="expert")
    monotone_constraints: Any = param(
        None, "Columns whose effect must rise (1) or fall (-1).", wire="KeyValue[]", note="A dictionary, column → 1 or -1; "
        "numeric columns only.",
    )  # fmt: skip
    check_constant_response: bool = trees.check_constant_response()
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
        yield from trees.constant_response(self)
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
