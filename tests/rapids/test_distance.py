"""Distances between the rows of two frames, against a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.primitives import linear


def frame(m: np.ndarray) -> h2o.H2OFrame:
    return h2o.H2OFrame({f"v{i}": m[:, i].tolist() for i in range(m.shape[1])})


def naive(p: np.ndarray, q: np.ndarray, measure: str) -> float:
    if measure == "l1":
        return sum(abs(a - b) for a, b in zip(p, q))
    if measure == "l2":
        return math.sqrt(sum((a - b) ** 2 for a, b in zip(p, q)))
    cosine = sum(a * b for a, b in zip(p, q)) / math.sqrt(sum(a * a for a in p) * sum(b * b for b in q))
    return cosine if measure == "cosine" else cosine**2


@pytest.mark.parametrize("measure", ["l1", "l2", "cosine", "cosine_sq", "Cosine", "L1", None])
def test_all_pairs(measure):
    random = np.random.default_rng(1)
    x, y = random.normal(size=(7, 4)), random.normal(size=(3, 4))
    found = frame(x).distance(frame(y), measure)
    assert found.names == ["C1", "C2", "C3"]
    wanted = [[naive(p, q, (measure or "l2").lower()) for q in y] for p in x]
    assert np.allclose(found._frame().data.to_numpy(), wanted)


def test_what_cannot_be_compared(monkeypatch):
    x = frame(np.ones((3, 2)))
    with pytest.raises(H2OValueError, match="measure must be l1, l2, cosine or cosine_sq; got 'l3'"):
        x.distance(x, "l3")
    with pytest.raises(H2OValueError, match="different numbers of columns: 2 and 1"):
        x.distance(x[:, 0])
    with pytest.raises(H2OValueError, match="missing values"):
        x.distance(h2o.H2OFrame({"a": [1.0, None], "b": [1.0, 2.0]}))
    words = h2o.H2OFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    with pytest.raises(H2OTypeError, match="'b' is not"):
        words.distance(x)
    monkeypatch.setattr(linear, "MOST_DISTANCES", 8)
    with pytest.raises(H2OValueError, match="3 x 3 pairs"):
        x.distance(x)
