"""What a kernel has to do for one row: bytes of weights and arithmetic, worked out from the sizes of the layers.

Counted are the weights and the optimiser's arrays beside them, in float32; activations and inputs are small beside them
and left out. An operation is one arithmetic instruction on one number; multiply-and-add counts once as an operation and
twice as a FLOP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FLOAT = 4
"""Bytes of a float32."""
OPTIMISERS = {"adadelta": (3, 14, 17), "momentum": (2, 4, 6), "sgd": (1, 1, 2)}
"""Arrays (weights included), operations and FLOPs per weight and step.

ADADELTA: gradient 1, mean squared gradient 2, two sums, their product, the reciprocal root 3 (on integers), the rate 1,
mean squared step 3, weight 1. Momentum: gradient, velocity, rate, weight.
"""


@dataclass(frozen=True)
class Cost:
    """Work for one row.

    Attributes
    ----------
    bytes : float
        Read from and written to the weights' arrays.
    operations, flops : float
    store : int
        Bytes of all arrays: what has to fit into a cache.
    """

    bytes: float
    operations: float
    flops: float
    store: int


def online(
    units: Sequence[int],
    *,
    optimiser: str,
    live: Sequence[float],
    density: float = 1.0,
    by_input: bool = False,
    kept: Sequence[float] | None = None,
) -> Cost:
    """One row at a time (`heavywater.core.mlp.fast`).

    Parameters
    ----------
    units : sequence of int
        Inputs, hidden units, outputs.
    optimiser : {"adadelta", "momentum", "sgd"}
    live : sequence of float
        Share of each hidden layer's units that take part: switched on, and not dropped. The weights into the others do
        not change, nor does their history.
    density : float
        Share of the inputs that are not zero, after dropout.
    by_input : bool
        Whether the first layer is kept input by input, so that zeros cost nothing. Otherwise its update and the next
        row's way through it are one pass.
    kept : sequence of float, optional
        Share of each hidden layer's units that are not dropped: but for the first layer, the weights into the others are
        not even read.
    """
    arrays, per_step, flops_per_step = OPTIMISERS[optimiser]
    total_bytes = operations = flops = 0.0
    layers = len(units) - 1
    for l in range(layers):
        weights = float(units[l] * units[l + 1])
        forward = updated = weights
        if l == 0 and by_input:
            forward = updated = weights * density
        elif l < layers - 1:
            updated = weights * live[l]
            forward = weights * kept[l] if l and kept is not None else weights
        fused = l == 0 and not by_input
        total_bytes += FLOAT * (forward - updated if fused else forward) + 2 * FLOAT * arrays * updated
        back = updated if l else 0.0
        operations += forward + back + per_step * updated
        flops += 2 * (forward + back) + flops_per_step * updated
    return Cost(total_bytes, operations, flops, FLOAT * arrays * weights_of(units))


def mini_batch(
    units: Sequence[int],
    *,
    optimiser: str,
    batch: int,
    threads: int = 1,
    density: float = 1.0,
    live: Sequence[float] | None = None,
) -> Cost:
    """Mini-batches (`heavywater.core.mlp.batch`): the weights are read forward and back, and changed, once per batch.

    Every thread reads all weights on the way forward and back, for its rows of the batch; each changes its own part.

    Parameters
    ----------
    live : sequence of float, optional
        Share of each hidden layer's units that take part in a row, when layers are passed on as lists of those: the
        others cost nothing, neither their weights into the next layer nor, on the way back, those from the layer below.
    """
    arrays, per_step, flops_per_step = OPTIMISERS[optimiser]
    total_bytes = operations = flops = 0.0
    on = [density, *(live if live is not None else [1.0] * (len(units) - 2)), 1.0]
    for l in range(len(units) - 1):
        weights = float(units[l] * units[l + 1])
        used = weights * on[l]
        back = weights if l else 0.0
        total_bytes += (FLOAT * threads * (weights + back) + 2 * FLOAT * arrays * weights) / batch
        passed = back * on[l + 1]
        operations += used + passed + used + per_step * weights / batch
        flops += 2 * (used + passed + used) + flops_per_step * weights / batch
    return Cost(total_bytes, operations, flops, FLOAT * arrays * weights_of(units))


def exact(units: Sequence[int], *, live: Sequence[float]) -> Cost:
    """H2O's arithmetic on one thread (`heavywater.core.mlp.serial`): float64 sums, so two operations for one."""
    cost = online(units, optimiser="adadelta", live=live)
    first = FLOAT * units[0] * units[1]  # forward and update are two passes
    return Cost(cost.bytes + first * live[0], 2 * cost.operations, cost.flops, cost.store)


def forward(units: Sequence[int], *, rows_per_block: int) -> Cost:
    """Predictions (`heavywater.core.mlp.fast_forward`) from dense inputs: weights in float64, read once for a block of rows.

    A vector holds half as many float64 as float32, so that a multiply-and-add counts twice.
    """
    weights = weights_of(units)
    return Cost(2.0 * FLOAT * weights / rows_per_block, 2.0 * weights, 2.0 * weights, 2 * FLOAT * weights)


def weights_of(units: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(units, units[1:]))
