"""Random numbers, hashing, sampling and initial weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heavywater.core import sampling
from heavywater.core.hashing import murmur2, murmur2_slot
from heavywater.core.mlp.init import initialise
from heavywater.core.mlp.layout import Network, Topology
from heavywater.core.rng import Pcg

MASK = (1 << 64) - 1


class NaivePcg:
    """PCG-XSH-RR 64/32 with Python's integers."""

    def __init__(self, seed: int):
        self.s = 0
        self.next32()
        self.s = (self.s + seed) & MASK
        self.next32()

    def next32(self) -> int:
        old = self.s
        self.s = (old * 6364136223846793005 + 3) & MASK
        x = (((old >> 18) ^ old) >> 27) & 0xFFFFFFFF
        r = old >> 59
        return ((x >> r) | (x << (32 - r))) & 0xFFFFFFFF

    def next64(self) -> int:
        high = self.next32()
        return (high << 32) | self.next32()


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63 - 1, -(2**63), 0x8734093502429734])
def test_pcg_is_the_naive_one(seed: int) -> None:
    ours, naive = Pcg(seed), NaivePcg(seed & MASK)
    for _ in range(5):
        assert ours.next32() == naive.next32()
        assert ours.next64() == naive.next64()
    assert ours.next_float() == (naive.next64() & 0xFFFFFF) / 2**24
    high, low = naive.next64() & (2**26 - 1), naive.next64() & (2**27 - 1)
    assert ours.next_double() == (high * 2**27 + low) * 2.0**-53
    assert ours.next_int(7) == naive.next32() % 7
    words = [naive.next32().to_bytes(4, "little") for _ in range(2)]
    assert ours.next_bytes(5) == b"".join(words)[:5]


def test_a_rotation_by_nothing_keeps_the_word() -> None:
    # The state's top five bits are the rotation; small states rotate by 0.
    ours, naive = Pcg(0), NaivePcg(0)
    ours.state[0] = naive.s = 12345678901
    assert ours.next32() == naive.next32()


def test_gaussians_are_standard_normal() -> None:
    rng = Pcg(42)
    draws = np.array([rng.next_gaussian() for _ in range(4000)])
    assert abs(draws.mean()) < 0.06
    assert abs(draws.std() - 1) < 0.05
    assert abs((np.abs(draws) < 1).mean() - 0.683) < 0.03


def test_shuffle_permutes_and_depends_on_the_seed() -> None:
    a, b = np.arange(50), np.arange(50)
    Pcg(1).shuffle(a)
    Pcg(2).shuffle(b)
    assert sorted(a) == list(range(50))
    assert (a != b).any()


def test_murmur_spreads_slots_and_is_signed() -> None:
    values = [murmur2(i, 1234) for i in range(2000)]
    assert min(values) < 0 < max(values)
    assert min(values) >= -(2**31)
    assert max(values) < 2**31
    counts = np.bincount([murmur2_slot(i, 1234, 10) for i in range(5000)], minlength=10)
    assert counts.min() > 400
    assert murmur2(5, 7) == murmur2(5, 7 + 2**32)
    with pytest.raises(ValueError, match="at least 1"):
        murmur2_slot(1, 1, 0)


def test_iteration_takes_every_row_once_and_leaves_out_bad_ones() -> None:
    skip = np.zeros(40, bool)
    skip[[3, 17]] = True
    rows, seeds = sampling.iteration_rows(40, 40, 9, 120, 4, shuffle=True, skip=skip)
    assert sorted(rows) == [i for i in range(40) if not skip[i]]
    assert (rows != np.sort(rows)).any()
    assert (seeds == rows + 120).all()
    other, _ = sampling.iteration_rows(40, 40, 9, 120, 5, shuffle=True, skip=skip)
    assert (rows != other).any()
    plain, _ = sampling.iteration_rows(40, 40, 9, 120, 4, shuffle=False)
    assert (plain == np.arange(40)).all()


def test_iteration_of_a_part_and_of_several_passes() -> None:
    rows, _ = sampling.iteration_rows(4000, 1000, 9, 0, 1, shuffle=False)
    assert len(np.unique(rows)) == len(rows)
    assert abs(len(rows) - 1000) < 120
    rows, seeds = sampling.iteration_rows(500, 1250, 9, 0, 1, shuffle=False)
    assert abs(len(rows) - 1250) < 120
    assert len(np.unique(seeds)) == len(seeds)


def test_general_weights_draw_heavy_rows_more_often() -> None:
    w = np.ones(200)
    w[:50] = 5.0
    w[50:60] = 0.0
    assert sampling.general_weights(w)
    assert not sampling.general_weights(np.ones(5))
    assert not sampling.general_weights(np.array([0.0, 1.0, 1.0]))
    counts = np.zeros(200)
    for iteration in range(1, 41):
        rows, _ = sampling.iteration_rows(200, 200, 3, 0, iteration, shuffle=False, skip=w == 0, weights=w)
        counts += np.bincount(rows, minlength=200)
    assert counts[50:60].sum() == 0
    assert 1.5 < counts[:50].mean() / counts[60:].mean() < 3.5


def test_iteration_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        sampling.iteration_rows(0, 10, 1, 0, 1, shuffle=True)


def test_scoring_sample() -> None:
    rows = sampling.scoring_sample(10_000, 1000, 5)
    assert abs(len(rows) - 1000) < 120
    assert (np.diff(rows) > 0).all()
    assert len(sampling.scoring_sample(50, 0, 5)) == 50
    assert len(sampling.scoring_sample(50, 50, 5)) == 50
    assert sampling.scoring_sample(30, 1, 1).size >= 1


def test_balanced_rows_even_out_the_classes() -> None:
    codes = np.array([0] * 900 + [1] * 90 + [2] * 10 + [-1] * 5)
    rows = sampling.balance_rows(codes, 3, seed=4)
    counts = np.bincount(codes[rows], minlength=3)
    assert (codes[rows] >= 0).all()
    assert counts.min() > 0.9 * counts.max()
    small = sampling.balance_rows(codes, 3, seed=4, max_relative_size=0.5)
    assert abs(len(small) - 0.5 * len(codes)) < 60
    mine = sampling.balance_rows(codes, 3, factors=np.array([0.1, 1.0, 2.5]), seed=4)
    counts = np.bincount(codes[mine], minlength=3)
    assert abs(counts[0] - 90) < 35
    assert counts[1] == 90
    assert 20 <= counts[2] <= 30
    with pytest.raises(ValueError, match="2 sampling factors for 3"):
        sampling.balance_rows(codes, 3, factors=np.ones(2), seed=4)


def test_folds_are_even() -> None:
    folds = sampling.folds_random(9000, 3, 11)
    assert abs(np.bincount(folds) - 3000).max() < 200
    codes = np.repeat([0, 1, -1], [6000, 600, 9])
    strat = sampling.folds_stratified(codes, 2, 3, 11)
    assert abs(np.bincount(strat[codes == 1]) - 200).max() < 50
    assert (strat[codes < 0] == np.flatnonzero(codes < 0) % 3).all()
    assert list(sampling.folds_modulo(5, 2)) == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("activation", ["Tanh", "Rectifier", "Maxout"])
def test_initial_weights(activation: str) -> None:
    t = Topology([30, 40, 20, 4], activation == "Maxout")
    net = initialise(t, seed=5, classifier=True, activation=activation)
    for l, factor in ((0, 1), (1, 1), (2, 4)):
        r = factor * math.sqrt(6 / (t.units[l] + t.units[l + 1]))
        w = net.W(l)
        assert np.abs(w).max() <= r
        assert abs(w).max() > 0.8 * r
        assert abs(w.mean()) < 0.15 * r
    start = [0.0, 0.0] if activation == "Tanh" else [0.5, 1.0]
    assert [float(net.b(l)[0]) for l in range(2)] == start
    assert (net.b(2) == 0).all()
    normal = initialise(t, distribution="Normal", scale=0.3, seed=5, classifier=True, activation=activation)
    assert abs(normal.W(0).std() - 0.3) < 0.03


def test_network_round_trip_and_checks() -> None:
    t = Topology([3, 2, 1])
    net = initialise(t, seed=1, classifier=False, activation="Tanh")
    again = Network.from_arrays(t, {k: v.tolist() for k, v in net.arrays().items()})
    assert (again.weights == net.weights).all()
    copy = net.copy()
    copy.weights[:] = 0
    assert net.weights.any()
    with pytest.raises(ValueError, match="array biases has shape"):
        Network.from_arrays(t, {"biases": np.zeros(4)})
    with pytest.raises(ValueError, match="no empty layer"):
        Topology([3, 0, 1])
