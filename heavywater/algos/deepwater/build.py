"""The network of a run: built or read, with its first weights, on its device."""

from __future__ import annotations

import contextlib
import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deepwater.inputs import Pixels
from heavywater.algos.deepwater.optimiser import Optimiser
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.errors import H2OValueError, NotSupported
from heavywater.models.state import ModelState
from heavywater.networks.catalog import build
from heavywater.networks.graph import Graph

if TYPE_CHECKING:
    from heavywater.algos.deepwater.data import TrainingData
    from heavywater.algos.deepwater.model import DeepWaterModel

_said: set[str] = set()
"""Notices that are given once per process."""


class BaseNet:
    """A network that runs, on one device; a subclass says where its layers and weights are.

    Parameters
    ----------
    module : torch.nn.Module
    shape : tuple of int
        Of one row of the main input.
    device : str
        PyTorch's name of the device.
    """

    library = "pytorch"
    """What runs it: ``pytorch`` or ``keras``."""
    graph: Graph | None
    weights: int
    memory_format: Any = None
    """PyTorch's order in which images are kept; None: as they come."""

    def __init__(self, module: Any, shape: tuple[int, ...], device: str) -> None:
        self.torch = torch_module()
        self.module, self.shape = module, shape
        self.device = self.torch.device(device)
        self._generator = self.torch.Generator(self.device)

    # -- running ------------------------------------------------------------------------------------------------------

    def tensors(self, data: np.ndarray, table: np.ndarray | None, pixels: Pixels | None) -> tuple[Any, Any]:
        """A batch on the device: the main input as float32, pixels prepared, and the table or None."""
        x = self.torch.from_numpy(data).to(self.device, non_blocking=True)
        if pixels is not None:
            x = pixels.prepare(self.torch, x, self.memory_format)
        return x, None if table is None else self.torch.from_numpy(table).to(self.device, non_blocking=True)

    @contextlib.contextmanager
    def scoring(self) -> Iterator[None]:
        """The state in which batches are scored. Entering it takes as long as a small layer: once for many batches."""
        self.module.eval()
        with self.torch.inference_mode():
            yield

    def logits(self, x: Any, table: Any) -> np.ndarray:
        """Outputs of a batch, float32 ``(n, outputs)``; while `scoring` lasts."""
        out = self.module(x) if table is None else self.module(x, table)
        return out.float().cpu().numpy()

    def reseed(self, seed: int, samples: int) -> None:
        """Make what dropout draws next depend on these numbers alone."""
        digest = hashlib.blake2b(f"{seed} {samples}".encode(), digest_size=7).digest()
        self._generator.manual_seed(int.from_bytes(digest, "little"))

    def compiled(self) -> Any:
        """The module, compiled when it first runs."""
        return self.torch.compile(self.module)

    def optimiser(self, p: DeepWaterParams, total: float) -> Optimiser:
        """What makes steps from gradients; `total` counts the training rows of the whole run."""
        return Optimiser(self.torch, self.learned(), p, total)

    @abstractmethod
    def features(self, x: Any, table: Any, layer: str) -> np.ndarray:
        """Values of a layer, float32 ``(n, width)``; while `scoring` lasts."""

    @abstractmethod
    def layers(self) -> list[str]:
        """Names of the layers."""

    @abstractmethod
    def hidden_layers(self) -> list[str]:
        """The layers of a network of hidden layers, after their activation."""

    # -- weights ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def learned(self) -> dict[str, Any]:
        """The weights that training changes, by name."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """All weights by name, float32 copies."""

    @abstractmethod
    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over the weights of a model of the same network."""

    @abstractmethod
    def load_some(self, arrays: Mapping[str, np.ndarray]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Take over what fits; names that were loaded, that were missing, and that are not part of the network."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The network as a model file keeps it."""

    def copied(self) -> list[Any]:
        """Copies of all weights, for `put_back`."""
        return [t.detach().clone() for t in self._state()]

    def put_back(self, copies: list[Any]) -> None:
        """Take over the weights that `copied` gave."""
        with self.torch.no_grad():
            for t, kept in zip(self._state(), copies):
                t.copy_(kept)

    def _state(self) -> list[Any]:
        return list(self.module.state_dict(keep_vars=True).values())


class GraphNet(BaseNet):
    """A network whose layers a graph says.

    Parameters
    ----------
    graph : Graph
    module : torch.nn.Module or keras.Model
        What runs it.
    shape : tuple of int
        Of one row of the main input.
    device : str
        PyTorch's name of the device.
    """

    graph: Graph

    def __init__(self, graph: Graph, module: Any, shape: tuple[int, ...], device: str) -> None:
        super().__init__(module, shape, device)
        self.graph = graph
        self.weights = graph.weights(shape)

    def layers(self) -> list[str]:
        return self.graph.layers()

    def hidden_layers(self) -> list[str]:
        return [f"{n.name}_output" for n in self.graph.nodes if n.op == "activation"]

    def to_json(self) -> dict[str, Any]:
        return self.graph.to_json()


class Net(GraphNet):
    """A graph that runs in PyTorch.

    Parameters
    ----------
    graph : Graph
    shape : tuple of int
        Of one row of the main input.
    seed : int
        Decides the first weights.
    device : str
        PyTorch's name of the device.
    """

    def __init__(self, graph: Graph, shape: tuple[int, ...], seed: int, device: str = "cpu") -> None:
        from heavywater.networks.module import GraphModule

        super().__init__(graph, GraphModule(graph, shape, seed), shape, device)
        if self.module.images:
            self.memory_format = self.torch.channels_last
        seeded_dropout(self.torch, self.module, self._generator)
        self.module.changed()
        self.module.to(self.device)

    def features(self, x: Any, table: Any, layer: str) -> np.ndarray:
        return self.module.features(x, layer, table).float().cpu().numpy()

    def learned(self) -> dict[str, Any]:
        return self.module.learned()

    def arrays(self) -> dict[str, np.ndarray]:
        return self.module.arrays()

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        wanted = self.graph.arrays(self.shape)
        self.module.load_arrays({name: np.array(arrays[name]) for name in wanted})

    def load_some(self, arrays: Mapping[str, np.ndarray]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        return self.module.load_arrays(arrays, partial=True)

    def put_back(self, copies: list[Any]) -> None:
        super().put_back(copies)
        self.module.changed()


def make_network(ctx: TrainContext, data: TrainingData, before: DeepWaterModel | None) -> BaseNet:
    """The network of a run with its first weights: drawn, from a file, or those of the model to continue."""
    p, shape, classes = data.params, data.columns.shape, data.response.nclasses
    width = data.columns.table_width
    net: BaseNet
    if p.network_module is not None:
        net = _own(p, shape, classes, device_of(p, ctx.warn), width)
    else:
        graph = _graph(ctx, p, shape, classes, width) if before is None else before.graph
        net = _net(graph, shape, ctx.seed, p, ctx.warn, ctx.threads)
    if before is not None:
        net.load(before.state.arrays)
    if p.network_parameters_file is not None:
        _load_file(ctx, net, p.network_parameters_file)
    return net


def net_of_state(
    state: ModelState, shape: tuple[int, ...], classes: int, p: DeepWaterParams, module: Any, table: int = 0
) -> BaseNet:
    """The network of a model; `module` is the user's own, where it is one, and `table` the columns beside images."""
    stored = state.schema["network"]
    net: BaseNet
    if "module" in stored:
        from heavywater.algos.deepwater.own_module import net_around

        net = net_around(module, stored, shape, classes, device_of(p, lambda text: None), table)
    else:
        net = _net(Graph.from_json(stored), shape, 0, p, lambda text: None)
    net.load(state.arrays)
    return net


def _net(
    graph: Graph, shape: tuple[int, ...], seed: int, p: DeepWaterParams, warn: Callable[[str], None], threads: int = 1
) -> BaseNet:
    """A graph in the library that `backend` asks for: Keras for tensorflow where it is installed, else PyTorch."""
    from heavywater.networks.keras_found import keras_backend

    if p.backend != "tensorflow" or (computes := keras_backend()) is None:
        return Net(graph, shape, seed, device_of(p, warn))
    from heavywater.algos.deepwater.keras_net import KerasNet

    if computes != "tensorflow":
        warn(f"backend='tensorflow': Keras computes with {computes}, as KERAS_BACKEND says")
    net = KerasNet(graph, shape, seed, p, threads)
    if p.gpu and net.place.startswith("cpu"):
        _say_no_gpu("Keras", warn)
    return net


def _own(p: DeepWaterParams, shape: tuple[int, ...], classes: int, device: str, table: int) -> BaseNet:
    from heavywater.algos.deepwater.own_module import OwnNet, own_module

    module, name = own_module(p.network_module, classes, shape, table)
    net = OwnNet(module, shape, device, name)
    if net.outputs(table) != classes:
        raise H2OValueError(f"network_module: {name} has {net.outputs(table)} outputs; the response needs {classes}")
    return net


def _graph(ctx: TrainContext, p: DeepWaterParams, shape: tuple[int, ...], classes: int, table: int) -> Graph:
    if p.network != "user":
        size = (shape[2], shape[1]) if len(shape) == 3 else (0, 0)
        return build(
            p.network,
            classes,
            size,
            shape[0],
            hidden=list(p.hidden or ()),
            activation=str(p.activation),
            input_dropout_ratio=float(p.input_dropout_ratio),
            hidden_dropout_ratios=p.hidden_dropout_ratios,
            compat="deepwater" if p.compat == "deepwater" else None,
            table_columns=table,
        )
    from heavywater.networks.files import read_network

    compat = "deepwater" if p.compat == "deepwater" else None
    return _fitted(ctx, read_network(Path(str(p.network_definition_file)), compat=compat), p, shape, classes, table)


def _fitted(
    ctx: TrainContext, graph: Graph, p: DeepWaterParams, shape: tuple[int, ...], classes: int, table: int
) -> Graph:
    """A network from a file with the outputs that the response needs, and the columns of a table where there are some."""
    from heavywater.networks.fitting import as_number, as_two_classes, table_width, with_table

    file, takes = p.network_definition_file, table_width(graph)
    if takes and takes != table:
        raise H2OValueError(
            f"network_definition_file: the network of {file} takes {takes} columns of a table beside an image; x has "
            f"{table or 'no'} columns besides the images, categories counted as one each per level"
        )
    if table and not takes:
        graph = with_table(graph, shape, table)
        ctx.warn(f"the network of {file} has no input for the columns beside the images: they join its last layer")
    outputs = int(np.prod(graph.shapes(shape)[graph.nodes[graph.head].name]))
    if outputs == 1 and graph.loss == "logistic" and classes <= 2:
        return as_two_classes(graph) if classes == 2 else as_number(graph)
    if outputs != classes:
        ctx.warn(
            f"the network of {file} has {outputs} outputs, the response needs "
            f"{classes}: its last layer is replaced by a new one, which begins untrained"
        )
        graph = graph.with_head(classes)
    return graph


def _load_file(ctx: TrainContext, net: BaseNet, path: str) -> None:
    """Weights from a file; what does not fit is said."""
    from heavywater.networks.files import read_arrays
    from heavywater.networks.fitting import padded

    found = read_arrays(Path(path), net.graph)
    if net.graph is not None:
        found = padded(net.graph, net.shape, found, net.arrays)
    loaded, missing, unexpected = net.load_some(found)
    if not loaded:
        raise H2OValueError(
            f"network_parameters_file: none of the arrays of {path} ({_listed(unexpected)}) fits the network, which needs "
            f"{_listed(missing)}"
        )
    if missing or unexpected:
        text = f"network_parameters_file: {len(loaded)} arrays of {path} were loaded"
        if missing:
            text += f"; not there, or of another shape, and so begin untrained: {_listed(missing)}"
        if unexpected:
            text += f"; not part of the network: {_listed(unexpected)}"
        ctx.warn(text)


def device_of(p: DeepWaterParams, warn: Any) -> str:
    """PyTorch's name of the device to use; says once per process when the wanted GPU is not there."""
    torch = torch_module()
    if p.backend == "tensorflow" and p.network_module is None:
        warn(
            "backend='tensorflow': the network runs in PyTorch, because TensorFlow is not installed here; "
            "pip install 'heavywater[tensorflow]' brings it"
        )
    elif p.backend != "pytorch":
        warn(f"backend={p.backend!r}: the network runs in PyTorch")
    if not p.gpu:
        return "cpu"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        _say_no_gpu("PyTorch", warn)
        return "cpu"
    if max(p.device_id) >= count:
        raise H2OValueError(f"device_id: there are {count} GPUs, numbered from 0; got {list(p.device_id)}")
    return f"cuda:{p.device_id[0]}"


def _say_no_gpu(library: str, warn: Callable[[str], None]) -> None:
    if "gpu" not in _said:
        _said.add("gpu")
        warn(
            f"gpu=True, but {library} finds no GPU here: the CPU is used (gpu=False says the same without this notice)"
        )


def torch_module() -> Any:
    """PyTorch.

    Raises
    ------
    NotSupported
        It is not installed.
    """
    try:
        import torch
    except ImportError:
        raise NotSupported("Deep Water needs PyTorch: pip install 'heavywater[deepwater]'") from None
    return torch


@contextlib.contextmanager
def one_setting(threads: int) -> Iterator[None]:
    """PyTorch with so many threads, and with kernels whose result does not vary, while this lasts."""
    torch = torch_module()
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def seeded_dropout(torch: Any, module: Any, generator: Any) -> None:
    """Let every dropout layer draw from `generator` instead of PyTorch's global one, which other threads use too."""

    class Dropout(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, p: float) -> None:
            super().__init__()
            self.p = p

        def forward(self, x: Any) -> Any:
            if not self.training or self.p == 0:
                return x
            kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=generator)
            return x * kept.div_(1 - self.p)

    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is torch.nn.Dropout:
                setattr(parent, name, Dropout(child.p))


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
