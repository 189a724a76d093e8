"""The definition of a Keras model, sequential or functional, as a graph of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from heavywater.errors import ModelFileError
from heavywater.networks.graph import MAX_NODES, Builder, Graph
from heavywater.networks.keras_layers import Layers, Value

__all__ = ["graph_of_config"]

_MODELS = ("Sequential", "Functional", "Model")
_MAX_DEPTH = 16


def graph_of_config(config: Mapping[str, Any]) -> Graph:
    """The graph of a model's definition.

    Parameters
    ----------
    config : mapping
        As in ``config.json`` of a ``.keras`` file, or in the attribute ``model_config`` of an HDF5 file.

    Raises
    ------
    ModelFileError
        The model is neither sequential nor functional, has a layer that is not known, or inputs that are neither an
        image nor a row of numbers.
    """
    if config.get("class_name") not in _MODELS:
        raise ModelFileError(
            f"it is a {str(config.get('class_name'))!a:.60}; known are Sequential and Functional models. A model that is a class "
            "of its own is code, which a file cannot hold: build it from layers, or save it as ONNX"
        )
    return _Reader().whole(config)


class _Reader:
    def __init__(self) -> None:
        self.builder = Builder()
        self.layers = Layers(self.builder)
        self.calls: Counter[str] = Counter()

    def whole(self, config: Mapping[str, Any]) -> Graph:
        shapes = _input_shapes(config)
        first = _channels_first(config)
        images = [i for i, s in enumerate(shapes) if len(s) in (2, 3)]
        rows = [i for i, s in enumerate(shapes) if len(s) == 1]
        if len(images) > 1 or len(rows) > 1 or len(images) + len(rows) != len(shapes):
            raise ModelFileError(
                f"its inputs have the shapes {', '.join(map(str, shapes))} for one row; known are an image, a row of numbers, or "
                "one of each"
            )
        values: dict[int, Value] = {}
        for i in [*images, *rows]:
            values[i] = self.table(shapes[i]) if images and i in rows else self.data(shapes[i], first)
        outputs = self.model(config, "", [values[i] for i in range(len(shapes))], 0)
        if len(outputs) != 1:
            raise ModelFileError(f"it has {len(outputs)} outputs; one is needed")
        last = outputs[0].node
        node = self.builder.nodes[last]
        if node.op == "activation" and node.attrs["kind"] == "sigmoid":
            self.builder.nodes[last] = replace(node, op="output", attrs={"kind": "logistic"})
        return self.builder.finished(last)

    def data(self, shape: tuple[int, ...], channels_first: bool) -> Value:
        """The main input; an image without an axis of channels has one channel here."""
        if len(shape) == 3 and not channels_first:
            shape = (shape[2], *shape[:2])
            return Value(self.builder.add("data", "input", shape=shape), shape, turned=True)
        if len(shape) == 2:
            node = self.builder.add("data", "input", shape=(1, *shape))
            return Value(self.builder.add("data/plain", "reshape", node, shape=shape), shape)
        return Value(self.builder.add("data", "input", shape=shape), shape)

    def table(self, shape: tuple[int, ...]) -> Value:
        return Value(self.builder.add("table", "input", shape=shape), shape)

    # -- models -------------------------------------------------------------------------------------------------------

    def model(self, config: Mapping[str, Any], path: str, inputs: Sequence[Value], depth: int) -> list[Value]:
        """The outputs of a model inside `path`, which ends with a slash or is empty."""
        inner = _mapping(config.get("config"))
        if depth > _MAX_DEPTH:
            raise ModelFileError(f"models are nested more than {_MAX_DEPTH} deep")
        layers = inner.get("layers")
        if not isinstance(layers, list) or not layers:
            raise ModelFileError("a model in it has no layers")
        if config.get("class_name") == "Sequential":
            if len(inputs) != 1:
                raise ModelFileError("a sequential model takes one input")
            x = list(inputs)
            for layer in map(_mapping, layers):
                if layer.get("class_name") != "InputLayer":
                    x = self.layer(layer, path, x, depth)
            return x
        return self.functional(inner, path, inputs, depth)

    def functional(self, inner: Mapping[str, Any], path: str, inputs: Sequence[Value], depth: int) -> list[Value]:
        made: dict[tuple[str, int], list[Value]] = {}
        names = [name for name, _, _ in _references(inner.get("input_layers"))]
        if len(names) != len(inputs):
            raise ModelFileError(f"a model in it takes {len(names)} inputs and is given {len(inputs)}")
        made |= {(name, 0): [value] for name, value in zip(names, inputs)}
        calls = []
        for layer in map(_mapping, inner["layers"]):
            told = str(layer.get("name") or _mapping(layer.get("config")).get("name"))
            if layer.get("class_name") != "InputLayer":
                nodes = layer.get("inbound_nodes")
                calls += [(told, i, layer, node) for i, node in enumerate(nodes if isinstance(nodes, list) else [])]
        while calls:  # Keras stores layers in the order of their making, which need not be that of their use
            waiting = []
            for name, i, layer, node in calls:
                arguments = list(_arguments(node))
                wanted = [a[:2] for a in arguments if isinstance(a, tuple)]
                if not all(w in made for w in wanted):
                    waiting.append((name, i, layer, node))
                    continue
                given = [made[a[:2]][a[2]] if isinstance(a, tuple) else a for a in arguments]
                made[name, i] = self.call(layer, path, given, depth)
            if len(waiting) == len(calls):
                raise ModelFileError(f"the layer {waiting[0][0][:60]!a} waits for an input that nothing gives")
            calls = waiting
        return [made[name, i][j] for name, i, j in _references(inner.get("output_layers"))]

    def call(self, layer: Mapping[str, Any], path: str, given: Sequence[Value | float], depth: int) -> list[Value]:
        name, kind = f"{path}{layer.get('name')}", str(layer.get("class_name"))
        values = [v for v in given if isinstance(v, Value)]
        if ".ops" in str(layer.get("module")) or len(values) != len(given) or kind.endswith("Divide"):
            return [self.layers.operator(kind, name, given)]
        return self.layer(layer, path, values, depth)

    def layer(self, layer: Mapping[str, Any], path: str, inputs: Sequence[Value], depth: int) -> list[Value]:
        kind, config = str(layer.get("class_name")), _mapping(layer.get("config"))
        name = f"{path}{config.get('name', layer.get('name'))}"
        self.calls[name] += 1
        if self.calls.total() > MAX_NODES:
            raise ModelFileError(f"it has more than {MAX_NODES:,} layers")
        if kind not in _MODELS and (layer.get("registered_name") not in (None, kind) or ">" in kind):
            raise ModelFileError(
                f"the layer {name[:80]!a} is a {kind[:60]} of somebody's own, whose code a file cannot hold"
            )
        before = len(self.builder.nodes)
        if kind in _MODELS:
            made = self.model(layer, f"{name}/", inputs, depth + 1)
        else:
            place = name if self.calls[name] == 1 else f"{name}:{self.calls[name]}"
            made = [self.layers.layer(kind, place, config, inputs)]
        if self.calls[name] > 1 and any(node.attrs.get("names") for node in self.builder.nodes[before:]):
            raise ModelFileError(f"the layer {name[:80]!a} ({kind}) is used more than once, with the same weights")
        return made


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ModelFileError("its definition lacks a part, or has it in another form")
    return value


def _references(value: Any) -> list[tuple[str, int, int]]:
    """Tensors that a model names as its inputs or outputs: one, several, or several by name."""
    if isinstance(value, Mapping):
        return [r for v in value.values() for r in _references(v)]
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [(value[0], int(value[1]), int(value[2]))]
    if isinstance(value, list):
        return [r for v in value for r in _references(v)]
    raise ModelFileError("a model in it does not say its inputs or outputs")


def _arguments(node: Any) -> Iterator[tuple[str, int, int] | float]:
    """What a layer is called with: tensors, and numbers beside them."""
    if isinstance(node, list):  # Keras 2: [[layer, node, tensor, keywords], ...]
        for part in node:
            if not isinstance(part, list) or len(part) not in (3, 4) or not isinstance(part[0], str):
                raise ModelFileError("a layer is called in a form that is not known")
            if len(part) == 4 and any(v not in (None, False) for v in _mapping(part[3]).values()):
                raise ModelFileError(f"what follows {part[0][:60]!a} is called with keywords, which is not known")
            yield part[0], int(part[1]), int(part[2])
        return
    keywords = _mapping(_mapping(node).get("kwargs") or {})
    if any(v not in (None, False) for v in keywords.values()):
        raise ModelFileError(f"a layer is called with the keywords {sorted(keywords)[:5]!a}, which is not known")
    stack = list(reversed(node.get("args") or []))
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack += reversed(part)
        elif isinstance(part, Mapping) and part.get("class_name") == "__keras_tensor__":
            name, call, tensor = _mapping(part.get("config"))["keras_history"]
            yield str(name), int(call), int(tensor)
        elif isinstance(part, (int, float)) and not isinstance(part, bool):
            yield float(part)
        else:
            raise ModelFileError(f"a layer is called with {part!a:.60}, which is neither a tensor nor a number")


# -- inputs -----------------------------------------------------------------------------------------------------------


def _input_shapes(config: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """Shape of a row of every input of the model."""
    inner = _mapping(config.get("config"))
    layers = [_mapping(layer) for layer in inner.get("layers") or ()]
    if config.get("class_name") == "Sequential":
        told = [_shape(layer) for layer in layers[:1]] or [None]
        shape = told[0] or _row(inner.get("build_input_shape"))
        build = layers[0].get("build_config") if layers and shape is None else None
        shape = shape or _row(build.get("input_shape") if isinstance(build, Mapping) else None)
        if shape is None and layers and layers[0].get("class_name") in _MODELS:
            return _input_shapes(layers[0])
        return [_fixed(shape)]
    by_name = {str(_mapping(layer.get("config")).get("name")): layer for layer in layers}
    made = []
    for name, _, _ in _references(inner.get("input_layers")):
        if name not in by_name:
            raise ModelFileError(f"its input {name[:60]!a} is not among its layers")
        made.append(_fixed(_shape(by_name[name])))
    return made


def _shape(layer: Mapping[str, Any]) -> tuple[Any, ...] | None:
    config = _mapping(layer.get("config"))
    return _row(config.get("batch_shape") or config.get("batch_input_shape"))


def _row(value: Any) -> tuple[Any, ...] | None:
    return tuple(value[1:]) if isinstance(value, list) and len(value) > 1 else None


def _fixed(shape: tuple[Any, ...] | None) -> tuple[int, ...]:
    if shape is None:
        raise ModelFileError("it does not say the shape of its input: give it an Input, or train it before it is saved")
    if not all(type(n) is int and 0 < n < 1 << 24 for n in shape):
        raise ModelFileError(
            f"its input has the shape {shape!a:.80}; sizes must be fixed: save it with an Input of this size"
        )
    return shape


def _channels_first(config: Mapping[str, Any]) -> bool:
    """Whether images come as channels, rows, columns: what the first layer says that says anything."""
    stack: list[tuple[Any, int]] = [(config, 0)]
    while stack:
        item, depth = stack.pop()
        inner = item.get("config") if isinstance(item, Mapping) else None
        if not isinstance(inner, Mapping) or depth > _MAX_DEPTH:
            continue
        if isinstance(inner.get("data_format"), str):
            return bool(inner["data_format"] == "channels_first")
        layers = inner.get("layers")
        if isinstance(layers, list):
            stack += [(layer, depth + 1) for layer in reversed(layers)]
    return False
