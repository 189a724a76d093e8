"""Notes on parameters that have no effect beside the others: the TRACE messages of a model builder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CLASSIFIERS = ("Binomial", "Multinomial")
_ADAPTIVE = ("rate", "rate_annealing", "rate_decay", "momentum_start", "momentum_ramp", "momentum_stable")
_FOLDS = (
    "keep_cross_validation_models", "keep_cross_validation_predictions", "keep_cross_validation_fold_assignment",
    "fold_assignment",
)  # fmt: skip
_SHAPES = {
    "tweedie_power": "tweedie", "quantile_alpha": "quantile", "huber_alpha": "huber", "custom_distribution_func": "custom",
}  # fmt: skip


def notes(values: Mapping[str, Any], category: str | None) -> list[tuple[str, str]]:
    """Parameter and note, in H2O's order.

    Parameters
    ----------
    values : mapping
        Parameters in force, in canonical spelling; those that an algorithm does not have may be absent.
    category : str or None
        What kind of model it will be; None when there are no data yet.
    """
    found = list(_general(values, category)) if category is not None else []
    if "laplace" in values:
        unused = ("balance_classes", "class_sampling_factors", "max_after_balance_size")
        return found + [(name, "not used by naive Bayes") for name in unused]
    if "lambda_search" in values:
        return found + list(_linear(values))
    return found + (list(_deep_learning(values, category)) if "adaptive_rate" in values else [])


def _general(v: Mapping[str, Any], category: str | None) -> Iterator[tuple[str, str]]:
    folds = (v.get("nfolds") or 0) > 1
    if folds:
        yield "fold_column", "not used with nfolds"
    elif not v.get("fold_column"):
        yield from ((name, "used in cross-validation") for name in _FOLDS)
    for name, distribution in _SHAPES.items():
        if str(v.get("distribution", "AUTO")).lower() != distribution:
            yield name, f"used with distribution={distribution}"
    if folds and v.get("overwrite_with_best_model"):
        yield "overwrite_with_best_model", "no best model is restored in cross-validation"
    if category == "AutoEncoder":
        return
    if category not in CLASSIFIERS:
        yield from (
            (name, "used in classification")
            for name in (
                "balance_classes",
                "class_sampling_factors",
                "max_after_balance_size",
                "max_confusion_matrix_size",
            )
        )
    if category != "Multinomial":
        yield "max_confusion_matrix_size", "used with more than two classes"
    if not v.get("balance_classes"):
        yield "max_after_balance_size", "used with balance_classes"
        yield "class_sampling_factors", "used with balance_classes"


def _deep_learning(v: Mapping[str, Any], category: str | None) -> Iterator[tuple[str, str]]:
    validated = bool(v.get("validation_frame"))
    classifies = category in CLASSIFIERS
    if not validated:
        yield "score_validation_samples", "used with a validation frame"
    if classifies:
        yield "regression_stop", "used in regression"
    else:
        yield "classification_stop", "used in classification"
    if not (validated and classifies):
        yield "score_validation_sampling", "used in classification with a validation frame"
    if not str(v["activation"]).endswith("Dropout"):
        yield "hidden_dropout_ratios", "used with the activations whose names end in WithDropout"
    yield "replicate_training_data", "there is one machine"
    if v["adaptive_rate"]:
        yield from ((name, "used without adaptive_rate") for name in _ADAPTIVE)
    else:
        yield from ((name, "used with adaptive_rate") for name in ("rho", "epsilon"))
    if v["initial_weight_distribution"] == "UniformAdaptive":
        yield "initial_weight_scale", "not used with initial_weight_distribution=UniformAdaptive"
    if not v["elastic_averaging"]:
        yield "elastic_averaging_moving_rate", "used with elastic_averaging"
        yield "elastic_averaging_regularization", "used with elastic_averaging"


def _linear(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("balance_classes", "max_after_balance_size", "class_sampling_factors"):
        yield name, "not used by linear models"
    if v["family"] != "tweedie":
        yield "tweedie_variance_power", "used with family=tweedie"
        yield "tweedie_link_power", "used with family=tweedie"
    if v["family"] != "negativebinomial":
        yield "theta", "used with family=negativebinomial"
    if not v["lambda_search"]:
        yield from ((name, "used with lambda_search") for name in ("lambda_min_ratio", "nlambdas", "early_stopping"))
