"""The fast trainer against the exact one, and against itself with another number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heavywater.core.mlp import forward, layout, serial
from heavywater.core.mlp.team import TeamTrainer
from tests.core.networks import ACTIVATIONS, LOSSES, hyper, problem, random_network


def as_csr(x: np.ndarray) -> layout.Inputs:
    """The same inputs as compressed rows."""
    nonzero = x != 0
    return layout.Inputs(
        np.zeros((len(x), 0), np.int32),
        np.zeros((len(x), 0)),
        np.concatenate(([0], np.cumsum(nonzero.sum(axis=1)))),
        np.nonzero(nonzero)[1].astype(np.int32),
        x[nonzero],
        0,
    )


def both(
    h: layout.Hyper, x: layout.Inputs, t: np.ndarray, start: layout.Network, threads: int = 1, **more: Any
) -> tuple[layout.Network, layout.Network, TeamTrainer]:
    """The network after training on all rows by the exact and by the fast trainer."""
    exact, fast = start.copy(), start.copy()
    rows = np.arange(x.nrow)
    serial.train(exact, h, x, t, more.get("offsets"), rows, rows, 0)
    trainer = TeamTrainer(fast, h, x, t, threads=threads, **more)
    assert trainer.run(rows, 0) == len(rows)
    trainer.write_back()
    trainer.close()
    return exact, fast, trainer


def distance(a: layout.Network, b: layout.Network) -> float:
    return max(float(np.abs(a.weights - b.weights).max()), float(np.abs(a.biases - b.biases).max()))


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_plain_steps_are_the_exact_ones(loss: str, activation: str, form: str) -> None:
    zeros = 0.8 if form == "csr" else 0.2
    x, t, outputs = problem(loss, 40, 7, zeros=zeros)
    h = hyper(loss, activation, adaptive=False, rate=0.02, rate_annealing=0, rate_decay=0.9)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    start = random_network([7, 6, 5, outputs], activation, scale=0.4)
    exact, fast, trainer = both(h, inputs, t, start)
    assert trainer.plan.by_input == (form == "csr")
    assert distance(exact, start) > 1e-3
    assert distance(exact, fast) < 1e-5


OPTIMISERS: dict[str, dict[str, Any]] = {
    "l1l2": {"adaptive": False, "rate": 0.02, "l1": 0.01, "l2": 0.02},
    "l1l2_all": {"adaptive": False, "rate": 0.02, "l1": 0.01, "l2": 0.02, "fast_mode": False},
    "nesterov": {"adaptive": False, "rate": 0.02, "momentum_start": 0.3, "momentum_stable": 0.6, "momentum_ramp": 20},
    "momentum": {"adaptive": False, "rate": 0.02, "momentum_start": 0.5, "momentum_stable": 0.5, "nesterov": False},
    "momentum_h2o": {
        "adaptive": False, "rate": 0.02, "momentum_start": 0.5, "momentum_stable": 0.5, "nesterov": False, "h2o": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("activation", ["Tanh", "Rectifier", "Maxout"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers_are_the_exact_ones(name: str, activation: str) -> None:
    x, t, outputs = problem("crossentropy", 40, 7)
    h = hyper("crossentropy", activation, **OPTIMISERS[name])
    start = random_network([7, 6, outputs], activation, scale=0.4)
    exact, fast, _ = both(h, layout.Inputs.from_dense(x), t, start)
    assert distance(exact, fast) < 2e-5


@pytest.mark.parametrize("activation", ["Tanh", "Rectifier"])
@pytest.mark.parametrize("penalty", [0.0, 1e-3])
def test_adadelta_is_the_exact_one_within_the_error_of_both_roots(activation: str, penalty: float) -> None:
    x, t, outputs = problem("crossentropy", 60, 7)
    h = hyper("crossentropy", activation, rho=0.95, epsilon=1e-6, l1=penalty, l2=penalty)
    start = random_network([7, 6, outputs], activation, scale=0.4)
    exact, fast, _ = both(h, layout.Inputs.from_dense(x), t, start)
    assert distance(exact, fast) < 0.1 * distance(exact, start)


def test_max_w2_holds() -> None:
    x, t, outputs = problem("crossentropy", 60, 7)
    h = hyper("crossentropy", "Rectifier", max_w2=0.5)
    _, fast, _ = both(h, layout.Inputs.from_dense(x), t, random_network([7, 6, outputs], "Rectifier", scale=0.1))
    for l in range(2):
        assert (fast.W(l) ** 2).sum(axis=1).max() <= 0.5 * 1.001


def test_one_hot_and_dense_inputs_together() -> None:
    rng = np.random.default_rng(5)
    slots = np.stack([rng.integers(-1, 4, 50), rng.integers(4, 9, 50)], axis=1).astype(np.int32)
    dense = rng.normal(size=(50, 3))
    full = np.zeros((50, 12))
    for r in range(50):
        for s in slots[r]:
            if s >= 0:
                full[r, s] += 1
    full[:, 9:] = dense
    t = rng.normal(size=50)
    mixed = layout.Inputs.from_dense(dense)._replace(slots=slots, num_start=9)
    h = hyper("gaussian", "Tanh", adaptive=False, rate=0.02)
    start = random_network([12, 6, 1], "Tanh", scale=0.4)
    exact, fast, trainer = both(h, mixed, t, start)
    exact_full, _, _ = both(h, layout.Inputs.from_dense(full), t, start)
    assert trainer.plan.by_input
    assert (exact.weights == exact_full.weights).all()
    assert distance(exact, fast) < 1e-5


def test_inputs_that_meet_in_one_slot_add_up() -> None:
    slots = np.array([[2, 2], [0, 2], [1, 1]], np.int32)
    x = layout.Inputs.from_dense(np.zeros((3, 0)))._replace(slots=slots, num_start=4)
    h = hyper("gaussian", "Tanh", adaptive=False, rate=0.1)
    exact, fast, _ = both(h, x, np.ones(3), random_network([4, 3, 1], "Tanh"))
    assert distance(exact, fast) < 1e-6


def test_offsets_shift_the_output() -> None:
    x, t, _ = problem("poisson", 30, 5)
    offsets = np.random.default_rng(2).normal(size=30)
    h = hyper("poisson", "Tanh", adaptive=False, rate=0.01)
    start = random_network([5, 4, 1], "Tanh", scale=0.3)
    exact, fast, _ = both(h, layout.Inputs.from_dense(x), t, start, offsets=offsets)
    without, _, _ = both(h, layout.Inputs.from_dense(x), t, start)
    assert distance(exact, fast) < 1e-5
    assert distance(exact, without) > 1e-3


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_autoencoder(form: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-0.5, 0.5, (40, 8)) * (rng.random((40, 8)) < (0.3 if form == "csr" else 1.0))
    h = layout.hyper(
        activation="Tanh", output=layout.AUTOENCODER, loss=layout.GAUSSIAN, adaptive=False, rate=0.02,
        sparsity_beta=0.1, average_activation=-0.1,
    )  # fmt: skip
    start = random_network([8, 4, 8], "Tanh", scale=0.4)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    exact, fast, _ = both(h, inputs, np.zeros(0), start)
    assert distance(exact, fast) < 1e-5
    np.testing.assert_allclose(exact.mean_activation, fast.mean_activation, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("hidden", [[9, 6], []])
def test_result_does_not_depend_on_who_does_which_share(activation: str, form: str, hidden: list[int]) -> None:
    x, t, outputs = problem("crossentropy", 200, 11, zeros=0.8 if form == "csr" else 0.1)
    inputs = as_csr(x) if form == "csr" else layout.Inputs.from_dense(x)
    h = hyper("crossentropy", activation, input_dropout=0.2, hidden_dropout=[0.5] * len(hidden), l1=1e-5, seed=7)
    results = []
    for working in (1, 3):
        net = random_network([11, *hidden, outputs], activation)
        trainer = TeamTrainer(net, h, inputs, t, threads=3)
        trainer._choose = lambda n=working: n  # type: ignore[method-assign]
        trainer.run(np.arange(200), 0)
        trainer.write_back()
        trainer.close()
        results.append(net)
    assert (results[0].weights == results[1].weights).all()
    assert (results[0].biases == results[1].biases).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_learns_two_spirals_of_a_sort(activation: str, threads: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 2))
    t = (x[:, 0] * x[:, 1] > 0).astype(float)
    inputs = layout.Inputs.from_dense(x)
    net = random_network([2, 24, 2], activation, scale=0.3)
    h = hyper("crossentropy", activation, rho=0.95, epsilon=1e-6)
    trainer = TeamTrainer(net, h, inputs, t, threads=threads)
    done = 0
    for _ in range(12):
        done += trainer.run(rng.permutation(1500), done)
    trainer.write_back()
    trainer.close()
    error = (forward.predict(net, h, inputs).argmax(axis=1) != t).mean()
    assert error < 0.06


@pytest.mark.parametrize("activation", ["Tanh", "Rectifier"])
def test_dropout_keeps_about_the_right_share_and_dropped_units_still(activation: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    h = hyper("gaussian", activation, adaptive=False, rate=1e-9, hidden_dropout=[0.3], seed=3)
    net = random_network([3, 50, 1], activation)
    z = np.float32(x) @ net.W(0).T + np.float32(net.b(0))
    wanted = np.maximum(z, 0) if activation == "Rectifier" else np.tanh(z)
    trainer = TeamTrainer(net, h, layout.Inputs.from_dense(x), np.zeros(400))
    seen = np.zeros(50)
    for r in range(400):
        trainer.run(np.array([r]), r)
        live = trainer._shared.live[trainer.plan.places[1] :][:50]
        seen += live
        active = trainer._shared.activations[trainer.plan.places[1] :][:50]
        assert (active[~live] == 0).all()
        np.testing.assert_allclose(active[live], wanted[r][live], atol=1e-5)
    trainer.close()
    assert abs(seen.mean() / 400 - 0.7) < 0.02
    assert seen.std() < 4 * np.sqrt(400 * 0.21)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_buffers_are_left_alone_beyond_a_layer(activation: str) -> None:
    """Whoever walks beyond a layer's end in one buffer does so in others too, which end there."""
    x, t, outputs = problem("crossentropy", 30, 90)
    net = random_network([90, 5, 4, outputs], activation, scale=0.4)
    trainer = TeamTrainer(net, hyper("crossentropy", activation), layout.Inputs.from_dense(x), t, threads=2)
    channels = 2 if activation == "Maxout" else 1
    for own in trainer._own:
        own.delta[:] = 7
    trainer.run(np.arange(30), 0)
    trainer.close()
    for own in trainer._own:
        assert (own.delta[5 * channels :] == 7).all()


def test_reload_takes_what_was_changed_in_the_network() -> None:
    x, t, outputs = problem("gaussian", 10, 4)
    net = random_network([4, 3, outputs], "Maxout")
    trainer = TeamTrainer(net, hyper("gaussian", "Maxout"), layout.Inputs.from_dense(x), t, threads=2)
    net.weights += 1
    wanted = net.weights.copy()
    trainer.reload()
    net.weights[:] = 0
    trainer.write_back()
    trainer.close()
    assert (net.weights == wanted).all()


def test_cancel_ends_a_long_run() -> None:
    import threading

    x, t, outputs = problem("gaussian", 1000, 20)
    net = random_network([20, 50, outputs], "Tanh")
    trainer = TeamTrainer(net, hyper("gaussian", "Tanh"), layout.Inputs.from_dense(x), t, threads=2)
    trainer.run(np.arange(10), 0)
    rows = np.tile(np.arange(1000), 20000)
    timer = threading.Timer(0.3, trainer.cancel)
    timer.start()
    done = trainer.run(rows, 0)
    timer.join()
    trainer.close()
    assert 0 < done < 20_000_000
