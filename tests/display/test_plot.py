"""Plots: what is drawn, in figures that need no display."""

from __future__ import annotations

import builtins
import math
import sys

import numpy as np
import pytest

from heavywater import metrics
from heavywater.display import Table, plot
from heavywater.errors import H2OValueError, NotSupported

PNG = b"\x89PNG"


@pytest.fixture
def history():
    columns = ["", "epochs", "samples", "training_logloss", "training_auc", "validation_logloss"]
    rows = [["", e, 10.0 * e, 1 / e if e else math.nan, 0.5, 2 / e if e else math.nan] for e in (0.0, 1.0, 2.0, 4.0)]
    return Table("Scoring History", columns, ["string", *["double"] * 5], rows)


def lines(figure):
    return {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].get_lines()}


def test_learning_curve(history, tmp_path):
    path = tmp_path / "curve.png"
    drawn = lines(plot.learning_curve(history, save=str(path)))
    assert drawn["training"] == [[1, 1], [2, 0.5], [4, 0.25]]
    assert drawn["validation"] == [[1, 2], [2, 1], [4, 0.5]]
    assert path.read_bytes()[:4] == PNG
    assert list(lines(plot.learning_curve(history, metric="AUC", timestep="samples"))) == ["training"]
    with pytest.raises(H2OValueError, match="'logloss'"):
        plot.learning_curve(history, metric="loglos")
    with pytest.raises(H2OValueError, match="epochs, samples"):
        plot.learning_curve(history, timestep="weeks")


def test_varimp_bars():
    t = Table(
        "Variable Importances",
        ["variable", "scaled_importance"],
        ["string", "double"],
        [[f"v{i}", 1 / (i + 1)] for i in range(20)],
    )
    axes = plot.varimp_bars(t, 5).axes[0]
    assert [b.get_width() for b in axes.patches] == [1 / (i + 1) for i in range(5)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["v0", "v1", "v2", "v3", "v4"]


def test_plots_of_metrics(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    m = metrics.binomial(y, 0.6 * rng.random(100) + 0.4 * y, domain=["no", "yes"])
    roc = m.plot("roc", save_plot_path=str(tmp_path / "roc.svg")).axes[0]
    assert roc.get_lines()[1].get_xydata()[-1].tolist() == [1, 1]
    assert f"{m.auc():.4f}" in roc.get_legend().get_texts()[0].get_text()
    assert "<svg" in (tmp_path / "roc.svg").read_text()
    assert m.plot("pr").axes[0].get_xlabel() == "recall"
    assert len(m.gains_lift_plot().axes) == 2
    assert len(m.gains_lift_plot("lift").axes) == len(m.gains_lift_plot("gains").axes) == 1
    assert m.plot("gainslift")._repr_png_()[:4] == PNG
    assert m.plot("roc", plot=False) == m.roc()
    assert m.plot("gains_lift", plot=False) == m.gains_lift()
    assert len(m.plot("pr", plot=False)) == 2
    with pytest.raises(H2OValueError, match="'gains'"):
        m.gains_lift_plot("loss")
    with pytest.raises(H2OValueError, match="'roc'"):
        m.plot("rocs")
    k = metrics.multinomial([0, 1, 2, 2], np.eye(3)[[0, 1, 2, 1]], domain=["a", "b", "c"]).plot().axes[0]
    assert sorted(t.get_text() for t in k.texts) == ["1", "1", "1", "1"]


def test_pyplot_is_not_involved(history):
    had = "matplotlib.pyplot" in sys.modules
    plot.learning_curve(history)
    assert ("matplotlib.pyplot" in sys.modules) == had


def test_without_matplotlib(monkeypatch, history):
    real = builtins.__import__

    def fail(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    plot._notebook_figure.cache_clear()
    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(NotSupported, match=r"heavywater\[plot\]"):
        plot.learning_curve(history)
