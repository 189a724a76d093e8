"""Frames from frames: made up, split, combined, damaged on purpose, tabulated, searched."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl

from heavywater.engine.jobs import Job
from heavywater.frame import Frame
from heavywater.rapids.primitives.arrange import interaction
from heavywater.rapids.primitives.rand import insert_missing
from heavywater.rapids.table import Table
from heavywater.server.errors import bad_request, missing
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.synthetic import Recipe, create_frame
from heavywater.server.tabulate import binned, count_table, response_table
from heavywater.server.v3 import frame as v3frame
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.schema import key, schema

_MAX_PIECES = 1000


@route("POST", "/3/CreateFrame")
def create(hub: Hub, recipe: Recipe, dest: str | None = None, seed_for_column_types: int = -1) -> dict[str, Any]:
    """Make up a frame; a job."""
    recipe.check()
    name = dest or hub.engine.new_key("createframe")

    def work(job: Job[Frame]) -> Frame:
        frame = create_frame(recipe)
        hub.engine.put(name, frame)
        return frame

    return v3job.job(hub.start(work, "CreateFrame", name))


@route("POST", "/3/SplitFrame")
def split(
    hub: Hub, dataset: str, ratios: list[float] | None = None, destination_frames: list[str] | None = None
) -> dict[str, Any]:
    """Cut a frame into pieces of consecutive rows; a job."""
    frame = hub.frame(dataset, "dataset")
    shares = ratios or [0.5]
    if any(not 0 < r < 1 for r in shares) or sum(shares) > 1:
        raise bad_request(f"ratios must each lie between 0 and 1 and add up to at most 1; got {shares}")
    pieces = len(shares) + (sum(shares) < 1)
    if pieces > _MAX_PIECES:
        raise bad_request(f"{pieces} pieces are more than {_MAX_PIECES}, the limit")
    names = destination_frames or [f"{dataset}_part{i}" for i in range(pieces)]
    if len(names) != pieces or len(set(names)) != pieces:
        raise bad_request(f"{pieces} pieces need as many different destination_frames; got {names}")
    ends = [min(round(frame.nrow * s), frame.nrow) for s in itertools.accumulate(shares)]
    bounds = [0, *ends[: pieces - 1], frame.nrow]

    def work(job: Job[None]) -> None:
        for name, low, high in zip(names, bounds, bounds[1:]):
            hub.engine.put(name, frame.slice(low, high - low))

    record = hub.start(work, "SplitFrame", "")
    fields = {
        "key": key(record.key, "Job"),
        "dataset": key(dataset, "Frame"),
        "ratios": shares,
        "destination_frames": [key(n, "Frame") for n in names],
    }
    return schema("SplitFrameV3", "SplitFrame", fields)


@route("POST", "/3/Interaction")
def interact(
    hub: Hub,
    source_frame: str,
    factor_columns: list[str],
    dest: str | None = None,
    pairwise: bool = False,
    max_factors: int = 100,
    min_occurrence: int = 1,
) -> dict[str, Any]:
    """Combine levels of categorical columns; a job."""
    frame = hub.frame(source_frame, "source_frame")
    for name in factor_columns:
        if name not in frame.names:
            raise missing(name, "factor_columns")
    if not factor_columns:
        raise bad_request("factor_columns names no column")
    target = dest or hub.engine.new_key("interaction")

    def work(job: Job[Frame]) -> Frame:
        made = interaction(Table.of_frame(frame), factor_columns, pairwise, max_factors, min_occurrence).frame()
        hub.engine.put(target, made)
        return made

    return v3job.job(hub.start(work, "Interactions", target))


@route("POST", "/3/MissingInserter")
def damage(hub: Hub, dataset: str, fraction: float, seed: int = -1) -> dict[str, Any]:
    """Make a fraction of a frame's cells missing, in the frame itself; a job."""
    frame = hub.frame(dataset, "dataset")
    if not 0 < fraction < 1:
        raise bad_request(f"fraction must lie between 0 and 1; got {fraction:g}")

    def work(job: Job[Frame]) -> Frame:
        made = insert_missing(Table.of_frame(frame), fraction, seed).frame()
        hub.replace(dataset, made)
        return made

    return v3job.job(hub.start(work, "MissingValueInserter", dataset))


@route("POST", "/99/Tabulate")
def tabulate(
    hub: Hub,
    dataset: str,
    predictor: str,
    response: str,
    weight: str | None = None,
    nbins_predictor: int = 20,
    nbins_response: int = 10,
) -> dict[str, Any]:
    """Count the pairs of two columns' values."""
    frame = hub.frame(dataset, "dataset")
    for argument, name in (("predictor", predictor), ("response", response), ("weight", weight)):
        if name is not None and name not in frame.names:
            raise missing(name, argument)
    a, b = binned(frame, predictor, nbins_predictor), binned(frame, response, nbins_response)
    weights = np.ones(frame.nrow) if weight is None else np.nan_to_num(frame.numeric(weight))
    fields = {
        "dataset": key(dataset, "Frame"),
        "predictor": _specifier(predictor),
        "response": _specifier(response),
        "weight": None if weight is None else _specifier(weight),
        "nbins_predictor": nbins_predictor,
        "nbins_response": nbins_response,
        "count_table": count_table(a, b, weights),
        "response_table": response_table(a, b, weights),
    }
    return schema("TabulateV3", "Tabulate", fields)


def _specifier(name: str) -> dict[str, Any]:
    return schema("ColSpecifierV3", "VecSpecifier", {"column_name": name, "is_member_of_frames": None})


@route("GET", "/3/Find")
def find(hub: Hub, key: str, row: int = 0, column: str | None = None, match: str | None = None) -> dict[str, Any]:
    """Rows before and after a given one that hold a value."""
    frame = hub.frame(key)
    if column is not None and column not in frame.names:
        raise missing(column, "column")
    if not 0 <= row < max(frame.nrow, 1):
        raise bad_request(f"row must lie between 0 and {frame.nrow - 1}; got {row}")
    listed = frame.select([column]) if column is not None else frame
    found = np.zeros(frame.nrow, bool)
    for name in listed.names:
        found |= _matches(listed, name, match)
    places = np.flatnonzero(found)
    before, after = places[places < row], places[places > row]
    fields = {
        "key": v3frame.from_second_row(listed),
        "column": column,
        "row": row,
        "match": match,
        "prev": int(before[-1]) if len(before) else -1,
        "next": int(after[0]) if len(after) else -1,
    }
    return schema("FindV3", "Iced", fields, request=True)


def _matches(frame: Frame, name: str, match: str | None) -> np.ndarray:
    cells = frame.column(name)
    if match is None or match == "":
        return np.asarray(cells.is_null().to_numpy())
    if frame.kind(name) in ("enum", "string", "uuid"):
        return np.asarray((cells.cast(pl.String) == match).fill_null(False).to_numpy())
    try:
        return np.asarray(frame.numeric(name) == float(match))
    except ValueError:
        return np.zeros(frame.nrow, bool)
