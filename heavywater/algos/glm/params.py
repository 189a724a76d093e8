"""Parameters of generalised linear models: H2O-3 3.46's, with its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.params import Message, common, param, parameters
from heavywater.params.common import AucType, CommonParams, StoppingMetric

_SOLVERS = "models are fitted by another library, which has nothing like it"
_DISPERSION = "the dispersion is not estimated"
_CONSTRAINTS = "only non_negative constrains coefficients"
NOT_YET: dict[str, str] = {
    "checkpoint": "a fit takes few iterations and starts anew",
    "score_each_iteration": "the model is scored at the end",
    "score_iteration_interval": "the model is scored at the end",
    "theta": "it belongs to the family negativebinomial, which is not available",
    "plug_values": "missing values are replaced by means, or their rows skipped",
    "compute_p_values": "use a statistics library such as statsmodels",
    "dispersion_parameter_method": _DISPERSION,
    "init_dispersion_parameter": _DISPERSION,
    "remove_collinear_columns": "the penalty deals with collinear columns",
    "objective_epsilon": "use gradient_epsilon",
    "beta_epsilon": "use gradient_epsilon",
    "startval": _SOLVERS,
    "calc_like": "the likelihood is not computed",
    "prior": "correct the intercept, or use weights_column",
    "cold_start": _SOLVERS,
    "beta_constraints": _CONSTRAINTS,
    "max_active_predictors": "raise lambda instead",
    "interactions": "make the columns with interaction()",
    "interaction_pairs": "make the columns with interaction()",
    "obj_reg": _SOLVERS,
    "stopping_rounds": "a fit ends when its gradient is small; see gradient_epsilon",
    "stopping_metric": "a fit ends when its gradient is small; see gradient_epsilon",
    "stopping_tolerance": "a fit ends when its gradient is small; see gradient_epsilon",
    "control_variables": _SOLVERS,
    "remove_offset_effects": _SOLVERS,
    "balance_classes": "use weights_column",
    "class_sampling_factors": "use weights_column",
    "max_after_balance_size": "use weights_column",
    "dispersion_epsilon": _DISPERSION,
    "tweedie_epsilon": _DISPERSION,
    "max_iterations_dispersion": _DISPERSION,
    "build_null_model": "the report tells the null deviance",
    "fix_dispersion_parameter": _DISPERSION,
    "generate_variable_inflation_factors": "use a statistics library such as statsmodels",
    "fix_tweedie_variance_power": "the variance power is what tweedie_variance_power says",
    "dispersion_learning_rate": _DISPERSION,
    "influence": "use a statistics library such as statsmodels",
    "linear_constraints": _CONSTRAINTS,
    "init_optimal_glm": _CONSTRAINTS,
    "separate_linear_beta": _CONSTRAINTS,
    "constraint_eta0": _CONSTRAINTS,
    "constraint_tau": _CONSTRAINTS,
    "constraint_alpha": _CONSTRAINTS,
    "constraint_beta": _CONSTRAINTS,
    "constraint_c0": _CONSTRAINTS,
}

LINKS: dict[str, tuple[str, ...]] = {
    "gaussian": ("identity", "log", "inverse"),
    "binomial": ("logit",),
    "multinomial": ("multinomial",),
    "poisson": ("log", "identity"),
    "gamma": ("inverse", "identity", "log"),
    "tweedie": ("tweedie",),
}
"""Links of each family, its default first."""

DISTRIBUTIONS = {"binomial": "bernoulli"}
"""Families that metrics know under another name."""


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class GLMParams(CommonParams):
    """Parameters of generalised linear models; each is described in the reference pages."""

    algo: ClassVar[str] = "glm"
    autoencoder: ClassVar[bool] = False
    loss: ClassVar[str] = "Automatic"
    not_yet: ClassVar[Mapping[str, str]] = NOT_YET
    removed: ClassVar[Mapping[str, str]] = {"Lambda": "it is called lambda_"}

    checkpoint: Any = param(None, "Model to continue.", wire="Key<Model>")
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    seed: int = param(-1, "Seed of all random draws.", level="critical", gridable=True, wire="long")
    score_iteration_interval: int = param(-1, "Iterations between two scorings.")
    family: Literal[
        "AUTO", "gaussian", "binomial", "fractionalbinomial", "quasibinomial", "ordinal", "multinomial", "poisson",
        "gamma", "tweedie", "negativebinomial",
    ] = param(
        "AUTO", "Distribution of the response.", level="critical", note="AUTO: binomial for two classes, multinomial for "
        "more, gaussian for numbers. fractionalbinomial, quasibinomial, ordinal and negativebinomial are refused.",
    )  # fmt: skip
    tweedie_variance_power: float = param(
        0.0, "Variance power of the Tweedie family.", level="critical", gridable=True,
        note="0 is gaussian, 1 poisson, 2 gamma; between 0 and 1 there is no distribution.",
    )  # fmt: skip
    tweedie_link_power: float = param(
        1.0, "Power of the link of the Tweedie family; 0 is the logarithm.", level="critical", gridable=True
    )
    theta: float = param(1e-10, "Dispersion of the negative binomial family.", level="critical", gridable=True)
    solver: Literal[
        "AUTO", "IRLSM", "L_BFGS", "COORDINATE_DESCENT_NAIVE", "COORDINATE_DESCENT", "GRADIENT_DESCENT_LH",
        "GRADIENT_DESCENT_SQERR",
    ] = param(
        "AUTO", "How the coefficients are found.", level="critical", note="L_BFGS cannot do an absolute penalty (alpha > "
        "0). For more than two classes scikit-learn's solvers are used and this is ignored with a warning.",
    )  # fmt: skip
    alpha: Sequence[float] | None = param(
        None, "Share of the absolute penalty; the rest is quadratic.", level="critical", gridable=True, wire="double[]",
        ge=0, le=1, single=True, note="None means 0.5, and 0 with solver L_BFGS. Of several the best is kept.",
    )  # fmt: skip
    lambda_: Sequence[float] | None = param(
        None, "Strength of the penalty.", level="critical", gridable=True, wire="double[]", ge=0, single=True,
        note="None: worked out from the data. Of several the best is kept.",
    )  # fmt: skip
    lambda_search: bool = param(False, "Try strengths from the largest useful one down.", level="critical")
    early_stopping: bool = param(
        True, "End the search of strengths when the deviance hardly falls any more.", level="critical"
    )
    nlambdas: int = param(
        -1, "Strengths to try in a search.", level="critical", ge=-1, note="-1: 100, or 30 without absolute penalty."
    )
    standardize: bool = param(
        True, "Bring numeric columns to mean 0 and standard deviation 1.", level="critical", gridable=True
    )
    missing_values_handling: Literal["MeanImputation", "Skip", "PlugValues"] = param(
        "MeanImputation", "Missing predictors: take the mean (the most frequent level), or skip the row.",
        level="expert", gridable=True, note="PlugValues is refused.",
    )  # fmt: skip
    plug_values: Any = param(None, "Values for missing predictors.", level="critical", wire="Key<Frame>")
    compute_p_values: bool = param(False, "Compute p-values.")
    dispersion_parameter_method: Literal["deviance", "pearson", "ml"] = param(
        "pearson", "How the dispersion is estimated."
    )
    init_dispersion_parameter: float = param(1.0, "First guess of the dispersion.", level="expert", gridable=True)
    remove_collinear_columns: bool = param(False, "Leave out collinear columns.")
    intercept: bool = param(True, "Fit an intercept.", level="expert")
    non_negative: bool = param(
        False, "Keep all coefficients but the intercept at 0 or above.", level="critical",
        note="Not for more than two classes.",
    )  # fmt: skip
    max_iterations: int = param(
        -1, "Most iterations of a fit.", ge=-1, note="-1 and 0: 100; for more than two classes 2000."
    )
    objective_epsilon: float = param(-1.0, "Converged when the objective changes less.", level="expert")
    beta_epsilon: float = param(1e-4, "Converged when the coefficients change less.", level="expert")
    gradient_epsilon: float = param(
        -1.0, "Converged when the gradient is smaller.", level="expert", note="Negative: 1e-6; for more than two classes "
        "1e-4.",
    )  # fmt: skip
    link: Literal["family_default", "identity", "logit", "log", "inverse", "tweedie", "ologit"] = param(
        "family_default", "From the mean to the linear predictor."
    )
    startval: Sequence[float] | None = param(None, "First coefficients.", level="critical", gridable=True)
    calc_like: bool = param(False, "Compute the likelihood.", level="critical")
    prior: float = param(-1.0, "Share of the second class in the population.", level="expert")
    cold_start: bool = param(False, "Start every strength anew.", level="critical")
    lambda_min_ratio: float = param(
        -1.0, "Smallest strength of a search, relative to the largest.", level="expert", lt=1,
        note="-1: 1e-4 with many more rows than coefficients, otherwise 1e-2; a hundredth of that without absolute penalty.",
    )  # fmt: skip
    beta_constraints: Any = param(None, "Bounds of coefficients.", level="critical", wire="Key<Frame>")
    max_active_predictors: int = param(-1, "Most coefficients other than 0.", level="expert")
    interactions: Sequence[str] | None = param(None, "Columns to multiply with one another.", level="expert")
    interaction_pairs: Any = param(None, "Pairs of columns to multiply.", level="expert", wire="StringPair[]")
    obj_reg: float = param(-1.0, "Factor of the likelihood in the objective.", level="critical")
    stopping_rounds: int = common.stopping_rounds(0)
    stopping_metric: StoppingMetric = common.stopping_metric()
    stopping_tolerance: float = common.stopping_tolerance(0.001)
    control_variables: Sequence[str] | None = param(None, "Columns left out of predictions.", level="expert")
    remove_offset_effects: bool = param(False, "Leave the offset out of predictions.", level="expert")
    balance_classes: bool = param(False, "Balance the classes.")
    class_sampling_factors: Sequence[float] | None = param(
        None, "How often rows of each class are drawn.", level="expert", wire="float[]"
    )
    max_after_balance_size: float = param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", wire="float"
    )
    max_confusion_matrix_size: int = param(20, "Deprecated: it changes nothing.")
    max_runtime_secs: float = common.max_runtime_secs()
    custom_metric_func: Any = common.custom_metric_func()
    generate_scoring_history: bool = param(False, "Keep a scoring history.")
    auc_type: AucType = common.auc_type()
    dispersion_epsilon: float = param(1e-4, "Converged when the dispersion changes less.")
    tweedie_epsilon: float = param(8e-17, "Accuracy of the Tweedie likelihood.")
    max_iterations_dispersion: int = param(3000, "Most iterations for the dispersion.")
    build_null_model: bool = param(False, "Fit an intercept only.", level="expert")
    fix_dispersion_parameter: bool = param(False, "Do not estimate the dispersion.", level="expert")
    generate_variable_inflation_factors: bool = param(False, "Compute variance inflation factors.", level="expert")
    fix_tweedie_variance_power: bool = param(True, "Do not estimate the variance power.")
    dispersion_learning_rate: float = param(0.5, "Step of the dispersion.", level="expert", gridable=True)
    influence: Literal["dfbetas"] | None = param(None, "Influence of single rows.", level="expert")
    gainslift_bins: int = common.gainslift_bins()
    linear_constraints: Any = param(None, "Linear constraints on coefficients.", level="critical", wire="Key<Frame>")
    init_optimal_glm: bool = param(False, "Start from the unconstrained fit.", gridable=True)
    separate_linear_beta: bool = param(False, "Treat bounds apart.", gridable=True)
    constraint_eta0: float = param(0.1258925, "For constraints.", level="expert", gridable=True)
    constraint_tau: float = param(10.0, "For constraints.", level="expert", gridable=True)
    constraint_alpha: float = param(0.1, "For constraints.", level="expert", gridable=True)
    constraint_beta: float = param(0.9, "For constraints.", level="expert", gridable=True)
    constraint_c0: float = param(10.0, "For constraints.", level="expert", gridable=True)

    @property
    def distribution(self) -> str:
        """The family as the metrics call it."""
        return DISTRIBUTIONS.get(self.family, self.family)

    @property
    def tweedie_power(self) -> float:
        """The variance power as the metrics call it."""
        return self.tweedie_variance_power

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if self.family in ("fractionalbinomial", "quasibinomial", "ordinal", "negativebinomial"):
            yield Message("family", "error", f"family {self.family} is not available; there are {', '.join(LINKS)}")
        elif self.link != "family_default" and self.family != "AUTO" and self.link not in LINKS[self.family]:
            text = f"link {self.link} does not go with family {self.family}, which has {', '.join(LINKS[self.family])}"
            yield Message("link", "error", text)
        if self.missing_values_handling == "PlugValues":
            text = "missing_values_handling PlugValues is not available; use MeanImputation or Skip"
            yield Message("missing_values_handling", "error", text)
        if self.solver in ("GRADIENT_DESCENT_LH", "GRADIENT_DESCENT_SQERR"):
            yield Message("solver", "error", f"solver {self.solver} is not available; leave it at AUTO")
        if self.solver == "L_BFGS" and any(self.alpha or ()):
            yield Message(
                "solver", "error", "solver L_BFGS cannot do an absolute penalty; set alpha=0 or another solver"
            )
        power = self.tweedie_variance_power
        if self.family == "tweedie" and (power < 0 or 0 < power < 1):
            text = f"tweedie_variance_power must be 0 or at least 1; got {power:g}"
            yield Message("tweedie_variance_power", "error", text)
        if self.lambda_search and self.lambda_ is not None:
            yield Message("lambda_search", "error", "lambda_search chooses the strengths; leave lambda_ out")
        for name in ("nlambdas", "lambda_min_ratio"):
            if getattr(self, name) > -1 and not self.lambda_search and name == "nlambdas":
                yield Message(name, "warn", f"{name} has no effect without lambda_search")
