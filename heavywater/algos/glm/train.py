"""From a frame to a fitted model: design, strengths of the penalty, the best fit, its report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.checks import column_facts
from heavywater.algos.deeplearning.scoring import expand
from heavywater.algos.glm.model import answers_of, impute, linear, modes_of
from heavywater.algos.glm.params import DISTRIBUTIONS, LINKS, GLMParams
from heavywater.algos.glm.report import deviance, history, history_entry, loss, magnitudes, null_entry, with_deviances
from heavywater.algos.glm.solve import Fit, Problem, largest_strength, solve
from heavywater.algos.tabular.checks import check_table
from heavywater.algos.tabular.data import metric_options, prepare_table
from heavywater.algos.tabular.history import history_row
from heavywater.algos.tabular.result import finished_state, importances_table, metrics_on, validation_weights
from heavywater.display.table import Table
from heavywater.errors import Cancelled
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ModelState
from heavywater.params import Message

VERSION = 1
_OF_TRAINING = (
    "null_deviance", "residual_deviance", "null_degrees_of_freedom", "residual_degrees_of_freedom", "AIC",
)  # fmt: skip
"""Numbers about the training frame that the model's own output repeats."""
_FLAT = 1e-4
"""A search of strengths ends when the deviance falls by less than this share."""


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    p: GLMParams = ctx.params
    messages = []
    for m in check_table(ctx):
        named = m.field == "distribution"
        messages.append(Message("family", m.severity, m.text.replace("distribution", "family")) if named else m)
    levels = ctx.train.levels(ctx.y) if ctx.y in ctx.train.names else None
    classes = 0 if levels is None else len(levels)
    positive = p.family == "gamma" or (p.family == "tweedie" and p.tweedie_variance_power >= 2)
    if positive and ctx.y in ctx.train.names and not classes and column_facts(ctx.train, ctx.y).min == 0:
        messages.append(Message("family", "error", f"family {p.family} needs a response above 0; {ctx.y!r} has zeros"))
    if classes > 2 and p.family == "binomial":
        text = f"family binomial is for two classes; the response {ctx.y!r} has {classes}: use multinomial"
        messages.append(Message("family", "error", text))
    if classes > 2 and p.non_negative:
        messages.append(Message("non_negative", "error", "non_negative is not for more than two classes"))
    if classes > 2 and p.solver != "AUTO":
        messages.append(Message("solver", "warn", f"solver {p.solver} has no effect for more than two classes"))
    return messages


def train(ctx: TrainContext) -> ModelState:
    """Fit the model and return its state."""
    return _Run(ctx).run()


class _Run:
    def __init__(self, ctx: TrainContext) -> None:
        self.ctx = ctx
        self.p: GLMParams = ctx.params
        p = self.p
        scaling: Any = "none" if not p.standardize else "standardize" if p.intercept else "scale"
        skip = p.missing_values_handling == "Skip"
        penalised = p.lambda_ is None or max(p.lambda_) > 0  # else the coefficients of all levels are not unique
        self.data = prepare_table(
            ctx, distribution=p.distribution, scaling=scaling, all_levels=penalised, skip_missing=skip
        )
        if p.distribution == "multinomial" and self.data.category == "Binomial":
            response = dataclasses.replace(self.data.response, distribution="bernoulli")
            self.data = dataclasses.replace(self.data, response=response)
        names = {v: k for k, v in DISTRIBUTIONS.items()}
        self.family = names.get(self.data.response.distribution, self.data.response.distribution)
        self.link = LINKS[self.family][0] if p.link == "family_default" else p.link
        self.modes = modes_of(self.data.rows, self.data.design)
        self.entries: list[dict[str, Any]] = []
        self.largest: float | None = None
        self.smallest: float | None = None
        weights = self.data.weights
        self.sum_of_weights = float(len(self.data.y) if weights is None else weights.sum())
        mean = float(np.average(self.data.y, weights=weights))
        self.null_answer = self.data.prior if self.data.prior is not None else [mean]

    @property
    def design(self) -> Design:
        return self.data.design

    def run(self) -> ModelState:
        rows = impute(self.design.adapt(self.data.rows), self.modes)
        inputs = self.design.encode(rows, training=True)
        whole = expand(inputs, self.design.width)
        missing = set(self.design.na_slots())  # never on, as missing categories are replaced
        self.kept = np.array([i for i in range(self.design.width) if i not in missing], np.int64)
        problem = Problem(
            np.asfortranarray(whole[:, self.kept]),
            self.data.y,
            self.data.weights,
            self.data.offsets,
            self.family,
            self.link,
            self.data.response.nclasses if self.data.category == "Multinomial" else 1,
        )
        best: tuple[float, Fit, ModelMetrics, ModelMetrics | None] | None = None
        for fit in self._fits(problem):
            train, valid = self._metrics(fit)
            reached = loss(valid or train)
            self._tell(fit, train, valid)
            if best is None or reached < best[0]:
                best = (reached, fit, train, valid)
        assert best is not None
        return self._state(*best[1:])

    def _fits(self, problem: Problem) -> Iterator[Fit]:
        """A fit per strength, each from where the one before ended."""
        p = self.p
        default = [0.0] if p.solver == "L_BFGS" else [0.5]
        fit = None
        for alpha in p.alpha or default:
            last, start = None, None
            strengths = self._strengths(problem, alpha)
            for i, strength in enumerate(strengths):
                if self.ctx.stop.is_set() and fit is None:
                    raise Cancelled("stopped before the first fit was complete")
                if fit is not None and (self.ctx.stop.is_set() or self.ctx.out_of_time()):
                    self.ctx.warn(f"stopped before strength {strength:.4g} of the penalty was tried")
                    return
                fit = solve(problem, p, alpha, strength, start, self.ctx.seed)
                if not fit.converged:
                    text = f"the fit did not converge in {fit.iterations} iterations (lambda {strength:.4g}); "
                    self.ctx.warn(text + "raise max_iterations")
                yield fit
                start = fit
                self.ctx.progress((i + 1) / len(strengths), f"lambda {strength:.4g}")
                if p.lambda_search and p.early_stopping:
                    now = loss(self._metrics(fit)[0])
                    if last is not None and i > 5 and last - now < _FLAT * abs(last):
                        break
                    last = now

    def _strengths(self, problem: Problem, alpha: float) -> list[float]:
        p = self.p
        if p.lambda_ is not None:
            return sorted(p.lambda_, reverse=True)
        self.largest = largest = largest_strength(problem, alpha, p.intercept)
        ratio = p.lambda_min_ratio
        if ratio < 0:
            ratio = 1e-4 if len(problem.y) > 25 * problem.x.shape[1] else 1e-2
            ratio *= 1.0 if alpha > 0 else 1e-2
        if not p.lambda_search:
            return [10.0 * ratio * largest]
        count = p.nlambdas if p.nlambdas > 0 else 100 if alpha > 0 else 30
        self.smallest = ratio * largest
        return [float(v) for v in largest * np.geomspace(1.0, ratio, count)]

    def _whole(self, fit: Fit) -> np.ndarray:
        """Coefficients of all inputs, those of missing categories 0."""
        beta = np.zeros((len(fit.beta), self.design.width))
        beta[:, self.kept] = fit.beta
        return beta

    def _metrics(self, fit: Fit) -> tuple[ModelMetrics, ModelMetrics | None]:
        found: list[ModelMetrics | None] = []
        frames = (
            ("training", self.data.rows, self.data.weights),
            ("validation", self.ctx.valid, validation_weights(self.ctx)),
        )
        for what, frame, weights in frames:
            if frame is None:
                found.append(None)
                continue
            quiet = (lambda text: None) if what == "training" else self._say
            adapted = impute(self.design.adapt(frame, warn=quiet), self.modes)
            eta = linear(self.design.encode(adapted, training=False), self._whole(fit), fit.intercept)
            if self.p.offset_column:
                eta = eta + frame.numeric(self.p.offset_column)[:, None]
            answers = answers_of(eta, self.link, self.p.tweedie_link_power)
            found.append(metrics_on(self.ctx, self.data, frame, answers, weights, what))
        assert found[0] is not None
        return found[0], found[1]

    def _say(self, text: str) -> None:
        self.ctx.warn(f"validation frame: {text}")

    def _tell(self, fit: Fit, train: ModelMetrics, valid: ModelMetrics | None) -> None:
        """Add a fit to the history."""
        entry = history_entry(fit, self.sum_of_weights, deviance(train))
        self.entries.append(history_row(entry, self.ctx.elapsed(), self.data.category, train, valid))
        self.ctx.on_score(self.entries[-1])

    def _history(self, fit: Fit, null_deviance: float) -> Table:
        whole = self.p.generate_scoring_history
        first = null_entry(self.sum_of_weights, null_deviance)
        begun = history_row(first, 0.0, self.data.category, None, None)
        chosen = [e for e in self.entries if (e["alpha"], e["lambda"]) == (fit.alpha, fit.strength)]
        listed = self.entries if whole else [begun, *chosen[:1]]
        return history(listed, self.data.category, self.ctx.valid is not None, whole)

    # -- report -----------------------------------------------------------------------------------------------------

    def _state(self, fit: Fit, train: ModelMetrics, valid: ModelMetrics | None) -> ModelState:
        p, beta = self.p, self._whole(fit)
        in_force: dict[str, Any] = {
            "family": self.family,
            "link": p.link if self.link == "multinomial" else self.link,
            "alpha": [fit.alpha],
            "lambda_": [fit.strength],
        }
        names = self.design.coefficient_names()
        sizes = np.abs(fit.beta).sum(axis=0)
        ended = "converged" if fit.converged else "reached the limit of iterations"
        rank = int(np.count_nonzero(fit.beta)) + (len(fit.intercept) if p.intercept else 0)
        kept_names = [names[i] for i in self.kept]
        weights = (self.data.weights, validation_weights(self.ctx))
        train = self._with_deviances(train, rank, self.data.rows, weights[0])
        if valid is not None and self.ctx.valid is not None:
            valid = self._with_deviances(valid, rank, self.ctx.valid, weights[1])
        return finished_state(
            self.ctx,
            self.data,
            version=VERSION,
            full_name="Generalized Linear Modeling",
            actual=dataclasses.replace(p, **in_force),
            schema={
                "design": self.design.to_json(),
                "modes": self.modes,
                "link": self.link,
                "link_power": float(p.tweedie_link_power),
            },
            output={
                "iterations": fit.iterations,
                "lambda_best": fit.strength,
                "alpha_best": fit.alpha,
                "rank": rank,
                **{name: train[name] for name in _OF_TRAINING},
                "null_answer": list(self.null_answer),
                "lambda_max": self.largest if p.lambda_search else None,
                "lambda_min": self.smallest,
                "coefficient_names": [*kept_names, *(["Intercept"] if p.intercept else [])],
                "model_summary": self._summary(fit).to_json(),
                "scoring_history": self._history(fit, train["null_deviance"]).to_json(),
                "coefficients_table": self._coefficients(fit, names).to_json(),
                "standardized_coefficient_magnitudes": magnitudes(kept_names, fit.beta).to_json(),
                "variable_importances": importances_table(kept_names, sizes).to_json(),
            },
            arrays={"beta": beta, "intercept": fit.intercept},
            train=train,
            valid=valid,
            why=f"the fit {ended} after {fit.iterations} iterations",
        )

    def _with_deviances(
        self, metrics: ModelMetrics, rank: int, frame: Frame, weights: np.ndarray | None
    ) -> ModelMetrics:
        return with_deviances(
            metrics,
            family=self.family,
            rank=rank,
            intercept=self.p.intercept,
            null_answer=self.null_answer,
            response=self.data.response,
            options=metric_options(self.p),
            actual=self.data.response.actual(frame),
            weights=weights,
        )

    def _summary(self, fit: Fit) -> Table:
        penalty = "none"
        if fit.strength > 0:
            kind = {0.0: "Ridge ( ", 1.0: "Lasso ( "}.get(fit.alpha, f"Elastic Net (alpha = {fit.alpha:g}, ")
            penalty = f"{kind}lambda = {fit.strength:.4g} )"
        active = int(np.count_nonzero(np.abs(fit.beta).sum(axis=0)))
        columns = [
            "family", "link", "regularization", "number_of_predictors_total", "number_of_active_predictors",
            "number_of_iterations", "training_frame",
        ]  # fmt: skip
        row = [self.family, self.link, penalty, len(self.kept), active, fit.iterations, self.ctx.train_key]
        return Table("GLM Model", columns, ["string"] * 3 + ["int"] * 3 + ["string"], [row])

    def _coefficients(self, fit: Fit, names: list[str]) -> Table:
        """Coefficients for columns as they are, and for standardised columns."""
        beta = self._whole(fit)
        plain, shift = beta.copy(), np.zeros(len(beta))
        if self.design.mul is not None and self.design.sub is not None:
            numbers = slice(self.design.num_start, None)
            plain[:, numbers] *= self.design.mul
            shift = plain[:, numbers] @ np.array(self.design.sub)
        levels = self.data.response.levels or ()
        many = len(beta) > 1
        heads = [f"coefs_class_{level}" for level in levels] if many else ["coefficients"]
        scaled = [f"std_{h}" for h in heads] if many else ["standardized_coefficients"]
        first = ["Intercept", *(fit.intercept - shift).tolist(), *fit.intercept.tolist()]
        rows = [[names[i], *plain[:, i].tolist(), *beta[:, i].tolist()] for i in self.kept]
        columns = ["names", *heads, *scaled]
        return Table("Coefficients", columns, ["string", *["double"] * (len(columns) - 1)], [first, *rows])
