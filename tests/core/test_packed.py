"""Numeric inputs as bytes: whatever reads them gets the bits that a matrix of floats has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heavywater.core.mlp import forward, layout, serial
from heavywater.core.mlp.batch import BatchTrainer
from heavywater.core.mlp.team import TeamTrainer
from tests.core.networks import hyper, random_network

ROWS, CATS, NUMS = 60, 4, 70


def twins(zeros: float, centred: bool, cats: bool, seed: int = 0) -> tuple[layout.Inputs, layout.Inputs]:
    """The same inputs as a matrix of float64, worked out number by number, and packed."""
    random = np.random.default_rng(seed)
    codes = (random.integers(0, 256, (ROWS, NUMS)) * (random.random((ROWS, NUMS)) >= zeros)).astype(np.uint8)
    low = np.where(random.random(NUMS) < 0.5, 0.0, random.integers(-1000, 1000, NUMS)) if centred else np.zeros(NUMS)
    sub = low + random.random(NUMS) * 100 if centred else np.zeros(NUMS)
    mul = 1 / (1 + random.random(NUMS) * 50)
    dense = np.empty((ROWS, NUMS))
    for r in range(ROWS):
        for j in range(NUMS):
            dense[r, j] = (float(int(codes[r, j]) + int(low[j])) - sub[j]) * mul[j]
    slots = np.empty((ROWS, 0), np.int32)
    if cats:
        slots = random.integers(-1, CATS, (ROWS, 2)).astype(np.int32)
    matrix = layout.Inputs.from_dense(dense)._replace(slots=slots, num_start=CATS if cats else 0)
    packed = layout.Packed(codes, low, sub, mul)
    return matrix, matrix._replace(dense=np.empty((ROWS, 0)), packed=packed)


def targets(outputs: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, outputs, ROWS).astype(np.float64)


FORMS = [
    pytest.param(zeros, centred, cats, id=f"{zeros}-{centred}-{cats}")
    for zeros, centred in ((0.2, True), (0.2, False), (0.9, False))
    for cats in (True, False)
]


@pytest.mark.parametrize(("zeros", "centred", "cats"), FORMS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("autoencoder", [False, True])
@pytest.mark.parametrize("trainer", ["rows", "batches", "exact"])
def test_training_is_the_same_to_the_bit(
    zeros: float, centred: bool, cats: bool, dropout: float, autoencoder: bool, trainer: str
) -> None:
    matrix, packed = twins(zeros, centred, cats)
    width = NUMS + (CATS if cats else 0)
    outputs = width if autoencoder else 3
    start = random_network([width, 9, outputs], "Rectifier", scale=0.2)
    t = np.zeros(0) if autoencoder else targets(3)
    h = hyper("gaussian" if autoencoder else "crossentropy", "Rectifier", input_dropout=dropout)
    if autoencoder:
        h = h._replace(output=layout.AUTOENCODER)
    nets = []
    for x in (matrix, packed):
        net, rows = start.copy(), np.random.default_rng(3).integers(0, ROWS, 100)
        if trainer == "exact":
            assert serial.train(net, h, x, t, None, rows, np.arange(100), 0) == 100
        else:
            more: dict[str, Any] = {"batch": 7} if trainer == "batches" else {}
            run = (BatchTrainer if trainer == "batches" else TeamTrainer)(net, h, x, t, threads=1, **more)
            if zeros > 0.5:
                assert run.plan.by_input
            assert run.run(rows, 0) == 100
            run.write_back()
            run.close()
        nets.append(net)
    assert not np.array_equal(nets[0].weights, start.weights)
    for name, array in nets[0].arrays().items():
        np.testing.assert_array_equal(getattr(nets[1], name), array)


@pytest.mark.parametrize(("zeros", "centred", "cats"), FORMS)
def test_predictions_and_chosen_rows_are_the_same(zeros: float, centred: bool, cats: bool) -> None:
    matrix, packed = twins(zeros, centred, cats)
    net = random_network([NUMS + (CATS if cats else 0), 9, 3], "Tanh", scale=0.2)
    h = hyper("crossentropy", "Tanh")
    expected = forward.predict(net, h, matrix)
    np.testing.assert_array_equal(forward.predict(net, h, packed), expected)
    rows = np.array([5, 3, 3, 59])
    np.testing.assert_array_equal(forward.predict(net, h, packed.take(rows)), expected[rows])
    np.testing.assert_array_equal(packed.number_rows(rows), matrix.number_rows(rows))
    assert packed.numbers == matrix.numbers == NUMS
