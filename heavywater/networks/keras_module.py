"""A graph as a model of Keras, with the weights of our files: what PyTorch trains, Keras scores, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from heavywater.errors import H2OValueError
from heavywater.networks.graph import Graph, array_name
from heavywater.networks.initial import initial_array
from heavywater.networks.keras_ops import Call, compute, ours, stored

__all__ = ["KerasModule"]


class KerasModule(keras.Model):  # type: ignore[misc]
    """A network that runs in Keras.

    Parameters
    ----------
    graph : Graph
    input_shape : sequence of int
        (channels, height, width) or (features,) of a row of ``data``.
    seed : int
        Decides the first weights: the same as in PyTorch.
    low : bool
        Whether products are computed in bfloat16.
    """

    parts: dict[int, _Part]

    def __init__(self, graph: Graph, input_shape: Sequence[int], seed: int = 0, *, low: bool = False) -> None:
        super().__init__(name="network")
        self.graph, self.row, self.low = graph, tuple(int(v) for v in input_shape), low
        self.specs = graph.arrays(self.row)
        self.shapes = list(graph.shapes(self.row).values())
        self.seeds = keras.random.SeedGenerator(0)
        self.by_name: dict[str, Any] = {}
        self.roles: list[dict[str, Any]] = []
        for node, roles in zip(graph.nodes, graph.roles(self.row)):
            here = {}
            for role, spec in roles.items():
                name = array_name(node, role)
                variable = self.add_weight(
                    shape=spec.shape,
                    trainable=spec.trainable,
                    name=f"w{len(self.by_name)}",
                    initializer="zeros",
                    dtype="float32",
                )
                self.by_name[name] = here[role] = variable
            self.roles.append(here)
        self.fixed = {array_name(n, "gamma") for n in graph.nodes if n.attrs.get("fix_gamma")}
        self.plans: dict[int, list[int]] = {}
        # Keras takes every model among the attributes for a layer of this one, and goes round in circles here.
        object.__setattr__(self, "parts", {})
        self.assign({name: initial_array(name, spec, seed) for name, spec in self.specs.items()})
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Logits, or the results of a regression, ``(rows, outputs)``.

        Parameters
        ----------
        inputs : tensor or list of tensors
            Rows of ``data`` as (rows, channels, height, width) or (rows, features); and rows of ``table``.
        """
        return self.value(self.graph.head, inputs, training)

    def value(self, index: int, inputs: Any, training: bool) -> Any:
        """The value of a node with the axes that the graph counts."""
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        nodes, values = self.graph.nodes, {}
        for i in self.plans.setdefault(index, self.graph.needed(index)):
            node = nodes[i]
            if node.op == "input":
                values[i] = stored(given[-1 if node.name == "table" else 0], self.shapes[i])
                continue
            c = Call(
                node.attrs,
                [self.shapes[j] for j in node.inputs],
                self.shapes[i],
                self.roles[i],
                [nodes[j].op == "array" for j in node.inputs],
                bool(training),
                self.seeds,
                self.low,
            )
            values[i] = compute(node.op, c, [values[j] for j in node.inputs])
        return ours(values[index], self.shapes[index])

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Mean of the cross-entropy for classes, of half the squared error for numbers."""
        if keras.backend.is_int_dtype(y.dtype):
            return ops.mean(ops.sparse_categorical_crossentropy(y, y_pred, from_logits=True))
        return 0.5 * ops.mean(ops.square(ops.subtract(y_pred[:, 0], y)))

    def features(self, inputs: Any, layer: str) -> NDArray[np.float32]:
        """Values of a layer, one row each, flattened in the order channel, row, column; see ``Graph.find``."""
        index = self.graph.find(layer)
        if index not in self.parts:
            self.parts[index] = _Part(self, index)
        made = np.asarray(self.parts[index].predict_on_batch(inputs), np.float32)
        return made.reshape(len(made), -1)

    # -- arrays -------------------------------------------------------------------------------------------------------

    def learned(self) -> dict[str, Any]:
        """The variables that training changes, by name."""
        return {name: self.by_name[name] for name, spec in self.specs.items() if spec.trainable}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All arrays by name, copies in our layout."""
        return {n: np.array(ops.convert_to_numpy(self.by_name[n].value), np.float32) for n in self.specs}

    def assign(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace weights; each must be one of the network, in its shape.

        Raises
        ------
        H2OValueError
            Some are not finite.
        """
        wild = [n for n, values in arrays.items() if not np.isfinite(values).all()]
        if wild:
            raise H2OValueError(f"weights that are not finite numbers: {', '.join(wild[:12])}")
        for name, values in arrays.items():
            held = name in self.fixed  # whatever is stored: MXNet keeps such a gamma at 1
            self.by_name[name].assign(np.ones_like(values) if held else np.asarray(values, np.float32))


class _Part(keras.Model):  # type: ignore[misc]
    """The value of one node of a network."""

    def __init__(self, whole: KerasModule, index: int) -> None:
        super().__init__(name="part")
        self.whole, self.index = whole, index
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.whole.value(self.index, inputs, training)
