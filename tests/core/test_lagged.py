"""Training of small networks by two threads that have different layers, against its slow twin and against itself."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from heavywater.core.mlp import forward, lagged, layout
from heavywater.core.mlp.lagged import GRAIN, GROUP
from heavywater.core.mlp.team import TeamTrainer
from tests.core.networks import difference, hyper, problem, random_network, twin
from tests.core.test_fast import as_csr
from tests.naive.mlp import NaiveNetwork


@pytest.fixture(autouse=True)
def _small_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lagged, "LEAST_WORK", 0)
    monkeypatch.setattr(lagged, "LEAST_PART", 0.0)


def trained(
    h: layout.Hyper, x: layout.Inputs, t: np.ndarray, net: layout.Network, working: int | None = None, slices: int = 1
) -> layout.Network:
    """The network after a pass over all rows, in so many runs, with so many threads at work."""
    trainer = TeamTrainer(net, h, x, t, threads=2)
    assert trainer.lagged
    if working is not None:
        trainer._choose = lambda: working  # type: ignore[method-assign]
    done = 0
    for part in np.array_split(np.arange(x.nrow // GRAIN), slices):
        done += trainer.run(np.arange(done, done + len(part) * GRAIN), done)
    trainer.run(np.arange(done, x.nrow), done)
    trainer.write_back()
    trainer.close()
    return net


def late_descent(net: NaiveNetwork, x: np.ndarray, t: np.ndarray, rate: float) -> None:
    """Gradient descent in which a row's way through the first layer's weights misses the updates for the rows before."""
    for start in range(0, len(x), GRAIN):
        known = [net.weights[0].copy()]  # after 0, 1, 2, … rows of this stretch
        for i in range(min(GRAIN, len(x) - start)):
            now = net.weights[0]
            net.weights[0] = known[max(0, i // GROUP - 1) * GROUP]
            gw, gb = net.gradients(x[start + i], t[start + i])
            net.weights[0] = now
            for p, g in zip((*net.weights, *net.biases), (*gw, *gb)):
                p -= rate * g
            known.append(net.weights[0].copy())


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("activation", ["Tanh", "Rectifier", "ExpRectifier"])
@pytest.mark.parametrize("loss", ["crossentropy", "gaussian"])
def test_is_late_descent(loss: str, activation: str, form: str) -> None:
    x, t, outputs = problem(loss, GRAIN + 45, 9, zeros=0.7 if form == "csr" else 0.0)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper(loss, activation, adaptive=False, rate=0.01, rate_annealing=0)
    start = random_network([9, 7, 6, outputs], activation, scale=0.4)
    slow, punctual = twin(start, activation, loss), twin(start, activation, loss)
    late_descent(slow, x.astype(np.float32), t, 0.01)
    for row, target in zip(x.astype(np.float32), t):
        punctual.sgd(row, target, 0.01)
    net = trained(h, inputs, t, start.copy())
    assert difference(net, slow) < 2e-5
    assert difference(net, punctual) > 10 * difference(net, slow)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"l1": 1e-4, "l2": 1e-4},
        {"max_w2": 0.5},
        {"adaptive": False, "rate": 0.02},
        {"adaptive": False, "rate": 0.02, "momentum_start": 0.3, "momentum_stable": 0.6},
    ],
)
@pytest.mark.parametrize("form", ["dense", "csr"])
def test_neither_threads_nor_slices_change_a_bit(form: str, more: dict[str, Any]) -> None:
    x, t, outputs = problem("crossentropy", 3 * GRAIN + 100, 11, zeros=0.8 if form == "csr" else 0.0)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper("crossentropy", "Rectifier", input_dropout=0.2, hidden_dropout=[0.5, 0.3], seed=7, **more)
    start = random_network([11, 9, 6, outputs], "Rectifier")
    nets = [trained(h, inputs, t, start.copy(), n, slices) for n, slices in ((1, 1), (2, 1), (1, 3), (2, 2))]
    assert np.abs(nets[0].weights - start.weights).max() > 1e-3
    for other in nets[1:]:
        assert (nets[0].weights == other.weights).all()
        assert (nets[0].biases == other.biases).all()


def test_learns_as_well_as_row_after_row() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2048, 2))
    t = (x[:, 0] * x[:, 1] > 0).astype(float)
    inputs = layout.Inputs.from_dense(x)
    net = random_network([2, 24, 2], "Rectifier", scale=0.3)
    h = hyper("crossentropy", "Rectifier", rho=0.95, epsilon=1e-6)
    trainer = TeamTrainer(net, h, inputs, t, threads=2)
    assert trainer.lagged
    for k in range(12):
        trainer.run(rng.permutation(2048), 2048 * k)
    trainer.write_back()
    trainer.close()
    assert (forward.predict(net, h, inputs).argmax(axis=1) != t).mean() < 0.06


def test_cancel_ends_it() -> None:
    x, t, outputs = problem("gaussian", 2 * GRAIN, 5)
    trainer = TeamTrainer(random_network([5, 4, outputs], "Tanh"), hyper("gaussian", "Tanh"),
                          layout.Inputs.from_dense(x), t, threads=2)  # fmt: skip
    trainer.cancel()
    began = time.monotonic()
    assert trainer.run(np.arange(2 * GRAIN), 0) == 0
    assert time.monotonic() - began < 5
    trainer.close()


def test_which_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    rows = layout.Inputs.from_dense(np.ones((1000, 1)))

    def chosen(units: list[int], density: float = 1.0, threads: int = 2, x: layout.Inputs = rows, **more: Any) -> bool:
        net = layout.Network(layout.Topology(units, more.get("activation") == "Maxout"))
        given = {"activation": "Rectifier", **more}
        return lagged.is_lagged(net, layout.hyper(**given), x, density, threads)

    assert chosen([717, 32, 32, 32, 10], 0.2)
    assert not chosen([717, 32, 32, 32, 10], 0.2, threads=1)
    assert not chosen([717, 200, 200, 10], 0.2)  # large enough to divide its layers
    assert not chosen([4, 10, 3])  # too small for two
    assert not chosen([4, 100, 100, 3])  # nearly all of the work is in one part
    for other in (
        {"activation": "Maxout"}, {"output": layout.AUTOENCODER}, {"fast_mode": False}, {"sparsity_beta": 0.1},
        {"x": layout.Inputs.from_dense(np.ones((GRAIN - 1, 1)))},
    ):  # fmt: skip
        assert not chosen([717, 32, 32, 32, 10], 0.2, **other)
