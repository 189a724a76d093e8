"""Other settings of early stopping on a stored history, and what happens when a network diverges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heavywater.algos.deeplearning.divergence import advice, report, sick_layers
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.stopping import would_stop
from heavywater.core.mlp.layout import Network, Topology
from heavywater.errors import H2OValueError, UnstableModel
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
from tests.algos.small import W, X, data, fit, history, numbers, why

LOSSES = [0.9, 0.7, 0.6, 0.55, 0.54, 0.54, 0.55, 0.56, 0.57]
HISTORY: list[dict[str, float]] = [{}, *({"logloss": v, "AUC": 1 - v} for v in LOSSES)]


def test_would_have_stopped() -> None:
    text = would_stop(HISTORY, 2, "logloss", 0.0, epochs=[float(i) for i in range(10)])
    assert text.startswith(
        "with stopping_rounds=2, stopping_metric=logloss, stopping_tolerance=0 training would have stopped"
    )
    assert "at scoring 8 of 9, at 8.00 epochs" in text
    assert "(now 0.56)" in text


def test_more_tolerance_stops_earlier() -> None:
    assert "at scoring 6 of 9" in would_stop(HISTORY, 2, "logloss", 0.1)


def test_more_is_better_for_auc() -> None:
    assert "at scoring 8 of 9" in would_stop(HISTORY, 2, "auc")


def test_would_not_have_stopped() -> None:
    assert "turns early stopping off" in would_stop(HISTORY, 0)
    assert "that takes 10 scorings, there are 9" in would_stop(HISTORY, 5)
    better = would_stop(HISTORY[:6], 2)
    assert (
        "would not have stopped: at the end the best of the last 2 moving averages of logloss, 0.545, was better"
        in better
    )


def test_unknown_metric_and_bad_settings() -> None:
    with pytest.raises(H2OValueError, match=r"no 'loglos' \(did you mean 'logloss'\?\); it has logloss, AUC"):
        would_stop(HISTORY, 2, "loglos")
    with pytest.raises(H2OValueError, match="stopping_tolerance in"):
        would_stop(HISTORY, 2, tolerance=1.5)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_what_training_did_is_what_its_history_says(rounds: int) -> None:
    settings: dict[str, Any] = {"stopping_rounds": rounds, "stopping_tolerance": 0.05}
    stopped = fit(epochs=100, **settings)
    longer = fit(epochs=100)
    events = len(history(stopped)) - 1
    assert events < 100
    text = would_stop(longer._model.output["stopping_history"], rounds, "AUTO", 0.05)
    assert f"at scoring {events} of 100" in text


# -- divergence -------------------------------------------------------------------------------------------------------


def network() -> Network:
    net = Network(Topology([3, 4, 2, 1]))
    net.weights[:] = 0.1
    return net


def test_the_sick_layer_is_named() -> None:
    net = network()
    assert sick_layers(net) == ""
    net.W(1)[0, 0] = np.nan
    assert sick_layers(net) == "hidden layer 2 (weights not finite in 1 of 8 places)"
    net.b(2)[:] = 1e7
    assert sick_layers(net).endswith(" and the output layer (biases up to 1e+07)")
    net.weights[:] = np.nan
    assert sick_layers(net) == "all layers, where no weight is a finite number any more"


def test_the_report_looks_back() -> None:
    before, now = network(), network()
    before.W(1)[0, 0] = 900
    now.weights[:] = np.inf
    text = report(now, before, DeepLearningParams(), 3)
    assert "at the scoring before, the largest weights were those of hidden layer 2, 9e+02" in text


def test_the_advice_follows_the_parameters() -> None:
    def of(**params: Any) -> str:
        return advice(DeepLearningParams(**params))

    assert of(adaptive_rate=False, rate=3.0).startswith("a smaller rate (now 3)")
    assert "momentum_stable (now 0.99)" in of(adaptive_rate=False, momentum_stable=0.99)
    assert "Tanh" not in of(activation="Tanh")
    assert "max_w2=10" in of()
    assert "max_w2" not in of(max_w2=10.0)
    assert "standardize=True" in of(standardize=False)
    assert "initial_weight_scale (now 50)" in of(initial_weight_distribution="Normal", initial_weight_scale=50.0)
    assert "epsilon" in of(epsilon=1e-15)


EXPLODES: dict[str, Any] = {"epochs": 100, "hidden": [], "adaptive_rate": False, "rate": 0.2, "rate_annealing": 0.0}


@pytest.mark.parametrize("best", [False, True])
def test_divergence_goes_back_to_the_best_network(best: bool) -> None:
    """A linear network at a rate just above the stable ones; what was learned before it ran away is not lost."""
    params = {"seed": 7, "reproducible": True, "stopping_rounds": 0, "regression_stop": -1, **EXPLODES}
    model = H2ODeepLearningEstimator(**params, overwrite_with_best_model=best)
    with pytest.warns(UserWarning, match="became unstable after .* What usually helps: a smaller rate"):
        model.train(x=X, y="z", training_frame=data())
    assert "What was learned before is kept" in why(model)
    table = history(model)
    assert table["epochs"].iloc[-1] < 100
    assert np.isfinite(numbers(model.predict(data()))).all()
    assert model.rmse() == table["training_rmse"].iloc[-1]
    assert model.rmse() == pytest.approx(table["training_rmse"].min(), rel=1e-6)
    assert model.rmse() < 10
    assert model._model.performance(data()._frame()).rmse() == pytest.approx(model.rmse(), rel=1e-9)


def test_divergence_before_the_first_scoring_is_an_error() -> None:
    with pytest.raises(UnstableModel, match=r"unstable after 1.00 epochs, in .* a smaller rate \(now 1e\+06\)"):
        fit("z", adaptive_rate=False, rate=1e6)


def test_a_healthy_network_is_left_alone() -> None:
    assert np.isfinite(W(fit("z"))).all()
