"""Small models of Keras that use every layer our reader knows, with weights that are not those of the beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
L = keras.layers


def sequential() -> Any:
    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            L.Rescaling(1 / 255, -0.1),
            L.Conv2D(6, 3, padding="same", strides=2, activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(3, strides=2, padding="same"),
            L.Dropout(0.3),
            L.Flatten(),
            L.Dense(7, activation="tanh"),
            L.Dense(3, activation="softmax"),
        ]
    )


def numbers() -> Any:
    return keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(8),
            L.BatchNormalization(scale=False),
            L.LeakyReLU(negative_slope=0.1),
            L.Dense(8, activation="elu", use_bias=False),
            L.BatchNormalization(center=False),
            L.LayerNormalization(),
            L.ELU(0.5),
            L.Dense(8, activation="selu"),
            L.Reshape((2, 4)),
            L.Permute((2, 1)),
            L.Dense(3, activation="gelu"),
            L.Flatten(),
            L.Dense(1),
        ]
    )


def functional() -> Any:
    x = i = keras.Input((11, 9, 4))
    x = L.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = L.Conv2D(6, (3, 2), groups=2, dilation_rate=(1, 2), padding="same")(x)
    x = L.ReLU(max_value=4.0, negative_slope=0.1)(x)
    y = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="silu")(x)
    z = L.SeparableConv2D(12, 3, depth_multiplier=2, padding="same", activation="softplus")(x)
    x = L.Add()([y, z])
    x = L.Concatenate()([x, L.Average()([y, z]), L.Maximum()([y, z]), L.Minimum()([y, z])])
    x = L.Concatenate(axis=1)([x, L.Subtract()([x, x]), L.Multiply()([x, x])])
    x = L.AveragePooling2D(2, padding="same")(x)
    x = L.Conv2DTranspose(5, 3, strides=2, padding="same")(x)
    x = L.Conv2DTranspose(4, 2, strides=3)(x)
    x = L.Cropping2D(((1, 2), (3, 0)))(x)
    x = L.UpSampling2D(2, interpolation="bilinear")(L.UpSampling2D((1, 2))(x))
    x = L.LayerNormalization()(x)
    x = L.Softmax()(x)
    a, b = L.GlobalAveragePooling2D()(x), L.Flatten()(L.GlobalMaxPooling2D(keepdims=True)(x))
    x = L.Activation("relu6")(L.Concatenate()([a, b]))
    return keras.Model(i, L.Dense(2, activation="softmax")(x))


def nested() -> Any:
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), L.Conv2D(5, 3, name="same_name"), L.BatchNormalization()], name="inner"
    )
    i = keras.Input((8, 8, 3))
    x = L.Conv2D(3, 3, padding="same", name="same_name")(i)
    x = (x + i) * 0.5
    x = 1.0 - inner(x)
    x = L.Activation("relu")(x)
    return keras.Model(i, L.Dense(1, activation="sigmoid")(L.GlobalAveragePooling2D()(x)))


def digits() -> Any:
    """The first example of TensorFlow's own introduction: images without an axis of channels."""
    return keras.Sequential(
        [keras.Input((14, 14)), L.Flatten(), L.Dense(16, activation="relu"), L.Dropout(0.2), L.Dense(10)]
    )


def channels_first() -> Any:
    first: dict[str, Any] = {"data_format": "channels_first"}
    return keras.Sequential(
        [
            keras.Input((3, 10, 8)),
            L.Conv2D(6, 3, **first),
            L.BatchNormalization(axis=1),
            L.MaxPooling2D(2, **first),
            L.Flatten(**first),
            L.Dense(3, activation="softmax"),
        ]
    )


def mixed() -> Any:
    i, t = keras.Input((8, 8, 3)), keras.Input((4,))
    x = L.GlobalAveragePooling2D()(L.Conv2D(5, 3, activation="relu")(i))
    return keras.Model([t, i], L.Dense(3, activation="softmax")(L.Concatenate()([x, L.Dense(2)(t)])))


ALL: dict[str, Callable[[], Any]] = {
    m.__name__: m for m in (sequential, numbers, functional, nested, digits, channels_first, mixed)
}


def made(name: str) -> Any:
    """A model whose every weight is drawn, variances above zero."""
    keras.backend.clear_session()
    model = ALL[name]()
    rng = np.random.default_rng(len(name))
    model.set_weights(
        [rng.uniform(0.1, 0.9, w.shape).astype(np.float32) - 0.4 * (w.ndim > 1) for w in model.get_weights()]
    )
    return model
