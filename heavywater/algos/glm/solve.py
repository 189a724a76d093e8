"""The fit itself: coefficients for one strength of the penalty, by glum or scikit-learn.

Both minimise ``1 / sum(w) * sum(w * loss) + lambda * (alpha * |b|_1 + (1 - alpha) / 2 * |b|_2^2)`` with the loss half
the unit deviance (for classes: the negative log-likelihood) and the intercept free (Friedman, Hastie and Tibshirani 2010).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.algos.glm.params import GLMParams

_SOLVERS = {
    "AUTO": "auto", "IRLSM": "auto", "L_BFGS": "lbfgs", "COORDINATE_DESCENT": "irls-cd",
    "COORDINATE_DESCENT_NAIVE": "irls-cd",
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """What is to be fitted.

    Attributes
    ----------
    x : ndarray of float64, shape (n, inputs)
    y : ndarray of float64, shape (n,)
        Numbers, or class indices.
    weights, offsets : ndarray of float64 or None
    family, link : str
    classes : int
        More than two for the multinomial family, otherwise 1.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    offsets: np.ndarray | None
    family: str
    link: str
    classes: int


@dataclass(frozen=True)
class Fit:
    """Coefficients ``(outputs, inputs)``, intercepts ``(outputs,)``, and how they were found."""

    beta: np.ndarray
    intercept: np.ndarray
    alpha: float
    strength: float
    iterations: int
    converged: bool


def solve(problem: Problem, p: GLMParams, alpha: float, strength: float, start: Fit | None, seed: int) -> Fit:
    """Fit with one strength of the penalty, from the coefficients of `start` on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if problem.classes > 2:
            beta, intercept, iterations = _multinomial(problem, p, alpha, strength, seed)
        else:
            beta, intercept, iterations = _by_glum(problem, p, alpha, strength, start)
    converged = not any("converge" in str(w.message).lower() for w in caught)
    return Fit(beta, intercept, alpha, strength, iterations, converged)


def _by_glum(
    problem: Problem, p: GLMParams, alpha: float, strength: float, start: Fit | None
) -> tuple[np.ndarray, np.ndarray, int]:
    from glum import GeneralizedLinearRegressor, TweedieDistribution

    family: Any = {"gaussian": "normal", "binomial": "binomial", "poisson": "poisson", "gamma": "gamma"}.get(
        problem.family
    )
    if problem.family == "tweedie":
        family = TweedieDistribution(p.tweedie_variance_power)
    width = problem.x.shape[1]
    first = None
    if start is not None:
        first = np.concatenate([start.intercept, start.beta[0]]) if p.intercept else start.beta[0]
    model = GeneralizedLinearRegressor(
        alpha=strength,
        l1_ratio=alpha,
        fit_intercept=p.intercept,
        family=family,
        link=_link(problem.link, p.tweedie_link_power),
        solver=_SOLVERS[p.solver],
        max_iter=p.max_iterations if p.max_iterations > 0 else 100,
        gradient_tol=p.gradient_epsilon if p.gradient_epsilon > 0 else 1e-6,
        lower_bounds=np.zeros(width) if p.non_negative else None,
        start_params=first,
        scale_predictors=False,
        copy_X=False,
    )
    model.fit(problem.x, problem.y, sample_weight=problem.weights, offset=problem.offsets)
    return np.asarray(model.coef_)[None, :], np.atleast_1d(float(model.intercept_)), int(model.n_iter_)


def _link(name: str, power: float) -> Any:
    from glum import IdentityLink, LogitLink, LogLink, TweedieLink

    if name == "tweedie":
        name = {1.0: "identity", 0.0: "log"}.get(power, "power")
    if name == "inverse":
        power = -1.0
    known = {"identity": IdentityLink, "log": LogLink, "logit": LogitLink}
    return known[name]() if name in known else TweedieLink(1.0 - power)


def _multinomial(
    problem: Problem, p: GLMParams, alpha: float, strength: float, seed: int
) -> tuple[np.ndarray, np.ndarray, int]:
    from sklearn.linear_model import LogisticRegression

    total = float(len(problem.y) if problem.weights is None else problem.weights.sum())
    absolute = alpha > 0 and strength > 0
    model = LogisticRegression(
        C=1.0 / (strength * total) if strength > 0 else np.inf,
        l1_ratio=alpha if absolute else 0.0,
        solver="saga" if absolute else "lbfgs",
        fit_intercept=p.intercept,
        max_iter=p.max_iterations if p.max_iterations > 0 else 2000,
        tol=p.gradient_epsilon if p.gradient_epsilon > 0 else 1e-4,
        random_state=seed % 2**32,
    )
    model.fit(problem.x, problem.y.astype(np.int64), sample_weight=problem.weights)
    beta = np.zeros((problem.classes, problem.x.shape[1]))
    intercept = np.full(problem.classes, -np.inf)
    beta[model.classes_] = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_, model.coef_]) / 2
    found = model.intercept_ if len(model.classes_) > 2 else np.concatenate([-model.intercept_, model.intercept_]) / 2
    intercept[model.classes_] = found
    intercept = np.maximum(intercept, found.min() - 40.0)  # a class without rows: as good as impossible, and finite
    return beta, intercept, int(np.max(model.n_iter_))


def largest_strength(problem: Problem, alpha: float, intercept: bool) -> float:
    """The strength from which on all coefficients are 0: the largest gradient of the null model, over `alpha`."""
    w = np.ones(len(problem.y)) if problem.weights is None else problem.weights
    w = w / w.sum()
    targets = problem.y[:, None]
    if problem.classes > 2:
        targets = (problem.y[:, None] == np.arange(problem.classes)).astype(np.float64)
    mean = w @ targets if intercept or problem.classes > 2 else np.zeros(targets.shape[1])
    gradient = problem.x.T @ (w[:, None] * (targets - mean))
    return float(np.abs(gradient).max(initial=0.0)) / max(alpha, 1e-2)
