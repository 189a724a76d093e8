"""A deep autoencoder built layer by layer (Deep Learning booklet, section 7.2.1), on handwritten digits.

Every layer is an autoencoder of its own, trained on the features of the one before it.  Put together, encoders first and
decoders in reverse, they are the starting point of the deep autoencoder, which is then trained as a whole.  A twin that
starts from random weights and trains for as many epochs shows what the start was good for.  See `mnist.py` for ``--data``.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnist import load, options_of, scaled

import heavywater as h2o
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator


@dataclass
class Layer:
    """One trained layer: weights and biases of its encoder and its decoder."""

    weights: tuple[h2o.H2OFrame, h2o.H2OFrame]
    biases: tuple[h2o.H2OFrame, h2o.H2OFrame]


def autoencoder(hidden: list[int], epochs: float, **more: object) -> H2OAutoEncoderEstimator:
    """An autoencoder that takes its inputs as they are: pixels, or features between -1 and 1."""
    return H2OAutoEncoderEstimator(
        hidden=hidden, activation="Tanh", epochs=epochs, standardize=False, ignore_const_cols=False, mini_batch_size=0,
        seed=1, **more,
    )  # fmt: skip


def train_layers(frame: h2o.H2OFrame, units: list[int], epochs: float) -> list[Layer]:
    """One autoencoder for each number of units, each on the features of the one before."""
    layers = []
    for i, n in enumerate(units):
        model = autoencoder([n], epochs, export_weights_and_biases=True).train(x=frame.names, training_frame=frame)
        print(f"layer {i + 1}: {frame.ncol} to {n}, mean squared error {model.mse():.4f}")
        layers.append(Layer((model.weights(0), model.weights(1)), (model.biases(0), model.biases(1))))
        frame = model.deepfeatures(frame, 0)
    return layers


def put_together(layers: list[Layer], epochs: float) -> H2OAutoEncoderEstimator:
    """The deep autoencoder that starts where the layers have got to."""
    units = [layer.biases[0].nrow for layer in layers]
    return autoencoder(
        [*units, *units[-2::-1]],
        epochs,
        initial_weights=[layer.weights[0] for layer in layers] + [layer.weights[1] for layer in layers[::-1]],
        initial_biases=[layer.biases[0] for layer in layers] + [layer.biases[1] for layer in layers[::-1]],
    )


def error(model: H2OAutoEncoderEstimator, frame: h2o.H2OFrame) -> float:
    """Mean reconstruction error of all rows."""
    return float(model.anomaly(frame)["Reconstruction.MSE"].mean()[0])


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--epochs", type=float, help="passes over the rows for each layer, and for the whole")
    options = parser.parse_args()
    h2o.init()
    train, test = scaled(*load(options.data))
    large = train.nrow > 10_000
    units = [200, 100, 50] if large else [50, 40, 30, 20, 10]
    epochs = options.epochs or (2 if large else 20)
    pixels = train.names[:-1]

    layers = train_layers(train[pixels], units, epochs)
    stacked = put_together(layers, 0).train(x=pixels, training_frame=train)
    tuned = put_together(layers, epochs).train(x=pixels, training_frame=train)
    random = autoencoder(tuned.hidden, epochs).train(x=pixels, training_frame=train)

    print(f"\n{len(pixels)} pixels to {units[-1]} numbers and back, mean squared error on the test rows:")
    print(f"layers put together   {error(stacked, test):.5f}")
    print(f"trained as a whole    {error(tuned, test):.5f}")
    print(f"from random weights   {error(random, test):.5f}")


if __name__ == "__main__":
    main()
