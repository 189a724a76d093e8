"""Which rows are used, and in which order: training iterations, scoring samples, class balancing, folds.

Everything here gives the very rows that H2O-3 3.46 draws with one chunk per frame.
"""

from __future__ import annotations

import math

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.rng import (
    Pcg,
    as_u64,
    next64,
    next_double,
    next_float,
    next_int,
    set_seed,
    shuffle,
    signed_first32,
)

CHUNK_SEED = 0x8734093502429734
ITERATION_SEED = 0x9823423497823423
BALANCE_SHUFFLE_SEED = 0x580FF13
NO_SAMPLING = 0.999
"""Above this fraction an iteration takes every row instead of drawing them."""


@njit(cache=True, nogil=True, _nrt=False)
def _plain_rows(state, sample, fraction, repeats, skip, index, rows, ids):  # type: ignore[no-untyped-def]
    n = len(index)
    count = 0
    if sample:
        shuffle(state, index)
    for rep in range(repeats):
        for i in range(n):
            if sample and next_double(state) > fraction:
                continue
            r = index[i]
            if skip[r]:
                continue
            rows[count] = r
            ids[count] = rep * n + r
            count += 1
    return count


@njit(cache=True, nogil=True, _nrt=False)
def _weighted_rows(state, cumulative, repeats, skip, weights, index, rows, ids):  # type: ignore[no-untyped-def]
    n = len(index)
    count = 0
    shuffle(state, index)
    for rep in range(repeats):
        for i in range(n):
            if count % 2 == 0:
                r = min(int(np.searchsorted(cumulative, next_double(state))), n - 1)
            else:
                r = index[i]
            while weights[r] == 0:
                r = next_int(state, n)
            if skip[r]:
                continue
            rows[count] = r
            ids[count] = rep * n + r
            count += 1
    return count


@njit(cache=True, nogil=True, _nrt=False)
def _first_draws(seeds, state, out):  # type: ignore[no-untyped-def]
    for i in range(len(seeds)):
        set_seed(state, seeds[i])
        out[i] = next_float(state)


def first_draws(seeds: np.ndarray) -> np.ndarray:
    """First draw from [0, 1) of the stream of each seed; float32 (n,)."""
    out = np.empty(len(seeds), np.float32)
    _first_draws(seeds, np.zeros(1, np.uint64), out)
    return out


def _first64(seed: np.uint64) -> int:
    """First 64 bits of the stream of a seed."""
    state = np.zeros(1, np.uint64)
    set_seed(state, seed)
    return int(next64(state))


def general_weights(weights: np.ndarray) -> bool:
    """Whether observation weights are more than a choice of rows: neither all the same nor only 0 and 1."""
    w = np.asarray(weights, np.float64)
    return len(w) > 0 and not (w.min() == w.max() or bool(np.isin(w, (0.0, 1.0)).all()))


def _running_mean(x: np.ndarray) -> float:
    """Mean by streaming updates in row order, as H2O's column statistics have it."""
    mean = 0.0
    for i, v in enumerate(x.tolist()):
        mean += (v - mean) / (i + 1)
    return mean


def iteration_rows(
    n: int,
    samples: int,
    seed: int,
    processed: int,
    iteration: int,
    *,
    shuffle: bool,
    skip: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of one training iteration, in order.

    Parameters
    ----------
    n : int
        Rows of the training frame.
    samples : int
        Rows per iteration (``train_samples_per_iteration``, resolved).
    seed : int
        Seed of the model.
    processed : int
        Rows trained before this iteration.
    iteration : int
        Number of this iteration, from 1.
    shuffle : bool
        Whether a full pass takes the rows in random order (anything else is always random).
    skip : bool (n,), optional
        Rows that cannot be trained on: missing response, weight 0, ...
    weights : float64 (n,), optional
        Observation weights, only if `general_weights`; rows are then drawn in proportion to them.

    Returns
    -------
    rows : int64 (m,)
        Row numbers; a row may occur several times.
    row_seeds : int64 (m,)
        Seed of each step's dropout masks.
    """
    if n < 1 or samples < 1:
        raise ValueError(f"an iteration needs at least one row and one sample, not n={n}, samples={samples}")
    bad = np.zeros(n, np.bool_) if skip is None else np.ascontiguousarray(skip, np.bool_)
    use_fraction = np.float32(samples / n) if n else np.float32(0)
    relative = 1.0
    if weights is not None:
        w = np.ascontiguousarray(weights, np.float64)
        total = math.floor(_running_mean(w) * n + 0.5)
        relative = float(np.float32(np.float32(total * n / n) / np.float32(_ordered_sum(w))))
    scaled = np.float32(use_fraction * np.float32(relative))
    repeats = math.ceil(float(scaled))
    fraction = np.float32(scaled / np.float32(repeats))
    state = np.zeros(1, np.uint64)
    set_seed(state, as_u64((CHUNK_SEED + seed + processed) * (iteration + ITERATION_SEED)))
    index = np.arange(n, dtype=np.int64)
    rows = np.empty(n * repeats, np.int64)
    ids = np.empty(n * repeats, np.int64)
    if weights is None:
        sample = bool(fraction < NO_SAMPLING) or shuffle
        count = _plain_rows(state, sample, float(fraction), repeats, bad, index, rows, ids)
    else:
        cumulative = np.cumsum(w)
        cumulative /= cumulative[-1]
        count = _weighted_rows(state, cumulative, repeats, bad, w, index, rows, ids)
    return rows[:count].copy(), ids[:count] + processed


def _ordered_sum(x: np.ndarray) -> float:
    return float(np.cumsum(x)[-1])


def scoring_sample(n: int, samples: int, seed: int) -> np.ndarray:
    """Rows on which a model is scored while it trains.

    Parameters
    ----------
    n : int
        Rows of the frame.
    samples : int
        About so many are wanted; 0, or at least `n`: all rows.
    seed : int
        Seed of the model (plus one for the validation frame).

    Returns
    -------
    int64 (m,)
        Increasing; at least one row if there is any.
    """
    if samples <= 0 or samples >= n:
        return np.arange(n, dtype=np.int64)
    seeds = np.arange(n, dtype=np.uint64) + as_u64(seed)
    rows = np.flatnonzero(first_draws(seeds).astype(np.float64) < samples / n)
    return rows if len(rows) else np.array([n - 1], np.int64)


def balance_rows(
    codes: np.ndarray,
    nclasses: int,
    *,
    factors: np.ndarray | None = None,
    max_relative_size: float = 5.0,
    seed: int,
    shuffle: bool = True,
) -> np.ndarray:
    """Rows of the class-balanced frame; minority rows occur several times.

    Parameters
    ----------
    codes : int (n,)
        Class of each row; -1 (missing) rows are dropped.
    nclasses : int
        Number of classes.
    factors : float (nclasses,), optional
        Wanted repetition of each class; None or all zero: as many rows of every class as the largest has.
    max_relative_size : float
        Largest size of the result, as a multiple of n.
    seed : int
        Seed of the model.
    shuffle : bool
        Whether the result is put in random order.

    Returns
    -------
    int64 (m,)
    """
    codes = np.asarray(codes)
    n = len(codes)
    counts = np.bincount(codes[codes >= 0], minlength=nclasses).astype(np.float64)
    if factors is None or not np.any(factors):
        with np.errstate(divide="ignore"):
            ratio = (np.float32(n / nclasses) / counts.astype(np.float32)).astype(np.float32)
        f = ratio / ratio[np.isfinite(ratio)].min()
    else:
        f = np.asarray(factors, np.float32).copy()
        if len(f) != nclasses:
            raise ValueError(f"{len(f)} sampling factors for {nclasses} classes")
    f = np.where(counts > 0, f, 0).astype(np.float32)
    expected = np.float32(0)
    for i in range(nclasses):
        expected += np.float32(f[i] * np.float32(counts[i]))
    actual = min(math.floor(max_relative_size * n), math.floor(float(expected) + 0.5))
    if np.float32(actual) != expected:
        f = (f * np.float32(np.float32(actual) / expected)).astype(np.float32)
    present = np.flatnonzero(counts)
    rows = np.empty(0, np.int64)
    for attempt in range(10):
        rows = _balanced_once(codes, f, seed + attempt)
        if len(np.unique(codes[rows])) == len(present):
            break
    if shuffle:
        Pcg(seed + BALANCE_SHUFFLE_SEED).shuffle(rows)
    return rows


def _balanced_once(codes: np.ndarray, factors: np.ndarray, seed: int) -> np.ndarray:
    n = len(codes)
    f = factors[np.maximum(codes, 0)].astype(np.float64)
    whole = np.floor(f)
    keep = first_draws(np.arange(n, dtype=np.uint64) + as_u64(seed)).astype(np.float64) < f - whole
    repeats = (whole + keep).astype(np.int64)
    repeats[codes < 0] = 0
    return np.repeat(np.arange(n, dtype=np.int64), repeats)


def folds_random(n: int, nfolds: int, seed: int) -> np.ndarray:
    """Fold 0..nfolds-1 of each row, drawn independently per row; int32 (n,)."""
    draws = signed_first32(np.arange(n, dtype=np.uint64) + as_u64(seed))
    return (np.abs(draws) % nfolds).astype(np.int32)


def folds_modulo(n: int, nfolds: int) -> np.ndarray:
    """Fold of row i is ``i mod nfolds``; int32 (n,)."""
    return (np.arange(n) % nfolds).astype(np.int32)


def folds_stratified(codes: np.ndarray, nclasses: int, nfolds: int, seed: int) -> np.ndarray:
    """Folds drawn separately for each class; rows without a class (-1) take turns. int32 (n,)."""
    codes = np.asarray(codes)
    folds = folds_modulo(len(codes), nfolds)
    for c in range(nclasses):
        rows = np.flatnonzero(codes == c)
        draws = signed_first32(rows.astype(np.uint64) + np.uint64(_first64(as_u64(seed + c))))
        folds[rows] = np.abs(draws) % nfolds
    return folds
