"""Model files of published versions load for ever and predict what they predicted.

``published/`` is never written again: a new version of the layout adds files of its own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import heavywater as h2o

FOLDER = Path(__file__).parent / "published"
FILES = sorted(FOLDER.glob("v*.safetensors"))


def test_there_are_files_of_version_1() -> None:
    assert {p.name for p in FILES} >= {
        "v1-binomial.safetensors",
        "v1-regression.safetensors",
        "v1-autoencoder.safetensors",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_published_file_predicts_as_it_did(path: Path) -> None:
    golden = json.loads((FOLDER / "predictions.json").read_text())[path.stem.split("-", 1)[1]]
    model = h2o.load_model(path)
    rows = h2o.H2OFrame({"a": [0.5, -1.0, None], "b": [0.1, 2.0, -3.0], "c": ["u", "w", None]})
    found = model.predict(rows).as_data_frame()
    assert list(found.columns) == list(golden)
    for name, expected in golden.items():
        if isinstance(expected[0], str):
            assert found[name].tolist() == expected
        else:
            assert found[name].tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)
