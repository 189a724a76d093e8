"""A graph as a PyTorch module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.networks.graph import Graph, array_name
from heavywater.networks.initial import initial_array
from heavywater.networks.layers import ROLES, layer
from heavywater.networks.ops import Shape

__all__ = ["GraphModule", "LoadReport"]

_OVERWRITABLE = ("convolution", "batchnorm", "fullyconnected", "elementwise", "channelscale")
"""Operations whose own gradient does not need their result, so that what follows may overwrite it."""


class LoadReport(NamedTuple):
    """What became of given arrays: names that were loaded, that the network has and were not given (or had another
    shape), and that were given and are not part of the network."""

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


class _Step(NamedTuple):
    node: int
    key: str  # of the node's module
    inputs: tuple[int, ...]
    done: tuple[int, ...]  # values that no later step needs


class GraphModule(nn.Module):
    """A network that runs.

    Parameters
    ----------
    graph : Graph
    input_shape : sequence of int
        (channels, height, width) or (features,) of a row of ``data``.
    seed : int
        Decides the first weights, whatever machine this runs on.
    """

    def __init__(self, graph: Graph, input_shape: Sequence[int], seed: int = 0) -> None:
        super().__init__()
        self.graph = graph
        self.input_shape: Shape = tuple(int(v) for v in input_shape)
        self._specs = graph.arrays(self.input_shape)
        shapes = list(graph.shapes(self.input_shape).values())
        roles = graph.roles(self.input_shape)
        users = [0] * len(graph.nodes)
        for node in graph.nodes:
            for i in node.inputs:
                users[i] += 1
        self._inputs = [i for i, n in enumerate(graph.nodes) if n.op == "input"]
        self._places: dict[str, tuple[int, str]] = {}
        made: dict[str, nn.Module] = {}
        for i, (node, arrays) in enumerate(zip(graph.nodes, roles)):
            if node.op == "input":
                continue
            free = [
                users[j] == 1 and graph.nodes[j].op in _OVERWRITABLE and j != graph.head and shapes[j] == shapes[i]
                for j in node.inputs
            ]
            made[str(i)] = layer(node, [shapes[j] for j in node.inputs], arrays, overwrite=free)
            for role in arrays:
                self._places[array_name(node, role)] = (i, ROLES[role])
        self.steps = nn.ModuleDict(made)
        norms = {i: n.inputs[0] for i, n in enumerate(graph.nodes) if n.op == "batchnorm"}
        self._foldable = {i: j for i, j in norms.items() if graph.nodes[j].op == "convolution" and users[j] == 1}
        """Normalisations that follow a convolution which nothing else needs."""
        self._folded: dict[int, nn.Module] | None = None
        self._plans: dict[tuple[int, bool], list[_Step]] = {}
        self._chains: dict[tuple[int, bool], list[nn.Module] | None] = {}
        self._plan(graph.head, False)
        self.images = any(isinstance(m, nn.Conv2d) for m in self.steps.values())
        for name, spec in self._specs.items():
            self._assign(name, initial_array(name, spec, seed))
        if self.images:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, table: Tensor | None = None) -> Tensor:
        """Logits (before softmax), or the results of a regression, of shape (rows, outputs).

        Parameters
        ----------
        x : Tensor
            Rows of ``data``: (rows, channels, height, width) or (rows, features).
        table : Tensor, optional
            Rows of the input ``table``, when the network has one.
        """
        return self._run(self.graph.head, x, table)

    def features(self, x: Tensor, layer: str, table: Tensor | None = None) -> Tensor:
        """Values of a layer, one row each, flattened in the order channel, row, column; see ``Graph.find``."""
        return self._run(self.graph.find(layer), x, table).flatten(1)

    def _run(self, index: int, x: Tensor, table: Tensor | None) -> Tensor:
        if self.images and x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        folded = bool(self._foldable) and not self.training and not torch.is_grad_enabled()
        chain = self._chain(index, folded)
        if chain is not None:
            for module in chain:
                x = module(x)
            return x
        values: dict[int, Tensor] = {}
        for i in self._inputs:
            if self.graph.nodes[i].name != "table":
                values[i] = x
            elif table is not None:
                values[i] = table
        folds = self._folds() if folded else {}
        steps = self.steps._modules
        for node, key, inputs, done in self._plan(index, folded):
            module = folds.get(node) or steps[key]
            values[node] = module(*[values[i] for i in inputs])
            for i in done:
                del values[i]
        return values[index]

    def _chain(self, index: int, folded: bool) -> list[nn.Module] | None:
        """The modules that give the value of a node where each takes what the one before it gave, beginning with ``data``.

        A small network is done in a few microseconds per layer, of which a walk along this list takes less than one
        along a plan.
        """
        key = (index, folded)
        if key not in self._chains:
            plan, folds = self._plan(index, folded), self._folds() if folded else {}
            before = [i for i in self._inputs if self.graph.nodes[i].name != "table"] + [s.node for s in plan]
            straight = bool(plan) and all(s.inputs == (i,) for s, i in zip(plan, before))
            modules = [folds.get(s.node) or self.steps[s.key] for s in plan]
            self._chains[key] = modules if straight and len(before) == len(plan) + 1 else None
        return self._chains[key]

    def _plan(self, index: int, folded: bool) -> list[_Step]:
        """What is computed for the value of a node; `folded`: normalisations as part of the convolutions before them."""
        if (index, folded) not in self._plans:
            nodes = self.graph.nodes
            sources = {i: nodes[i].inputs for i in self.graph.needed(index) if nodes[i].op != "input"}
            for norm, conv in self._foldable.items() if folded else ():
                if norm in sources:
                    sources[norm] = sources.pop(conv)
            last = {j: i for i, inputs in sources.items() for j in inputs}
            self._plans[index, folded] = [
                _Step(i, str(i), inputs, tuple(j for j, at in last.items() if at == i)) for i, inputs in sources.items()
            ]
        return self._plans[index, folded]

    def _folds(self) -> dict[int, nn.Module]:
        """For each normalisation that can be folded the convolution that does both."""
        if self._folded is None:
            steps: Any = self.steps
            self._folded = {n: fuse_conv_bn_eval(steps[str(c)], steps[str(n)]) for n, c in self._foldable.items()}
        return self._folded

    def changed(self) -> None:
        """Forget what was derived from weights and modules; called by whatever changes them other than training."""
        self._folded = None
        self._chains.clear()

    def train(self, mode: bool = True) -> GraphModule:
        """Switch to training or to scoring, in which normalisations are computed by the convolutions before them."""
        if mode == self.training:
            return self
        self.changed()
        return super().train(mode)

    # -- arrays -------------------------------------------------------------------------------------------------------

    def learned(self) -> dict[str, Tensor]:
        """The weights that training changes, by name."""
        return {name: self._tensor(name) for name, spec in self._specs.items() if spec.trainable}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, float32 copies in C order on the CPU."""
        return {
            name: self._tensor(name).detach().to("cpu", torch.float32).contiguous().numpy().copy()
            for name in self._specs
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]], partial: bool = False) -> LoadReport:
        """Replace weights.

        Parameters
        ----------
        arrays : mapping
            Arrays by name, as :meth:`arrays` gives them.
        partial : bool
            Load what fits and leave the rest as it is. Otherwise every array of the network must be given in its
            shape, and no other.

        Raises
        ------
        H2OValueError
            An array is missing, unknown, of another shape, or not finite; the message lists them.
        """
        misfits = {n: a.shape for n, a in arrays.items() if n in self._specs and tuple(a.shape) != self._specs[n].shape}
        missing = tuple(n for n in self._specs if n not in arrays or n in misfits)
        unexpected = tuple(n for n in arrays if n not in self._specs)
        if not partial and (missing or unexpected):
            raise H2OValueError(self._complaint(misfits, missing, unexpected))
        loaded = tuple(n for n in self._specs if n in arrays and n not in misfits)
        wild = [n for n in loaded if not np.isfinite(np.asarray(arrays[n])).all()]
        if wild:
            raise H2OValueError(f"weights that are not finite numbers: {_listed(wild)}")
        for name in loaded:
            self._assign(name, np.asarray(arrays[name], np.float32))
        self.changed()
        return LoadReport(loaded, missing, unexpected)

    def _complaint(
        self, misfits: Mapping[str, tuple[int, ...]], missing: Sequence[str], unexpected: Sequence[str]
    ) -> str:
        lines = ["the weights do not fit the network:"]
        absent = [n for n in missing if n not in misfits]
        if absent:
            lines.append(f"  missing: {_listed(absent)}")
        if unexpected:
            lines.append(f"  unknown: {_listed(unexpected)}{did_you_mean(unexpected[0], absent)}")
        lines += [
            f"  {n} has the shape {shape}; the network needs {self._specs[n].shape}"
            for n, shape in list(misfits.items())[:20]
        ]
        return "\n".join(lines)

    def _tensor(self, name: str) -> Tensor:
        node, attribute = self._places[name]
        return getattr(self.steps[str(node)], attribute)

    @torch.no_grad()
    def _assign(self, name: str, values: NDArray[Any]) -> None:
        tensor = self._tensor(name)
        node, attribute = self._places[name]
        if attribute == "weight" and self.graph.nodes[node].attrs.get("fix_gamma"):
            tensor.fill_(1.0)  # whatever is stored: MXNet keeps such a gamma at 1
            return
        tensor.copy_(torch.from_numpy(np.require(values, np.float32, ["C", "W"])))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")
