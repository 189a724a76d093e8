"""Training talks only when it is asked to, or when somebody sits at a terminal."""

from __future__ import annotations

import pytest

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

DATA = {"a": list(range(50)), "y": [3 * i for i in range(50)]}


def test_verbose_prints_the_scoring_history_while_it_grows(capfd: pytest.CaptureFixture[str]) -> None:
    frame = h2o.H2OFrame(DATA)
    model = H2ODeepLearningEstimator(hidden=[4], epochs=5, seed=1, score_each_iteration=True, model_id="talks")
    model.train(x="a", y="y", training_frame=frame, validation_frame=frame, verbose=True)
    lines = capfd.readouterr().out.splitlines()
    history = model.scoring_history()
    assert lines[0] == "Scoring History of talks"
    assert lines[1].split()[:4] == ["duration", "epochs", "samples", "training_rmse"]
    assert "validation_deviance" in lines[1]
    assert len(lines) == 2 + len(history)
    assert f"{history['validation_deviance'].iloc[-1]:.6g}" in lines[-1]


def test_quiet_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1).train(x="a", y="y", training_frame=h2o.H2OFrame(DATA))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
