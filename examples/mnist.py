"""Handwritten digits from a table to a saved model: import, train, look, save, load, predict.

Without options it takes full MNIST where that lies in ``../shared/data/mnist``, else the digits that come with
scikit-learn.  ``--data`` names a folder or an http(s) address that holds ``train.csv.gz`` and ``test.csv.gz`` (or
``.csv``): no header, one column per pixel, the digit last.  ``--data digits`` takes those of scikit-learn.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

ROOT = Path(__file__).resolve().parent.parent
MNIST = ROOT.parent / "shared" / "data" / "mnist"


def read(source: str, part: str) -> h2o.H2OFrame:
    """Import one part of a data set from a folder or an address."""
    if source.startswith(("http://", "https://")):
        frame = h2o.import_file(f"{source.rstrip('/')}/{part}.csv.gz", header=-1)
    else:
        found = sorted(Path(source).glob(f"{part}.csv*"))
        if not found:
            raise SystemExit(f"{source} holds no {part}.csv.gz or {part}.csv")
        frame = h2o.import_file(str(found[0]), header=-1)
    frame.names = [*(f"p{i}" for i in range(frame.ncol - 1)), "digit"]
    frame["digit"] = frame["digit"].asfactor()
    return frame


def builtin() -> tuple[h2o.H2OFrame, h2o.H2OFrame]:
    """1,797 digits of 8x8 pixels, a fifth of them for testing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    columns = {f"p{i}": data.data[:, i] for i in range(data.data.shape[1])}
    frame = h2o.H2OFrame(columns | {"digit": data.target})
    frame["digit"] = frame["digit"].asfactor()
    train, test = frame.split_frame([0.8], seed=1)
    return train, test


def options_of(text: str | None) -> argparse.ArgumentParser:
    """The option that says where the digits are."""
    parser = argparse.ArgumentParser(description=(text or "").split("\n\n")[0])
    parser.add_argument("--data", metavar="DIR_OR_URL", help="where train.csv.gz and test.csv.gz are, or: digits")
    return parser


def load(data: str | None) -> tuple[h2o.H2OFrame, h2o.H2OFrame]:
    """Training and test digits."""
    source = data or (str(MNIST) if MNIST.is_dir() else "digits")
    began = time.perf_counter()
    train, test = builtin() if source == "digits" else (read(source, "train"), read(source, "test"))
    took = time.perf_counter() - began
    print(f"{source}: {train.nrow:,} and {test.nrow:,} rows of {train.ncol - 1} pixels, read in {took:.1f} s")
    return train, test


def scaled(train: h2o.H2OFrame, test: h2o.H2OFrame) -> tuple[h2o.H2OFrame, h2o.H2OFrame]:
    """The same with pixels from 0 to 1, which a network can take as they are (`standardize=False`)."""
    pixels = train.names[:-1]
    largest = train[pixels].max()
    return tuple((frame[pixels] / largest).cbind(frame["digit"]) for frame in (train, test))  # type: ignore[return-value]


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--epochs", type=float, help="passes over the training rows")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder for plots and model")
    options = parser.parse_args()

    h2o.init()
    train, test = load(options.data)
    # The best model seen is kept, judged on rows of the training table: test rows must not choose it.
    train, valid = train.split_frame([0.9], seed=1)
    large = train.nrow > 10_000
    print(f"{train.nrow:,} rows to train on, {valid.nrow:,} to watch, {test.nrow:,} to test with")

    model = H2ODeepLearningEstimator(
        hidden=[200, 200],
        epochs=options.epochs or (3 if large else 30),
        seed=1,
        model_id="digits",
    )
    began = time.perf_counter()
    model.train(x=train.names[:-1], y="digit", training_frame=train, validation_frame=valid)
    print(f"trained in {time.perf_counter() - began:.1f} s")

    performance = model.model_performance(test)
    hits = performance.hit_ratio_table()
    print()
    model.scoring_history(as_data_frame=False).show()
    print()
    performance.confusion_matrix().show()
    print("\nHow often the right digit is among the k most likely:")
    hits.show()
    error = 1 - hits["hit_ratio"][0]
    print(f"\nTest error: {error:.4f}   logloss: {performance.logloss():.4f}")

    options.output.mkdir(parents=True, exist_ok=True)
    model.plot(metric="classification_error", save_plot_path=str(options.output / "learning-curve.png"))
    model.varimp_plot(num_of_features=20, save_plot_path=str(options.output / "variable-importance.png"))
    saved = h2o.save_model(model, path=str(options.output), filename="digits.safetensors", force=True)

    before = model.predict(test).as_data_frame()
    h2o.remove("digits")
    again = h2o.load_model(saved)
    after = again.predict(test).as_data_frame()
    if not before.equals(after):
        raise SystemExit("the loaded model predicts something else than the saved one")
    print(f"\nSaved, loaded again, and predicted the same {len(after):,} rows:")
    print(after.head(5).round(3).to_string())
    print(f"\nWrote {options.output}/: " + ", ".join(sorted(p.name for p in options.output.iterdir())))


if __name__ == "__main__":
    main()
