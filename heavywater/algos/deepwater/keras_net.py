"""The backend ``tensorflow``: networks that Keras runs and trains, by the same steps and with the same weights."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from heavywater.algos.deepwater.augment import augmented
from heavywater.algos.deepwater.build import GraphNet
from heavywater.algos.deepwater.engine import LocalTrainer, Work
from heavywater.algos.deepwater.inputs import Pixels
from heavywater.algos.deepwater.optimiser import BETAS, EPSILON, PREFIXES, Optimiser, momentum, rate
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.errors import H2OValueError
from heavywater.networks.graph import Graph


def load_keras(threads: int) -> Any:
    """Keras. TensorFlow takes its number of threads when it starts and keeps it."""
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        if os.environ["KERAS_BACKEND"] == "tensorflow":
            import tensorflow as tf

            with contextlib.suppress(RuntimeError):  # it has started already
                tf.config.threading.set_intra_op_parallelism_threads(max(1, threads))
    import keras

    return keras


class KerasNet(GraphNet):
    """A graph that runs in Keras.

    Parameters
    ----------
    graph : Graph
    shape : tuple of int
        Of one row of the main input.
    seed : int
        Decides the first weights: those that PyTorch would begin with.
    p : DeepWaterParams
        ``gpu``, ``device_id``, ``autocast`` and ``compile``.
    threads : int
    """

    library = "keras"

    def __init__(self, graph: Graph, shape: tuple[int, ...], seed: int, p: DeepWaterParams, threads: int = 1) -> None:
        self.keras = load_keras(threads)
        from heavywater.networks.keras_module import KerasModule

        self.place = _place(self.keras, p)
        with self.on_device():
            super().__init__(graph, KerasModule(graph, shape, seed, low=p.autocast), shape, "cpu")
        self._jit = p.compile

    def on_device(self) -> Any:
        """The context in which everything that is computed goes to the device."""
        return self.keras.device(self.place)

    # -- running ------------------------------------------------------------------------------------------------------

    def tensors(self, data: np.ndarray, table: np.ndarray | None, pixels: Pixels | None) -> tuple[Any, Any]:
        x = self.torch.from_numpy(data)
        return (x if pixels is None else pixels.prepare(self.torch, x)).numpy(), table

    def scoring(self) -> Any:
        return self.on_device()

    def logits(self, x: Any, table: Any) -> np.ndarray:
        return np.asarray(self.module.predict_on_batch(_inputs(x, table)), np.float32)

    def features(self, x: Any, table: Any, layer: str) -> np.ndarray:
        return np.asarray(self.module.features(_inputs(x, table), layer))

    def reseed(self, seed: int, samples: int) -> None:
        digest = hashlib.blake2b(f"{seed} {samples}".encode(), digest_size=4).digest()
        self.module.seeds.state.assign(np.array([int.from_bytes(digest, "little"), 0], np.uint32))

    def optimiser(self, p: DeepWaterParams, total: float) -> Optimiser:
        with self.on_device():
            made = KerasOptimiser(self.keras, self.learned(), p, total)
            self.module.compile(optimizer=made.steps_of_keras, jit_compile=self._jit)
        return made

    # -- weights ------------------------------------------------------------------------------------------------------

    def learned(self) -> dict[str, Any]:
        found: dict[str, Any] = self.module.learned()
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = self.module.arrays()
        return found

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.module.assign({name: arrays[name] for name in self.module.specs})

    def load_some(self, arrays: Mapping[str, np.ndarray]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        specs = self.module.specs
        fits = {n: a for n, a in arrays.items() if n in specs and tuple(a.shape) == specs[n].shape}
        self.module.assign(fits)
        return list(fits), [n for n in specs if n not in fits], [n for n in arrays if n not in specs]

    def copied(self) -> list[Any]:
        return list(self.arrays().values())

    def put_back(self, copies: list[Any]) -> None:
        self.module.assign(dict(zip(self.module.specs, copies)))


class KerasTrainer(LocalTrainer):
    """Trains in this process, by Keras."""

    def __init__(self, net: KerasNet, optimiser: KerasOptimiser, work: Work) -> None:
        if len(work.params.device_id) > 1:
            raise H2OValueError("device_id: backend='tensorflow' trains on one device; several need backend='pytorch'")
        self._net, self._optimiser, self._work = net, optimiser, work

    def _step(self, samples: int, data: np.ndarray, table: np.ndarray | None, targets: np.ndarray) -> None:
        net, work = self._net, self._work
        assert isinstance(net, KerasNet)
        assert isinstance(self._optimiser, KerasOptimiser)
        net.reseed(work.seed, samples)
        x, t = net.tensors(data, table, work.pixels)
        if work.params.augmentation and data.dtype == np.uint8:
            random = np.random.default_rng((work.seed % 2**64, samples))
            x = augmented(net.torch, net.torch.from_numpy(x), work.params.augmentation, random).numpy()
        with net.on_device():
            self._optimiser.prepare(samples)
            net.module.train_on_batch(_inputs(x, t), targets)


class KerasOptimiser(Optimiser):
    """The steps of `Optimiser`, made by Keras.

    Parameters
    ----------
    keras : module
    named : mapping of str to variable
        The weights that learn.
    p : DeepWaterParams
        Values in force.
    total : float
        Training rows of the whole run.
    """

    def __init__(self, keras: Any, named: Mapping[str, Any], p: DeepWaterParams, total: float) -> None:
        self._p, self._total, self._names, self._steps = p, total, list(named), 0
        self._ops = keras.ops
        self.steps_of_keras = _steps(keras, p)
        self.steps_of_keras.build(list(named.values()))

    def prepare(self, samples: int) -> None:
        """Set rate and momentum for a step that `samples` rows were trained before."""
        self._steps += 1
        o = self.steps_of_keras
        o.learning_rate = rate(self._p, samples, self._total)
        if self._p.optimizer == "sgd":
            o.numbers[0].assign(momentum(self._p, samples))
        else:
            o.numbers[0].assign(1 - BETAS[0] ** self._steps)
            o.numbers[1].assign(math.sqrt(1 - BETAS[1] ** self._steps))

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            f"{prefix}{name}": np.array(self._ops.convert_to_numpy(v.value), np.float32)
            for prefix, slots in self.steps_of_keras.slots.items()
            for name, v in zip(self._names, slots)
        }

    def load(self, arrays: Mapping[str, np.ndarray], steps: int) -> None:
        self._steps = steps
        for prefix, slots in self.steps_of_keras.slots.items():
            for name, v in zip(self._names, slots):
                found = arrays.get(f"{prefix}{name}")
                if found is not None and found.shape == tuple(v.shape):
                    v.assign(found)


def _steps(keras: Any, p: DeepWaterParams) -> Any:
    """An optimiser of Keras that makes our steps; see `Optimiser`."""
    ops, decay, (b1, b2) = keras.ops, float(p.weight_decay or 0.0), BETAS

    class Steps(keras.optimizers.Optimizer):  # type: ignore[misc]
        def build(self, variables: list[Any]) -> None:
            if self.built:
                return
            super().build(variables)
            self.numbers = [self.add_variable(shape=(), name=f"number{i}") for i in range(len(PREFIXES[p.optimizer]))]
            self.slots = {
                prefix: [self.add_variable_from_reference(v, name=f"slot{i}") for v in variables]
                for i, prefix in enumerate(PREFIXES[p.optimizer])
            }

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            at = self._get_variable_index(variable)
            if p.optimizer == "sgd":
                velocity = self.slots["velocity:"][at]
                if decay:
                    gradient = gradient + variable * decay
                velocity.assign(velocity * self.numbers[0] - learning_rate * gradient)
                variable.assign(variable + velocity)
                return
            first, second = (self.slots[k][at] for k in PREFIXES["adamw"])
            first.assign(first + (gradient - first) * (1 - b1))
            second.assign(second * b2 + gradient * gradient * (1 - b2))
            root = ops.sqrt(second) / self.numbers[1] + EPSILON
            variable.assign(variable * (1 - learning_rate * decay) - learning_rate / self.numbers[0] * first / root)

    limit = float(p.clip_gradient) if math.isfinite(p.clip_gradient) else None
    return Steps(learning_rate=float(p.learning_rate), clipvalue=limit, name="steps")


def _inputs(x: Any, table: Any) -> Any:
    return x if table is None else [x, table]


def _place(keras: Any, p: DeepWaterParams) -> str:
    """Keras's name of the device to use.

    Raises
    ------
    H2OValueError
        There is no such GPU.
    """
    count = _gpus(keras) if p.gpu else 0
    if count and max(p.device_id) >= count:
        raise H2OValueError(f"device_id: there are {count} GPUs, numbered from 0; got {list(p.device_id)}")
    return f"gpu:{p.device_id[0]}" if count else "cpu"


def _gpus(keras: Any) -> int:
    name = keras.backend.backend()
    counted: dict[str, Callable[[], int]] = {"tensorflow": _of_tensorflow, "torch": _of_torch}
    return counted[name]() if name in counted else 0


def _of_tensorflow() -> int:
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def _of_torch() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
