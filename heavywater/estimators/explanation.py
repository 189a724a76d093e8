"""Explaining a trained model: why it stopped, permutation importance, Shapley values."""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.algos.deeplearning.stopping import would_stop
from heavywater.display.table import Table
from heavywater.engine import session
from heavywater.errors import H2OValueError
from heavywater.estimators.rows_to_explain import answers, frame_of, row_of, supervised
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame
from heavywater.models.explain import dependence, permutation, shapley
from heavywater.models.explain.columns import chosen_predictors, sampled
from heavywater.models.model import Model


class Explained:
    """Methods that explain a trained model; mixed into every estimator."""

    def _trained(self) -> Model:
        raise H2OValueError("this model is not trained yet; call train() first")

    # -- why training ended -----------------------------------------------------------------------------------------

    def why_stopped(
        self,
        stopping_rounds: int | None = None,
        stopping_metric: str | None = None,
        stopping_tolerance: float | None = None,
    ) -> str:
        """Why training ended, in a sentence with its numbers; or when it would have ended with other settings.

        Parameters
        ----------
        stopping_rounds, stopping_metric, stopping_tolerance : optional
            Settings of early stopping to try on the stored history; those not given are the model's own.

        Examples
        --------
        >>> model.why_stopped()  # doctest: +SKIP
        'all 10 epochs were trained'
        >>> model.why_stopped(stopping_rounds=2, stopping_tolerance=0.05)  # doctest: +SKIP
        'with stopping_rounds=2, ... training would have stopped at scoring 5 of 9, ...'
        """
        o = self._trained().output
        if stopping_rounds is None and stopping_metric is None and stopping_tolerance is None:
            return str(o["why_stopped"])
        own = {k: v["actual"] for k, v in o["parameters"].items()}
        history = self._trained().table("scoring_history")
        epochs = None if history is None or len(history) != len(o["stopping_history"]) else history["epochs"]
        return would_stop(
            o["stopping_history"],
            int(own["stopping_rounds"] if stopping_rounds is None else stopping_rounds),
            str((own["stopping_metric"] or "AUTO") if stopping_metric is None else stopping_metric),
            float(own["stopping_tolerance"] if stopping_tolerance is None else stopping_tolerance),
            epochs,
        )

    # -- permutation importance -------------------------------------------------------------------------------------

    def permutation_importance(
        self,
        frame: H2OFrame,
        metric: str = "AUTO",
        n_samples: int = 10_000,
        n_repeats: int = 1,
        features: Any = None,
        seed: int = -1,
        use_pandas: bool = False,
    ) -> Any:
        """How much worse the model becomes when the values of one column are shuffled.

        Parameters
        ----------
        frame : H2OFrame
            Rows with the response; best ones that were not trained on.
        metric : str
            AUTO (AUC, logloss for several classes, RMSE), AUC, MAE, MSE, RMSE, logloss, mean_per_class_error or PR_AUC.
        n_samples : int
            Rows used, drawn at random; -1 for all.
        n_repeats : int
            Times each column is shuffled; with more than one the table has a column per run.
        features : list of str, optional
            Columns; all when None.
        seed : int
            Of sample and shuffles; -1: a new one each time.
        use_pandas : bool
            Return a pandas data frame.

        Returns
        -------
        Table or pandas.DataFrame
            ``Variable``, ``Relative Importance`` (the loss of quality), ``Scaled Importance``, ``Percentage``.
        """
        table = permutation.permutation_importance(
            self._trained(), frame_of(frame), session.current().performance, metric=metric, n_samples=n_samples,
            n_repeats=n_repeats, features=features, seed=seed,
        )  # fmt: skip
        return table.as_data_frame() if use_pandas else table

    def permutation_importance_plot(
        self,
        frame: H2OFrame,
        metric: str = "AUTO",
        n_samples: int = 10_000,
        n_repeats: int = 1,
        features: Any = None,
        seed: int = -1,
        num_of_features: int = 10,
        server: bool = False,
        save_plot_path: str | None = None,
    ) -> Any:
        """Bars of `permutation_importance`, or boxes over several runs; returns the figure."""
        from heavywater.display.effect_plots import run_boxes
        from heavywater.display.plot import varimp_bars

        table = self.permutation_importance(frame, metric, n_samples, n_repeats, features, seed)
        if n_repeats > 1:
            return run_boxes(table, num_of_features, save=save_plot_path)
        names = ["variable", "relative_importance", "scaled_importance", "percentage"]
        plain = Table(table.title, names, table.col_types, table.cell_values)
        return varimp_bars(plain, num_of_features, save=save_plot_path)

    # -- Shapley values ---------------------------------------------------------------------------------------------

    def predict_contributions(
        self,
        test_data: H2OFrame,
        output_format: str = "Compact",
        background_frame: H2OFrame | None = None,
        target: str | None = None,
        background_samples: int = 100,
        seed: int = 1,
    ) -> H2OFrame:
        """Shapley values: how much each column moves the prediction of each row away from the mean over the background.

        Needs the library shap (``pip install heavywater[shap]``).  Up to ten columns the values are exact, above that
        they come from sampled orders of the columns; a row's values and ``BiasTerm`` sum to its prediction either way.

        Parameters
        ----------
        test_data : H2OFrame
            Rows to explain.
        output_format : {"Compact"}
            One value per column of the frame.
        background_frame : H2OFrame, optional
            Rows that stand for "nothing known"; `test_data` when None.
        target : str, optional
            Class whose probability is explained; needed with more than two classes.
        background_samples : int
            Rows of the background used, drawn at random.
        seed : int
            Of the drawing.
        """
        if output_format.lower() not in ("compact", "original"):
            raise H2OValueError(f"output_format must be 'Compact'; got {output_format!r}")
        model, data = supervised(self._trained()), frame_of(test_data)
        background = data if background_frame is None else frame_of(background_frame)
        index = dependence.target_index(model, target)
        return H2OFrame._of(
            shapley.contributions(model, data, background, answers, target=index, samples=background_samples, seed=seed)
        )

    def shap_summary_plot(
        self,
        frame: H2OFrame,
        columns: Any = None,
        top_n_features: int = 20,
        samples: int = 1000,
        background_frame: H2OFrame | None = None,
        target: str | None = None,
        save_plot_path: str | None = None,
    ) -> Any:
        """Shapley values of the most important columns, a dot per row; returns the figure."""
        from heavywater.display.effect_plots import shapley_summary as draw

        data = sampled(frame_of(frame), samples, np.random.default_rng(1))
        found = self.predict_contributions(
            H2OFrame._of(data), background_frame=background_frame or frame, target=target
        )._frame()  # fmt: skip
        names = chosen_predictors(self._trained(), columns, "columns")
        values = {n: found.numeric(n) for n in names}
        names = sorted(names, key=lambda n: -float(np.abs(values[n]).mean()))[:top_n_features]
        return draw(names, [values[n].tolist() for n in names], [_scaled(data, n) for n in names], save=save_plot_path)

    def shap_explain_row_plot(
        self,
        frame: H2OFrame,
        row_index: int,
        columns: Any = None,
        top_n_features: int = 10,
        background_frame: H2OFrame | None = None,
        target: str | None = None,
        save_plot_path: str | None = None,
    ) -> Any:
        """Shapley values of one row as bars, the largest first; returns the figure."""
        from heavywater.display.effect_plots import shapley_row as draw

        row = H2OFrame._of(row_of(frame_of(frame), row_index))
        found = self.predict_contributions(row, background_frame=background_frame or frame, target=target)._frame()
        names = chosen_predictors(self._trained(), columns, "columns")
        values = {n: float(found.numeric(n)[0]) for n in names}
        names = sorted(names, key=lambda n: -abs(values[n]))[:top_n_features]
        return draw(names, [values[n] for n in names], f"Shapley values of row {row_index}", save=save_plot_path)


def _scaled(frame: Frame, name: str) -> list[float]:
    """A column between 0 and 1, missing values in the middle."""
    x = frame.numeric(name)
    low, high = np.nanmin(x), np.nanmax(x)
    return list(np.nan_to_num((x - low) / (high - low) if high > low else np.full(len(x), 0.5), nan=0.5))
