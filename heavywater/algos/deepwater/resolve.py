"""From the parameters given to those in force, once the data are known."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.networks.catalog import DEFAULT_SIZE


def resolve(params: DeepWaterParams, *, nclasses: int, images: bool) -> DeepWaterParams:
    """A copy with every automatic value replaced by what it stands for.

    Parameters
    ----------
    params : DeepWaterParams
        In canonical form and free of errors.
    nclasses : int
        Levels of the response; 1 for a number.
    images : bool
        Whether rows are images.
    """
    p = copy.copy(params)
    crossed = p.nfolds > 1 or p.fold_column is not None
    p.problem_type = "image" if images else "dataset"
    if p.network == "auto":
        own = p.network_definition_file is not None or p.network_module is not None
        p.network = "user" if own else "inception_bn" if images else "mlp"
    if p.network == "mlp":
        p.hidden = list(p.hidden if p.hidden is not None else (200, 200))
        p.activation = p.activation or "Rectifier"
        p.hidden_dropout_ratios = p.hidden_dropout_ratios or [0.0] * len(p.hidden)
    if p.image_shape[0] == 0:
        p.image_shape = list(DEFAULT_SIZE.get(p.network, (0, 0)))
    if p.categorical_encoding == "AUTO":
        p.categorical_encoding = "OneHotInternal"
    if p.distribution == "AUTO":
        p.distribution = "gaussian" if nclasses == 1 else "bernoulli" if nclasses == 2 else "multinomial"
    if p.stopping_metric == "AUTO" and p.stopping_rounds > 0:
        p.stopping_metric = "logloss" if nclasses > 1 else "deviance"
    if crossed:
        p.overwrite_with_best_model = False
        if p.fold_assignment == "AUTO" and p.fold_column is None:
            p.fold_assignment = "Random"
    if p.weight_decay is None:
        p.weight_decay = 0.01 if p.optimizer == "adamw" else 1e-6
    if p.compat == "deepwater":
        p.momentum_stable = p.momentum_start
    if p.pixel_scaling == "AUTO":
        p.pixel_scaling = "channel" if _scaled(p, images) else "none"
    return p


def _scaled(p: DeepWaterParams, images: bool) -> bool:
    """Whether pixels are standardised when the user does not say."""
    if not images:
        return p.standardize and p.compat != "deepwater"
    ready = p.network_definition_file or p.network_parameters_file or p.mean_image_file
    return not ready and p.compat != "deepwater"


def as_deep_learning(p: DeepWaterParams) -> Any:
    """The parameters with what Deep Learning's rules about rows and columns ask for besides."""
    extra = {
        "loss": "Automatic", "reproducible": False, "missing_values_handling": "MeanImputation", "compat": "booklet",
        "score_validation_sampling": "Uniform",
    }  # fmt: skip
    return SimpleNamespace(**{**vars(p), **extra})


def metric_options(p: DeepWaterParams) -> dict[str, Any]:
    """Options of the metrics, as the model file keeps them."""
    own = {name: getattr(p, name) for name in ("gainslift_bins", "auc_type", "max_hit_ratio_k")}
    return {**own, "tweedie_power": 1.5, "quantile_alpha": 0.5, "huber_alpha": 0.9, "compat": "booklet"}
