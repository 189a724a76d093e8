"""Running a reference configuration of H2O through heavywater's public API, and comparing what comes out."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import heavywater as h2o
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator


@dataclass
class Case:
    """One folder of golden data and the model that heavywater trains from it."""

    folder: Path
    spec: dict[str, Any]
    golden: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @classmethod
    def load(cls, folder: Path) -> Case:
        with np.load(folder / "arrays.npz") as z:
            arrays = {k: z[k] for k in z.files}
        return cls(
            folder,
            json.loads((folder / "params.json").read_text()),
            json.loads((folder / "output.json").read_text()),
            arrays,
        )

    def frame(self, which: str) -> h2o.H2OFrame | None:
        name = self.spec["files"].get(which)
        if name is None:
            return None
        types = self.spec["column_types"]
        with (self.folder / name).open() as f:
            header = f.readline().strip().split(",")
        present = {k: v for k, v in types.items() if k in {c.strip('"') for c in header}}
        return h2o.upload_file(str(self.folder / name), header=1, sep=",", col_types=present)

    def train(self, **more: Any) -> Any:
        """The trained estimator; configurations with a first model (checkpoint, pre-training) train that before."""
        s, train = self.spec, self.frame("train")
        params = {**s["params"], **more}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if s.get("base_params"):
                first = _estimator({**s["base_params"], **more})
                autoencoder = s["base_params"].get("autoencoder", False)
                first.train(x=s["x"], y=None if autoencoder else s["y"], training_frame=train)
                for name in ("checkpoint", "pretrained_autoencoder"):
                    if name in params:
                        params[name] = first
            for name in ("initial_weights", "initial_biases"):
                files = sorted(self.folder.glob(f"{name}_*.csv"))
                if files:
                    params[name] = [h2o.upload_file(str(f), header=1, sep=",") for f in files]
            model = _estimator(params)
            model.train(
                x=s["x"], y=s.get("y"), training_frame=train, validation_frame=self.frame("valid"),
                **{k: s[k] for k in ("weights_column", "offset_column", "fold_column") if s.get(k)},
            )  # fmt: skip
        return model


def _estimator(params: dict[str, Any]) -> Any:
    params = dict(params)
    kind = H2OAutoEncoderEstimator if params.pop("autoencoder", False) else H2ODeepLearningEstimator
    return kind(**params)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool((a.view(np.int32) == b.view(np.int32)).all())


def close(a: Any, b: Any, rel: float = 1e-9) -> bool:
    """Equal numbers within `rel`, NaN equal to NaN and to nothing."""
    a = math.nan if a in (None, "NaN") else a
    b = math.nan if b in (None, "NaN") else b
    if isinstance(a, str) or isinstance(b, str):
        return str(a) == str(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, rel_tol=rel, abs_tol=1e-12)
