"""The predefined networks by name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.networks.graph import Graph

__all__ = ["DEFAULT_SIZE", "NAMES", "build", "smallest_size"]

NAMES = {
    "lenet": "classic",
    "alexnet": "classic",
    "vgg": "classic",
    "googlenet": "classic",
    "inception_bn": "inception",
    "resnet": "residual",
    "resnet18": "residual",
    "resnet50": "residual",
    "convnext_tiny": "residual",
    "mlp": "mlp",
}
"""Name of a network → the module of this package that builds it."""

DEFAULT_SIZE = {
    "lenet": (28, 28),
    "vgg": (320, 320),
    "inception_bn": (299, 299),
    **dict.fromkeys(("alexnet", "googlenet", "resnet", "resnet18", "resnet50", "convnext_tiny"), (224, 224)),
}
"""(width, height) that a network takes when none is given."""


def build(
    name: str,
    classes: int,
    image_shape: tuple[int, int] = (0, 0),
    channels: int = 3,
    *,
    hidden: Sequence[int] = (200, 200),
    activation: str = "Rectifier",
    input_dropout_ratio: float = 0.0,
    hidden_dropout_ratios: Sequence[float] | None = None,
    compat: str | None = None,
    table_columns: int = 0,
) -> Graph:
    """A predefined network.

    Parameters
    ----------
    name : str
        A key of :data:`NAMES`, in any case.
    classes : int
        Number of outputs; 1 for regression.
    image_shape : (int, int)
        Width and height in pixels; (0, 0) for the network's own default.
    channels : int
        Channels of an image.
    hidden, activation, input_dropout_ratio, hidden_dropout_ratios
        Of ``mlp`` only: units of the hidden layers, ``Rectifier`` or ``Tanh``, and dropout.
    compat : str, optional
        ``"deepwater"``: exactly what H2O's Deep Water built, with its flaws; files of weights from it fit.
        Otherwise the network of its paper, which takes any image that is large enough.
    table_columns : int
        Columns of a table beside the image, joined to the features before the last layer.

    Raises
    ------
    H2OValueError
        There is no such network, or the image is too small for it; the message names the smallest size.
    """
    key = str(name).lower()
    if key not in NAMES:
        raise H2OValueError(
            f"there is no network {name!r}{did_you_mean(str(name), NAMES)}; known are {', '.join(NAMES)}"
        )
    if compat not in (None, "deepwater"):
        raise H2OValueError(f"compat must be None or 'deepwater'; it is {compat!r}")
    module = importlib.import_module(f"heavywater.networks.{NAMES[key]}")
    if key == "mlp":
        return module.mlp(
            classes, hidden, activation, input_dropout_ratio, hidden_dropout_ratios, compat is not None, table_columns
        )
    width, height = image_shape if tuple(image_shape) != (0, 0) else DEFAULT_SIZE[key]
    graph: Graph = getattr(module, key)(classes, compat is not None, table_columns)
    if compat is None and min(width, height) < (least := smallest_size(key)):
        raise H2OValueError(f"{key} needs images of at least {least}x{least} pixels; image_shape is {width}x{height}")
    graph.shapes((channels, height, width))
    return graph


def smallest_size(name: str) -> int:
    """Side in pixels of the smallest image that the network takes."""
    module = importlib.import_module(f"heavywater.networks.{NAMES[name]}")
    return int(module.SMALLEST[name])
