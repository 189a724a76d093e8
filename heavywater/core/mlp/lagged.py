"""Fast training of small networks: the kernel for two threads that have different layers.

A small network has too little work in a layer to divide it. So one thread has the first layer's weights and the other
one everything else: while the second takes a few rows through its layers and back, the first finishes the first
layer's updates for the rows before and takes the rows after through it. A row's way through the first layer thus does
not know of the updates for the last few rows before it, which is the only difference from plain stochastic gradient
descent (delayed updates: Langford, Smola and Zinkevich 2009, "Slow learners are fast"). Every `GRAIN` rows the threads
catch up, so that where a run is cut into slices, which depends on the clock, changes no result; neither does it matter
whether one thread does the work of both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.fast import INPUT_STREAM, activations, hidden_errors, net_inputs, output_errors
from heavywater.core.mlp.fast_input import ask_for, read_row, stream_key
from heavywater.core.mlp.fast_update import mean_square_input, set_coefficients, update_biases, update_weights
from heavywater.core.mlp.functions import EXACT, INNER
from heavywater.core.mlp.layout import AUTOENCODER, MAXOUT, Hyper, Inputs, Network
from heavywater.core.mlp.plan import Plan, aligned, padded
from heavywater.core.mlp.sync import meet

f32 = np.float32
GRAIN = 256
"""Rows after which the threads catch up."""
GROUP = 4
"""Rows between two meetings; a row goes through the first layer before the updates for the 4 to 7 rows before it."""
SLOTS = 2 * GROUP
"""Rows whose buffers are in use."""
LEAST_WORK, MOST_WORK = 3_000, 16_000
"""Weights that a row visits in networks that are trained so: with fewer the meetings take longer than the work, with
more it pays to divide the layers."""
LEAST_PART = 0.2
"""Share of the work that either thread has at least."""


def is_lagged(network: Network, hyper: Hyper, inputs: Inputs, density: float, threads: int) -> bool:
    """Whether a network is trained so: two threads and about as much work for each; `density` of inputs is not zero."""
    units = network.topology.units
    if threads < 2 or len(units) < 3 or inputs.nrow < GRAIN or not hyper.fast_mode:
        return False
    if hyper.output == AUTOENCODER or hyper.activation == MAXOUT or hyper.sparsity_beta > 0:
        return False
    first = density * units[0] * units[1]
    rest = float(sum(a * b for a, b in zip(units[1:], units[2:])))
    return LEAST_WORK <= first + rest <= MOST_WORK and min(first, rest) >= LEAST_PART * (first + rest)


class Exchange(NamedTuple):
    """What the threads hand to each other; in front, an entry for each of `SLOTS` rows.

    Net inputs of the first layer and mean squared inputs go up, errors at the first layer's net inputs come down;
    those of units that are off are 0, so that below `everyone` counts as switched on.
    """

    z: np.ndarray
    mean_square: np.ndarray
    delta: np.ndarray
    everyone: np.ndarray


def exchange(plan: Plan) -> Exchange:
    """Buffers for a plan."""
    width = padded(int(plan.units[1]) + 1)
    return Exchange(
        z=aligned(SLOTS * width).reshape(SLOTS, width),
        mean_square=np.zeros(SLOTS),
        delta=aligned(SLOTS * width).reshape(SLOTS, width),
        everyone=np.ones(plan.total, np.bool_),
    )


@njit(**INNER)
def _into_first_layer(h, plan, store, x, rows, i, step, between, own):  # type: ignore[no-untyped-def]
    """Net inputs of row `i`, the `step`-th trained, at the first layer, into its buffers."""
    p = i % SLOTS
    if i + 1 < len(rows):
        ask_for(x, rows[i + 1])
    ratio = f32(h.input_dropout)
    key = stream_key(h.seed, step, INPUT_STREAM)
    own.length[p] = read_row(
        x, rows[i], key, ratio, plan, own.inputs[p], own.value[p], own.target[p], False, own.line[p]
    )
    net_inputs(
        h, plan, store, 0, 0, own.line[p], own.length[p], own.inputs[p], own.value[p], stream_key(h.seed, step, 1),
        own.all_rows, own.later, between.z[p],
    )  # fmt: skip
    between.mean_square[p] = mean_square_input(plan, 0, own.line[p], own.length[p], own.value[p])


@njit(**INNER)
def _through_the_rest(  # type: ignore[no-untyped-def]
    h, net, plan, store, targets, shift, r, p, step, done, shared, between, own
):
    """A row from the first layer's net inputs through all layers and back; updates all but the first one's weights."""
    a, out, winner, live, errors, bias_at, seen_at = shared
    z, delta = own.z[0], own.delta
    last = len(plan.units) - 2
    for l in range(last + 1):
        key = stream_key(h.seed, step, l + 1)
        if l > 0:
            below = a[plan.places[l] : plan.places[l + 1]]
            net_inputs(h, plan, store, 0, l, below, 0, own.inputs[p], own.value[p], key, own.all_rows, own.later, z)
        if l < last:
            net_in = between.z[p] if l == 0 else z
            activations(h, net, plan, 0, l, net_in, key, a, winner, live, bias_at[l], seen_at[l])
        else:
            for u in range(plan.units[l + 1]):
                out[0, u] = z[u] + net.biases[bias_at[l] + u]
    for l in range(last, -1, -1):
        set_coefficients(h, done, l, own.coefficients)
        if l == 0:
            delta = between.delta[p]
        if l == last:
            t = targets[r] if len(targets) > 0 else 0.0
            offset = shift[r] if len(shift) > 0 else 0.0
            output_errors(h, plan, 0, out[0], own.target[p], t, offset, delta, own.spread)
        else:
            hidden_errors(h, plan, 0, l, a, live, errors, delta)
        mean_square = between.mean_square[p]
        if l > 0:
            below, passed = a[plan.places[l] : plan.places[l + 1]], errors[0, plan.places[l] : plan.places[l + 1]]
            passed[:] = f32(0)
            update_weights(
                h, plan, store, 0, l, below, 0, own.inputs[p], own.value[p], delta, live, winner, passed,
                own.coefficients, own.spread, own.squares, own.decays, own.later, own.delta[:0], z,
            )  # fmt: skip
            mean_square = mean_square_input(plan, l, below, 0, own.value[p])
        update_biases(h, net, plan, 0, l, mean_square, delta, live, winner, bias_at[l], seen_at[l], own.coefficients)


@njit(**EXACT)
def train_lagged(  # type: ignore[no-untyped-def]
    h, net, plan, store, x, targets, shift, rows, first, processed, thread, threads, count, shared, between, own
):
    """One thread's part of training on `rows`; False if it gave up at a meeting.

    `shared` is a `Shared`, `between` an `Exchange`, `own` this thread's `Own`, `count` the meeting counters. Thread 0
    has the first layer's weights, thread 1 everything else; one thread alone has all.
    """
    lower, upper = thread == 0, thread == threads - 1
    step = 0
    for start in range(0, len(rows), GRAIN):
        part = rows[start : start + GRAIN]
        n = len(part)
        for group in range(-GROUP, n + GROUP, GROUP):
            if lower:
                for i in range(max(group - GROUP, 0), min(group, n)):
                    p = i % SLOTS
                    set_coefficients(h, processed + start + i, 0, own.coefficients)
                    update_weights(
                        h, plan, store, 0, 0, own.line[p], own.length[p], own.inputs[p], own.value[p],
                        between.delta[p], between.everyone, shared.winner, own.delta[:0], own.coefficients, own.spread,
                        own.squares, own.decays, own.later, own.delta[:0], own.z[0],
                    )  # fmt: skip
                for i in range(group + GROUP, min(group + 2 * GROUP, n)):
                    _into_first_layer(h, plan, store, x, part, i, first + start + i, between, own)
            if upper:
                for i in range(max(group, 0), min(group + GROUP, n)):
                    j = start + i
                    _through_the_rest(
                        h, net, plan, store, targets, shift, part[i], i % SLOTS, first + j, processed + j, shared,
                        between, own,
                    )  # fmt: skip
            if threads > 1:
                step += 1
                if not meet(count, thread, threads, step):
                    return False
    return True
