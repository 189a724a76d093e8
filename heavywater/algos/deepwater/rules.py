"""Rules between the parameters of Deep Water that need no data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heavywater.errors import did_you_mean
from heavywater.params import Message, infos

if TYPE_CHECKING:
    from heavywater.algos.deepwater.params import DeepWaterParams

AUGMENTATIONS = ("flip", "crop", "rotate", "brightness", "erase")
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".mar")
_ONLY_IMAGES = ("augmentation", "on_missing", "image_root", "legacy_gray_gamma")
_ONLY_MLP = ("hidden", "activation", "input_dropout_ratio", "hidden_dropout_ratios")


def rules(p: DeepWaterParams) -> Iterator[Message]:
    """All problems, errors and warnings."""
    yield from _network(p)
    yield from _mlp(p)
    yield from _image(p)
    yield from _optimiser(p)
    if p.autoencoder:
        text = "autoencoder is not available for Deep Water; H2OAutoEncoderEstimator of Deep Learning is one"
        yield _error("autoencoder", text)
    if p.offset_column is not None:
        yield _error(
            "offset_column", "offset_column has no place in Deep Water's networks; H2ODeepLearningEstimator takes one"
        )
    if p.categorical_encoding == "Enum":
        yield _error("categorical_encoding", "categorical_encoding Enum: the network must have numeric columns")
    if p.class_sampling_factors is not None and not p.balance_classes:
        yield _error("class_sampling_factors", "class_sampling_factors needs balance_classes")
    if p.checkpoint is not None and (p.nfolds or p.fold_column is not None):
        yield _error("checkpoint", "checkpoint cannot be used with cross-validation")
    if p.distribution not in ("AUTO", "bernoulli", "multinomial", "gaussian"):
        text = f"distribution {p.distribution} has no loss here; leave it AUTO, or use H2ODeepLearningEstimator"
        yield _error("distribution", text)
    if p.custom_metric_func is not None and not callable(p.custom_metric_func):
        text = "custom_metric_func must be a Python function f(actual, predicted, weights) that returns a number"
        yield _error("custom_metric_func", text)
    if len(p.device_id) != len(set(p.device_id)) or not p.device_id:
        yield _error("device_id", f"device_id must name each device once, and at least one; got {list(p.device_id)}")
    if len(p.device_id) > 1 and p.network_module is not None:
        yield _error("device_id", "device_id: a network_module trains on one device; it cannot be sent elsewhere")
    if len(p.device_id) > 1 and p.compile:
        yield _error("compile", "compile works on one device; leave it out, or give device_id a single one")


def _network(p: DeepWaterParams) -> Iterator[Message]:
    given = [n for n in ("network_definition_file", "network_module") if getattr(p, n) is not None]
    if p.network == "user" and not given:
        yield _error("network", "network='user' needs network_definition_file or network_module")
    if len(given) == 2:
        yield _error("network_module", "give network_definition_file or network_module, not both")
    if given and p.network not in ("auto", "user"):
        yield _error(given[0], f"{given[0]} goes with network='user'; got network={p.network!r}")
    for name in ("network_definition_file", "network_parameters_file", "mean_image_file"):
        path = getattr(p, name)
        if path is None:
            continue
        if Path(path).suffix.lower() in _PICKLES:
            text = f"{name} {path!r} looks like a pickle, which can run code; save the weights as safetensors instead"
            yield _error(name, text)
        elif not _exists(path, name):
            folder = f"the folder {path!r} is no SavedModel of TensorFlow" if Path(path).is_dir() else None
            yield _error(name, f"{name}: {folder or f'there is no file {path!r}'}")
    if p.export_native_parameters_prefix is not None and p.network_module is not None:
        text = "export_native_parameters_prefix: a network_module is code, which MXNet's formats cannot hold"
        yield _error("export_native_parameters_prefix", text)
    if p.export_native_parameters_prefix is not None and not Path(p.export_native_parameters_prefix).parent.is_dir():
        text = f"export_native_parameters_prefix: the folder of {p.export_native_parameters_prefix!r} does not exist"
        yield _error("export_native_parameters_prefix", text)


def _exists(path: str, name: str) -> bool:
    """Whether there is such a file, a SavedModel's folder, or for a TensorFlow checkpoint files that begin so."""
    try:
        if Path(path).is_file() or (name == "network_parameters_file" and Path(f"{path}.index").is_file()):
            return True
        return name != "mean_image_file" and (Path(path) / "saved_model.pb").is_file()
    except (OSError, ValueError):
        return False


def _mlp(p: DeepWaterParams) -> Iterator[Message]:
    declared = infos(type(p))
    others = p.network not in ("auto", "mlp") or p.network_definition_file is not None or p.network_module is not None
    for name in _ONLY_MLP:
        if others and getattr(p, name) != declared[name].default:
            what = "a network of your own" if p.network in ("auto", "user") else f"network={p.network!r}"
            yield _error(name, f"{name} is for the network of hidden layers (network='mlp'); {what} has its own layers")
    layers = 2 if p.hidden is None else len(p.hidden)
    if p.hidden_dropout_ratios is not None and len(p.hidden_dropout_ratios) != layers and not others:
        text = f"hidden_dropout_ratios needs one number per hidden layer: {layers}; got {len(p.hidden_dropout_ratios)}"
        yield _error("hidden_dropout_ratios", text)


def _image(p: DeepWaterParams) -> Iterator[Message]:
    if len(p.image_shape) != 2:
        text = f"image_shape must be [width, height]; got {len(p.image_shape)} numbers"
        yield _error("image_shape", text)
    elif (p.image_shape[0] == 0) != (p.image_shape[1] == 0):
        yield _error("image_shape", f"image_shape must give both width and height, or [0, 0]; got {p.image_shape}")
    elif p.problem_type == "image" and p.network == "user" and 0 in p.image_shape:
        yield _error("image_shape", "image_shape must be given for images with network='user'")
    if p.problem_type == "image" and p.channels not in (1, 3):
        yield _error("channels", f"channels must be 1 (gray) or 3 (colour) for images; got {p.channels}")
    for name in p.augmentation or ():
        if name not in AUGMENTATIONS:
            text = f"augmentation: there is no {name!r}{did_you_mean(name, AUGMENTATIONS)}; there are "
            yield _error("augmentation", text + ", ".join(AUGMENTATIONS))
    if p.image_root is not None and not Path(p.image_root).is_dir():
        yield _error("image_root", f"image_root: there is no folder {p.image_root!r}")
    if p.problem_type == "dataset":
        declared = infos(type(p))
        for name in (*_ONLY_IMAGES, "mean_image_file"):
            if getattr(p, name) != declared[name].default:
                yield Message(name, "warn", f"{name} is for images and has no effect with problem_type='dataset'")


def _optimiser(p: DeepWaterParams) -> Iterator[Message]:
    declared = infos(type(p))
    if p.optimizer != "sgd":
        for name in ("momentum_start", "momentum_ramp", "momentum_stable"):
            if getattr(p, name) != declared[name].default:
                yield Message(name, "warn", f"{name} has no effect with optimizer={p.optimizer!r}")
    if p.schedule == "cosine" and p.learning_rate_annealing != declared["learning_rate_annealing"].default:
        yield Message("learning_rate_annealing", "warn", "learning_rate_annealing has no effect with schedule='cosine'")


def _error(field: str, text: str) -> Message:
    return Message(field, "error", text)
