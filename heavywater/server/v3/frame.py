"""`FrameV3` and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.summary import PERCENTILES, extremes, histogram, quantiles, rollup
from heavywater.server.v3.frame_tables import chunks, distribution
from heavywater.server.v3.schema import key, schema

_NAN5 = ["NaN"] * 5
_RAW_SHOWN = 16 << 20
_MOST_ROWS = 1_000_000
_NAMELESS = {"name": None, "type": None, "URL": None}


def column(frame: Frame, name: str, shown: Frame | None, *, histograms: bool = False) -> dict[str, Any]:
    """`ColV3`: statistics of a column, and the values of the rows that are shown."""
    r = rollup(frame, name)
    kind, levels = frame.kind(name), frame.levels(name)
    text = kind in ("string", "uuid")
    low, high = (list(x) for x in extremes(frame, name))
    bins, base, stride, percents = None, 0.0, 0.0, None
    if histograms and not text:
        h = histogram(frame, name, None if kind == "enum" else 1000 if kind == "real" else None)
        bins, base, stride = list(h.counts), h.base, h.stride
        percents = quantiles(_coded(frame, name), name)
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
        "data": None if shown is None or text else [float(v) for v in shown.numeric(name)],
        "string_data": shown.column(name).to_list() if shown is not None and text else None,
        "precision": 0 if kind == "real" else -1,
        "histogram_bins": bins,
        "histogram_base": base,
        "histogram_stride": stride,
        "percentiles": percents,
    }
    return schema("ColV3", "Vec", fields)


def _coded(frame: Frame, name: str) -> Frame:
    """The frame with numbers in place of the levels of an enum column."""
    if frame.levels(name) is None:
        return frame
    return Frame(pl.DataFrame({name: frame.numeric(name)}))


@dataclass(frozen=True)
class Page:
    """The part of a frame that is shown.

    Attributes
    ----------
    row_offset, row_count : int
        Rows (count -1: 100).
    column_offset, column_count : int
        Columns described (count -1: all).
    full_column_count : int
        Columns with values (-1: all).
    """

    row_offset: int = 0
    row_count: int = -1
    column_offset: int = 0
    column_count: int = -1
    full_column_count: int = -1


def frame_object(
    name: str | None, frame: Frame, page: Page = Page(), *, histograms: bool = False, light: bool = False
) -> dict[str, Any]:
    """`FrameV3`: columns and some of the rows.

    Parameters
    ----------
    name : str or None
    frame : Frame
    page : Page
    histograms : bool
        Work out histograms and percentiles.
    light : bool
        Leave out what costs time: size, checksum, tables.
    """
    start = min(max(page.row_offset, 0), frame.nrow)
    stop = min(start + (100 if page.row_count < 0 else page.row_count), frame.nrow)
    first = min(max(page.column_offset, 0), frame.ncol)
    listed = frame.names[first : None if page.column_count < 0 else first + page.column_count]
    full = len(listed) if page.full_column_count < 0 else page.full_column_count
    full_shown = max(page.column_count, full) if page.full_column_count < 0 else full
    rows = frame.slice(start, stop - start)
    fields = {
        "frame_id": key(name, "Frame") or schema("FrameKeyV3", "Key<Frame>", _NAMELESS),
        "byte_size": 0 if light else int(frame.stored.estimated_size()),
        "is_text": False,
        "row_offset": start,
        "row_count": stop - start,
        "column_offset": first,
        "column_count": len(listed),
        "full_column_count": full_shown,
        "total_column_count": frame.ncol,
        "checksum": 0 if light else frame_checksum(frame),
        "rows": frame.nrow,
        "num_columns": frame.ncol,
        "default_percentiles": list(PERCENTILES),
        "columns": [column(frame, n, rows if i < full else None, histograms=histograms) for i, n in enumerate(listed)],
        "compatible_models": None,
        "chunk_summary": None if light else chunks(frame),
        "distribution_summary": None if light else distribution(frame),
    }
    return schema("FrameV3", "Frame", fields, request=True)


def from_second_row(frame: Frame) -> dict[str, Any]:
    """`FrameV3` without a page asked for: H2O shows all rows but the first then; at most a million are shown here."""
    shown = frame_object(None, frame, Page(row_offset=1, row_count=min(frame.nrow, _MOST_ROWS)))
    return shown | {"row_count": frame.nrow}


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
    return schema("FrameSynopsisV3", "Iced", fields, request=True)


def raw_object(name: str, path: Path, page: Page) -> dict[str, Any]:
    """`FrameV3` of a file that is not parsed yet: one column of bytes, shown if it is small."""
    size = path.stat().st_size
    data = np.fromfile(path, dtype=np.uint8, count=size if size <= _RAW_SHOWN else 0).astype(np.int64)
    shown = frame_object(name, Frame(pl.DataFrame({"bytes": data})), page)
    return shown | {"is_text": True, "byte_size": size, "rows": size}
