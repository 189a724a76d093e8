"""Values in force: those of H2O's models, and where the default departs from them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.resolve import resolve
from heavywater.params import examine

NOT_COMPARED = {
    "model_id", "training_frame", "validation_frame", "response_column", "ignored_columns", "checkpoint",
    "pretrained_autoencoder", "initial_weights", "initial_biases", "seed",
}  # fmt: skip
"""Names of objects, which differ from run to run or stand elsewhere."""
ONLY_INSIDE = {
    "score_each_iteration", "train_samples_per_iteration", "replicate_training_data", "loss", "rho", "epsilon", "rate",
    "rate_annealing", "rate_decay", "momentum_start", "momentum_ramp", "momentum_stable",
}  # fmt: skip
"""H2O changes these on a copy that only training sees, and reports the others."""


def resolved(nclasses, **values):
    params, messages = examine(DeepLearningParams(**values), unbuilt=True)
    assert [m for m in messages if m.severity == "error"] == []
    return resolve(params, nclasses=nclasses)


def folders(shared: Path) -> list[Path]:
    return sorted(f.parent for f in (shared / "reference/bitexact").glob("*/arrays.npz"))


def test_values_in_force_are_those_of_h2os_models(shared):
    compared = 0
    for folder in folders(shared):
        call = json.loads((folder / "params.json").read_text())
        model = json.loads((folder / "output.json").read_text())["final"]["model"]
        columns = {k: call[k] for k in ("fold_column", "weights_column", "offset_column") if call.get(k)}
        nclasses = {"Regression": 1, "AutoEncoder": 0, "Binomial": 2}.get(model["model_category"], 3)
        given = {**call["params"], **columns, "autoencoder": nclasses == 0}
        mine = resolved(nclasses, **given, compat="h2o-3.46")
        for name, values in model["resolved_parameters"].items():
            if name in NOT_COMPARED | ONLY_INSIDE:
                continue
            if folder.name == "cv_early_stop" and name in ("epochs", "stopping_rounds"):
                continue  # taken from the models of the folds
            wanted, found = values["actual"], getattr(mine, name)
            if wanted is None and name in ("fold_assignment", "stopping_metric"):
                wanted = "AUTO"
            if isinstance(wanted, dict):
                wanted = wanted.get("column_name") or wanted.get("name")
            if isinstance(found, float):
                wanted = float(wanted)
            assert found == wanted, f"{folder.name}: {name} is {found!r}, in H2O {wanted!r}"
            compared += 1
    assert compared > 5000


def test_the_schedule_not_used_is_switched_off():
    p = resolved(1, momentum_stable=0.9)
    assert (p.rho, p.rate, p.rate_annealing, p.rate_decay, p.momentum_ramp, p.momentum_stable) == (0.99, 0, 0, 0, 0, 0)
    p = resolved(1, momentum_stable=0.9, adaptive_rate=False)
    assert (p.rho, p.epsilon, p.rate, p.rate_decay, p.momentum_stable) == (0, 0, 0.005, 1, 0.9)


def test_reproducible_runs_score_after_every_pass():
    p = resolved(1, reproducible=True)
    assert (p.train_samples_per_iteration, p.score_each_iteration, p.force_load_balance) == (-1, True, True)
    assert resolved(1, reproducible=True, train_samples_per_iteration=5).train_samples_per_iteration == 5


def test_the_given_parameters_stay_as_they_are():
    params = DeepLearningParams(hidden=(5, 4), activation="TanhWithDropout")
    p = resolve(params, nclasses=2)
    assert params.hidden_dropout_ratios is None
    assert params.rate == 0.005
    p.hidden.append(3)  # type: ignore[attr-defined]
    assert params.hidden == (5, 4)


@pytest.mark.parametrize(
    ("nclasses", "values", "wanted"),
    [
        (2, {}, ("bernoulli", "CrossEntropy")),
        (3, {}, ("multinomial", "CrossEntropy")),
        (3, {"loss": "Quadratic"}, ("multinomial", "Quadratic")),
        (1, {}, ("gaussian", "Quadratic")),
        (0, {}, ("gaussian", "Quadratic")),
        (1, {"loss": "Absolute"}, ("laplace", "Absolute")),
        (0, {"loss": "Huber"}, ("huber", "Huber")),
        (1, {"loss": "Quantile"}, ("quantile", "Quantile")),
        (1, {"distribution": "quantile"}, ("quantile", "Quantile")),
        (1, {"distribution": "tweedie"}, ("tweedie", "Automatic")),
    ],
)
def test_distribution_and_loss_follow_from_each_other(nclasses, values, wanted):
    p = resolved(nclasses, **values)
    assert (p.distribution, p.loss) == wanted


def test_infinite_max_w2_is_a_thousand_only_in_h2o():
    assert resolved(1, max_w2=math.inf).max_w2 == math.inf
    assert resolved(1, max_w2=math.inf, compat="h2o-3.46").max_w2 == 1000
    assert resolved(1, max_w2=math.inf, compat="h2o-3.46", activation="Tanh").max_w2 == math.inf


def test_mini_batches_are_honoured_except_in_h2o():
    assert resolved(1, mini_batch_size=32).mini_batch_size == 32
    assert resolved(1, mini_batch_size=32, compat="h2o-3.46").mini_batch_size == 1


def test_cross_validation_turns_the_best_model_off():
    assert resolved(1, nfolds=3).overwrite_with_best_model is False
    assert resolved(1, nfolds=3).fold_assignment == "Random"
    assert resolved(1, fold_column="f").overwrite_with_best_model is False
    assert resolved(1, fold_column="f").fold_assignment == "AUTO"


def test_stopping_metric():
    assert resolved(2).stopping_metric == "logloss"
    assert resolved(1).stopping_metric == "deviance"
    assert resolved(0).stopping_metric == "MSE"
    assert resolved(2, stopping_metric="lift_top_gain").stopping_metric == "lift_top_group"
