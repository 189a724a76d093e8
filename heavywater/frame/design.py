"""The design matrix: how the columns of a frame become the inputs of a network, and the recipe to do it again.

Order of the inputs (the same in the model file, MOJO and every export): one-hot blocks of the categorical columns by
decreasing number of levels, each block ending in the slot for a missing value; then the numeric columns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from heavywater.core.columns import Addresses, fill_panel
from heavywater.core.hashing import murmur2_slot
from heavywater.core.mlp.fast_forward import Columns, zeros
from heavywater.core.mlp.layout import NOT_PACKED, Inputs, Packed
from heavywater.errors import H2OTypeError
from heavywater.frame.frame import Frame
from heavywater.frame.panels import ROWS, WIDTH, blocks, each, each_group, lie, values
from heavywater.frame.summary import rollups

Scaling = Literal["standardize", "scale", "range", "none"]
BLOCK = 1024
"""Rows that are converted at a time when scoring: a block of a few hundred columns takes some megabytes."""
SPARSE_ROWS = 2048
"""Rows at a time of which only what is not zero is kept."""


@dataclass(frozen=True)
class Design:
    """Recipe for turning a frame into network inputs.

    Attributes
    ----------
    cats, nums : tuple of str
        Categorical and numeric (also time) columns in input order.
    levels : tuple of tuple of str
        Levels of each categorical column.
    all_levels : bool
        Whether the first level has an input of its own.
    mean : tuple of float
        Mean of each numeric column, the value that replaces a missing one.
    sub, mul : tuple of float or None
        Inputs are ``(x - sub) * mul``; None: inputs are the values themselves.
    buckets : int
        Inputs shared by all categorical levels through hashing; 0: no hashing.
    hash_seed : int
        Seed of the hash.
    na_is_last_level : bool
        H2O's way of training with ``use_all_factor_levels=False``: a missing category trains the last level's input.
    impute_when_scoring : bool
        Whether a missing number is replaced by its mean when scoring too (H2O sets the *scaled* input to 0).
    zero_drops_first_input : bool
        Seen in H2O's sparse training: a row with a zero among its numbers loses its first one-hot input.
    """

    cats: tuple[str, ...]
    nums: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    all_levels: bool
    mean: tuple[float, ...]
    sub: tuple[float, ...] | None
    mul: tuple[float, ...] | None
    buckets: int = 0
    hash_seed: int = 0
    na_is_last_level: bool = False
    impute_when_scoring: bool = True
    zero_drops_first_input: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.cats + self.nums

    @property
    def cat_offsets(self) -> list[int]:
        """First input of each categorical column before hashing; the last entry is where the numeric block starts."""
        offsets = [0]
        for lev in self.levels:
            offsets.append(offsets[-1] + len(lev) + (1 if self.all_levels else 0))
        return offsets

    @property
    def num_start(self) -> int:
        return self.buckets or self.cat_offsets[-1]

    @property
    def width(self) -> int:
        """Number of network inputs."""
        return self.num_start + len(self.nums)

    def coefficient_names(self) -> list[str]:
        """Name of every input: ``column.level``, ``column.missing(NA)``, ``column``; hash buckets are ``bucket.i``."""
        if self.buckets:
            return [f"bucket.{i}" for i in range(self.buckets)] + list(self.nums)
        skip = 0 if self.all_levels else 1
        out = [f"{c}.{v}" for c, lev in zip(self.cats, self.levels) for v in (*lev[skip:], "missing(NA)")]
        return out + list(self.nums)

    def na_slots(self) -> list[int]:
        """The input for a missing value of each categorical column."""
        return [o - 1 for o in self.cat_offsets[1:]]

    def encode(
        self,
        frame: Frame,
        *,
        training: bool,
        dtype: type = np.float64,
        csr: bool = False,
        packed: bool = False,
    ) -> Inputs:
        """Inputs of all rows of `frame`, which must hold every column (see `adapt`).

        Parameters
        ----------
        frame : Frame
        training : bool
            Encode as in training; see the attributes for what differs.
        dtype : type
            Of the numeric inputs.
        csr : bool
            Numeric inputs as compressed rows.
        packed : bool
            Numeric inputs as bytes if that is possible (see `lowest`); as a matrix otherwise.
        """
        n = frame.nrow
        slots = np.empty((n, len(self.cats)), np.int32)
        for i, name in enumerate(self.cats):
            slots[:, i] = self._slots_of(i, frame.codes(name), training)
        dense: np.ndarray = np.empty((n, 0), dtype)
        kept: np.ndarray = np.zeros(0, dtype)
        indptr, indices = np.zeros(0, np.int64), np.zeros(0, np.int32)
        drops = training and self.zero_drops_first_input and bool(self.cats)
        numbers = NOT_PACKED
        if csr:
            indptr, indices, kept = self._nonzero(frame, training, dtype)
        elif packed and not drops and (low := self.lowest(frame)) is not None:
            numbers = self._packed(frame, low)
        else:
            dense = self._numeric(frame, training, dtype)
            if drops:
                slots[(dense == 0).any(axis=1) & (slots[:, 0] == 0), 0] = -1
        return Inputs(slots, dense, indptr, indices, kept, self.num_start, numbers)

    def lowest(self, frame: Frame) -> np.ndarray | None:
        """Smallest value of each numeric column, float64; None unless all hold only whole numbers less than 256 apart."""
        out = []
        for name in self.nums:
            low = _byte_range(frame.stored_column(name))
            if low is None:
                return None
            out.append(low)
        scaled = [*(self.sub or ()), *(self.mul or ())]
        return np.array(out, np.float64) if out and np.isfinite(scaled).all() else None

    def _packed(self, frame: Frame, low: np.ndarray) -> Packed:
        from heavywater.frame.scale_kernel import pack_panel, transpose_bytes  # compiles on first use

        n = frame.nrow
        out = np.empty((n, len(self.nums)), np.uint8)

        def pack(first: int, names: Sequence[str]) -> None:
            for start, panel in blocks(frame, names):
                pack_panel(panel, low[first : first + len(names)], out, start, first)

        if (lying := self._bytes(frame)) is not None:
            address = lying.address
            each(range(0, n, ROWS), lambda start: transpose_bytes(address, start, out[start : start + ROWS]), out.size)
        else:
            each_group(frame, self.nums, pack)
        _, sub, mul = self._scaling(training=True)
        return Packed(out, low, sub, mul)

    def _bytes(self, frame: Frame) -> Addresses | None:
        """Where the numeric columns lie if all are stored in bytes and none is missing."""
        stored = (frame.stored_column(name) for name in self.nums)
        return lie(frame, self.nums) if all(c.dtype == pl.UInt8 and not c.null_count() for c in stored) else None

    def _slots_of(self, i: int, codes: np.ndarray, training: bool) -> np.ndarray:
        first, after = self.cat_offsets[i], self.cat_offsets[i + 1]
        na = after - 1
        slot = codes + (first if self.all_levels else first - 1)
        if not self.all_levels:
            slot = np.where(codes == 0, -1, slot)
        slot = np.where((codes < 0) | (codes >= len(self.levels[i])), na, slot)
        if training and self.na_is_last_level and not self.all_levels:
            slot = np.where(codes < 0, na - 1, slot)
        if self.buckets:
            table = np.array([murmur2_slot(j, self.hash_seed, self.buckets) for j in range(first, after)], np.int32)
            slot = np.where(slot < 0, -1, table[np.maximum(slot - first, 0)])
        return slot.astype(np.int32)

    def _numeric(self, frame: Frame, training: bool, dtype: type) -> np.ndarray:
        """Scaled numeric values of all rows, ``(n, nums)``."""
        from heavywater.frame.scale_kernel import scale_panel  # compiles on first use

        out: np.ndarray = np.empty((frame.nrow, len(self.nums)), dtype)
        replacement, sub, mul = self._scaling(training)

        def scale(first: int, names: Sequence[str]) -> None:
            here = slice(first, first + len(names))
            for start, panel in blocks(frame, names):
                scale_panel(panel, replacement[here], sub[here], mul[here], out, start, first)

        each_group(frame, self.nums, scale)
        return out

    def _scaling(self, training: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each numeric column what replaces a missing value (NaN: nothing), what is taken away, and the factor."""
        count = len(self.nums)
        return (
            np.array(self.mean) if training or self.impute_when_scoring else np.full(count, np.nan),
            np.zeros(count) if self.sub is None else np.array(self.sub),
            np.ones(count) if self.mul is None else np.array(self.mul),
        )

    def columns(self, frame: Frame) -> Columns:
        """What `encode` makes matrices of when scoring, as it stands in the frame."""
        slots = np.empty((frame.nrow, len(self.cats)), np.int32)
        for i, name in enumerate(self.cats):
            slots[:, i] = self._slots_of(i, frame.codes(name), False)
        return Columns(slots, [values(frame, name) for name in self.nums], *self._scaling(False), self.num_start)

    def zero(self) -> np.ndarray:
        """From where each input counts in the fast forward pass, float64 ``(inputs,)``."""
        _, sub, mul = self._scaling(False)
        return zeros(sub, mul, self.num_start)

    def _nonzero(self, frame: Frame, training: bool, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scaled numeric values of all rows as compressed rows: starts, columns, values."""
        from heavywater.frame.scale_kernel import compress, scale_panel  # compiles on first use

        n, count = frame.nrow, len(self.nums)
        replacement, sub, mul = self._scaling(training)
        lying = self._bytes(frame)
        if lying is not None and not sub.any() and mul.all() and np.isfinite(mul).all():
            return _nonzero_bytes(lying.address, mul, n, dtype)
        columns = lie(frame, self.nums)

        def part(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            dense: np.ndarray = np.empty((min(SPARSE_ROWS, n - start), count), dtype)
            panel = np.empty((len(dense), WIDTH))
            for first in range(0, count, WIDTH):
                here = slice(first, min(first + WIDTH, count))
                filled = panel[:, : here.stop - first]
                fill_panel(columns.address[here], columns.kind[here], start, filled)
                scale_panel(filled, replacement[here], sub[here], mul[here], dense, 0, first)
            per_row, found = np.empty(len(dense), np.int64), np.empty(dense.size + 1, np.int32)
            kept: np.ndarray = np.empty(dense.size + 1, dtype)
            total = compress(dense, per_row, found, kept)
            return per_row, found[:total].copy(), kept[:total].copy()

        parts = each(range(0, n, SPARSE_ROWS), part, n * count)
        parts.append((np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, dtype)))
        counts = np.concatenate([per_row for per_row, _, _ in parts])
        ends = np.cumsum([len(found) for _, found, _ in parts])
        indices, nonzero = np.empty(ends[-1], np.int32), np.empty(ends[-1], dtype)

        def put(k: int) -> None:
            _, found, kept = parts[k]
            here = slice(ends[k] - len(found), ends[k])
            indices[here], nonzero[here] = found, kept

        # On several threads, because memory that was never written before takes longer than the copy.
        each(range(len(parts)), put, len(indices))
        return np.concatenate(([0], np.cumsum(counts))), indices, nonzero

    def adapt(self, frame: Frame, *, warn: Callable[[str], None] | None = None) -> Frame:
        """`frame` with exactly this design's columns: levels matched by name, missing columns filled with NA.

        Raises
        ------
        H2OTypeError
            When a column that was numeric in training holds text or categories.
        """
        types = frame.stored.schema
        if not self.cats and all(n in types and types[n].is_numeric() for n in self.nums):
            return Frame(frame.stored.select(self.nums))
        say = warn or (lambda text: warnings.warn(text, stacklevel=3))
        columns: list[pl.Series] = []
        there = set(frame.names)
        for name in self.names:
            if name not in there:
                say(f"column {name!r} is missing; all its values count as missing")
                empty = pl.Series(name, [None] * frame.nrow, dtype=pl.Float64)
                columns.append(self._as_trained(name, empty, say) if name in self.cats else empty)
            else:
                columns.append(self._as_trained(name, frame.stored_column(name), say))
        return Frame(pl.DataFrame(columns) if columns else pl.DataFrame())

    def _as_trained(self, name: str, col: pl.Series, say: Callable[[str], None]) -> pl.Series:
        if name in self.cats:
            return match_levels(col, self.levels[self.cats.index(name)], say)
        if isinstance(col.dtype, pl.Enum) or col.dtype == pl.String:
            if col.null_count() == col.len():
                return pl.Series(name, [None] * col.len(), dtype=pl.Float64)
            raise H2OTypeError(
                f"column {name!r} was numeric in training and now holds {col.dtype.base_type()} values; use asnumeric()"
            )
        return col

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Design:
        def nested(v: Any) -> Any:
            return tuple(nested(x) for x in v) if isinstance(v, (list, tuple)) else v

        return cls(**{k: nested(v) for k, v in d.items()})


def _nonzero_bytes(
    address: np.ndarray, mul: np.ndarray, n: int, dtype: type
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`Design._nonzero` for columns that are stored in bytes and only scaled: counted first, so that nothing moves."""
    from heavywater.frame.scale_kernel import compress_bytes, count_bytes, transpose_bytes  # compiles on first use

    starts, columns = np.zeros(n + 1, np.int64), len(address)

    def count(start: int) -> None:
        counts = np.zeros(min(SPARSE_ROWS, n - start), np.int32)
        count_bytes(address, start, counts)
        starts[start + 1 : start + 1 + len(counts)] = counts

    each(range(0, n, SPARSE_ROWS), count, n * columns)
    np.cumsum(starts, out=starts)
    indices, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], dtype)

    def fill(start: int) -> None:
        block = np.empty((min(SPARSE_ROWS, n - start), columns), np.uint8)
        transpose_bytes(address, start, block)
        compress_bytes(block, mul, starts[start : start + len(block)], np.empty(columns + 1, np.int32), indices, values)

    each(range(0, n, SPARSE_ROWS), fill, n * columns)
    return starts, indices, values


def _byte_range(col: pl.Series) -> int | None:
    """The smallest of a column of whole numbers less than 256 apart, none of which is missing; else None."""
    if col.null_count() or not col.len() or not col.dtype.is_integer():
        return None
    if col.dtype == pl.UInt8:
        return 0
    low, high = col.min(), col.max()
    return low if isinstance(low, int) and isinstance(high, int) and high - low < 256 and abs(low) < 2**53 else None


def as_text(col: pl.Series) -> pl.Series:
    """The values of a column as levels would be written: whole numbers without a decimal point."""
    return (col.cast(pl.Int64) if col.dtype == pl.Float64 and _whole(col) else col).cast(pl.String)


def match_levels(col: pl.Series, levels: Sequence[str], say: Callable[[str], None]) -> pl.Series:
    """`col` as an enum over exactly `levels`; values outside become NA, with a message that counts them."""
    text = as_text(col)
    result = text.cast(pl.Enum(list(levels)), strict=False)
    lost = result.null_count() - text.null_count()
    if lost:
        unseen = text.filter(result.is_null() & text.is_not_null()).unique().sort().to_list()
        shown = ", ".join(map(repr, unseen[:3])) + (", …" if len(unseen) > 3 else "")
        say(
            f"column {col.name!r} has {lost} value(s) in {len(unseen)} level(s) not seen in training ({shown}); "
            "they count as missing"
        )
    return result


def _whole(col: pl.Series) -> bool:
    kept = col.drop_nulls()
    return bool((kept == kept.floor()).all())


def build_design(
    frame: Frame,
    names: Sequence[str],
    *,
    scaling: Scaling,
    all_levels: bool = True,
    weights: np.ndarray | None = None,
    repeated: bool = False,
) -> Design:
    """Work out the recipe from a training frame.

    Parameters
    ----------
    frame : Frame
        The training frame.
    names : sequence of str
        Predictor columns in frame order.
    scaling : {"standardize", "scale", "range", "none"}
        ``(x - mean) / sd``; ``x / sd``; ``(x - mean) / (max - min)`` for autoencoders; or nothing.
    all_levels : bool
        Give the first level of a categorical column an input.
    weights : ndarray of float64, shape (nrow,), optional
        Row weights for mean and standard deviation.
    repeated : bool
        A row of weight 2 counts as two rows in everything: also for the value that replaces a missing one, and for the
        range.  Otherwise these two are H2O's, which do not look at weights.
    """
    cats = by_decreasing_cardinality(
        [n for n in names if frame.kind(n) == "enum"], lambda n: len(frame.levels(n) or ())
    )
    nums = [n for n in names if frame.kind(n) != "enum"]
    stats = list(rollups(frame, nums).values())
    mean = tuple(float(s.mean) for s in stats)
    moments = [] if weights is None else [weighted_moments(frame.numeric(n), weights, repeated=repeated) for n in nums]
    if repeated and moments:
        mean = tuple(mu for mu, _ in moments)
    sub: tuple[float, ...] | None = None
    mul: tuple[float, ...] | None = None
    if scaling != "none" and nums:
        if scaling == "range":
            spread = [float(s.max) - float(s.min) for s in stats]
        else:
            spread = [float(s.sigma) for s in stats]
        sub = mean if scaling != "scale" else (0.0,) * len(nums)
        if moments and scaling != "range":
            spread = [sd for _, sd in moments]
            sub = tuple(mu for mu, _ in moments) if scaling == "standardize" else sub
        elif weights is not None and repeated:
            used = weights > 0
            spread = [float(np.ptp(x[~np.isnan(x)])) if n else 0.0 for x, n in _present(frame, nums, used)]
            sub = mean
        mul = tuple(1.0 / s if s > 0 else 1.0 for s in spread)
    return Design(
        cats=tuple(cats),
        nums=tuple(nums),
        levels=tuple(tuple(frame.levels(c) or ()) for c in cats),
        all_levels=all_levels,
        mean=mean,
        sub=sub,
        mul=mul,
    )


def with_hashing(design: Design, buckets: int, seed: int) -> Design:
    """`design` with its one-hot inputs hashed into `buckets` when that makes the network narrower."""
    return replace(design, buckets=buckets, hash_seed=seed) if buckets < design.cat_offsets[-1] else design


def by_decreasing_cardinality(names: list[str], cardinality: Callable[[str], int]) -> list[str]:
    """H2O's exchange sort of categorical columns; it is not stable, and the order of ties is part of the file formats."""
    out, card = list(names), [cardinality(n) for n in names]
    for i in range(len(out)):
        for j in range(i + 1, len(out)):
            if card[i] < card[j]:
                card[i], card[j] = card[j], card[i]
                out[i], out[j] = out[j], out[i]
    return out


def _present(frame: Frame, names: Sequence[str], used: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """For each column the values of the rows in use, and how many of them are there."""
    for name in names:
        x = frame.numeric(name)[used]
        yield x, int((~np.isnan(x)).sum())


def weighted_moments(x: np.ndarray, weights: np.ndarray, *, repeated: bool = False) -> tuple[float, float]:
    """Weighted mean and standard deviation, ``n / (n - 1) * sum(w (x - mean)^2) / sum(w)``.

    n is the number of rows of weight > 0, as in H2O; with `repeated` and whole numbers for weights it is their sum, as if
    every row were there so many times.
    """
    from heavywater.frame.rollup_kernel import weighted_pass  # compiles on first use

    rows, total, mean, squares = weighted_pass(x, weights)
    if rows < 2 or total <= 0:
        return mean, 0.0
    used = weights[~np.isnan(x)]
    n = total if repeated and bool((used == np.floor(used)).all()) else rows
    return mean, (n / (n - 1) * squares / total) ** 0.5 if n > 1 else 0.0
