"""`FrameV3` and its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.summary import PERCENTILES, extremes, histogram, quantiles, rollup
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import made

_NAN5 = ["NaN"] * 5


def column(frame: Frame, name: str, rows: slice, *, data: bool = True, histograms: bool = False) -> dict[str, Any]:
    """`ColV3`: statistics, and the values of some rows."""
    r = rollup(frame, name)
    kind, levels = frame.kind(name), frame.levels(name)
    text = kind in ("string", "uuid")
    low, high = (list(x) for x in extremes(frame, name))
    low, high = _padded(low, r.min), _padded(high, r.max)
    bins, base, stride, percents = None, 0.0, 0.0, None
    if histograms and not text:
        h = histogram(frame, name, None if kind == "enum" else 1000 if kind == "real" else None)
        bins, base, stride = list(h.counts), h.base, h.stride
        percents = None if kind == "enum" else quantiles(frame, name)
    fields = {
        "label": name,
        "missing_count": r.missing,
        "zero_count": r.zeros,
        "positive_infinity_count": r.positive_infinities,
        "negative_infinity_count": r.negative_infinities,
        "mins": _NAN5 if text else low,
        "maxs": _NAN5 if text else high,
        "mean": r.mean,
        "sigma": r.sigma,
        "type": kind,
        "domain": levels,
        "domain_cardinality": len(levels or ()),
        "data": _values(frame, name, rows) if data and not text else None,
        "string_data": frame.column(name)[rows].to_list() if data and text else None,
        "precision": 0 if kind == "real" else -1,
        "histogram_bins": bins,
        "histogram_base": base,
        "histogram_stride": stride,
        "percentiles": percents,
    }
    return schema("ColV3", "Vec", fields)


def _padded(values: list[float], last: float) -> list[float]:
    """Five values; missing ones are the extreme value, as in H2O."""
    return [last if v != v else v for v in values]


def _values(frame: Frame, name: str, rows: slice) -> list[Any]:
    part = Frame(frame.data.select(name)[rows], frame.uuids & {name})
    return [float(v) for v in part.numeric(name)]


def frame_object(
    name: str | None,
    frame: Frame,
    *,
    row_offset: int = 0,
    row_count: int = -1,
    column_offset: int = 0,
    column_count: int = -1,
    full_column_count: int = -1,
    names: Sequence[str] | None = None,
    histograms: bool = False,
    light: bool = False,
) -> dict[str, Any]:
    """`FrameV3`: columns and some of the rows.

    Parameters
    ----------
    row_count, column_count, full_column_count : int
        Rows shown (-1: 100), columns described and columns with values (-1: all).
    histograms : bool
        Work out histograms and percentiles.
    light : bool
        Leave out what costs time: size, checksum, tables.
    """
    start = min(max(row_offset, 0), frame.nrow)
    stop = min(start + (100 if row_count < 0 else row_count), frame.nrow)
    first = min(max(column_offset, 0), frame.ncol)
    listed = list(names) if names is not None else frame.names[first : None if column_count < 0 else first + column_count]
    full = len(listed) if full_column_count < 0 else full_column_count
    rows = slice(start, stop)
    fields = {
        "frame_id": key(name, "Frame"),
        "byte_size": 0 if light else int(frame.data.estimated_size()),
        "is_text": False,
        "row_offset": start,
        "row_count": stop - start,
        "column_offset": first,
        "column_count": len(listed),
        "full_column_count": min(full, len(listed)),
        "total_column_count": frame.ncol,
        "checksum": 0 if light else frame_checksum(frame),
        "rows": frame.nrow,
        "num_columns": frame.ncol,
        "default_percentiles": list(PERCENTILES),
        "columns": [
            column(frame, n, rows, data=i < full or full_column_count < 0, histograms=histograms)
            for i, n in enumerate(listed)
        ],
        "compatible_models": None,
        "chunk_summary": None if light else chunks(frame),
        "distribution_summary": None if light else distribution(frame),
    }
    return schema("FrameV3", "Frame", fields, request=True)


def chunks(frame: Frame) -> dict[str, Any]:
    """How the columns are stored; every column is one chunk here."""
    kinds: dict[str, list[str]] = {}
    for n in frame.names:
        kinds.setdefault(str(frame.column(n).dtype).partition("(")[0], []).append(n)
    total = max(int(frame.data.estimated_size()), 1)
    rows = []
    for kind, names in kinds.items():
        size = int(frame.data.select(names).estimated_size())
        rows.append([kind[:8], kind, len(names), 100.0 * len(names) / max(frame.ncol, 1), _size(size), 100.0 * size / total])
    columns = [
        ("chunk_type", "string"), ("chunk_name", "string"), ("count", "int"), ("count_percentage", "float"),
        ("size", "string"), ("size_percentage", "float"),
    ]  # fmt: skip
    return made("Chunk compression summary", columns, rows)


def distribution(frame: Frame) -> dict[str, Any]:
    """Where the rows are: all on this machine."""
    size = _size(int(frame.data.estimated_size()))
    here: list[Any] = [size, float(frame.nrow), 1.0, float(frame.ncol)]
    rows = [[label, *here] for label in ("here", "mean", "min", "max")]
    rows += [["stddev", _size(0), 0.0, 0.0, 0.0], ["total", *here]]
    columns = [
        ("", "string"), ("size", "string"), ("number_of_rows", "float"), ("number_of_chunks_per_column", "float"),
        ("number_of_chunks", "float"),
    ]  # fmt: skip
    return made("Frame distribution summary", columns, rows)


def _size(n: float) -> str:
    for unit in (" B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:7.1f} {unit}"


def frames(shown: list[dict[str, Any]] | None, **fields: Any) -> dict[str, Any]:
    """`FramesV3`: the request's values and the frames."""
    values = {
        "row_offset": 0,
        "row_count": -1,
        "column_offset": 0,
        "full_column_count": -1,
        "column_count": -1,
        "compression": None,
        "write_checksum": True,
        "tz_adjust_from_local": False,
        "separator": 44,
        "header": True,
        "quote_header": True,
        "job": None,
        "frames": shown,
        "compatible_models": None,
        "domain": None,
    }
    return schema("FramesV3", "Frames", values | fields, request=True)


def synopsis(name: str, rows: int, columns: int, size: int, *, text: bool = False) -> dict[str, Any]:
    """`FrameSynopsisV3`: one line of the list of frames."""
    fields = {"frame_id": key(name, "Frame"), "byte_size": size, "is_text": text, "rows": rows, "columns": columns}
    return schema("FrameSynopsisV3", "Frame", fields, request=True)


def raw_object(name: str, size: int) -> dict[str, Any]:
    """`FrameV3` of a file that is not parsed yet."""
    fields = {
        "frame_id": key(name, "Frame"), "byte_size": size, "is_text": True, "row_offset": 0, "row_count": 0,
        "column_offset": 0, "column_count": 0, "full_column_count": 0, "total_column_count": 1, "checksum": 0,
        "rows": 0, "num_columns": 1, "default_percentiles": list(PERCENTILES), "columns": [],
        "compatible_models": None, "chunk_summary": None, "distribution_summary": None,
    }  # fmt: skip
    return schema("FrameV3", "Frame", fields, request=True)
