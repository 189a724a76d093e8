"""The random numbers of H2O: PCG-XSH-RR 64/32 (O'Neill 2014) and the draws that Java derives from it.

A generator is a ``uint64[1]`` array holding the state, so that compiled kernels and Python share one stream. The
increment is the constant 3 (sequence 1), as in H2O.
"""

from __future__ import annotations

import math

import numpy as np

from heavywater.core.jit import njit

MULTIPLIER = np.uint64(6364136223846793005)
INCREMENT = np.uint64(3)
U32 = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def next32(state: np.ndarray) -> np.uint64:
    """Next 32 random bits, in a uint64."""
    old = state[0]
    state[0] = old * MULTIPLIER + INCREMENT
    x = (((old >> np.uint64(18)) ^ old) >> np.uint64(27)) & U32
    rot = old >> np.uint64(59)
    return ((x >> rot) | (x << ((np.uint64(32) - rot) & np.uint64(31)))) & U32


@njit(cache=True, nogil=True, _nrt=False)
def set_seed(state: np.ndarray, seed: np.uint64) -> None:
    """Start the stream of `seed` (the 64 bits of a Java long)."""
    state[0] = np.uint64(0)
    next32(state)
    state[0] += seed
    next32(state)


@njit(cache=True, nogil=True, _nrt=False)
def next64(state: np.ndarray) -> np.uint64:
    """Next 64 random bits; the first draw is the high word."""
    high = next32(state)
    return (high << np.uint64(32)) | next32(state)


@njit(cache=True, nogil=True, _nrt=False)
def next_float(state: np.ndarray) -> np.float32:
    """Uniform in [0, 1) with 24 bits."""
    return np.float32(next64(state) & np.uint64(0xFFFFFF)) / np.float32(1 << 24)


@njit(cache=True, nogil=True, _nrt=False)
def next_double(state: np.ndarray) -> float:
    """Uniform in [0, 1) with 53 bits."""
    high = next64(state) & np.uint64((1 << 26) - 1)
    low = next64(state) & np.uint64((1 << 27) - 1)
    return (np.float64(high) * 134217728.0 + np.float64(low)) * 1.1102230246251565e-16


@njit(cache=True, nogil=True, _nrt=False)
def next_int(state: np.ndarray, n: int) -> int:
    """Uniform in 0..n-1 (by remainder, without rejection)."""
    return np.int64(next32(state) % np.uint64(n))  # type: ignore[return-value]


@njit(cache=True, nogil=True, _nrt=False)
def shuffle(state: np.ndarray, index: np.ndarray) -> None:
    """Permute `index` in place."""
    n = len(index)
    for i in range(n):
        j = i + next_int(state, n - i)
        index[i], index[j] = index[j], index[i]


@njit(cache=True, nogil=True, _nrt=False)
def uniform_fill(state: np.ndarray, low: float, width: float, factor: float, out: np.ndarray) -> None:
    """Fill float32 `out` with ``factor * (low + u * width)``, u uniform in [0, 1) with 24 bits."""
    for i in range(len(out)):
        out[i] = np.float32(factor * (low + np.float64(next_float(state)) * width))


@njit(cache=True, nogil=True, _nrt=False)
def _signed_first32(seeds: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(seeds)):
        set_seed(state, seeds[i])
        v = np.int64(next32(state))
        out[i] = v - (np.int64(1) << np.int64(32)) if v >= (np.int64(1) << np.int64(31)) else v


def signed_first32(seeds: np.ndarray) -> np.ndarray:
    """First 32-bit draw, as a signed number, of the stream of each seed; int64 (n,)."""
    out = np.empty(len(seeds), np.int64)
    _signed_first32(seeds, np.zeros(1, np.uint64), out)
    return out


class Pcg:
    """A stream of H2O's random numbers, for use from Python.

    Parameters
    ----------
    seed : int
        Any integer; taken modulo 2**64.
    """

    def __init__(self, seed: int):
        self.state = np.zeros(1, np.uint64)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again."""
        set_seed(self.state, as_u64(seed))
        self._spare: float | None = None

    def next32(self) -> int:
        """Unsigned 32 bits."""
        return int(next32(self.state))

    def next64(self) -> int:
        """Unsigned 64 bits."""
        return int(next64(self.state))

    def next_float(self) -> float:
        """Uniform in [0, 1), 24 bits."""
        return float(next_float(self.state))

    def next_double(self) -> float:
        """Uniform in [0, 1), 53 bits."""
        return float(next_double(self.state))

    def next_int(self, n: int) -> int:
        """Uniform in 0..n-1."""
        return int(next_int(self.state, n))

    def next_gaussian(self) -> float:
        """Standard normal by Marsaglia's polar method; every second value is remembered from the first."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        while True:
            v1 = 2 * self.next_double() - 1
            v2 = 2 * self.next_double() - 1
            s = v1 * v1 + v2 * v2
            if 0 < s < 1:
                break
        scale = math.sqrt(-2 * math.log(s) / s)
        self._spare = v2 * scale
        return v1 * scale

    def next_bytes(self, n: int) -> bytes:
        """`n` bytes; each 32-bit draw gives four, low byte first."""
        words = b"".join(self.next32().to_bytes(4, "little") for _ in range(-(-n // 4)))
        return words[:n]

    def shuffle(self, index: np.ndarray) -> None:
        """Permute an int64 array in place."""
        shuffle(self.state, index)


def as_u64(value: int) -> np.uint64:
    """The 64 bits of a Java long (sums may run over: arithmetic is modulo 2**64)."""
    return np.uint64(int(value) % (1 << 64))


def as_i64(value: int) -> int:
    """`value` modulo 2**64 as a signed number."""
    value = int(value) % (1 << 64)
    return value - (1 << 64) if value >> 63 else value
