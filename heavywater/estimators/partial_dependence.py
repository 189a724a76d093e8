"""Partial dependence and individual conditional expectation of a trained model, as tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heavywater.display.table import Table
from heavywater.errors import H2OValueError, NotFound
from heavywater.estimators.rows_to_explain import answers, frame_of, row_of, supervised
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame
from heavywater.models.explain import dependence
from heavywater.models.explain.columns import check_has, chosen_predictors
from heavywater.models.model import Model


class Tables(list[Table]):
    """Tables of partial dependence; ``figure`` is their plot, or None."""

    figure: Any = None

    def _repr_png_(self) -> bytes | None:
        return None if self.figure is None else bytes(self.figure._repr_png_())


class PartialDependence:
    """Methods that show how the prediction depends on a column; mixed into every estimator."""

    def _trained(self) -> Model:
        raise H2OValueError("this model is not trained yet; call train() first")

    def partial_plot(
        self,
        frame: H2OFrame,
        cols: Any = None,
        destination_key: str | None = None,
        nbins: int = 20,
        weight_column: str | int | None = None,
        plot: bool = True,
        plot_stddev: bool = True,
        figsize: tuple[float, float] | None = None,
        server: bool = False,
        include_na: bool = False,
        user_splits: Mapping[str, Sequence[Any]] | None = None,
        col_pairs_2dpdp: Sequence[Sequence[str]] | None = None,
        save_plot_path: str | None = None,
        row_index: int | None = None,
        targets: Any = None,
    ) -> Tables:
        """The mean prediction while one or two columns are held at each of their values.

        Parameters
        ----------
        frame : H2OFrame
            Rows over which the mean is taken.
        cols : str or list of str, optional
            Columns; all predictors when neither they nor pairs are given.
        destination_key, server
            Without effect here.
        nbins : int
            Values of a numeric column, from its smallest to its largest; a categorical one must not have more levels.
        weight_column : str or int, optional
            Column of `frame` with a weight per row.
        plot : bool
            Draw the figure; it is the attribute ``figure`` of the result, which notebooks show.
        plot_stddev : bool
            Show one standard deviation of the predictions.
        figsize : (float, float), optional
            Width and height in inches.
        include_na : bool
            Look at missing values too.
        user_splits : dict, optional
            Values to look at by column, instead of `nbins`.
        col_pairs_2dpdp : list of pairs of str, optional
            Columns to hold two at a time.
        save_plot_path : str, optional
            File for the figure.
        row_index : int, optional
            Only this row: its individual conditional expectation.
        targets : str or list of str, optional
            Classes whose probability is averaged; needed with more than two classes.

        Returns
        -------
        list of Table
            For each column (and class) its values, ``mean_response``, ``stddev_response`` and
            ``std_error_mean_response``.
        """
        model, data = supervised(self._trained()), frame_of(frame)
        columns = [] if cols is None and col_pairs_2dpdp else chosen_predictors(model, cols, "cols")
        pairs = [chosen_predictors(model, list(pair), "col_pairs_2dpdp") for pair in col_pairs_2dpdp or ()]
        if any(len(pair) != 2 for pair in pairs):
            raise H2OValueError(f"col_pairs_2dpdp needs pairs of columns; got {col_pairs_2dpdp!r}")
        wanted = list(dict.fromkeys([*columns, *(c for pair in pairs for c in pair)]))
        check_has(data, wanted)
        if isinstance(nbins, bool) or not isinstance(nbins, int) or nbins < 1:
            raise H2OValueError(f"nbins must be a whole number >= 1; got {nbins!r}")
        splits = dependence.splits_of(user_splits, wanted)
        grids = {c: dependence.grid_of(data, c, nbins, include_na, splits.get(c)) for c in wanted}
        weights = _weights(data, weight_column)
        if row_index is not None:
            data, weights = row_of(data, row_index), None
        names = [targets] if targets is None or isinstance(targets, str) else list(targets)
        classes = [dependence.target_index(model, t) for t in names]
        tables = Tables(
            dependence.partial_dependence(
                model, data, answers, [grids[c] for c in held], weights=weights, target=target
            )
            for held in [*([c] for c in columns), *pairs]
            for target in classes
        )
        if plot or save_plot_path is not None:
            from heavywater.display.effect_plots import dependence as draw

            tables.figure = draw(tables, plot_stddev and row_index is None, figsize, save_plot_path)
        return tables

    def pd_plot(
        self,
        frame: H2OFrame,
        column: str,
        row_index: int | None = None,
        target: str | None = None,
        save_plot_path: str | None = None,
        nbins: int = 100,
    ) -> Any:
        """Partial dependence of one column as a figure; see `partial_plot`."""
        levels = frame_of(frame).levels(column) or ()
        return self.partial_plot(
            frame, column, nbins=max(nbins, len(levels)), row_index=row_index, targets=target,
            save_plot_path=save_plot_path,
        ).figure  # fmt: skip

    def ice_plot(
        self,
        frame: H2OFrame,
        column: str,
        target: str | None = None,
        show_pdp: bool = True,
        centered: bool = False,
        save_plot_path: str | None = None,
        nbins: int = 100,
    ) -> Any:
        """The prediction of single rows while one column is held at each of its values; returns the figure.

        Eleven rows are shown: those at the deciles of the predictions.

        Parameters
        ----------
        frame : H2OFrame
            Rows to choose from.
        column : str
            The column that is held.
        target : str, optional
            Class whose probability is shown; needed with more than two classes.
        show_pdp : bool
            Show the mean over all rows as well.
        centered : bool
            Let all curves begin at 0.
        save_plot_path : str, optional
            File for the figure.
        nbins : int
            Values of a numeric column.
        """
        from heavywater.display.effect_plots import individual_curves as draw

        model, data = supervised(self._trained()), frame_of(frame)
        chosen_predictors(model, column, "column")
        index = dependence.target_index(model, target)
        grid = dependence.grid_of(data, column, max(nbins, len(data.levels(column) or ())), False, None)
        now = dependence.response(model, answers(model, data), index)
        order = np.argsort(now, kind="stable")
        deciles = [order[round(q * (len(order) - 1) / 10)] for q in range(11)]
        curves = dependence.individual_curves(model, data, answers, grid, target=index)
        if centered:
            curves = curves - curves[:, :1]
        mean = curves.mean(axis=0).tolist() if show_pdp else None
        names = [f"{10 * q}th percentile (row {row})" for q, row in enumerate(deciles)]
        return draw(column, grid.labels, curves[deciles].tolist(), names, mean, save=save_plot_path)


def _weights(frame: Frame, which: str | int | None) -> np.ndarray | None:
    if which is None or which == -1:
        return None
    if isinstance(which, int):
        if not 0 <= which < frame.ncol:
            raise NotFound(f"weight_column {which} is outside 0..{frame.ncol - 1}")
        which = frame.names[which]
    weights = np.nan_to_num(frame.numeric(which))
    if (weights < 0).any() or not (weights > 0).any():
        raise H2OValueError(f"weight_column {which!r} must hold weights >= 0, one of them > 0")
    return weights
