"""Plots of what a model makes of its inputs: dependence, single rows, importances by shuffling, Shapley values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from heavywater.display.plot import _BLUE, _GREY, _ORANGE, _figure, _finish, _notebook_figure
from heavywater.display.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["dependence", "individual_curves", "run_boxes", "shapley_row", "shapley_summary"]


def dependence(
    tables: Sequence[Table],
    stddev: bool = True,
    size: tuple[float, float] | None = None,
    save: str | None = None,
) -> Figure:
    """Mean response over the held values of one or two columns; one panel per table.

    Parameters
    ----------
    tables : sequence of Table
        From `heavywater.models.explain.dependence.partial_dependence`.
    stddev : bool
        Show a band of one standard deviation.
    size : (width, height), optional
        In inches.
    save : str, optional
        File to write as well.
    """
    count = max(1, len(tables))
    figure = _notebook_figure()(figsize=size or (7, 3.4 * count), layout="constrained", facecolor="white")
    for i, table in enumerate(tables):
        axes = figure.add_subplot(count, 1, i + 1)
        axes.spines[["top", "right"]].set_visible(False)
        if len(table.col_header) == 5:
            _surface(figure, axes, table)
        else:
            _line(axes, table, stddev)
    return _finish(figure, save)


def _line(axes: Axes, table: Table, stddev: bool) -> None:
    column = table.col_header[0]
    places, mean, sd = table[column], table["mean_response"], table["stddev_response"]
    low, high = [m - s for m, s in zip(mean, sd)], [m + s for m, s in zip(mean, sd)]
    axes.grid(color="#e3e3e3", linewidth=0.7)
    axes.set_axisbelow(True)
    if table.col_types[0] == "string":
        spots = range(len(places))
        axes.errorbar(spots, mean, yerr=sd if stddev else None, fmt="o", color=_BLUE, ecolor=_GREY, capsize=3)
        axes.set_xticks(spots, [str(p) for p in places], rotation=45 if len(places) > 8 else 0)
    else:
        known = [k for k, p in enumerate(places) if not math.isnan(p)]
        x = [places[k] for k in known]
        axes.plot(x, [mean[k] for k in known], color=_BLUE, marker="o" if len(x) < 40 else None, markersize=3)
        if stddev:
            band = [low[k] for k in known], [high[k] for k in known]
            axes.fill_between(x, *band, color=_BLUE, alpha=0.15, linewidth=0)
        for k in set(range(len(places))) - set(known):
            axes.axhline(mean[k], color=_ORANGE, linestyle="--", linewidth=1, label="missing")
            axes.legend(frameon=False)
    axes.set(xlabel=column, ylabel="mean response", title=_title(table))


def _surface(figure: Figure, axes: Axes, table: Table) -> None:
    first, second = table.col_header[:2]
    rows, columns = list(dict.fromkeys(map(str, table[first]))), list(dict.fromkeys(map(str, table[second])))
    values = [[math.nan] * len(columns) for _ in rows]
    for a, b, mean in zip(table[first], table[second], table["mean_response"]):
        values[rows.index(str(a))][columns.index(str(b))] = mean
    image = axes.imshow(values, aspect="auto", cmap="viridis", origin="lower")
    for axis, labels in ((axes.yaxis, rows), (axes.xaxis, columns)):
        step = max(1, len(labels) // 8)
        axis.set_ticks(list(range(0, len(labels), step)), [_short(v) for v in labels[::step]])
    axes.set(xlabel=second, ylabel=first, title=_title(table))
    figure.colorbar(image, ax=axes, label="mean response")


def individual_curves(
    column: str,
    places: Sequence[Any],
    curves: Sequence[Sequence[float]],
    names: Sequence[str],
    mean: Sequence[float] | None = None,
    save: str | None = None,
) -> Figure:
    """One curve per row of data, and their mean over all rows."""
    figure, axes = _figure(width=8)
    texts = any(isinstance(p, str) for p in places)
    x = list(range(len(places))) if texts else list(places)
    from matplotlib import colormaps

    shades = colormaps["plasma"].resampled(max(2, len(curves)))
    for i, (curve, name) in enumerate(zip(curves, names)):
        axes.plot(x, curve, color=shades(i), linewidth=1.2, label=name, marker="o" if texts else None, markersize=3)
    if mean is not None:
        axes.plot(x, mean, color="black", linewidth=2, linestyle="--", label="partial dependence")
    if texts:
        axes.set_xticks(x, [str(p) for p in places], rotation=45 if len(x) > 8 else 0)
    axes.set(xlabel=column, ylabel="response", title=f"Individual conditional expectation on '{column}'")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return _finish(figure, save)


def run_boxes(table: Table, n: int = 10, save: str | None = None) -> Figure:
    """A box per column over the runs of permutation importance."""
    names = table["Variable"][:n]
    runs = [[row[k] for k in range(1, len(row))] for row in table.cell_values[:n]]
    figure, axes = _figure(height=max(2.4, 0.4 * len(names) + 1.1))
    axes.boxplot(runs, orientation="horizontal")
    axes.set_yticks(range(1, len(names) + 1), [_short(v) for v in names])
    axes.invert_yaxis()
    axes.set(xlabel="relative importance", title="Permutation importance")
    return _finish(figure, save)


def shapley_summary(
    names: Sequence[str], values: Sequence[Sequence[float]], scaled: Sequence[Sequence[float]], save: str | None = None
) -> Figure:
    """A dot per row and column: how much the column moved the prediction, coloured by its value from low to high.

    Parameters
    ----------
    names : sequence of str
        Columns, most important first.
    values, scaled : sequences of sequences of float
        Per column the Shapley values, and the column's own values between 0 and 1.
    """
    import numpy as np

    figure, axes = _figure(height=max(2.6, 0.4 * len(names) + 1.2))
    random, dots = np.random.default_rng(0), None
    axes.axvline(0, color=_GREY, linewidth=1)
    for i, (v, s) in enumerate(zip(values, scaled)):
        spread = i + random.uniform(-0.25, 0.25, len(v))
        dots = axes.scatter(v, spread, c=list(s), cmap="coolwarm", vmin=0, vmax=1, s=9, linewidths=0)
    axes.set_yticks(range(len(names)), [_short(n) for n in names])
    axes.invert_yaxis()
    axes.set(xlabel="Shapley value", title="Shapley values")
    if dots is not None:
        bar = figure.colorbar(dots, ax=axes, label="value of the column")
        bar.set_ticks([0, 1], labels=["low", "high"])
    return _finish(figure, save)


def shapley_row(names: Sequence[str], values: Sequence[float], title: str, save: str | None = None) -> Figure:
    """Bars of what each column adds to the prediction of one row."""
    figure, axes = _figure(height=max(2.4, 0.32 * len(names) + 1.1))
    axes.barh(range(len(names)), values, color=[_ORANGE if v < 0 else _BLUE for v in values], height=0.7)
    axes.set_yticks(range(len(names)), [_short(n) for n in names])
    axes.invert_yaxis()
    axes.set(xlabel="Shapley value", title=title)
    return _finish(figure, save)


def _title(table: Table) -> str:
    text = table.description
    return "Partial dependence" + text[text.index(" on column") :] if " on column" in text else table.title


def _short(name: str) -> str:
    try:
        return f"{float(name):.4g}"
    except ValueError:
        return name if len(name) <= 40 else name[:37] + "…"
