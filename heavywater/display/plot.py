"""Plots with matplotlib, which is loaded here and nowhere else; every function returns the figure.

Figures are drawn without pyplot: they need no display, and nothing stays open.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from heavywater.display.table import Table
from heavywater.errors import H2OValueError, NotSupported, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "gains_lift", "learning_curve", "precision_recall", "roc_curve", "varimp_bars"]

_BLUE, _ORANGE, _GREY = "#2f6db3", "#e07b1f", "#8a8a8a"
_TIMESTEPS = ("AUTO", "epochs", "iterations", "samples", "duration")
_AUTO_METRICS = ("logloss", "deviance", "mse", "rmse")
_LABELS = {
    "auc": "AUC", "pr_auc": "AUCPR", "rmse": "RMSE", "mse": "MSE", "mae": "MAE", "r2": "R²", "logloss": "log loss",
    "classification_error": "classification error",
}  # fmt: skip
_OTHER_NAMES = {"aucpr": "pr_auc", "misclassification": "classification_error", "lift_top_group": "lift"}


def learning_curve(history: Table, metric: str = "AUTO", timestep: str = "AUTO", save: str | None = None) -> Figure:
    """A metric over the course of training.

    Parameters
    ----------
    history : Table
        Scoring history with columns such as ``training_logloss`` and ``validation_logloss``.
    metric : str
        Name without ``training_``; AUTO is logloss, deviance or MSE, whichever there is.
    timestep : str
        ``epochs`` (AUTO), ``iterations`` or ``samples``.
    save : str, optional
        Path of a file to write as well; the format follows from the ending.

    Raises
    ------
    H2OValueError
        No such metric or time step in the history.
    """
    prefix = "training_"
    known = [c.removeprefix(prefix) for c in history.col_header if c.startswith(prefix)]
    known = [m for m in known if m != "speed"]
    wanted = _OTHER_NAMES.get(metric.lower(), metric.lower())
    if wanted == "auto":
        wanted = next((m for m in _AUTO_METRICS if m in known), "")
    if wanted not in known:
        raise H2OValueError(
            f"no metric {metric!r} in the history{did_you_mean(metric, known)}; known: {', '.join(known)}"
        )
    step = "epochs" if timestep.lower() == "auto" else timestep.lower()
    if step not in history or step == "duration":
        choice = [t for t in _TIMESTEPS if t in history and t != "duration"]
        raise H2OValueError(f"no time step {timestep!r} in the history; known: AUTO, {', '.join(choice)}")
    figure, axes = _figure()
    label = _LABELS.get(wanted, wanted.replace("_", " "))
    parts = (("training", _BLUE), ("validation", _ORANGE))
    for part, color in parts:
        if f"{part}_{wanted}" in history:
            pairs = zip(history[step], history[f"{part}_{wanted}"])
            points = [(t, v) for t, v in pairs if v is not None and not math.isnan(v)]
            marker = "o" if len(points) <= 30 else None
            axes.plot(*(zip(*points) if points else ([], [])), color=color, label=part, marker=marker, markersize=4)
    axes.set(xlabel=step, ylabel=label, title=f"Learning curve: {label}")
    axes.legend(frameon=False)
    return _finish(figure, save)


def varimp_bars(table: Table, n: int = 10, save: str | None = None) -> Figure:
    """Bars of the `n` most important variables, from a table with columns variable and scaled_importance."""
    names, values = table["variable"][:n], table["scaled_importance"][:n]
    figure, axes = _figure(height=max(2.4, 0.32 * len(names) + 1.1))
    places = range(len(names))
    axes.barh(places, values, color=_BLUE, height=0.7)
    axes.set_yticks(places, [n if len(n) <= 40 else n[:37] + "…" for n in names])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="scaled importance", title="Variable importance")
    return _finish(figure, save)


def roc_curve(fpr: Sequence[float], tpr: Sequence[float], auc: float | None = None, save: str | None = None) -> Figure:
    """True positive rate over false positive rate."""
    figure, axes = _figure(width=5.4, height=5.2)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.plot([0, *fpr], [0, *tpr], color=_BLUE, label=None if auc is None else f"AUC = {auc:.4f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve")
    _unit_square(axes)
    if auc is not None:
        axes.legend(frameon=False, loc="lower right")
    return _finish(figure, save)


def precision_recall(
    recall: Sequence[float], precision: Sequence[float], aucpr: float | None = None, save: str | None = None
) -> Figure:
    """Precision over recall."""
    figure, axes = _figure(width=5.4, height=5.2)
    axes.plot(recall, precision, color=_BLUE, label=None if aucpr is None else f"AUCPR = {aucpr:.4f}")
    axes.set(xlabel="recall", ylabel="precision", title="Precision-recall curve")
    _unit_square(axes)
    if aucpr is not None:
        axes.legend(frameon=False, loc="lower left")
    return _finish(figure, save)


def gains_lift(table: Table, type: str = "both", save: str | None = None) -> Figure:
    """Cumulative capture rate (``"gains"``), cumulative lift (``"lift"``) or ``"both"`` over the share of the data."""
    kind = type.lower()
    if kind not in ("both", "gains", "lift"):
        raise H2OValueError(f"type must be 'both', 'gains' or 'lift', not {type!r}")
    figure, axes = _figure()
    share = table["cumulative_data_fraction"]
    style: dict[str, Any] = {"marker": "o", "markersize": 3}
    handles = []
    if kind != "lift":
        rate = [0, *table["cumulative_capture_rate"]]
        handles += axes.plot([0, *share], rate, color=_BLUE, label="capture rate", **style)
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
        axes.set(ylabel="cumulative capture rate", ylim=(0, 1.02))
    if kind != "gains":
        right = axes.twinx() if kind == "both" else axes
        handles += right.plot(share, table["cumulative_lift"], color=_ORANGE, label="lift", **style)
        right.set(ylabel="cumulative lift", ylim=(0, None))
        if kind == "both":
            right.spines[["top", "left"]].set_visible(False)
    axes.set(xlabel="cumulative data fraction", xlim=(0, 1), title="Gains and lift" if kind == "both" else kind.title())
    axes.legend(handles=handles, frameon=False, loc="lower right")
    return _finish(figure, save)


def confusion_matrix(counts: Any, domain: Sequence[str], save: str | None = None) -> Figure:
    """Heat map of a confusion matrix; colours are shares of the actual class, figures are counts (up to 20 classes)."""
    import numpy as np

    matrix = np.asarray(counts, dtype=float)
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    k = len(domain)
    side = min(max(3.6, 0.55 * k + 1.6), 11.0)
    figure, axes = _figure(width=side + 0.8, height=side)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    if k <= 40:
        turn = 45 if max(map(len, domain), default=0) > 3 else 0
        axes.set_xticks(range(k), domain, rotation=turn, ha="right" if turn else "center")
        axes.set_yticks(range(k), domain)
    if k <= 20:
        for i in range(k):
            for j in range(k):
                if matrix[i, j]:
                    ink = "white" if share[i, j] > 0.55 else "#222222"
                    axes.text(j, i, f"{matrix[i, j]:.6g}", ha="center", va="center", color=ink, fontsize=9)
    axes.set(xlabel="predicted", ylabel="actual", title="Confusion matrix")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the actual class")
    return _finish(figure, save)


def _figure(width: float = 7.0, height: float = 4.4) -> tuple[Figure, Axes]:
    figure = _notebook_figure()(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e3e3e3", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


@cache
def _notebook_figure() -> type[Figure]:
    """A figure that a notebook shows although pyplot is not involved."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise NotSupported("plots need matplotlib; install heavywater[plot]") from None

    class NotebookFigure(Figure):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            FigureCanvasAgg(self)

        def _repr_png_(self) -> bytes:
            image = io.BytesIO()
            self.savefig(image, format="png", dpi=100)
            return image.getvalue()

    return NotebookFigure


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")


def _finish(figure: Figure, save: str | None) -> Figure:
    if save is not None:
        figure.savefig(save, dpi=130)
    return figure
