"""Parameters that supervised algorithms share, with the rules between them.

The fields of `CommonParams` open every parameter list.  H2O places others elsewhere in each algorithm's list; those are
declared here as functions that an algorithm calls where it wants them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from heavywater.params.declare import Message, Params, infos, param, parameters

StoppingMetric = Literal[
    "AUTO", "deviance", "logloss", "MSE", "RMSE", "MAE", "RMSLE", "AUC", "AUCPR", "lift_top_group", "misclassification",
    "mean_per_class_error", "anomaly_score", "AUUC", "ATE", "ATT", "ATC", "qini", "custom", "custom_increasing",
]  # fmt: skip
CategoricalEncoding = Literal[
    "AUTO", "Enum", "OneHotInternal", "OneHotExplicit", "Binary", "Eigen", "LabelEncoder", "SortByResponse",
    "EnumLimited",
]  # fmt: skip
Distribution = Literal[
    "AUTO", "bernoulli", "quasibinomial", "ordinal", "multinomial", "gaussian", "poisson", "gamma", "tweedie",
    "laplace", "quantile", "huber", "custom",
]  # fmt: skip
AucType = Literal["AUTO", "NONE", "MACRO_OVR", "WEIGHTED_OVR", "MACRO_OVO", "WEIGHTED_OVO"]

_BOTH = ("training_frame", "validation_frame")
_SPECIAL = ("response_column", "weights_column", "ignored_columns", "offset_column", "fold_column")


def _others(name: str, first: Sequence[str]) -> tuple[str, ...]:
    return tuple(first) + tuple(c for c in _SPECIAL if c != name and c not in first)


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class CommonParams(Params):
    """Data, columns and cross-validation."""

    model_id: str | None = param(
        None, "Name of the model in the session; made up when not given.", level="critical", wire="Key<Model>"
    )
    training_frame: Any = param(None, "Frame to learn from.", level="critical", wire="Key<Frame>")
    validation_frame: Any = param(
        None, "Frame that is scored during training, never learned from.", level="critical", gridable=True,
        wire="Key<Frame>", note="When given, early stopping and the choice of the best model look at it instead of the "
        "training frame.",
    )  # fmt: skip
    nfolds: int = param(
        0, "Number of folds of cross-validation.", level="critical", ge=0, note="0 turns cross-validation off; 1 is "
        "refused. Not for autoencoders, nor together with `fold_column`.",
    )  # fmt: skip
    keep_cross_validation_models: bool = param(True, "Keep the models of the folds.", level="expert")
    keep_cross_validation_predictions: bool = param(
        False, "Keep what the models of the folds predict for their held-out rows.", level="expert"
    )
    keep_cross_validation_fold_assignment: bool = param(False, "Keep the fold number of every row.", level="expert")
    fold_assignment: Literal["AUTO", "Random", "Modulo", "Stratified"] = param(
        "AUTO", "How rows are dealt to the folds when there is no `fold_column`.", gridable=True,
        note="AUTO means Random. Stratified gives every fold the same mix of classes.",
    )  # fmt: skip
    fold_column: str | None = param(
        None, "Column with the fold of every row: whole numbers or categories.", gridable=True, wire="VecSpecifier",
        member_of=("training_frame",),
        excludes=("response_column", "weights_column", "ignored_columns", "offset_column"),
    )  # fmt: skip
    response_column: str | None = param(
        None, "Column to predict.", level="critical", gridable=True, wire="VecSpecifier", member_of=_BOTH,
        excludes=("weights_column", "ignored_columns", "offset_column", "fold_column"),
        note="Usually given as `y` of `train`.",
    )  # fmt: skip
    ignored_columns: Sequence[str] | None = param(
        None, "Columns that take no part.", level="critical", member_of=_BOTH,
        excludes=("response_column", "weights_column", "offset_column", "fold_column"), note="Used when `train` is "
        "called without `x`.",
    )  # fmt: skip
    ignore_const_cols: bool = param(True, "Leave out columns that have the same value in every row.", level="critical")
    score_each_iteration: bool = param(False, "Score after every iteration, whatever the time limits on scoring.")
    weights_column: str | None = param(
        None, "Column with the weight of every row.", gridable=True, wire="VecSpecifier", member_of=_BOTH,
        excludes=("response_column", "ignored_columns", "offset_column", "fold_column"), note="A weight of 2 counts as "
        "the row twice, a weight of 0 as if it were not there. Not negative, not missing.",
    )  # fmt: skip
    offset_column: str | None = param(
        None, "Column added to the network's output, before the inverse link, in every row.", gridable=True,
        wire="VecSpecifier", member_of=_BOTH,
        excludes=("response_column", "weights_column", "ignored_columns", "fold_column"), note="For regression only.",
    )  # fmt: skip

    def check(self) -> Iterator[Message]:
        yield from super().check()
        yield from fold_rules(self)
        yield from _clashes(self)
        yield from _stopping(self)
        folder = getattr(self, "export_checkpoints_dir", None)
        if folder is not None and not _writable(folder):
            text = f"export_checkpoints_dir: cannot write to {folder[:200]!r}"
            yield Message("export_checkpoints_dir", "error", text)


def fold_rules(p: Any) -> Iterator[Message]:
    """Problems of the parameters of cross-validation."""
    if p.nfolds == 1:
        yield Message("nfolds", "error", "nfolds must be 0 (no cross-validation) or at least 2; got 1")
    if p.nfolds > 1 and p.fold_column is not None:
        text = "nfolds cannot be given together with fold_column, which says how many folds there are"
        yield Message("nfolds", "error", text)
    if p.fold_assignment != "AUTO":
        if p.fold_column is not None:
            text = "fold_assignment has no meaning when fold_column says which row is in which fold"
            yield Message("fold_assignment", "error", text)
        elif p.nfolds < 2:
            text = "fold_assignment is only for cross-validation; set nfolds too"
            yield Message("fold_assignment", "error", text)


def _clashes(p: CommonParams) -> Iterator[Message]:
    """A column has one role."""
    taken: dict[str, str] = {}
    for role in ("response_column", "weights_column", "offset_column", "fold_column"):
        column = getattr(p, role)
        if column is None:
            continue
        if column in taken:
            text = f"{role} cannot be the same column as {taken[column]}: {column!r}"
            yield Message(role, "error", text)
        taken.setdefault(column, role)


def _stopping(p: Any) -> Iterator[Message]:
    if p.stopping_rounds == 0:
        for name in ("stopping_metric", "stopping_tolerance"):
            if getattr(p, name) != infos(type(p))[name].default:
                yield Message(name, "warn", f"{name} has no effect while stopping_rounds is 0")
    if p.stopping_metric in ("custom", "custom_increasing") and p.custom_metric_func is None:
        text = f"custom_metric_func is needed for stopping_metric={p.stopping_metric!r}"
        yield Message("custom_metric_func", "error", text)
    if p.stopping_metric in ("anomaly_score", "AUUC", "ATE", "ATT", "ATC", "qini"):
        text = f"stopping_metric {p.stopping_metric} belongs to other algorithms (isolation forest, uplift models)"
        yield Message("stopping_metric", "error", text)


def _writable(folder: str) -> bool:
    """Whether `folder` can be written to, or made."""
    path = Path(folder).absolute()
    try:
        nearest = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, ValueError):  # too long, or no name of a file at all
        return False
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def distribution() -> Any:
    """Assumed distribution of the response."""
    return param(
        "AUTO", "Assumed distribution of the response; decides the loss for a numeric one.", gridable=True,
        note="AUTO follows the response: bernoulli for two classes, multinomial for more, and for numbers what `loss` "
        "says, otherwise gaussian. quasibinomial, ordinal and custom are words of other algorithms and are refused.",
    )  # fmt: skip


def quantile_alpha() -> Any:
    """Quantile of quantile regression."""
    return param(
        0.5, "The quantile to predict, for distribution quantile.", gridable=True, note="Between 0 and 1; looked at "
        "only when used.",
    )  # fmt: skip


def tweedie_power() -> Any:
    """Variance power of the Tweedie distribution."""
    return param(
        1.5, "Variance power, for distribution tweedie.", gridable=True, gt=1, lt=2, note="Strictly between 1 and 2; "
        "for 1 choose distribution poisson, for 2 gamma, for 0 gaussian.",
    )  # fmt: skip


def huber_alpha() -> Any:
    """Quantile that separates the two branches of the Huber loss."""
    return param(
        0.9, "Quantile of the absolute residuals at which the loss turns from quadratic to linear, for distribution "
        "huber.", gridable=True, note="Between 0 and 1; looked at only when used.",
    )  # fmt: skip


def stopping_rounds(default: int) -> Any:
    """Early stopping: how many scorings."""
    return param(
        default, "Stop when the moving average of the stopping metric over this many scorings has not improved for as "
        "many scorings.", gridable=True, ge=0, note="0 turns early stopping off.",
    )  # fmt: skip


def stopping_metric() -> Any:
    """Early stopping: which metric."""
    return param(
        "AUTO", "Metric that decides about early stopping and about which model is the best.", gridable=True,
        spellings={"lift_top_gain": "lift_top_group"}, note="AUTO means logloss for classification, deviance for "
        "regression and MSE for autoencoders. `lift_top_gain` is another spelling of lift_top_group. anomaly_score, "
        "AUUC, ATE, ATT, ATC and qini are words of other algorithms and are refused.",
    )  # fmt: skip


def stopping_tolerance(default: float) -> Any:
    """Early stopping: how much is an improvement."""
    return param(default, "Relative improvement of the stopping metric that counts as one.", gridable=True, ge=0, lt=1)


def max_runtime_secs() -> Any:
    """Time limit."""
    return param(
        0.0, "Longest time to train, in seconds.", gridable=True, ge=0, note="0: no limit. The model is whole when "
        "time is up.",
    )  # fmt: skip


def categorical_encoding() -> Any:
    """How categories become numbers."""
    return param(
        "AUTO", "How categorical columns become numbers.", gridable=True, note="AUTO means OneHotInternal. Enum and "
        "OneHotExplicit are refused; SortByResponse needs a response.",
    )  # fmt: skip


def export_checkpoints_dir() -> Any:
    """Where snapshots go."""
    return param(
        None, "Folder in which models are saved while they are trained.", note="After every scoring a snapshot is "
        "written, named after the model and numbered; the newest two are kept. `load_model` reads one, and `checkpoint` "
        "goes on from it. At the end the finished model takes their place. A crash leaves no broken file.",
    )  # fmt: skip


def auc_type() -> Any:
    """AUC of more than two classes."""
    return param(
        "AUTO", "How the AUC of more than two classes is put together.", gridable=True, note="AUTO means NONE: it is "
        "not computed.",
    )  # fmt: skip


def custom_metric_func() -> Any:
    """A metric of the user's."""
    return param(
        None, "A metric of your own.", wire="string", note="A function f(actual, predicted, weights) that returns a "
        "number: actual classes by index with their probabilities, one column per class, or actual and predicted numbers; "
        "weights are 1 where there are none. It is computed at every scoring, shown under its name, and decides about "
        "stopping with `stopping_metric` custom (less is better) or custom_increasing. A saved model keeps name and values, "
        "not the function. H2O takes the name of a Java or Python class that was uploaded.",
    )  # fmt: skip


def gainslift_bins() -> Any:
    """Groups of the gains/lift table."""
    return param(
        -1, "Groups of the gains/lift table.", ge=-1, note="0 leaves the table out, -1 lets the number follow the data."
    )
