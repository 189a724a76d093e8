"""Random columns: uniform numbers, folds, splits.  Row i draws from its own stream, seeded with ``seed + i``."""

from __future__ import annotations

import secrets

import numpy as np
import polars as pl

from heavywater.core.rng import INCREMENT, MULTIPLIER, U32, Pcg, as_u64
from heavywater.core.sampling import folds_modulo, folds_random, folds_stratified
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Column, primitive
from heavywater.rapids.table import Table, enum_series


def random_seed() -> int:
    """A seed nobody chose."""
    return secrets.randbits(62)


def _seed(seed: float) -> int:
    return random_seed() if seed == -1 else int(seed)


def _words(seeds: np.ndarray, which: tuple[int, ...]) -> list[np.ndarray]:
    """The 32-bit draws number `which` (from 0) of the stream of every seed, vectorised; see `heavywater.core.rng`."""
    state = (INCREMENT + seeds.astype(np.uint64)) * MULTIPLIER + INCREMENT
    out = []
    for k in range(max(which) + 1):
        if k in which:
            x = (((state >> np.uint64(18)) ^ state) >> np.uint64(27)) & U32
            rot = state >> np.uint64(59)
            out.append(((x >> rot) | (x << ((np.uint64(32) - rot) & np.uint64(31)))) & U32)
        state = state * MULTIPLIER + INCREMENT
    return out


def uniforms(n: int, seed: int) -> np.ndarray:
    """Uniform numbers of 24 bits in [0, 1), the first of the stream of ``seed + i`` for row i; float64 (n,)."""
    (low,) = _words(np.arange(n, dtype=np.uint64) + as_u64(seed), (1,))
    return (low & np.uint64(0xFFFFFF)).astype(np.float64) / (1 << 24)


@primitive("h2o.runif", pure=False)
def runif(x: Table, seed: float = -1) -> Table:
    """Uniform random numbers in [0, 1), one per row of a frame, in a column ``rnd``."""
    return Table.of({"rnd": uniforms(x.nrow, _seed(seed))})


def _folds(n: float) -> int:
    if n < 2 or n != int(n):
        raise H2OValueError(f"the number of folds must be a whole number of at least 2; got {n:g}")
    return int(n)


@primitive("kfold_column", pure=False)
def kfold_column(x: Table, nfolds: float, seed: float = -1) -> Table:
    """A random fold 0 … nfolds - 1 per row."""
    return Table.of({"C1": folds_random(x.nrow, _folds(nfolds), _seed(seed))})


@primitive("modulo_kfold_column")
def modulo_kfold_column(x: Table, nfolds: float) -> Table:
    """Fold ``i mod nfolds`` of row i."""
    return Table.of({"C1": folds_modulo(x.nrow, _folds(nfolds))})


@primitive("stratified_kfold_column", pure=False)
def stratified_kfold_column(x: Column, nfolds: float, seed: float = -1) -> Table:
    """Random folds drawn class by class; the column must be categorical (or of whole numbers)."""
    codes, count = _classes(x, "stratified_kfold_column")
    return Table.of({"C1": folds_stratified(codes, count, _folds(nfolds), _seed(seed))})


def _classes(x: Table, op: str) -> tuple[np.ndarray, int]:
    c = x.cols[0]
    if c.is_enum:
        return x.frame().codes(c.name), len(c.levels)
    if not c.is_numeric:
        raise H2OTypeError(f"{op}: column {c.name!r} must be categorical")
    v = x.numeric()
    values, codes = np.unique(v[~np.isnan(v)], return_inverse=True)
    out = np.full(len(v), -1, np.int32)
    out[~np.isnan(v)] = codes
    return out, len(values)


@primitive("h2o.random_stratified_split", pure=False)
def random_stratified_split(x: Column, test_fraction: float, seed: float = -1) -> Table:
    """``train`` or ``test`` per row; each class gives its share of test rows, rounded, and at least one."""
    if not 0 < test_fraction < 1:
        raise H2OValueError(f"the fraction of test rows lies between 0 and 1; got {test_fraction:g}")
    codes, count = _classes(x, "stratified_split")
    chosen = np.zeros(len(codes), np.int64)
    start = _seed(seed)
    for k in range(count):
        rows = np.flatnonzero(codes == k)
        if len(rows):
            order = np.arange(len(rows), dtype=np.int64)
            Pcg(start + k).shuffle(order)
            chosen[rows[order[: max(1, round(len(rows) * test_fraction))]]] = 1
    return Table.of({"test_train_split": enum_series("test_train_split", chosen, ["train", "test"])})


def missing_mask(n: int, column: int, fraction: float, seed: int) -> np.ndarray:
    """Rows of one column that become missing, as bool (n,)."""
    rows = np.arange(n, dtype=np.uint64)
    low, lower = _words(as_u64(seed + 1234 * column) ^ (np.uint64(1723) * rows), (1, 3))
    high_bits = (low & np.uint64((1 << 26) - 1)).astype(np.float64)
    low_bits = (lower & np.uint64((1 << 27) - 1)).astype(np.float64)
    return (high_bits * 134217728.0 + low_bits) * 2.0**-53 < fraction


@primitive("insert.missing", pure=False)
def insert_missing(x: Table, fraction: float, seed: float = -1) -> Table:
    """A frame with this fraction of its cells, chosen at random, made missing."""
    if not 0 <= fraction <= 1:
        raise H2OValueError(f"the fraction of missing values lies between 0 and 1; got {fraction:g}")
    start = _seed(seed)
    new = []
    for i, s in enumerate(x.all_series()):
        gone = pl.Series(missing_mask(x.nrow, i, fraction, start))
        new.append(s.zip_with(~gone, pl.Series(s.name, [None], dtype=s.dtype).new_from_index(0, x.nrow)))
    return Table.of(pl.DataFrame(new), x.frame().uuids)
