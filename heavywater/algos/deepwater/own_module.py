"""A network that the user brings as a PyTorch module. Its code is never stored: a model file holds the weights alone."""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.deepwater.build import BaseNet, seeded_dropout
from heavywater.errors import H2OTypeError, H2OValueError, NotFound, NotSupported, did_you_mean
from heavywater.models.expect import each, expect
from heavywater.networks.graph import ArraySpec

_PATTERN = {"module": str, "arrays": each({"shape": [int], "trainable": bool})}
_MOST_NUMBERS = 1 << 30


class OwnNet(BaseNet):
    """A network around a module of the user's.

    Parameters
    ----------
    module : torch.nn.Module
        Takes float32 ``(n, *shape)``, and where images have columns of a table beside them ``(n, columns)`` too, and gives
        ``(n, outputs)``; a copy of it is trained.
    shape : tuple of int
        Of one row of the main input.
    device : str
        PyTorch's name of the device.
    name : str
        What the model's report calls it.
    """

    def __init__(self, module: Any, shape: tuple[int, ...], device: str, name: str) -> None:
        super().__init__(copy.deepcopy(module).float(), shape, device)
        self.graph = None
        self.name = name
        seeded_dropout(self.torch, self.module, self._generator)
        self.module.to(self.device)
        self.weights = sum(t.numel() for t in self.module.parameters())

    def outputs(self, table: int) -> int:
        """Width of what the module gives, with so many columns of a table beside images.

        Raises
        ------
        H2OValueError
            It cannot take rows of this shape, or does not give a matrix.
        """
        with self.scoring():
            given = [self.torch.zeros((2, *self.shape), device=self.device)]
            given += [self.torch.zeros((2, table), device=self.device)] if table else []
            try:
                found = self.module(*given)
            except (RuntimeError, TypeError) as e:
                beside = f" and {table} columns of a table beside them, as a second argument" if table else ""
                raise H2OValueError(
                    f"network_module: {self.name} cannot take rows of the shape {self.shape}{beside}: {str(e).splitlines()[0]}"
                ) from None
        if not hasattr(found, "shape") or len(found.shape) != 2 or found.shape[0] != 2:
            raise H2OValueError(f"network_module: {self.name} must give (rows, outputs); see image_shape and channels")
        return int(found.shape[1])

    def features(self, x: Any, table: Any, layer: str) -> np.ndarray:
        parts = dict(self.module.named_modules())
        name = layer.removesuffix("_output")
        if name not in parts or not name:
            listed = "\n".join(self.layers())
            raise NotFound(
                f"the network has no layer {layer!r}{did_you_mean(layer, self.layers())}; its layers are\n{listed}"
            )
        caught: list[Any] = []
        handle = parts[name].register_forward_hook(lambda module, given, out: caught.append(out))
        try:
            self.logits(x, table)
        finally:
            handle.remove()
        if not caught:
            raise NotFound(f"the layer {layer!r} takes no part in scoring")
        return caught[-1].flatten(1).float().cpu().numpy()

    def layers(self) -> list[str]:
        return [f"{n}_output" for n, m in self.module.named_modules() if n and not any(m.children())]

    def hidden_layers(self) -> list[str]:
        return self.layers()

    def learned(self) -> dict[str, Any]:
        return {n: p for n, p in self.module.named_parameters() if p.requires_grad}

    def arrays(self) -> dict[str, np.ndarray]:
        return {n: t.detach().cpu().float().numpy().copy() for n, t in self.module.state_dict().items()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        missing = []
        with self.torch.no_grad():
            for name, tensor in self.module.state_dict(keep_vars=True).items():
                found = arrays.get(name)
                if found is None or found.shape != tuple(tensor.shape):
                    missing.append(name)
                else:
                    tensor.copy_(self.torch.from_numpy(np.array(found)))
        if missing:
            raise H2OValueError(f"these weights are not those of {self.name}: {', '.join(missing[:8])} do not fit")

    def load_some(self, arrays: Mapping[str, np.ndarray]) -> tuple[list[str], list[str], list[str]]:
        """Take over what fits; names that were loaded, that were missing, and that are not part of the network."""
        state = self.module.state_dict(keep_vars=True)
        fits = {n: a for n, a in arrays.items() if n in state and a.shape == tuple(state[n].shape)}
        self.load({**self.arrays(), **fits})
        return list(fits), [n for n in state if n not in fits], [n for n in arrays if n not in state]

    def to_json(self) -> dict[str, Any]:
        learned = self.learned()
        facts = {n: {"shape": list(t.shape), "trainable": n in learned} for n, t in self.module.state_dict().items()}
        return {"module": self.name, "arrays": facts}


def own_module(given: Any, classes: int, shape: tuple[int, ...], table: int) -> tuple[Any, str]:
    """The user's module and what to call it.

    Parameters
    ----------
    given : torch.nn.Module, callable or str
        A module; a function of classes, channels and (width, height) that makes one; or 'package.module:name' of such a
        function.
    table : int
        Columns beside images; where there are some, the function gets their number as a fourth argument.

    Raises
    ------
    H2OTypeError, H2OValueError
        It is none of these, or cannot be imported.
    """
    import torch

    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    if isinstance(given, str):
        given = _imported(given)
    if not isinstance(given, torch.nn.Module):
        if not callable(given):
            raise H2OTypeError(
                "network_module must be a torch.nn.Module, a function that makes one, or 'package.module:name' of such a "
                f"function; got {type(given).__name__}"
            )
        size = (shape[2], shape[1]) if len(shape) == 3 else (shape[0], 1)
        arguments = (classes, shape[0] if len(shape) == 3 else 1, size, *([table] if table else []))
        given = _called(given, str(name), arguments)
        if not isinstance(given, torch.nn.Module):
            raise H2OTypeError(f"network_module: {name} must return a torch.nn.Module; it gave {type(given).__name__}")
    return given, str(name)


def _called(function: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """What the user's function makes; a table that it does not expect is said."""
    if len(arguments) == 4:
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            raise H2OTypeError(
                f"network_module: {name} must take (classes, channels, (width, height), columns), because x has columns of a "
                f"table beside the images; {arguments[3]} of them here"
            ) from None
    return function(*arguments)


def _imported(name: str) -> Any:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        raise H2OValueError(f"network_module: 'package.module:name' is expected; got {name!r}")
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as e:
        raise H2OValueError(f"network_module: {name} cannot be imported: {e}") from None


def arrays_of(stored: Any) -> dict[str, ArraySpec]:
    """The arrays of a user's network as a model file lists them."""
    expect(stored, _PATTERN, "schema['network']")
    made = {n: ArraySpec(tuple(a["shape"]), a["trainable"], "zeros") for n, a in stored["arrays"].items()}
    for name, spec in made.items():
        if any(s < 0 for s in spec.shape) or int(np.prod(spec.shape, dtype=object)) > _MOST_NUMBERS:
            raise H2OValueError(f"the array {name!r} has an impossible shape {spec.shape}")
    return made


def net_around(
    module: Any, stored: Mapping[str, Any], shape: tuple[int, ...], classes: int, device: str, table: int
) -> OwnNet:
    """The network of a model whose code the user gives anew.

    Raises
    ------
    NotSupported
        No module is at hand.
    """
    if module is None:
        raise NotSupported(
            f"this model's network is the module {stored['module']!r} of its user's, of which a file holds the weights "
            "alone: give the code with use_module(...)"
        )
    made, name = own_module(module, classes, shape, table)
    return OwnNet(made, shape, device, name)
