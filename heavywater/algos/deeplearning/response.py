"""The response: class indices or a number, its scaling, and the way back from the network's output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from heavywater.core.mlp.forward import inverse_link
from heavywater.core.mlp.layout import DISTRIBUTIONS
from heavywater.errors import NotFound, did_you_mean
from heavywater.frame import Frame
from heavywater.frame.design import match_levels, weighted_moments
from heavywater.frame.summary import rollup

IDENTITY_LINK = {"gaussian", "laplace", "quantile", "huber"}


@dataclass(frozen=True)
class Response:
    """The column to predict.

    Attributes
    ----------
    name : str
        Its name.
    levels : tuple of str or None
        Classes in their order; None for a number.
    distribution : str
        The distribution in force.
    sub, mul : float or None
        A number is learned as ``(y - sub) * mul``; None: as it is.
    """

    name: str
    levels: tuple[str, ...] | None
    distribution: str
    sub: float | None = None
    mul: float | None = None

    @property
    def nclasses(self) -> int:
        """Number of classes; 1 for a number."""
        return len(self.levels) if self.levels is not None else 1

    def actual(self, frame: Frame, warn: Any = None) -> np.ndarray:
        """Values of a frame ``(n,)``: class indices, -1 for missing (int32), or numbers with NaN (float64)."""
        if self.name not in frame.names:
            raise NotFound(f"the frame has no response column {self.name!r}{did_you_mean(self.name, frame.names)}")
        if self.levels is None:
            return frame.numeric(self.name)
        matched = match_levels(frame.stored_column(self.name), self.levels, warn or (lambda text: None))
        return Frame(matched.to_frame()).codes(self.name)

    def targets(self, actual: np.ndarray) -> np.ndarray:
        """What the network's output, offset included, is to become: class indices or scaled numbers, float64."""
        y = actual.astype(np.float64)
        return y if self.mul is None or self.sub is None else (y - self.sub) * self.mul

    def network_offsets(self, offsets: np.ndarray | None, *, h2o: bool) -> np.ndarray | None:
        """Offsets as they are added to the network's output, float64 ``(n,)``.

        H2O adds only positive ones, shifted by the response's mean; as documented every row's offset counts as it is.
        """
        if offsets is None:
            return None
        mul, sub = (self.mul, self.sub) if self.mul is not None and self.sub is not None else (1.0, 0.0)
        if h2o:
            return np.where(offsets > 0, (offsets - sub) * mul, 0.0)
        return offsets * mul

    def predictions(self, output: np.ndarray) -> np.ndarray:
        """Numbers from the network's linear outputs: unscaled, then through the inverse link; shape ``(n,)``."""
        f = output[:, 0]
        if self.mul is not None and self.sub is not None:
            f = f / self.mul + self.sub
        return inverse_link(f, DISTRIBUTIONS[self.distribution])

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Response:
        levels = d["levels"]
        return cls(**{**d, "levels": None if levels is None else tuple(levels)})


def build_response(
    frame: Frame,
    name: str,
    distribution: str,
    *,
    standardize: bool,
    weights: np.ndarray | None = None,
    offset: str | None = None,
    repeated: bool = False,
) -> Response:
    """The response of a training frame; numbers are standardised for distributions with the identity link.

    With an `offset` column the mean and deviation are those of what is left to learn, the response less the offset.
    For `repeated` see `weighted_moments`.
    """
    levels = frame.levels(name)
    if levels is not None:
        return Response(name, tuple(levels), distribution)
    if not standardize or distribution not in IDENTITY_LINK:
        return Response(name, None, distribution)
    if offset is not None:
        left = frame.numeric(name) - frame.numeric(offset)
        ones = np.ones(len(left)) if weights is None else weights
        mean, sd = weighted_moments(left, ones, repeated=repeated)
        return Response(name, None, distribution, mean, 1.0 / sd if sd > 0 else 1.0)
    stats = rollup(frame, name)
    mean, sd = float(stats.mean), float(stats.sigma)
    if weights is not None:
        mean, sd = weighted_moments(frame.numeric(name), weights, repeated=repeated)
    return Response(name, None, distribution, mean, 1.0 / sd if sd > 0 else 1.0)
