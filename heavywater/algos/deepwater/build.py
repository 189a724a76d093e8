"""The network of a run: built or read, with its first weights, on its device."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deepwater.inputs import Pixels
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


class Net:
    """A network that runs, on one device.

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

        self.torch = torch_module()
        self.graph, self.shape = graph, shape
        self.module = GraphModule(graph, shape, seed)
        self.device = self.torch.device(device)
        self._generator = self.torch.Generator(self.device)
        self.weights = graph.weights(shape)
        seeded_dropout(self.torch, self.module, self._generator)
        self.module.to(self.device)

    # -- running ------------------------------------------------------------------------------------------------------

    def tensors(self, data: np.ndarray, table: np.ndarray | None, pixels: Pixels | None) -> tuple[Any, Any]:
        """A batch on the device: the main input as float32, pixels prepared, and the table or None."""
        x = self.torch.from_numpy(data).to(self.device, non_blocking=True)
        if pixels is not None:
            x = pixels.prepare(self.torch, x)
        return x, None if table is None else self.torch.from_numpy(table).to(self.device, non_blocking=True)

    def logits(self, x: Any, table: Any) -> np.ndarray:
        """Outputs in scoring, float32 ``(n, outputs)``."""
        self.module.eval()
        with self.torch.inference_mode():
            return self.module(x, table).float().cpu().numpy()

    def features(self, x: Any, table: Any, layer: str) -> np.ndarray:
        """Values of a layer in scoring, float32 ``(n, width)``."""
        self.module.eval()
        with self.torch.inference_mode():
            return self.module.features(x, layer, table).float().cpu().numpy()

    def layers(self) -> list[str]:
        """Names of the layers."""
        return self.graph.layers()

    def hidden_layers(self) -> list[str]:
        """The layers of a network of hidden layers, after their activation."""
        nodes = self.graph.nodes
        return [f"{n.name}_output" for n in nodes if n.op == "activation"]

    def reseed(self, seed: int, samples: int) -> None:
        """Make what dropout draws next depend on these numbers alone."""
        digest = hashlib.blake2b(f"{seed} {samples}".encode(), digest_size=7).digest()
        self._generator.manual_seed(int.from_bytes(digest, "little"))

    def compiled(self) -> Any:
        """The module, compiled when it first runs."""
        return self.torch.compile(self.module)

    # -- weights ------------------------------------------------------------------------------------------------------

    def learned(self) -> dict[str, Any]:
        """The weights that training changes, by name."""
        return self.module.learned()

    def arrays(self) -> dict[str, np.ndarray]:
        """All weights by name, float32 copies."""
        return self.module.arrays()

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over the weights of a model of the same network."""
        wanted = self.graph.arrays(self.shape)
        self.module.load_arrays({name: np.array(arrays[name]) for name in wanted})

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

    def to_json(self) -> dict[str, Any]:
        """The network as a model file keeps it."""
        return self.graph.to_json()


def make_network(ctx: TrainContext, data: TrainingData, before: DeepWaterModel | None) -> Net:
    """The network of a run with its first weights: drawn, from a file, or those of the model to continue."""
    p, shape, classes = data.params, data.columns.shape, data.response.nclasses
    device = device_of(p, ctx.warn)
    if before is not None:
        net = Net(before.net.graph, shape, ctx.seed, device)
        net.load(before.state.arrays)
    else:
        net = Net(_graph(ctx, p, shape, classes, data.columns.table_width), shape, ctx.seed, device)
    if p.network_parameters_file is not None:
        _load_file(ctx, net, p.network_parameters_file)
    return net


def net_of_state(state: ModelState, shape: tuple[int, ...], p: DeepWaterParams) -> Net:
    """The network of a model."""
    net = Net(Graph.from_json(state.schema["network"]), shape, 0, device_of(p, lambda text: None))
    net.load(state.arrays)
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

    if table:
        raise H2OValueError(
            "network='user' with images takes no columns of a table beside them; leave them out of x, or take a "
            "predefined network"
        )
    graph: Graph = read_network(Path(str(p.network_definition_file)))
    outputs = graph.shapes(shape)[graph.nodes[graph.head].name]
    if int(np.prod(outputs)) != classes:
        ctx.warn(
            f"the network of {p.network_definition_file} has {int(np.prod(outputs))} outputs, the response needs "
            f"{classes}: its last layer is replaced by a new one, which begins untrained"
        )
        graph = graph.with_head(classes)
    return graph


def _load_file(ctx: TrainContext, net: Net, path: str) -> None:
    """Weights from a file; what does not fit is said."""
    from heavywater.networks.files import read_arrays

    found = net.module.load_arrays(read_arrays(Path(path), net.graph), partial=True)
    if not found.loaded:
        raise H2OValueError(
            f"network_parameters_file: none of the {len(found.unexpected)} arrays of {path} fits the network, which needs "
            f"{_listed(found.missing)}"
        )
    if found.missing or found.unexpected:
        text = f"network_parameters_file: {len(found.loaded)} arrays of {path} were loaded"
        if found.missing:
            text += f"; not there, or of another shape, and so begin untrained: {_listed(found.missing)}"
        if found.unexpected:
            text += f"; not part of the network: {_listed(found.unexpected)}"
        ctx.warn(text)


def read_mean_image(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """A mean image, float32 of exactly `shape`, from a file of numpy (.npy) or MXNet (.nd).

    Raises
    ------
    H2OValueError
        Its size is another one, or it holds several arrays.
    """
    if path.lower().endswith(".npy"):
        array = _read_npy(path, shape)
    else:
        from heavywater.networks.files import read_arrays

        arrays = read_arrays(Path(path), None)
        if len(arrays) != 1:
            raise H2OValueError(f"mean_image_file must hold one array; {path} holds {len(arrays)}")
        array = next(iter(arrays.values()))
    if array.size != int(np.prod(shape)):
        raise H2OValueError(
            f"mean_image_file: Invalid mean image data format: channels x height x width is {shape}, "
            f"{int(np.prod(shape))} numbers; {path} has {array.size}"
        )
    if not np.isfinite(array).all():
        raise H2OValueError(f"mean_image_file: {path} holds values that are not finite")
    return np.ascontiguousarray(array, np.float32).reshape(shape)


def _read_npy(path: str, shape: tuple[int, ...]) -> np.ndarray:
    size = Path(path).stat().st_size
    if size > 16 * int(np.prod(shape)) + 4096:
        raise H2OValueError(
            f"mean_image_file: {path} has {size:,} bytes, more than an image of the shape {shape} needs"
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, EOFError) as e:
        raise H2OValueError(f"mean_image_file: {path} is not an array of numpy: {e}") from None


def device_of(p: DeepWaterParams, warn: Any) -> str:
    """PyTorch's name of the device to use; says once per process when the wanted GPU is not there."""
    torch = torch_module()
    if p.backend != "pytorch":
        warn(f"backend={p.backend!r}: the network runs in PyTorch")
    if not p.gpu:
        return "cpu"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        if "gpu" not in _said:
            _said.add("gpu")
            warn(
                "gpu=True, but PyTorch finds no GPU here: the CPU is used (gpu=False says the same without this notice)"
            )
        return "cpu"
    if max(p.device_id) >= count:
        raise H2OValueError(f"device_id: there are {count} GPUs, numbered from 0; got {list(p.device_id)}")
    return f"cuda:{p.device_id[0]}"


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
