"""MurmurHash2 of slot numbers: how categorical levels are folded into a limited number of inputs.

The 32-bit hash of Austin Appleby's MurmurHash2 (m = 0x5bd1e995, r = 24) over the four big-endian bytes of the number.
"""

from __future__ import annotations

M = 0x5BD1E995
R = 24
MASK = 0xFFFFFFFF


def murmur2(value: int, seed: int) -> int:
    """Hash of a 32-bit number as a signed 32-bit integer.

    Parameters
    ----------
    value : int
        The number; its four bytes are hashed from the highest to the lowest.
    seed : int
        Only the low 32 bits count.
    """
    # The hash reads words low byte first, the number is written high byte first: the word is the number reversed.
    word = int.from_bytes((value & MASK).to_bytes(4, "big"), "little")
    h = (seed & MASK) ^ 4
    k = word * M & MASK
    k ^= k >> R
    k = k * M & MASK
    h = (h * M & MASK) ^ k
    h ^= h >> 13
    h = h * M & MASK
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def murmur2_slot(slot: int, seed: int, buckets: int) -> int:
    """Input (0 <= input < buckets) that the expanded categorical slot `slot` is folded into."""
    if buckets < 1:
        raise ValueError(f"buckets must be at least 1, not {buckets}")
    # |h rem M| with the sign of h, as in C and Java, equals |h| mod M.
    return abs(murmur2(slot, seed)) % buckets
