"""What a session is asked to do, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heavywater.frame import Frame


@dataclass(frozen=True)
class TrainRequest:
    """One model to train.

    Attributes
    ----------
    algo : str
        H2O's name of the algorithm.
    params : mapping
        Parameter values as the user gave them, by name.
    x : list of str
        Predictors in frame order.
    y : str or None
        Response.
    training, validation : Frame
        Data; `validation` may be None.
    training_key, validation_key : str or None
        The frames' names, for reports.
    verbose : bool
        Print the scoring history while it grows.
    quiet : bool
        Show no progress bar whatever the session says.
    job_key : str or None
        Name of the job; a new one when None.
    """

    algo: str
    params: Mapping[str, Any]
    x: list[str]
    y: str | None
    training: Frame
    validation: Frame | None = None
    training_key: str | None = None
    validation_key: str | None = None
    verbose: bool = False
    quiet: bool = False
    job_key: str | None = None
