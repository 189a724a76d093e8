"""Parameters of stacked ensembles: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.params import Message, Params, common, param, parameters
from heavywater.params.common import AucType

NOT_YET: dict[str, str] = {
    "offset_column": "base models have their own offsets",
    "score_training_samples": "all training rows are scored",
}


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class StackedEnsembleParams(Params):
    """Parameters of stacked ensembles; each is described in the reference pages."""

    algo: ClassVar[str] = "stackedensemble"
    autoencoder: ClassVar[bool] = False
    loss: ClassVar[str] = "Automatic"
    distribution: ClassVar[str] = "AUTO"
    stopping_metric: ClassVar[str] = "AUTO"
    balance_classes: ClassVar[bool] = False
    nfolds: ClassVar[int] = 0
    fold_column: ClassVar[None] = None
    not_yet: ClassVar[Mapping[str, str]] = NOT_YET

    model_id: str | None = param(None, "Name of the model in the session.", level="critical", wire="Key<Model>")
    training_frame: Any = param(
        None, "Frame that the base models were trained on.", level="critical", wire="Key<Frame>"
    )
    response_column: str | None = param(
        None,
        "Column to predict.",
        level="critical",
        gridable=True,
        wire="VecSpecifier",
        member_of=("training_frame", "validation_frame"),
        excludes=("weights_column", "ignored_columns", "offset_column", "metalearner_fold_column"),
        note="That of the base models.",
    )
    validation_frame: Any = param(
        None, "Frame that is scored, never learned from.", level="critical", gridable=True, wire="Key<Frame>"
    )
    ignored_columns: Sequence[str] | None = param(
        None,
        "Columns that take no part.",
        level="critical",
        ours=True,
        note="H2O's clients send it though its list of "
        "parameters lacks it. Base models have their own; this changes nothing.",
    )
    blending_frame: Any = param(
        None, "Frame whose rows, predicted by the base models, the metalearner learns from.", level="critical",
        wire="Key<Frame>", note="None: it learns from the predictions for held-out rows that cross-validation kept.",
    )  # fmt: skip
    base_models: Sequence[Any] = param(
        (), "Models to combine: models, their names, or grids.", level="critical", wire="Key<Keyed>[]", note="Without "
        "`blending_frame` all must be cross-validated on the same folds with keep_cross_validation_predictions=True.",
    )  # fmt: skip
    metalearner_algorithm: Literal["AUTO", "deeplearning", "drf", "gbm", "glm", "naivebayes", "xgboost"] = param(
        "AUTO", "What combines them.", level="critical", note="AUTO: glm with coefficients of 0 and above, for two classes "
        "and numbers. xgboost is refused.",
    )  # fmt: skip
    metalearner_nfolds: int = param(0, "Folds for the metalearner's own cross-validation.", level="critical", ge=0)
    metalearner_fold_assignment: Literal["AUTO", "Random", "Modulo", "Stratified"] | None = param(
        None, "How rows are dealt to those folds."
    )
    metalearner_fold_column: str | None = param(None, "Column with those folds.", wire="VecSpecifier")
    metalearner_params: Any = param(
        None, "Parameters of the metalearner: a dictionary, or JSON.", level="critical", wire="string"
    )
    metalearner_transform: Literal["NONE", "Logit"] = param(
        "NONE", "What is done to probabilities before they are combined.", level="critical"
    )
    max_runtime_secs: float = common.max_runtime_secs()
    weights_column: str | None = param(None, "Column with the weight of every row.", gridable=True, wire="VecSpecifier")
    offset_column: str | None = param(None, "Column with an offset.", gridable=True, wire="VecSpecifier")
    custom_metric_func: Any = common.custom_metric_func()
    seed: int = param(-1, "Seed of all random draws.", level="critical", gridable=True, wire="long")
    score_training_samples: int = param(10000, "Training rows to score.", wire="long", ge=0)
    keep_levelone_frame: bool = param(False, "Keep the frame that the metalearner learned from.")
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    auc_type: AucType = common.auc_type()
    gainslift_bins: int = common.gainslift_bins()

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if not self.base_models:
            yield Message("base_models", "error", "base_models is empty; give at least one trained model")
        if self.metalearner_algorithm == "xgboost":
            there = "there are glm, gbm, drf, naivebayes and deeplearning"
            text = f"metalearner_algorithm {self.metalearner_algorithm} is not available; {there}"
            yield Message("metalearner_algorithm", "error", text)
        if self.metalearner_nfolds == 1:
            yield Message("metalearner_nfolds", "error", "metalearner_nfolds must be 0 or at least 2; got 1")
        if self.metalearner_params is not None and not isinstance(self.metalearner_params, (str, Mapping)):
            text = "metalearner_params must be a dictionary or its JSON"
            yield Message("metalearner_params", "error", text)
