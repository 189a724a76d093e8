"""MOJOs of other versions of H2O: what each of them predicted is what we predict."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import heavywater as h2o
from heavywater.frame.parse import parse
from tests.export.test_mojo import differences

FOLDERS = sorted((Path(__file__).parent / "mojo_versions").iterdir())
TYPES = {"a": "enum", "b": "enum", "n": "real", "m": "real", "y": "enum"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_it_scores_as_that_version_did(folder):
    model = h2o.import_mojo(folder / "model.zip")._trained()
    assert folder.name in model.output["why_stopped"]
    frame = parse(str(folder / "frame.csv"), col_types=TYPES)
    expected = pl.read_csv(folder / "predictions.csv")
    worst, labels = differences(model.predict(frame), expected)
    assert frame.nrow == expected.height == 80
    assert labels == 0
    assert worst < 1e-13


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_it_is_looked_at_and_trained_further(folder):
    generic = h2o.import_mojo(folder / "model.zip")
    assert 0 < generic.mse() < 1
    assert len(generic.varimp()) == 10
    frame = h2o.import_file(str(folder / "frame.csv"), col_types=TYPES)
    model = generic.continued(epochs=8, train_samples_per_iteration=0).train(y="y", training_frame=frame)
    assert model._trained().output["samples"] > generic._trained().output["samples"] == 400
