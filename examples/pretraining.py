"""Many rows, few labels: unsupervised pre-training, supervised fine-tuning (Deep Learning booklet, section 7.2.2).

An autoencoder learns from all training digits what digits look like; nobody has to say which they are.  Its hidden layers
are the starting point of a classifier that learns from the few rows with a label.  A twin that starts from random weights
shows what the rows without a label were good for.  See `mnist.py` for ``--data``.
"""

from __future__ import annotations

from mnist import load, options_of, scaled

import heavywater as h2o
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--labels", type=int, help="training rows whose digit is known")
    parser.add_argument("--epochs", type=float, help="passes of the autoencoder over all training rows")
    options = parser.parse_args()
    h2o.init()
    train, test = scaled(*load(options.data))
    large = train.nrow > 10_000
    labelled = train[: options.labels or (500 if large else 60), :]
    hidden, passes = ([200, 200], 5) if large else ([50, 50], 30)
    network = {"hidden": hidden, "activation": "Tanh", "standardize": False, "ignore_const_cols": False, "seed": 1}
    pixels = train.names[:-1]

    autoencoder = H2OAutoEncoderEstimator(**network, epochs=options.epochs or passes, mini_batch_size=0)
    autoencoder.train(x=pixels, training_frame=train)
    print(
        f"{train.nrow:,} rows without a label, {labelled.nrow:,} with one; test error of a classifier that starts from"
    )
    for start, encoder in (("the autoencoder's layers", autoencoder), ("random weights", None)):
        model = H2ODeepLearningEstimator(**network, epochs=60, reproducible=True, pretrained_autoencoder=encoder)
        model.train(x=pixels, y="digit", training_frame=labelled)
        print(f"{start:24}  {model.model_performance(test).confusion_matrix().error:.4f}")


if __name__ == "__main__":
    main()
