"""A network for other programs: an ONNX graph with what is done to its inputs and outputs, and the parts of a MOJO."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.algos.deepwater.model import DeepWaterModel
from heavywater.errors import NotSupported

MOJO_VERSION = "1.00"


@dataclass(frozen=True)
class MojoParts:
    """Content of a MOJO: what stands in ``model.ini``, the levels, and further files by name."""

    info: dict[str, object]
    columns: tuple[str, ...]
    domains: dict[int, tuple[str, ...]]
    texts: dict[str, tuple[str, ...]]
    files: dict[str, bytes]


def onnx_bytes(model: DeepWaterModel) -> bytes:
    """The network as an ONNX file.

    The input ``data`` takes pixels 0 to 255 as float32 ``(rows, channels, height, width)``, scaled inside the graph; or
    the columns of a table as numbers, categories as one-hot columns in the order of `Design.coefficient_names`. Beside
    images the columns come, scaled as in training, as the input ``table``. Missing numbers are the caller's to fill.

    Raises
    ------
    NotSupported
        The network is a module of the user's, an operation cannot be written, or the package onnx is not installed.
    """
    from heavywater.networks.onnx_write import to_onnx

    columns, response = model.columns, model.response
    arrays = {name: np.array(model.state.arrays[name]) for name in model.graph.arrays(columns.shape)}
    _correct(model, arrays)
    mean_image, sub, mul = _scaling(model)
    scale, shift = 1.0, 0.0
    if response.levels is None and response.mul is not None and response.sub is not None:
        scale, shift = 1.0 / response.mul, response.sub
    return to_onnx(
        model.graph,
        arrays,
        columns.shape,
        mean_image=mean_image,
        sub=sub,
        mul=mul,
        labels=response.levels or (),
        output_mul=scale,
        output_sub=shift,
    )


def onnx_model(model: DeepWaterModel) -> Any:
    """The network as an ``onnx.ModelProto``; see `onnx_bytes`."""
    data = onnx_bytes(model)
    import onnx

    return onnx.load_model_from_string(data)


def _correct(model: DeepWaterModel, arrays: dict[str, np.ndarray]) -> None:
    """Balanced classes: probabilities times prior / balanced are a shift of the logits, which the last bias takes."""
    prior, balanced = (model.output[k] for k in ("prior_class_distrib", "model_class_distrib"))
    if balanced is None:
        return
    head = model.graph.nodes[model.graph.head]
    bias = str(head.attrs["names"].get("bias", f"{head.name}_bias"))
    if head.op != "fullyconnected" or bias not in arrays:
        raise NotSupported(
            "balance_classes: the last layer of this network has no bias that could carry the correction"
        )
    p, q = np.array(prior), np.array(balanced)
    known = (p > 0) & (q > 0)
    arrays[bias] = arrays[bias] + np.log(np.where(known, p, 1.0) / np.where(known, q, 1.0)).astype(np.float32)


def _scaling(model: DeepWaterModel) -> tuple[np.ndarray | None, list[float] | None, list[float] | None]:
    """What the graph does to its input: minus an image, minus a number, times a number, per channel or feature."""
    columns = model.columns
    if columns.pixels is not None:
        return columns.pixels.mean_image, list(columns.pixels.sub), list(columns.pixels.mul)
    design = columns.design
    assert design is not None
    if design.sub is None or design.mul is None:
        return None, None, None
    sub = np.concatenate([np.zeros(design.num_start), design.sub])
    mul = np.concatenate([np.ones(design.num_start), design.mul])
    if len(columns.shape) == 1:
        return None, sub.tolist(), mul.tolist()
    per_channel = mul.reshape(columns.shape[0], -1)
    if not (per_channel == per_channel[:, :1]).all():
        raise NotSupported(
            "standardize: pixels that are scaled column by column cannot be written; train with pixel_scaling='channel'"
        )
    return sub.reshape(columns.shape).astype(np.float32), [0.0] * columns.shape[0], per_channel[:, 0].tolist()


def mojo_parts(model: DeepWaterModel) -> MojoParts:
    """What a MOJO of the Deep Water layout says: the network as ONNX, the weights beside it as safetensors.

    H2O's Java runtime needs Deep Water's own libraries to score this layout, which know MXNet's files and not these; the
    layout is for heavywater, and for whoever reads ``model_network`` with an ONNX runtime.

    Raises
    ------
    NotSupported
        See `onnx_bytes`; and for categorical encodings other than OneHotInternal, and for images with columns beside.
    """
    from safetensors.numpy import save

    from heavywater.networks.mxnet_arrays import params_bytes

    columns, response, p = model.columns, model.response, model.actual
    if columns.encoding is not None:
        raise NotSupported(f"categorical_encoding: this MOJO knows no {columns.encoding.kind}; take OneHotInternal")
    if columns.table_width:
        raise NotSupported("a MOJO of this layout holds images or a table, not both; take ONNX")
    network = onnx_bytes(model)
    design = columns.design
    names = (*columns.names, response.name)
    levels = {} if design is None else dict(enumerate(design.levels))
    if response.levels is not None:
        levels[len(names) - 1] = response.levels
    weights = {n: np.array(model.state.arrays[n]) for n in model.graph.arrays(columns.shape)}
    prior, balanced = (model.output[k] for k in ("prior_class_distrib", "model_class_distrib"))
    width, height = (int(v) for v in p.image_shape)
    image = columns.image is not None
    info: dict[str, object] = {
        "h2o_version": "3.46.0.7",
        "mojo_version": MOJO_VERSION,
        "license": "Apache License Version 2.0",
        "algo": "deepwater",
        "algorithm": "Deep Water",
        "endianness": "LITTLE_ENDIAN",
        "category": model.category,
        "uuid": zlib.crc32(network),
        "supervised": True,
        "n_features": len(columns.names),
        "n_classes": response.nclasses,
        "n_columns": len(names),
        "n_domains": len(levels),
        "balance_classes": balanced is not None,
        "default_threshold": float(model.output["default_threshold"]),
        "prior_class_distrib": prior,
        "model_class_distrib": balanced,
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(int(model.output["end_time"]) / 1000)),
        "backend": "pytorch",
        "problem_type": "image" if image else "dataset",
        "mini_batch_size": p.mini_batch_size,
        "height": height,
        "width": width,
        "channels": p.channels,
        "nums": 0 if design is None else len(design.nums),
        "cats": 0 if design is None else len(design.cats),
        "cat_offsets": None if design is None else design.cat_offsets,
        "norm_mul": None if design is None or design.mul is None else list(design.mul),
        "norm_sub": None if design is None or design.sub is None else list(design.sub),
        "norm_resp_mul": None if response.mul is None else [1.0 / response.mul],
        "norm_resp_sub": None if response.sub is None else [response.sub],
        "use_all_factor_levels": True,
        "gpu": bool(p.gpu),
        "device_id": list(p.device_id),
        "escape_domain_values": True,
    }
    files = {"model_network": network, "model_params": save(weights)}
    if columns.pixels is not None and columns.recipe is not None:
        info |= {"pixel_sub": list(columns.pixels.sub), "pixel_mul": list(columns.pixels.mul)}
        info |= {"legacy_images": columns.recipe.legacy, "legacy_gray_gamma": columns.recipe.gray_gamma}
        if columns.pixels.mean_image is not None:
            files["mean_image_file"] = params_bytes({"mean_img": columns.pixels.mean_image})
    return MojoParts(info, names, levels, {}, files)


def portable(model: DeepWaterModel) -> Any:
    """What other writers ask for; there is none.

    Raises
    ------
    NotSupported
    """
    raise NotSupported(
        f"the network of {model.key} goes to other programs as ONNX or a MOJO: download_onnx, download_mojo"
    )
