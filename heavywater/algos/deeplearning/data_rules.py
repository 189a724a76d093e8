"""Rules between parameters and data (specification 1.3): response, special columns, distribution and loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heavywater.errors import did_you_mean
from heavywater.params import Message

if TYPE_CHECKING:
    from heavywater.algos.deeplearning.params import DeepLearningParams

MAX_CLASSES = 2**20
"""Most levels of a response, as in H2O."""

_CLASS_DISTRIBUTIONS = ("bernoulli", "multinomial")
_NUMBER_DISTRIBUTIONS = ("gaussian", "huber", "laplace", "quantile", "tweedie", "gamma", "poisson")
_NOT_NEGATIVE = ("poisson", "gamma", "tweedie")
_CLASS_METRICS = ("logloss", "AUC", "AUCPR", "lift_top_group", "misclassification", "mean_per_class_error")
_NUMERIC = ("int", "real", "time")


@dataclass(frozen=True)
class ColumnFacts:
    """What the rules ask about a column.

    Attributes
    ----------
    missing : int
        Missing cells.
    min, max : float
        Smallest and largest number (level index for enum columns); NaN when all cells are missing.
    levels : int or None
        Levels of an enum column.
    infinite : int
        Cells that are infinite.
    """

    missing: int
    min: float
    max: float
    levels: int | None = None
    infinite: int = 0

    @property
    def constant(self) -> bool:
        """Whether there is at most one distinct value, missing cells aside."""
        return not self.min < self.max


@dataclass(frozen=True)
class DataFacts:
    """What the rules ask about the data.

    Attributes
    ----------
    nrow : int
        Rows of the training frame.
    kinds : mapping of str to str
        Every column of the training frame and its kind: real, int, enum, time, string or uuid.
    predictors : sequence of str
        Columns chosen as predictors, constant ones included.
    response : str or None
        The column to predict.
    column : callable
        `ColumnFacts` of a column by name; asked for the response, weights, offset and fold columns only.
    valid_nrow : int or None
        Rows of the validation frame; None when there is none.
    valid_kinds : mapping of str to str
        Columns of the validation frame.
    """

    nrow: int
    kinds: Mapping[str, str]
    predictors: Sequence[str]
    response: str | None
    column: Callable[[str], ColumnFacts]
    valid_nrow: int | None = None
    valid_kinds: Mapping[str, str] | None = None

    @property
    def categorical(self) -> bool:
        """Whether the response is a class."""
        return self.response is not None and self.kinds.get(self.response) == "enum"


def check_data(p: DeepLearningParams, facts: DataFacts) -> list[Message]:
    """All problems, errors and warnings, of `p` (in canonical form) with these data."""
    out = [*_frame(p, facts), *_columns(p, facts)]
    if not p.autoencoder:
        out += _response(p, facts)
    if p.autoencoder or (facts.response is not None and facts.kinds.get(facts.response) in ("enum", *_NUMERIC)):
        out += [*_task(p, facts), *_balance(p, facts)]
    return out


def _frame(p: DeepLearningParams, facts: DataFacts) -> Iterator[Message]:
    if facts.nrow == 0:
        yield _error("training_frame", "the training frame has no rows")
    roles = {p.weights_column, p.offset_column, p.fold_column}
    if not p.autoencoder:
        roles.add(facts.response)
    if not [c for c in facts.predictors if c not in roles]:
        yield _error("train", "no column is left to learn from; give at least one predictor besides the response")
    unknown = [c for c in facts.predictors if c not in facts.kinds]
    if unknown:
        yield _error("train", f"the training frame has no column {unknown[0]!r}{did_you_mean(unknown[0], facts.kinds)}")
    if p.nfolds > facts.nrow > 0:
        yield _error("nfolds", f"nfolds cannot be larger than the number of rows, {facts.nrow}; got {p.nfolds}")
    if facts.valid_nrow == 0:
        yield _error("validation_frame", "the validation frame has no rows")
    kinds, name = facts.valid_kinds, facts.response
    if kinds is None or p.autoencoder or name is None:
        return
    if name not in kinds:
        yield _error("validation_frame", f"the validation frame has no response column {name!r}")
    elif (kinds[name] == "enum") != (facts.kinds.get(name) == "enum"):
        text = f"the response {name!r} is {facts.kinds.get(name)} in the training frame, {kinds[name]} in the other"
        yield _error("validation_frame", text)


def _columns(p: DeepLearningParams, facts: DataFacts) -> Iterator[Message]:
    """Weights, offset and fold columns."""
    for role in ("weights_column", "offset_column", "fold_column"):
        name = getattr(p, role)
        if name is None:
            continue
        if name not in facts.kinds:
            yield _error(role, f"{role}: there is no column {name!r}{did_you_mean(name, facts.kinds)}")
            continue
        if name == facts.response and not p.autoencoder:
            yield _error(role, f"{role} cannot be the response {name!r}")
        kind, c = facts.kinds[name], facts.column(name)
        wanted = ("int", "enum") if role == "fold_column" else ("int", "real")
        if kind not in wanted:
            words = "whole numbers or categories" if role == "fold_column" else "numbers"
            yield _error(role, f"{role} {name!r} must hold {words}; it is {kind}")
            continue
        if c.missing:
            yield _error(role, f"{role} {name!r} has {c.missing} missing values")
        if c.infinite:
            yield _error(role, f"{role} {name!r} has {c.infinite} infinite values")
        if role != "offset_column" and c.min < 0:
            yield _error(role, f"{role} {name!r} has negative values; the smallest is {c.min:g}")
        if role == "weights_column" and c.min == c.max == 0:
            yield _error(role, f"{role} {name!r} is 0 in every row")
        if role == "fold_column" and c.constant:
            yield _error(role, f"{role} {name!r} has only one fold")
    if p.offset_column is not None and facts.categorical and not p.autoencoder:
        yield _error("offset_column", "offset_column is only for regression; the response is categorical")


def _response(p: DeepLearningParams, facts: DataFacts) -> Iterator[Message]:
    name = facts.response
    if name is None:
        yield _error("response_column", "response_column is missing; give y, or set autoencoder=True")
        return
    if name not in facts.kinds:
        yield _error("response_column", f"response_column: no column {name!r}{did_you_mean(name, facts.kinds)}")
        return
    kind = facts.kinds[name]
    if kind not in ("enum", *_NUMERIC):
        text = f"response_column {name!r} is {kind}; make it categorical with asfactor() or numeric with asnumeric()"
        yield _error("response_column", text)
        return
    c = facts.column(name)
    if c.missing == facts.nrow:
        yield _error("response", f"the response {name!r} is missing in every row")
    elif c.infinite:
        yield _error("response", f"the response {name!r} has {c.infinite} infinite values; make them missing")
    elif c.constant:
        yield _error("response", f"Response cannot be constant: {name!r} has the same value in every row")
    elif kind == "int" and (c.min, c.max) == (0, 1):
        text = (
            f"the response {name!r} is numeric with only the values 0 and 1, so this is regression; for classification "
            "make it categorical with asfactor()"
        )
        yield Message("response", "warn", text)
    if c.levels is not None and c.levels > MAX_CLASSES:
        yield _error("nclass", f"the response {name!r} has {c.levels} levels; at most {MAX_CLASSES} are possible")
    if p.distribution in _NOT_NEGATIVE and kind != "enum" and c.min < 0:
        text = f"the response {name!r} has negative values, down to {c.min:g}; distribution {p.distribution} has none"
        yield _error("response", text)


def _task(p: DeepLearningParams, facts: DataFacts) -> Iterator[Message]:
    """Loss, distribution and stopping metric against what is predicted."""
    response = repr(facts.response)
    if facts.categorical and not p.autoencoder:
        if p.loss not in ("Automatic", "CrossEntropy", "Quadratic"):
            text = f"loss {p.loss} is for numbers; {response} is categorical: use Automatic, CrossEntropy or Quadratic"
            yield _error("loss", text)
        if p.distribution in _NUMBER_DISTRIBUTIONS:
            text = f"distribution {p.distribution} is for numbers; the response {response} is categorical"
            yield _error("distribution", text)
        levels = facts.column(str(facts.response)).levels
        if p.distribution == "bernoulli" and levels is not None and levels > 2:
            text = f"distribution bernoulli is for two classes; the response {response} has {levels}: use multinomial"
            yield _error("distribution", text)
        if p.stopping_metric == "deviance":
            yield _error("stopping_metric", "stopping_metric deviance is for regression; for classes use logloss")
        return
    what = "an autoencoder" if p.autoencoder else f"the response {response}"
    if p.loss == "CrossEntropy" and not p.autoencoder:
        text = f"loss CrossEntropy is for classes; {response} is numeric: make it categorical with asfactor()"
        yield _error("loss", text)
    if p.distribution in _CLASS_DISTRIBUTIONS:
        text = f"distribution {p.distribution} is for classes; {what} is numeric"
        yield _error("distribution", text)
    if p.stopping_metric in _CLASS_METRICS and not p.autoencoder:
        text = f"stopping_metric {p.stopping_metric} is for classes; {response} is numeric: use deviance, RMSE or MAE"
        yield _error("stopping_metric", text)


def _balance(p: DeepLearningParams, facts: DataFacts) -> Iterator[Message]:
    if not p.balance_classes or p.autoencoder:
        return
    if not facts.categorical:
        yield _error("balance_classes", f"balance_classes is for classification; {facts.response!r} is numeric")
        return
    factors, levels = p.class_sampling_factors, facts.column(str(facts.response)).levels
    if factors is not None and len(factors) != levels:
        text = f"class_sampling_factors needs one number per class, {levels}; got {len(factors)}"
        yield _error("class_sampling_factors", text)
    w = p.weights_column
    if w is not None and facts.kinds.get(w) in ("int", "real"):
        c = facts.column(w)
        if facts.kinds[w] == "real" or c.min < 0 or c.max > 1:
            text = f"balance_classes cannot be combined with weights other than 0 and 1; {w!r} has others"
            yield _error("balance_classes", text)


def _error(field: str, text: str) -> Message:
    return Message(field, "error", text)
