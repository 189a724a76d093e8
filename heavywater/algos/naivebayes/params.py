"""Parameters of naive Bayes: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.params import Message, Params, common, param, parameters
from heavywater.params.common import AucType, fold_rules

_CLASSES = "the shares of the classes are those of the training frame"
NOT_YET: dict[str, str] = {
    "score_each_iteration": "training is one pass over the data",
    "balance_classes": _CLASSES,
    "class_sampling_factors": _CLASSES,
    "max_after_balance_size": _CLASSES,
    "max_runtime_secs": "training is one pass over the data",
}


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class NaiveBayesParams(Params):
    """Parameters of naive Bayes; each is described in the reference pages."""

    algo: ClassVar[str] = "naivebayes"
    autoencoder: ClassVar[bool] = False
    loss: ClassVar[str] = "Automatic"
    distribution: ClassVar[str] = "AUTO"
    stopping_metric: ClassVar[str] = "AUTO"
    stopping_rounds: ClassVar[int] = 0
    weights_column: ClassVar[None] = None
    offset_column: ClassVar[None] = None
    custom_metric_func: ClassVar[None] = None
    not_yet: ClassVar[Mapping[str, str]] = NOT_YET

    model_id: str | None = param(
        None, "Name of the model in the session; made up when not given.", level="critical", wire="Key<Model>"
    )
    nfolds: int = param(0, "Number of folds of cross-validation.", level="critical", ge=0)
    seed: int = param(-1, "Seed of the folds.", level="expert", gridable=True, wire="long")
    fold_assignment: Literal["AUTO", "Random", "Modulo", "Stratified"] = param(
        "AUTO", "How rows are dealt to the folds when there is no `fold_column`.", gridable=True
    )
    fold_column: str | None = param(
        None, "Column with the fold of every row.", gridable=True, wire="VecSpecifier", member_of=("training_frame",)
    )
    keep_cross_validation_models: bool = param(True, "Keep the models of the folds.", level="expert")
    keep_cross_validation_predictions: bool = param(
        False, "Keep what the models of the folds predict for their held-out rows.", level="expert"
    )
    keep_cross_validation_fold_assignment: bool = param(False, "Keep the fold number of every row.", level="expert")
    training_frame: Any = param(None, "Frame to learn from.", level="critical", wire="Key<Frame>")
    validation_frame: Any = param(
        None, "Frame that is scored, never learned from.", level="critical", gridable=True, wire="Key<Frame>"
    )
    response_column: str | None = param(
        None, "Column to predict, categorical.", level="critical", gridable=True, wire="VecSpecifier"
    )
    ignored_columns: Sequence[str] | None = param(None, "Columns that take no part.", level="critical")
    ignore_const_cols: bool = param(True, "Leave out columns that have the same value in every row.", level="critical")
    score_each_iteration: bool = param(False, "Score after every iteration.")
    balance_classes: bool = param(False, "Balance the classes.")
    class_sampling_factors: Sequence[float] | None = param(
        None, "How often rows of each class are drawn.", level="expert", wire="float[]"
    )
    max_after_balance_size: float = param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", wire="float"
    )
    max_confusion_matrix_size: int = param(20, "Deprecated: it changes nothing.")
    laplace: float = param(
        0.0, "Added to the count of every level in every class.", level="critical", gridable=True, ge=0
    )
    min_sdev: float = param(
        0.001, "Standard deviation in place of those up to `eps_sdev`.", level="critical", gridable=True, gt=0
    )
    eps_sdev: float = param(0.0, "Up to here standard deviations are replaced.", level="critical", gridable=True, ge=0)
    min_prob: float = param(
        0.001, "Probability in place of those up to `eps_prob`.", level="critical", gridable=True, gt=0, le=1
    )
    eps_prob: float = param(0.0, "Up to here probabilities are replaced.", level="critical", gridable=True, ge=0, le=1)
    compute_metrics: bool = param(True, "Score the training frame.", level="critical", gridable=True)
    max_runtime_secs: float = common.max_runtime_secs()
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    gainslift_bins: int = common.gainslift_bins()
    auc_type: AucType = common.auc_type()

    def check(self) -> Iterator[Message]:
        yield from super().check()
        yield from fold_rules(self)
