"""The records that all kernels of the network agree on: topology, weights, inputs, hyper-parameters.

Weights lie in one flat float32 array, layer after layer, each layer row by row (one row per unit, one column per
input of the layer). Maxout units have two channels, which H2O stores interleaved: entry ``2 * (unit * cols + col) +
channel``. Biases lie in one flat float64 array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from heavywater.core.mlp.hyper import (
    ACTIVATIONS,
    AUTOENCODER,
    CROSSENTROPY,
    DISTRIBUTIONS,
    EXPRECTIFIER,
    GAMMA,
    GAUSSIAN,
    HUBER,
    LAPLACE,
    LINEAR,
    MAXOUT,
    POISSON,
    QUADRATIC,
    QUANTILE,
    RECTIFIER,
    SOFTMAX,
    TANH,
    TWEEDIE,
    Hyper,
    hyper,
)

__all__ = [
    "ACTIVATIONS",
    "AUTOENCODER",
    "CROSSENTROPY",
    "DISTRIBUTIONS",
    "EXPRECTIFIER",
    "GAMMA",
    "GAUSSIAN",
    "HUBER",
    "Hyper",
    "Inputs",
    "LAPLACE",
    "LINEAR",
    "MAXOUT",
    "Network",
    "Offsets",
    "Packed",
    "POISSON",
    "QUADRATIC",
    "QUANTILE",
    "RECTIFIER",
    "SOFTMAX",
    "State",
    "TANH",
    "TWEEDIE",
    "Topology",
    "hyper",
    "offsets",
    "state",
]


class Topology:
    """Sizes of a network and where its parts lie in the flat arrays.

    Parameters
    ----------
    units : sequence of int
        Inputs, hidden units of each layer, outputs.
    maxout : bool
        Whether hidden units have two channels.

    Attributes
    ----------
    layers : int
        Number of weight matrices, H + 1.
    channels, rows : tuple of int
        Channels per unit and rows (units times channels) of each weight matrix.
    weight_offsets, bias_offsets : int64 (layers + 1,)
        Start of each layer in the flat arrays; the last entry is the total.
    """

    def __init__(self, units: Sequence[int], maxout: bool = False):
        self.units = tuple(int(u) for u in units)
        if len(self.units) < 2 or min(self.units) < 1:
            raise ValueError(f"a network needs inputs and outputs and no empty layer, not {list(units)}")
        self.maxout = bool(maxout)
        self.layers = len(self.units) - 1
        self.channels = tuple(2 if maxout and i < self.layers - 1 else 1 for i in range(self.layers))
        self.rows = tuple(u * c for u, c in zip(self.units[1:], self.channels))
        sizes = [r * c for r, c in zip(self.rows, self.units)]
        self.weight_offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        self.bias_offsets = np.concatenate(([0], np.cumsum(self.rows))).astype(np.int64)

    @property
    def n_weights(self) -> int:
        """Weights of all layers."""
        return int(self.weight_offsets[-1])

    @property
    def n_biases(self) -> int:
        """Biases of all layers."""
        return int(self.bias_offsets[-1])

    @property
    def size(self) -> int:
        """Weights and biases."""
        return self.n_weights + self.n_biases

    @property
    def n_hidden(self) -> int:
        """Units of all hidden layers."""
        return sum(self.units[1:-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and (self.units, self.maxout) == (other.units, other.maxout)

    def __hash__(self) -> int:
        return hash((self.units, self.maxout))

    def __repr__(self) -> str:
        return f"Topology({list(self.units)}, maxout={self.maxout})"


class Network:
    """Weights of a network with the state of its optimiser; new networks are all zero.

    Optimiser arrays have length 0 until `allocate` makes those that the hyper-parameters need.

    Parameters
    ----------
    topology : Topology
    """

    STATE = (
        ("weights", np.float32),
        ("biases", np.float64),
        ("ada_weight_d", np.float32),
        ("ada_weight_g", np.float32),
        ("ada_bias_d", np.float64),
        ("ada_bias_g", np.float64),
        ("velocity_weights", np.float32),
        ("velocity_biases", np.float64),
        ("mean_activation", np.float64),
    )
    weights: np.ndarray
    biases: np.ndarray
    ada_weight_d: np.ndarray
    ada_weight_g: np.ndarray
    ada_bias_d: np.ndarray
    ada_bias_g: np.ndarray
    velocity_weights: np.ndarray
    velocity_biases: np.ndarray
    mean_activation: np.ndarray

    def __init__(self, topology: Topology):
        self.topology = topology
        for name, dtype in self.STATE:
            setattr(self, name, np.zeros(0, dtype))
        self.weights = np.zeros(topology.n_weights, np.float32)
        self.biases = np.zeros(topology.n_biases, np.float64)

    def W(self, layer: int) -> np.ndarray:
        """Weight matrix of `layer` (0-based), a view (rows, inputs of the layer); Maxout: the interleaved storage."""
        t = self.topology
        flat = self.weights[t.weight_offsets[layer] : t.weight_offsets[layer + 1]]
        return flat.reshape(t.rows[layer], t.units[layer])

    def b(self, layer: int) -> np.ndarray:
        """Biases of `layer` (0-based), a view."""
        o = self.topology.bias_offsets
        return self.biases[o[layer] : o[layer + 1]]

    def allocate(self, hyper: Hyper) -> None:
        """Make the optimiser arrays that `hyper` needs, zero, where they are not there yet."""
        t = self.topology
        wanted: dict[str, int] = {}
        if hyper.adaptive:
            wanted |= dict.fromkeys(("ada_weight_d", "ada_weight_g"), t.n_weights)
            wanted |= dict.fromkeys(("ada_bias_d", "ada_bias_g"), t.n_biases)
        elif hyper.momentum_start != 0 or hyper.momentum_stable != 0:
            wanted |= {"velocity_weights": t.n_weights, "velocity_biases": t.n_biases}
        if hyper.sparsity_beta > 0:
            wanted["mean_activation"] = t.n_hidden
        for name, dtype in self.STATE:
            if name in wanted and len(getattr(self, name)) != wanted[name]:
                setattr(self, name, np.zeros(wanted[name], dtype))

    def copy(self) -> Network:
        """An independent copy."""
        return Network.from_arrays(self.topology, {k: v.copy() for k, v in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """All non-empty arrays by name (not copied)."""
        return {name: getattr(self, name) for name, _ in self.STATE if len(getattr(self, name))}

    @staticmethod
    def from_arrays(topology: Topology, arrays: Mapping[str, np.ndarray]) -> Network:
        """The network whose `arrays` these are (not copied if dtype and layout fit)."""
        net = Network(topology)
        lengths = {n: topology.n_weights if "weight" in n else topology.n_biases for n, _ in Network.STATE}
        lengths["mean_activation"] = topology.n_hidden
        for name, dtype in Network.STATE:
            if name not in arrays:
                continue
            a = np.ascontiguousarray(arrays[name], dtype)
            if a.shape != (lengths[name],):
                raise ValueError(f"array {name} has shape {a.shape}, {topology} needs ({lengths[name]},)")
            setattr(net, name, a)
        return net


class Packed(NamedTuple):
    """Numeric inputs made from whole numbers that lie within a range of 256, a byte each.

    Input j of row r is ``(codes[r, j] + low[j] - sub[j]) * mul[j]`` in float64, rounded to what the kernel works with:
    the same bits as from a matrix of floats, in a fourth or an eighth of the memory.

    Attributes
    ----------
    codes : uint8 (n, m)
    low, sub, mul : float64 (m,)
    """

    codes: np.ndarray
    low: np.ndarray
    sub: np.ndarray
    mul: np.ndarray


NOT_PACKED = Packed(np.zeros((0, 0), np.uint8), np.zeros(0), np.zeros(0), np.zeros(0))


class Inputs(NamedTuple):
    """Network inputs of n rows.

    Attributes
    ----------
    slots : int32 (n, c)
        For each categorical column the input that is 1; -1: none. Columns that share an input add up.
    dense : float (n, m)
        Numeric inputs ``num_start`` to ``num_start + m``; m = 0 if they come packed, as CSR or not at all.
    indptr, indices, values : int64 (n + 1,), int32, float
        Numeric inputs as compressed rows; ``indices`` count from 0 at ``num_start``. Empty arrays: none.
    num_start : int
        The first numeric input.
    packed : Packed
        All numeric inputs as bytes, or `NOT_PACKED`.
    """

    slots: np.ndarray
    dense: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    num_start: int
    packed: Packed = NOT_PACKED

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return len(self.slots)

    @property
    def numbers(self) -> int:
        """Numeric inputs of a row that do not come as CSR."""
        return int(self.dense.shape[1] + self.packed.codes.shape[1])

    def number_rows(self, rows: np.ndarray) -> np.ndarray:
        """Numeric inputs of some rows that do not come as CSR, ``(len(rows), numbers)``."""
        p = self.packed
        return (p.codes[rows] + p.low - p.sub) * p.mul if p.codes.shape[1] else self.dense[rows]

    @staticmethod
    def of(x: Any, dtype: type = np.float64) -> Inputs:
        """`x`, anything with these attributes, with contiguous arrays of exactly the documented types."""
        packed = getattr(x, "packed", NOT_PACKED)
        return Inputs(
            np.ascontiguousarray(x.slots, np.int32),
            np.ascontiguousarray(x.dense, dtype),
            np.ascontiguousarray(x.indptr, np.int64),
            np.ascontiguousarray(x.indices, np.int32),
            np.ascontiguousarray(x.values, dtype),
            int(x.num_start),
            Packed(
                np.ascontiguousarray(packed.codes, np.uint8),
                np.ascontiguousarray(packed.low, np.float64),
                np.ascontiguousarray(packed.sub, np.float64),
                np.ascontiguousarray(packed.mul, np.float64),
            ),
        )

    @staticmethod
    def from_dense(x: np.ndarray) -> Inputs:
        """Inputs that are all numeric, from a matrix (n, m)."""
        return Inputs(
            np.zeros((len(x), 0), np.int32),
            np.ascontiguousarray(x),
            np.zeros(0, np.int64),
            np.zeros(0, np.int32),
            np.zeros(0, x.dtype),
            0,
        )

    def take(self, rows: np.ndarray) -> Inputs:
        """The given rows."""
        if self.packed.codes.shape[1]:
            return self._replace(
                slots=self.slots[rows],
                dense=self.dense[rows],
                packed=self.packed._replace(codes=self.packed.codes[rows]),
            )
        if len(self.indptr) == 0:
            return self._replace(slots=self.slots[rows], dense=self.dense[rows])
        lengths = np.diff(self.indptr)[rows]
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        pick = np.repeat(self.indptr[:-1][rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Inputs(self.slots[rows], self.dense[rows], indptr, self.indices[pick], self.values[pick], self.num_start)


class Offsets(NamedTuple):
    """Where layers lie, as arrays for kernels."""

    units: np.ndarray
    channels: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    activations: np.ndarray


def offsets(t: Topology) -> Offsets:
    """Offsets of a topology; ``activations`` are those of one flat buffer of all layers' activations."""
    return Offsets(
        np.array(t.units, np.int64),
        np.array(t.channels, np.int64),
        t.weight_offsets,
        t.bias_offsets,
        np.concatenate(([0], np.cumsum(t.units))).astype(np.int64),
    )


class State(NamedTuple):
    """The arrays of a `Network`, for kernels."""

    weights: np.ndarray
    biases: np.ndarray
    ada_weight_d: np.ndarray
    ada_weight_g: np.ndarray
    ada_bias_d: np.ndarray
    ada_bias_g: np.ndarray
    velocity_weights: np.ndarray
    velocity_biases: np.ndarray
    mean_activation: np.ndarray


def state(network: Network) -> State:
    """The arrays of `network` as kernels take them."""
    return State(*(getattr(network, name) for name in State._fields))
