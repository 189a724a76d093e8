"""The fast forward pass against the one in H2O's order, and what may not change its bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from heavywater.core.mlp import fast_forward, forward
from heavywater.core.mlp.fast_forward import FARTHEST_ZERO, ROWS, Columns, zeros
from heavywater.core.mlp.forward_tiles import BLOCK, CHUNK
from heavywater.core.mlp.init import initialise
from heavywater.core.mlp.layout import (
    AUTOENCODER,
    CROSSENTROPY,
    GAUSSIAN,
    LINEAR,
    SOFTMAX,
    Hyper,
    Inputs,
    Network,
    Packed,
    Topology,
    hyper,
)
from tests.naive.mlp import activation

DTYPES = (np.uint8, np.int16, np.int32, np.int64, np.float64)


def network(units: tuple[int, ...], kind: str = "Rectifier", seed: int = 1) -> Network:
    net = initialise(Topology(units), seed=seed, classifier=True, activation=kind)
    net.biases[:] = np.random.default_rng(seed).standard_normal(len(net.biases))
    return net


def settings(kind: str = "Rectifier", output: int = SOFTMAX, **more: Any) -> Hyper:
    return hyper(activation=kind, output=output, loss=CROSSENTROPY if output == SOFTMAX else GAUSSIAN, **more)


def table(n: int, m: int, *, density: float = 0.3, seed: int = 0) -> Columns:
    """Columns of all types, mostly zeros, with two one-hot columns of five levels beside them; some values are missing."""
    random = np.random.default_rng(seed)
    slots = np.stack((random.integers(-1, 5, n), random.integers(4, 10, n)), axis=1).astype(np.int32)
    columns = []
    for k in range(m):
        dtype = DTYPES[k % len(DTYPES)]
        column = (random.integers(0, 200, n) * (random.random(n) < density)).astype(dtype)
        if dtype == np.float64:
            column[random.random(n) < 0.1] = np.nan
            column[random.random(n) < 0.02] = np.inf
        columns.append(column)
    sub = random.random(m) * 100
    sub[:: m // 2 or 1] = 1e6  # far from zero
    replacement = np.where(np.arange(m) % 2, sub, np.nan)
    return Columns(slots, columns, replacement, sub, 1 / (50 + random.random(m)), 10)


def matrix(x: Columns) -> Inputs:
    """The same inputs as a matrix, worked out plainly."""
    dense = np.array(x.columns, np.float64).T.reshape(x.nrow, len(x.columns))
    dense = (np.where(np.isfinite(dense), dense, x.replacement) - x.sub) * x.mul
    dense = np.where(np.isnan(dense), 0.0, dense)
    return Inputs.from_dense(dense)._replace(slots=x.slots, num_start=x.num_start)


@pytest.mark.parametrize("kind", ["Rectifier", "Tanh", "ExpRectifier"])
@pytest.mark.parametrize("output", [SOFTMAX, LINEAR, AUTOENCODER])
@pytest.mark.parametrize("units", [(37, 5), (37, 30, 9, 3), (2 * CHUNK + 15, 24, 49, 12)])
def test_it_agrees_with_the_pass_in_h2os_order(kind: str, output: int, units: tuple[int, ...]) -> None:
    if output == AUTOENCODER:
        units = (*units[:-1], units[0])
    elif output == LINEAR:
        units = (*units[:-1], 1)
    x = table(BLOCK + 13, units[0] - 10)
    net = network(units, kind)
    h = settings(kind, output, input_dropout=0.1, hidden_dropout=(0.25,) * (len(units) - 2))
    shift = None if output != LINEAR else np.linspace(-1, 1, x.nrow)
    wanted = forward.predict(net, h, matrix(x), offsets=shift)
    np.testing.assert_allclose(fast_forward.predict(net, h, x, offsets=shift), wanted, rtol=1e-9, atol=1e-11)
    for l in range(len(units) - 2):
        wanted = forward.hidden_activations(net, h, matrix(x), l)
        found = fast_forward.hidden_activations(net, h, x, l)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11 * max(1, np.abs(wanted).max()))


def test_a_row_by_hand() -> None:
    net, x = network((12, 4, 3), "Tanh"), table(1, 2)
    inputs = np.concatenate((np.zeros(10), matrix(x).dense[0]))
    for slot in x.slots[0]:
        inputs[slot] += slot >= 0
    hidden = activation("Tanh", net.W(0).astype(float) @ inputs + net.b(0))
    out = np.exp(net.W(1).astype(float) @ hidden + net.b(1))
    np.testing.assert_allclose(fast_forward.predict(net, settings("Tanh"), x)[0], out / out.sum(), rtol=1e-12)


def test_neither_other_rows_nor_threads_nor_the_way_in_change_a_bit() -> None:
    x = table(2 * ROWS + 77, 40)
    net, h = network((50, 33, 7)), settings()
    whole = fast_forward.predict(net, h, x)
    for threads in (2, 5):
        assert np.array_equal(fast_forward.predict(net, h, x, threads=threads), whole)
    for rows in (np.arange(3, 4), np.arange(700, 713), np.arange(x.nrow)[::-1]):
        part = replace(x, slots=x.slots[rows], columns=[c[rows] for c in x.columns])
        assert np.array_equal(fast_forward.predict(net, h, part), whole[rows])
    zero = zeros(x.sub, x.mul, x.num_start)
    assert np.array_equal(fast_forward.predict(net, h, matrix(x), zero=zero), whole)
    wide = replace(x, columns=[np.asarray(c, np.float64) for c in x.columns])
    assert np.array_equal(fast_forward.predict(net, h, wide), whole)
    unusual = replace(x, columns=[np.repeat(c.astype(np.float64), 2)[::2].astype(">f8") for c in x.columns])
    assert np.array_equal(fast_forward.predict(net, h, unusual), whole)


def test_compressed_rows() -> None:
    dense = np.random.default_rng(0).random((90, 30)) * (np.random.default_rng(1).random((90, 30)) < 0.2)
    rows, columns = np.nonzero(dense)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=90)))).astype(np.int64)
    sparse = Inputs(
        np.full((90, 1), 2, np.int32), np.zeros((90, 0)), indptr, columns.astype(np.int32), dense[rows, columns], 5
    )
    net, h = network((35, 8, 2)), settings()
    full = Inputs.from_dense(dense)._replace(slots=sparse.slots, num_start=5)
    zero = np.concatenate((np.zeros(5), np.full(30, 0.25)))
    for z in (None, zero):
        wanted = fast_forward.predict(net, h, full, zero=z)
        assert np.array_equal(fast_forward.predict(net, h, sparse, zero=z), wanted)
        np.testing.assert_allclose(wanted, forward.predict(net, h, full), rtol=1e-9)


def test_where_inputs_count_from() -> None:
    sub, mul = np.array([0.0, 1.0, 3.0, -3.0, 1e300, np.inf]), np.array([1.0, 2.0, 2.0, 1.0, 1e300, 1.0])
    assert zeros(sub, mul, 2).tolist() == [0, 0, 0, -2, 0, 3, 0, 0]
    assert abs(zeros(np.array([FARTHEST_ZERO]), np.ones(1), 0)[0]) == FARTHEST_ZERO


def test_no_rows_and_maxout() -> None:
    x, net = table(0, 3), network((13, 4, 2))
    assert fast_forward.predict(net, settings(), x, threads=2).shape == (0, 2)
    with pytest.raises(ValueError, match="one channel"):
        fast_forward.predict(Network(Topology((13, 4, 2), maxout=True)), settings(), x)
    with pytest.raises(ValueError, match="hidden layer 1 of a network with 1"):
        fast_forward.hidden_activations(net, settings(), x, 1)


def test_bytes() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (70, 9)).astype(np.uint8)
    low, sub, mul = np.arange(9.0), np.full(9, 20.0), np.linspace(0.01, 0.02, 9)
    x = Inputs.from_dense(np.zeros((70, 0)))._replace(packed=Packed(codes, low, sub, mul))
    net, h = network((9, 8, 2)), settings()
    wanted = fast_forward.predict(net, h, Inputs.from_dense((codes + low - sub) * mul))
    assert np.array_equal(fast_forward.predict(net, h, x), wanted)
