"""Copies between weights unit by unit, as a `Network` holds them, and input by input, as trainers keep them."""

from __future__ import annotations

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import EXACT

SIDE = 16
"""Units and inputs of a square that is copied at a time: both its lines and its columns stay in the cache."""


@njit(**EXACT)
def by_inputs(flat, units, n, channels, store, base, step):  # type: ignore[no-untyped-def]
    """Copy a layer's weights, ``(units, n, channels)``, to rows of the store: one per input, `step` apart from `base`."""
    for u0 in range(0, units, SIDE):
        for i0 in range(0, n, SIDE):
            for u in range(u0, min(u0 + SIDE, units)):
                for i in range(i0, min(i0 + SIDE, n)):
                    for c in range(channels):
                        store[base + i * step + u * channels + c] = flat[(u * n + i) * channels + c]


@njit(**EXACT)
def by_units(store, base, step, flat, units, n, channels):  # type: ignore[no-untyped-def]
    """`by_inputs` backwards."""
    for u0 in range(0, units, SIDE):
        for i0 in range(0, n, SIDE):
            for u in range(u0, min(u0 + SIDE, units)):
                for i in range(i0, min(i0 + SIDE, n)):
                    for c in range(channels):
                        flat[(u * n + i) * channels + c] = store[base + i * step + u * channels + c]
