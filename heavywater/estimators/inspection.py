"""Looking at a trained model: H2O's methods, each answered for the training, validation or holdout metrics.

Every method takes ``train``, ``valid`` and ``xval``.  With none of them the training value is returned; with one, that
value; with several, a dictionary keyed ``"train"``, ``"valid"``, ``"xval"``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from heavywater.display.table import Table
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model, Part

T = TypeVar("T")


class ModelInspection:
    """Methods that read a trained model; mixed into every estimator."""

    def _trained(self) -> Model:
        raise H2OValueError("this model is not trained yet; call train() first")

    def _each(self, train: bool, valid: bool, xval: bool, ask: Callable[[ModelMetrics], T]) -> Any:
        """`ask` of each metrics object that the flags name."""
        flags: dict[Part, bool] = {"train": train, "valid": valid, "xval": bool(xval)}
        parts = [p for p, wanted in flags.items() if wanted] or ["train"]
        answers: dict[str, T | None] = {}
        for part in parts:
            found = self._trained().metrics(part)
            if found is None and len(parts) == 1:
                how = {"valid": "train with validation_frame=", "xval": "train with nfolds="}.get(part, "train again")
                raise H2OValueError(f"the model has no {part} metrics; {how}")
            answers[part] = None if found is None else _ask(found, ask)
        return answers if len(parts) > 1 else answers[parts[0]]

    def model_performance(
        self,
        test_data: Any = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
        auc_type: str = "none",
    ) -> Any:
        """Metrics on `test_data` (an H2OFrame with the response), or those computed during training."""
        if test_data is None:
            return self._each(train, valid, xval, lambda m: m)
        return self._performance_on(test_data, auc_type)

    def _performance_on(self, test_data: Any, auc_type: str) -> ModelMetrics:
        raise H2OTypeError("this object cannot score frames")

    def confusion_matrix(
        self,
        metrics: Any = None,
        thresholds: Sequence[float] | None = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        """Confusion matrix; for more than two classes the first argument may be a frame to score."""
        if metrics is not None and not isinstance(metrics, (str, list, tuple)):
            return self._performance_on(metrics, "none").confusion_matrix()
        if self._trained().category == "Binomial":
            return self._each(train, valid, xval, lambda m: m.confusion_matrix(metrics, thresholds))
        return self._each(train, valid, xval, lambda m: m.confusion_matrix())

    def roc(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """The ROC curve as two lists: false positive rates, true positive rates."""
        return self._each(train, valid, xval, lambda m: m.roc())

    def find_threshold_by_max_metric(
        self, metric: str, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """The threshold with the largest value of `metric`, such as ``"f1"``."""
        return self._each(train, valid, xval, lambda m: m.find_threshold_by_max_metric(metric))

    def find_idx_by_threshold(
        self, threshold: float, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Row of the thresholds table that is nearest to `threshold`."""
        return self._each(train, valid, xval, lambda m: m.find_idx_by_threshold(threshold))

    def metric(
        self,
        metric: str,
        thresholds: Sequence[float] | None = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        """Pairs ``[threshold, value]`` of a threshold metric of a binomial model."""
        return self._each(train, valid, xval, lambda m: m.metric(metric, thresholds))

    # -- tables ---------------------------------------------------------------------------------------------------

    def scoring_history(self, as_data_frame: bool = True) -> Any:
        """One row per scoring event: time, epochs, samples and metrics; a pandas data frame, or a `Table`."""
        table = self._trained().table("scoring_history")
        if table is None:
            return None
        return table.as_data_frame() if as_data_frame else table

    score_history = scoring_history

    def varimp(self, use_pandas: bool = False) -> Any:
        """Variable importances as rows (variable, relative, scaled, percentage), most important first."""
        table = self._trained().table("variable_importances")
        if table is None:
            raise H2OValueError("this model has no variable importances; train with variable_importances=True")
        return table.as_data_frame() if use_pandas else [tuple(r) for r in table.cell_values]

    def summary(self) -> Table | None:
        """The table "Status of Neuron Layers"."""
        return self._trained().table("model_summary")

    get_summary = summary

    def show_summary(self) -> None:
        table = self.summary()
        if table is not None:
            table.show()

    def cross_validation_metrics_summary(self) -> Table | None:
        """Mean, standard deviation and value per fold of every metric; None without cross-validation."""
        return self._trained().table("cross_validation_metrics_summary")

    # -- plots ----------------------------------------------------------------------------------------------------

    def plot(
        self, timestep: str = "AUTO", metric: str = "AUTO", server: bool = False, save_plot_path: str | None = None
    ) -> Any:
        """Learning curve: training (and validation) values of `metric` over `timestep`; returns the figure."""
        from heavywater.display.plot import learning_curve

        table = self._trained().table("scoring_history")
        if table is None:
            raise H2OValueError("this model has no scoring history to plot")
        return learning_curve(table, metric=metric, timestep=timestep, save=save_plot_path)

    learning_curve_plot = plot

    def varimp_plot(
        self, num_of_features: int | None = None, server: bool = False, save_plot_path: str | None = None
    ) -> Any:
        """Bars of the most important variables (ten unless told otherwise); returns the figure."""
        from heavywater.display.plot import varimp_bars

        table = self._trained().table("variable_importances")
        if table is None:
            raise H2OValueError("this model has no variable importances; train with variable_importances=True")
        return varimp_bars(table, num_of_features or 10, save=save_plot_path)

    # -- numbers of the model ----------------------------------------------------------------------------------------

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        """For every parameter its default, the value given and the value in force."""
        return {k: dict(v) for k, v in self._trained().output["parameters"].items()}

    full_parameters = params

    @property
    def actual_params(self) -> dict[str, Any]:
        """The value in force of every parameter."""
        return {k: v["actual"] for k, v in self._trained().output["parameters"].items()}

    @property
    def default_params(self) -> dict[str, Any]:
        """The default of every parameter."""
        return {k: v["default"] for k, v in self._trained().output["parameters"].items()}

    @property
    def type(self) -> str:
        """``"classifier"``, ``"regressor"`` or ``"autoencoder"``."""
        return {"Regression": "regressor", "AutoEncoder": "autoencoder"}.get(self._trained().category, "classifier")

    @property
    def start_time(self) -> int:
        """Start of training, ms since 1970."""
        return int(self._trained().output["start_time"])

    @property
    def end_time(self) -> int:
        """End of training, ms since 1970."""
        return int(self._trained().output["end_time"])

    @property
    def run_time(self) -> int:
        """Duration of training in ms."""
        return int(self._trained().output["run_time"])

    def default_threshold(self) -> float:
        """Probability of the second class from which a row is given its label (the max-F1 threshold)."""
        return float(self._trained().output["default_threshold"])

    def normmul(self) -> list[float] | None:
        """Factors applied to the numeric inputs."""
        return self._vector("norm_mul")

    def normsub(self) -> list[float] | None:
        """Offsets subtracted from the numeric inputs."""
        return self._vector("norm_sub")

    def respmul(self) -> list[float] | None:
        """Factor applied to a numeric response."""
        return self._vector("norm_resp_mul")

    def respsub(self) -> list[float] | None:
        """Offset subtracted from a numeric response."""
        return self._vector("norm_resp_sub")

    def catoffsets(self) -> list[int]:
        """First input of each categorical column; the last entry is the first numeric input."""
        return self._vector("cat_offsets") or [0]

    def _vector(self, name: str) -> Any:
        value = self._trained().output.get(name)
        return None if value is None else list(value)


def _ask(metrics: ModelMetrics, ask: Callable[[ModelMetrics], T]) -> T:
    try:
        return ask(metrics)
    except AttributeError as e:
        raise NotSupported(f"{metrics.model_category} models have no {e.name}()") from None


def _scalar(name: str, text: str) -> Callable[..., Any]:
    def method(self: ModelInspection, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        return self._each(train, valid, xval, lambda m: getattr(m, name)())

    method.__name__, method.__qualname__, method.__doc__ = name, f"ModelInspection.{name}", text
    return method


def _threshold(name: str, text: str) -> Callable[..., Any]:
    def method(
        self: ModelInspection,
        thresholds: Sequence[float] | None = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        return self._each(train, valid, xval, lambda m: getattr(m, name)(thresholds))

    method.__name__, method.__qualname__ = name, f"ModelInspection.{name}"
    method.__doc__ = f"{text}, as pairs [threshold, value]; at its best threshold unless `thresholds` are given."
    return method


_SCALARS = {
    "mse": "Mean squared error.",
    "rmse": "Root of the mean squared error.",
    "mae": "Mean absolute error.",
    "rmsle": "Root of the mean squared difference of ln(1 + value).",
    "r2": "Coefficient of determination.",
    "logloss": "Mean negative log-likelihood of the actual class.",
    "mean_residual_deviance": "Mean deviance under the model's distribution.",
    "auc": "Area under the ROC curve.",
    "aucpr": "Area under the precision-recall curve.",
    "pr_auc": "Area under the precision-recall curve.",
    "gini": "2 AUC - 1.",
    "aic": "Akaike's information criterion (not defined for networks: NaN).",
    "loglikelihood": "Log-likelihood (not computed for networks: NaN).",
    "hit_ratio_table": "Share of rows whose actual class is among the k most probable, for each k.",
    "gains_lift": "Gains/lift table.",
    "thresholds_and_metric_scores": "Every threshold with all its metrics.",
    "multinomial_auc_table": "AUC per class or pair of classes; see auc_type.",
    "multinomial_aucpr_table": "AUCPR per class or pair of classes; see auc_type.",
    "kolmogorov_smirnov": "Largest distance between the score distributions of the two classes.",
}
_THRESHOLDS = {
    "F1": "Harmonic mean of precision and recall",
    "F2": "F-measure that weighs recall twice",
    "F0point5": "F-measure that weighs precision twice",
    "accuracy": "Share of rows with the right label",
    "error": "Share of rows with the wrong label",
    "precision": "Share of predicted positives that are positive",
    "recall": "Share of positives that are found",
    "sensitivity": "Share of positives that are found",
    "specificity": "Share of negatives that are found",
    "tpr": "True positive rate",
    "tnr": "True negative rate",
    "fnr": "False negative rate",
    "fpr": "False positive rate",
    "fallout": "False positive rate",
    "missrate": "False negative rate",
    "mcc": "Matthews' correlation coefficient",
    "max_per_class_error": "Larger of the two class errors",
}
for _name, _text in _SCALARS.items():
    setattr(ModelInspection, _name, _scalar(_name, _text))
for _name, _text in _THRESHOLDS.items():
    setattr(ModelInspection, _name, _threshold(_name, _text))


def _mean_per_class_error(
    self: ModelInspection,
    thresholds: Any = None,
    train: bool = False,
    valid: bool = False,
    xval: bool = False,
) -> Any:
    """Mean of the classes' errors; for two classes as pairs [threshold, value]."""
    if self._trained().category == "Binomial":
        return self._each(train, valid, xval, lambda m: m.mean_per_class_error(thresholds))
    return self._each(train or thresholds is True, valid, xval, lambda m: m.mean_per_class_error())


ModelInspection.mean_per_class_error = _mean_per_class_error  # type: ignore[attr-defined]
