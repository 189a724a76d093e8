"""Mini-batches: against the fast trainer with one row, against the mean of naive gradients, whatever the threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heavywater.core.mlp import forward, layout
from heavywater.core.mlp.batch import BatchTrainer, automatic_batch
from heavywater.core.mlp.fast import WORTH_SKIPPING
from heavywater.core.mlp.team import TeamTrainer
from tests.core.networks import ACTIVATIONS, LOSSES, difference, hyper, problem, random_network, twin
from tests.core.test_fast import as_csr, distance

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"adaptive": False, "rate": 0.02},
    "adadelta": {},
    "momentum": {"adaptive": False, "rate": 0.02, "momentum_start": 0.5, "momentum_stable": 0.9},
    "dropout": {"hidden_dropout": [0.5, 0.3], "input_dropout": 0.2},
    "penalties": {"l1": 1e-3, "l2": 1e-3},
}


def trained(start: layout.Network, h: layout.Hyper, x: Any, t: np.ndarray, batch: int, threads: int) -> layout.Network:
    net = start.copy()
    trainer = BatchTrainer(net, h, x, t, batch=batch, threads=threads)
    assert trainer.run(np.arange(x.nrow), 0) == x.nrow
    trainer.write_back()
    trainer.close()
    return net


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_batches_of_one_row_are_online_training(activation: str, form: str, option: str) -> None:
    x, t, outputs = problem("crossentropy", 40, 7, zeros=0.8 if form == "csr" else 0.2)
    h = hyper("crossentropy", activation, **OPTIONS[option])
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    start = random_network([7, 6, 5, outputs], activation, scale=0.4)
    online = start.copy()
    trainer = TeamTrainer(online, h, inputs, t, threads=1)
    trainer.run(np.arange(40), 0)
    trainer.write_back()
    trainer.close()
    net = trained(start, h, inputs, t, 1, 1)
    assert distance(online, start) > 1e-3
    assert distance(online, net) < 2e-6


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_into_dropped_units_need_not_be_read(activation: str, form: str, threads: int) -> None:
    """Layers so wide that online training leaves them out, which mini-batches do not."""
    x, t, outputs = problem("crossentropy", 60, 90, zeros=0.8 if form == "csr" else 0.2)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper("crossentropy", activation, adaptive=False, rate=0.02, hidden_dropout=[0.5, 0.4], seed=3)
    start = random_network([90, WORTH_SKIPPING + 3, 9, outputs], activation, scale=0.1)
    online = start.copy()
    trainer = TeamTrainer(online, h, inputs, t, threads=threads)
    trainer._choose = lambda: threads  # type: ignore[method-assign]
    trainer.run(np.arange(60), 0)
    trainer.write_back()
    trainer.close()
    assert distance(online, start) > 1e-3
    assert distance(online, trained(start, h, inputs, t, 1, 1)) < 5e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_follows_the_mean_of_the_rows_gradients(loss: str, activation: str) -> None:
    x, t, outputs = problem(loss, 13, 5)
    net = random_network([5, 40, 3, outputs], activation, scale=0.4)
    naive = twin(net, activation, loss, alpha=0.3, power=1.4)
    h = hyper(loss, activation, adaptive=False, rate=0.05, rate_annealing=0, quantile_alpha=0.3, tweedie_power=1.4)
    rows = [naive.gradients(row, target) for row, target in zip(x, t)]
    for l in range(3):
        naive.weights[l] -= 0.05 * np.mean([gw[l] for gw, _ in rows], axis=0)
        naive.biases[l] -= 0.05 * np.mean([gb[l] for _, gb in rows], axis=0)
    assert difference(trained(net, h, layout.Inputs.from_dense(x), t, 13, 1), naive) < 2e-6


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_threads_change_no_bit(activation: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heavywater.core.mlp.batch.SMALLEST_WORK", 0)
    x, t, outputs = problem("crossentropy", 200, 61, zeros=0.8 if form == "csr" else 0.1)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper("crossentropy", activation, input_dropout=0.2, hidden_dropout=[0.5, 0.5], l1=1e-5, max_w2=10.0, seed=7)
    start = random_network([61, 33, 20, outputs], activation, scale=0.3)
    nets = [trained(start, h, inputs, t, 24, threads) for threads in (1, 2, 3)]
    assert (nets[0].weights != start.weights).any()
    for net in nets[1:]:
        assert all((a == net.arrays()[name]).all() for name, a in nets[0].arrays().items())


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("batch", [20, 130])
@pytest.mark.parametrize("option", ["adadelta", "momentum", "penalties"])
def test_lists_of_what_is_on_change_nothing_but_roundings(
    option: str, batch: int, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heavywater.core.mlp.batch.SMALLEST_WORK", 0)
    monkeypatch.setattr("heavywater.core.mlp.batch_plan.HELD", 1000)
    monkeypatch.setattr("heavywater.core.mlp.batch_plan.ENOUGH", 0)
    x, t, outputs = problem("crossentropy", 300, 150, zeros=0.8 if form == "csr" else 0.1)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper("crossentropy", "Rectifier", **OPTIONS["dropout"], **OPTIONS[option])
    start = random_network([150, 139, 70, outputs], "Rectifier", scale=0.3)
    lists = [trained(start, h, inputs, t, batch, threads) for threads in (1, 2, 3)]
    for net in lists[1:]:
        assert all((a == net.arrays()[name]).all() for name, a in lists[0].arrays().items())
    monkeypatch.setattr("heavywater.core.mlp.batch_plan.DROPPED", 2.0)
    full = trained(start, h, inputs, t, batch, 2)
    assert distance(full, start) > 1e-3
    assert 0 < distance(full, lists[0]) < 2e-5


@pytest.mark.parametrize("threads", [1, 2])
def test_only_units_with_too_large_weights_are_scaled_down(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heavywater.core.mlp.batch.SMALLEST_WORK", 0)
    x, t, outputs = problem("crossentropy", 12, 30)
    inputs, start = layout.Inputs.from_dense(x), random_network([30, 21, outputs], "Rectifier", scale=0.4)
    free, held = (
        trained(start, hyper("crossentropy", "Rectifier", max_w2=most), inputs, t, 12, threads) for most in (1e30, 4.5)
    )
    for l in range(2):
        squares = (free.W(l).astype(float) ** 2).sum(axis=1, keepdims=True)
        assert l > 0 or 0 < (squares > 4.5).sum() < 21
        wanted = free.W(l) * np.minimum(1, np.sqrt(4.5 / squares))
        np.testing.assert_allclose(held.W(l), wanted, rtol=1e-5)


def test_learns() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 2))
    t = (x[:, 0] * x[:, 1] > 0).astype(float)
    inputs = layout.Inputs.from_dense(x)
    net = random_network([2, 24, 2], "Rectifier", scale=0.3)
    h = hyper("crossentropy", "Rectifier", adaptive=False, rate=0.1, momentum_start=0.9, momentum_stable=0.9)
    trainer = BatchTrainer(net, h, inputs, t, batch=16)
    for k in range(30):
        trainer.run(rng.permutation(1500), 1500 * k)
    trainer.write_back()
    trainer.close()
    assert (forward.predict(net, h, inputs).argmax(axis=1) != t).mean() < 0.06


def test_automatic_batch_grows_with_the_rows() -> None:
    assert [automatic_batch(n, 10_000) for n in (1, 150, 400, 60_000)] == [1, 1, 2, 32]
