"""Our graphs as MXNet's JSON, in the dialect of 0.8 and before or in that of NNVM."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heavywater.errors import H2OValueError
from heavywater.networks.graph import Graph, Node, array_name

__all__ = ["symbol_text", "write_symbol"]


def write_symbol(path: str | os.PathLike[str], graph: Graph, *, dialect: str = "nnvm") -> Path:
    """Write a network as a symbol file; see :func:`symbol_text`."""
    target = Path(path)
    try:
        target.write_text(symbol_text(graph, dialect=dialect), encoding="utf-8")
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    return target


def symbol_text(graph: Graph, *, dialect: str = "nnvm") -> str:
    """A network as MXNet's JSON.

    Parameters
    ----------
    graph : Graph
    dialect : str
        ``"nnvm"`` for MXNet 0.9 to 1.x; ``"legacy"`` for Deep Water and MXNet up to 0.8.

    Raises
    ------
    H2OValueError
        The network has an operation that MXNet lacks.
    """
    if dialect not in ("nnvm", "legacy"):
        raise H2OValueError(f"dialect must be 'nnvm' or 'legacy'; it is {dialect!r}")
    new = dialect == "nnvm"
    items: list[dict[str, Any]] = []

    def item(op: str, name: str, attrs: Mapping[str, Any], inputs: list[int]) -> int:
        text = {k: str(tuple(v) if isinstance(v, (tuple, list)) else v) for k, v in attrs.items()}
        made: dict[str, Any] = {"op": op, "name": name, "inputs": [[j, 0, 0] if new else [j, 0] for j in inputs]}
        if new:
            made |= {"attrs": text} if text else {}
        else:
            made |= {"param": text, "backward_source_id": -1}
        items.append(made)
        return len(items) - 1

    at: dict[int, int] = {}
    for i, node in enumerate(graph.nodes):
        if node.op == "input":
            at[i] = item("null", node.name, {}, [])
            continue
        op, attrs, roles = _written(node)
        if new and node.op == "batchnorm":
            roles = (*roles, "moving_mean", "moving_var")
        inputs = [at[j] for j in node.inputs]
        inputs += [item("null", array_name(node, role), {}, []) for role in roles]
        if op.endswith("Output"):
            inputs.append(item("null", f"{node.name}_label", {}, []))
        at[i] = item(op, node.name, attrs, inputs)
    end = [len(items) - 1, 0, 0] if new else [len(items) - 1, 0]
    top: dict[str, Any] = {"nodes": items, "arg_nodes": [i for i, x in enumerate(items) if x["op"] == "null"]}
    if new:
        top["node_row_ptr"] = list(range(len(items) + 1))
    top["heads"] = [end]
    if new:
        top["attrs"] = {"mxnet_version": ["int", 10900]}
    return json.dumps(top, indent=2)


def _written(node: Node) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    a = node.attrs
    bias = ("weight", "bias") if a.get("bias") else ("weight",)
    match node.op:
        case "convolution" | "deconvolution" if len(a["pad"]) == 2:
            attrs = {
                "kernel": a["kernel"],
                "num_filter": a["filters"],
                "stride": a["stride"],
                "pad": a["pad"],
                "dilate": a["dilate"],
                "num_group": a["groups"],
                "no_bias": not a["bias"],
            }
            if node.op == "deconvolution":
                attrs["adj"] = a["adj"]
            return node.op.capitalize(), attrs, bias
        case "fullyconnected":
            plain = {} if a["flatten"] else {"flatten": False}
            return "FullyConnected", {"num_hidden": a["hidden"], "no_bias": not a["bias"], **plain}, bias
        case "activation" if a["kind"] in ("relu", "tanh", "sigmoid", "softrelu", "softsign"):
            return "Activation", {"act_type": a["kind"]}, ()
        case "activation" if a["kind"] in ("leaky", "elu"):
            return "LeakyReLU", {"act_type": a["kind"], "slope": a["slope"]}, ()
        case "activation" if a["kind"] == "gelu":
            return "LeakyReLU", {"act_type": "gelu"}, ()
        case "prelu":
            return "LeakyReLU", {"act_type": "prelu"}, ("gamma",)
        case "pooling" if len(a["pad"]) == 2:
            if a["global"]:
                return "Pooling", {"pool_type": a["kind"], "kernel": (1, 1), "global_pool": True}, ()
            attrs = {"pool_type": a["kind"], "kernel": a["kernel"], "stride": a["stride"], "pad": a["pad"]}
            if a["ceil"]:
                attrs["pooling_convention"] = "full"
            if not a["count_pad"]:
                attrs["count_include_pad"] = False
            return "Pooling", attrs, ()
        case "adaptivepooling" if a["size"] == (1, 1):
            return "Pooling", {"pool_type": a["kind"], "kernel": (1, 1), "global_pool": True}, ()
        case "batchnorm":
            return "BatchNorm", {k: a[k] for k in ("eps", "momentum", "fix_gamma")}, ("gamma", "beta")
        case "lrn":
            return "LRN", {k: a[k] for k in ("nsize", "alpha", "beta", "knorm")}, ()
        case "dropout":
            return "Dropout", {"p": a["p"]}, ()
        case "flatten":
            return "Flatten", {}, ()
        case "reshape":
            return "Reshape", {"shape": (0, *a["shape"])}, ()
        case "transpose":
            return "transpose", {"axes": a["axes"]}, ()
        case "concat":
            return "Concat", {"num_args": len(node.inputs), "dim": a["axis"]}, ()
        case "elementwise" if len(node.inputs) == 2:
            words = {"add": "elemwise_add", "sub": "elemwise_sub", "mul": "elemwise_mul", "div": "elemwise_div"}
            return words.get(a["kind"], f"broadcast_{a['kind']}imum"), {}, ()
        case "scalar":
            words = {
                "add": "plus",
                "sub": "minus",
                "rsub": "rminus",
                "pow": "power",
                "max": "maximum",
                "min": "minimum",
            }
            return f"_{words.get(a['kind'], a['kind'])}_scalar", {"scalar": a["value"]}, ()
        case "softmax":
            return "SoftmaxOutput", {}, ()
        case "output":
            return f"{a['kind'].capitalize()}RegressionOutput", {}, ()
        case "embedding":
            return "Embedding", {"input_dim": a["entries"], "output_dim": a["width"]}, ("weight",)
    raise H2OValueError(f"{node.name!a} ({node.op}) has no counterpart in MXNet; write the network as ONNX")
