"""Parameters of random forests: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from heavywater.params import Message, common, param, parameters, trees
from heavywater.params.common import AucType, CategoricalEncoding, CommonParams, Distribution, StoppingMetric

NOT_YET: dict[str, str] = {
    **trees.NOT_YET,
    "offset_column": "H2O's forests take none either",
    "binomial_double_trees": "one tree tells of both classes",
    "checkpoint": "train a larger forest; its first trees are the same for the same seed",
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
    built: ClassVar[Mapping[str, Sequence[Any]]] = trees.BUILT

    balance_classes: bool = trees.balance_classes()
    class_sampling_factors: Sequence[float] | None = trees.class_sampling_factors()
    max_after_balance_size: float = trees.max_after_balance_size()
    max_confusion_matrix_size: int = trees.max_confusion_matrix_size()
    score_tree_interval: int = trees.score_tree_interval()
    ntrees: int = trees.ntrees()
    max_depth: int = param(20, "Most splits from root to leaf; 0: no limit.", level="critical", gridable=True, ge=0)
    min_rows: float = param(1.0, "Fewest rows in a leaf.", level="critical", gridable=True, ge=1)
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
    mtries: int = param(
        -1, "Columns that each split looks at.", level="critical", gridable=True, ge=-2, note="-1: the root of their "
        "number for classes, a third of it for numbers; -2: all. LightGBM takes a share of the columns, rounded.",
    )  # fmt: skip
    sample_rate: float = param(
        0.632, "Share of rows for each tree, drawn without putting back.", level="critical", gridable=True, gt=0, le=1
    )
    sample_rate_per_class: Sequence[float] | None = trees.sample_rate_per_class()
    binomial_double_trees: bool = param(False, "Grow a tree for each of two classes.", level="expert")
    checkpoint: Any = param(None, "Model to continue.", wire="Key<Model>")
    col_sample_rate_change_per_level: float = trees.col_sample_rate_change_per_level()
    col_sample_rate_per_tree: float = trees.col_sample_rate_per_tree()
    min_split_improvement: float = trees.min_split_improvement()
    histogram_type: trees.HistogramType = trees.histogram_type()
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()
    calibrate_model: bool = trees.calibrate_model()
    calibration_frame: Any = trees.calibration_frame()
    calibration_method: trees.Calibration = trees.calibration_method()
    distribution: Distribution = common.distribution()
    custom_metric_func: Any = common.custom_metric_func()
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    check_constant_response: bool = trees.check_constant_response()
    gainslift_bins: int = common.gainslift_bins()
    auc_type: AucType = common.auc_type()

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if self.distribution not in DISTRIBUTIONS:
            text = f"distribution {self.distribution} is not for random forests; there are {', '.join(DISTRIBUTIONS)}"
            yield Message("distribution", "error", text)
        if self.mtries == 0:
            yield Message("mtries", "error", "mtries must be at least 1, or -1 or -2; got 0")
        yield from trees.constant_response(self)
