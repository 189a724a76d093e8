"""From the parameters given to those in force, once the response is known (specification 1.2)."""

from __future__ import annotations

import copy
import math

from heavywater.algos.deeplearning.data_rules import ColumnFacts, DataFacts, check_data
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.rules import REGRESSION_LOSSES

__all__ = ["ColumnFacts", "DataFacts", "check_data", "is_exact", "resolve"]

_DISTRIBUTION_OF_LOSS = {loss: distribution for distribution, loss in REGRESSION_LOSSES.items()}


def resolve(params: DeepLearningParams, *, nclasses: int) -> DeepLearningParams:
    """A copy with every automatic value replaced by what it stands for.

    Parameters
    ----------
    params : DeepLearningParams
        In canonical form and free of errors.
    nclasses : int
        Levels of the response; 1 for a number, 0 for an autoencoder.

    Returns
    -------
    DeepLearningParams
        What training obeys and the report shows as the actual values; as in H2O the values of the learning-rate
        schedule that is not used are 0.
    """
    p = copy.copy(params)
    original = p.compat == "h2o-3.46"
    crossed = p.nfolds > 1 or p.fold_column is not None
    p.hidden = list(p.hidden)

    if p.hidden_dropout_ratios is None and p.activation.endswith("WithDropout"):
        p.hidden_dropout_ratios = [0.5] * len(p.hidden)
    p.replicate_training_data = p.single_node_mode = False  # one node
    if p.autoencoder:
        p.use_all_factor_levels = True
    if crossed:
        p.overwrite_with_best_model = False
    if p.categorical_encoding == "AUTO":
        p.categorical_encoding = "OneHotInternal"
    if original:
        p.mini_batch_size = 1
        if math.isinf(p.max_w2) and p.activation in ("Rectifier", "RectifierWithDropout"):
            p.max_w2 = 1000.0

    if p.adaptive_rate:
        p.rate = p.rate_decay = p.rate_annealing = 0.0
        p.momentum_start = p.momentum_ramp = p.momentum_stable = 0.0
    else:
        p.rho = p.epsilon = 0.0

    _loss(p, nclasses)
    if p.stopping_metric == "AUTO" and (p.stopping_rounds > 0 or nclasses == 0):
        p.stopping_metric = "MSE" if nclasses == 0 else "logloss" if nclasses > 1 else "deviance"
    if p.fold_assignment == "AUTO" and crossed and p.fold_column is None:
        p.fold_assignment = "Random"
    if p.reproducible:
        p.force_load_balance = p.score_each_iteration = True
        if p.train_samples_per_iteration == -2:
            p.train_samples_per_iteration = -1
    return p


def is_exact(p: DeepLearningParams) -> bool:
    """Whether training follows H2O's arithmetic row by row; mini-batches have the same bits on any number of threads anyway."""
    return bool(p.reproducible and p.mini_batch_size == 1)


def _loss(p: DeepLearningParams, nclasses: int) -> None:
    """Distribution and loss follow from the response and from each other."""
    if p.distribution == "AUTO":
        if nclasses > 1:
            p.distribution = "bernoulli" if nclasses == 2 else "multinomial"
        else:
            p.distribution = _DISTRIBUTION_OF_LOSS.get(p.loss, "gaussian")  # type: ignore[assignment]
    if p.loss == "Automatic":
        if nclasses > 1:
            p.loss = "CrossEntropy"
        elif p.distribution == "gaussian":
            p.loss = "Quadratic"
        else:
            p.loss = REGRESSION_LOSSES.get(p.distribution, "Automatic")  # type: ignore[assignment]
