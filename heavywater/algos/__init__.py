"""Algorithms: each package reads front to back (params, train, model)."""

from heavywater.algos.base import ALGORITHMS, TrainContext, algorithm

__all__ = ["ALGORITHMS", "TrainContext", "algorithm"]
