"""Frames: look at them, download, export, remove."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from heavywater.frame import Frame
from heavywater.frame.export import export_file, write_csv
from heavywater.frame.stored import read_frame, write_frame
from heavywater.server.errors import Refused, bad_request, missing
from heavywater.server.hub import Hub, RawFile
from heavywater.server.router import Raw, route
from heavywater.server.v3 import frame as v3
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.frame import Page
from heavywater.server.v3.model import model as model_object
from heavywater.server.v3.schema import key, schema

_BLOCK = 1 << 14
_MAX_PARTS = 1000


@route("GET", "/3/Frames")
def listed(hub: Hub) -> dict[str, Any]:
    """All frames."""
    known = [v3.synopsis(n, f.nrow, f.ncol, int(f.data.estimated_size())) for n, f in hub.frames()]
    raw = [
        v3.synopsis(n, 0, 1, r.path.stat().st_size, text=True) for n, r in sorted(hub.raw.items()) if r.path.exists()
    ]
    return schema("FramesListV3", "Frames", {"frames": [*known, *raw]}, request=True)


@route("GET", "/3/Frames/{frame_id}")
def one(
    hub: Hub, frame_id: str, page: Page, find_compatible_models: bool = False, column: str | None = None
) -> dict[str, Any]:
    """Columns and some rows of a frame."""
    raw = hub.find(frame_id)
    if isinstance(raw, RawFile):
        return v3.frames([v3.raw_object(frame_id, raw.path, page)], **asdict(page))
    shown = _shown(hub, frame_id, page)
    if not find_compatible_models:
        return shown
    fitting = [m for m in hub.models() if compatible(m, hub.frame(frame_id))]
    shown["frames"][0]["compatible_models"] = [m.key for m in fitting]
    return shown | {"compatible_models": [model_object(m) for m in fitting]}


route("GET", "/3/Frames/{frame_id}/columns")(one)


def _shown(hub: Hub, frame_id: str, page: Page, **options: bool) -> dict[str, Any]:
    return v3.frames([v3.frame_object(frame_id, hub.frame(frame_id), page, **options)], **asdict(page))


@route("GET", "/3/Frames/{frame_id}/summary")
def summary(hub: Hub, frame_id: str, page: Page) -> dict[str, Any]:
    """Columns of a frame with histograms and percentiles."""
    return _shown(hub, frame_id, page, histograms=True)


@route("GET", "/3/Frames/{frame_id}/light")
def light(hub: Hub, frame_id: str, page: Page) -> dict[str, Any]:
    """Columns and some rows of a frame, without what takes time."""
    return _shown(hub, frame_id, page, light=True)


def compatible(model: Any, frame: Frame) -> bool:
    """Whether a frame has all predictors of a model."""
    needed = set(model.output["names"]) - {model.output["response_column"]}
    return needed <= set(frame.names)


def _column(hub: Hub, frame_id: str, name: str) -> Frame:
    frame = hub.frame(frame_id)
    if name not in frame.names:
        raise missing(name, "column")
    return frame.select([name])


@route("GET", "/3/Frames/{frame_id}/columns/{column}")
def one_column(hub: Hub, frame_id: str, column: str) -> dict[str, Any]:
    """One column of a frame."""
    return v3.frames([v3.frame_object(None, _column(hub, frame_id, column))])


@route("GET", "/3/Frames/{frame_id}/columns/{column}/summary")
def column_summary(hub: Hub, frame_id: str, column: str) -> dict[str, Any]:
    """One column of a frame with histogram and percentiles."""
    return v3.frames([v3.frame_object(None, _column(hub, frame_id, column), histograms=True)])


@route("GET", "/3/Frames/{frame_id}/columns/{column}/domain")
def domain(hub: Hub, frame_id: str, column: str) -> dict[str, Any]:
    """Levels of one column."""
    return v3.frames(None, domain=[_column(hub, frame_id, column).levels(column)])


@route("GET", "/3/FrameChunks/{frame_id}")
def frame_chunks(hub: Hub, frame_id: str) -> dict[str, Any]:
    """How a frame is cut into pieces: it is one piece here."""
    one_piece = schema("FrameChunkV3", "Iced", {"chunk_id": 0, "row_count": hub.frame(frame_id).nrow, "node_idx": 0})
    return schema("FrameChunksV3", "Iced", {"frame_id": key(frame_id, "Frame"), "chunks": [one_piece]})


# -- data out -----------------------------------------------------------------------------------------------------------


@route("GET", "/3/DownloadDataset")
def download(hub: Hub, frame_id: str, hex_string: bool = False, escape_quotes: bool = True) -> Raw:
    """A frame as CSV."""
    frame = hub.frame(frame_id, "frame_id")
    return Raw(
        _csv(frame, hexadecimal=hex_string),
        "application/octet-stream;charset=utf-8",
        200,
        _attached(csv_name(frame_id)),
    )


route("GET", "/3/DownloadDataset.bin")(download)


def csv_name(key: str) -> str:
    """The name under which a frame is downloaded."""
    name = key.replace(".hex", ".csv")
    return name if name.endswith(".csv") else f"{name}.csv"


def _csv(frame: Frame, *, hexadecimal: bool = False) -> Iterator[bytes]:
    """The frame as H2O writes it for its clients: times are milliseconds since 1970, real numbers hexadecimal if wanted."""
    real = [n for n in frame.names if frame.kind(n) == "real"] if hexadecimal else []
    times = [n for n in frame.names if frame.kind(n) == "time"]
    data = frame.data.with_columns(pl.col(times).to_physical()) if times else frame.data
    head = BytesIO()
    write_csv(Frame(data.head(0), frame.uuids), head)
    yield head.getvalue()
    for piece in data.iter_slices(_BLOCK):
        out = BytesIO()
        if real:
            yield _hexadecimal(piece, real)
            continue
        write_csv(Frame(piece, frame.uuids), out, header=False)
        yield out.getvalue()


def _hexadecimal(piece: pl.DataFrame, real: list[str]) -> bytes:
    """Lines of CSV in which the numbers of some columns are written as Java writes them in base 16."""
    out = piece.with_columns(
        pl.col(real).map_elements(java_hex, return_dtype=pl.String),
        *(
            ('"' + pl.col(n).cast(pl.String).str.replace_all('"', '""', literal=True) + '"').alias(n)
            for n, t in piece.schema.items()
            if t == pl.String or isinstance(t, pl.Enum)
        ),
    )
    return out.write_csv(include_header=False, quote_style="never").encode()


def java_hex(x: float) -> str:
    """A number in base 16, such as ``0x1.4p2`` for 5."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    mantissa, _, exponent = x.hex().partition("p")
    whole, _, digits = mantissa.partition(".")
    return f"{whole}.{digits.rstrip('0') or '0'}p{int(exponent)}"


@route("GET", "/3/Frames/{frame_id}/arrow")
def arrow(hub: Hub, frame_id: str) -> Raw:
    """A frame as an Arrow IPC file."""
    out = BytesIO()
    hub.frame(frame_id).data.write_ipc(out)
    return Raw(out.getvalue(), "application/vnd.apache.arrow.file", 200, _attached(f"{frame_id}.arrow"))


def _attached(name: str) -> dict[str, str]:
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", name)
    return {"Content-Disposition": f"attachment; filename={safe}"}


@route("POST", "/3/Frames/{frame_id}/export")
def export(
    hub: Hub,
    frame_id: str,
    path: str,
    force: bool = False,
    num_parts: int = 1,
    compression: str | None = None,
    separator: int = 44,
    header: bool = True,
    quote_header: bool = True,
    parallel: bool = False,
    format: str = "csv",
    write_checksum: bool = True,
    tz_adjust_from_local: bool = False,
) -> dict[str, Any]:
    """Write a frame to a file, or in parts to a folder, under the folders open to clients; a job."""
    frame = hub.frame(frame_id, "frame_id")
    target = hub.roots.resolve(path)
    packed, kind = (compression or "none").lower(), format.lower()
    if packed not in ("none", "gzip") or kind not in ("csv", "parquet"):
        raise Refused("a frame is exported in the format csv or parquet, with the compression none or gzip (csv)")
    if not (num_parts == -1 or 1 <= num_parts <= _MAX_PARTS):
        raise bad_request(f"num_parts lies between 1 and {_MAX_PARTS}, or is -1; got {num_parts}")
    tail = ".gz" if packed == "gzip" and kind == "csv" else ""
    if tail and num_parts == 1 and target.suffix != tail:
        target = target.with_name(target.name + tail)
    if not 0 < separator < 128:
        raise bad_request("separator is the code of an ASCII character")
    if target.exists() and not force:
        raise _already_there(path)
    options: dict[str, Any] = {
        "force": force, "sep": chr(separator), "header": header, "quote_header": quote_header, "format": kind,
    }  # fmt: skip

    def work(job: Any) -> None:
        if num_parts == 1:
            export_file(frame, target, **options)
            return
        parts = max(num_parts, 1)
        target.mkdir(exist_ok=True)
        for i in range(parts):
            low, high = frame.nrow * i // parts, frame.nrow * (i + 1) // parts
            part = Frame(frame.data[low:high], frame.uuids)
            export_file(part, target / f"part-m-{i:05d}{tail}", **options)

    record = hub.start(work, "Export dataset", frame_id)
    return v3.frames(
        None, job=v3job.job(record), compression=compression, write_checksum=write_checksum, separator=separator,
        header=header, quote_header=quote_header, tz_adjust_from_local=tz_adjust_from_local,
    )  # fmt: skip


def _already_there(path: str) -> Refused:
    text = f"File {path} already exists!"
    values = {"argument": path, "function": "exportFrame", "value": text}
    return Refused(f"Illegal argument: {path} of function: exportFrame: {text} force=True replaces it", values=values)


@route("POST", "/3/Frames/{frame_id}/save")
def save(hub: Hub, frame_id: str, dir: str, force: bool = True) -> dict[str, Any]:
    """Save a frame in a folder under those open to clients, to be loaded again; a job."""
    frame = hub.frame(frame_id, "frame_id")
    target = _saved_as(hub, dir, frame_id)
    if target.exists() and not force:
        raise _already_there(dir)
    record = hub.start(lambda job: write_frame(frame, target, force=force), "Save frame", frame_id)
    return schema("FrameSaveV3", "Iced", {"dir": dir, "force": force, "job": v3job.job(record)}, request=True)


@route("POST", "/3/Frames/load")
def load(hub: Hub, frame_id: str, dir: str, force: bool = True) -> dict[str, Any]:
    """Load a frame that was saved in a folder; a job."""
    source = _saved_as(hub, dir, frame_id)
    if not source.is_file():
        raise Refused(
            f"there is no saved frame {frame_id!r} in {dir}", 404, "water.exceptions.H2ONotFoundArgumentException"
        )
    if hub.find(frame_id) is not None and not force:
        raise Refused(f"there is an object called {frame_id!r} already; force=True replaces it")

    def work(job: Any) -> Frame:
        frame = read_frame(source, hub.settings.files)
        hub.engine.put(frame_id, frame)
        return frame

    record = hub.start(work, "Load frame", frame_id)
    fields = {"dir": dir, "force": force, "job": v3job.job(record)}
    return schema("FrameLoadV3", "Iced", fields, request=True)


def _saved_as(hub: Hub, folder: str, frame_id: str) -> Path:
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", frame_id)
    return hub.roots.resolve(f"{folder.rstrip('/')}/{safe}.frame")


# -- removal ------------------------------------------------------------------------------------------------------------


@route("DELETE", "/3/Frames/{frame_id}")
def delete(hub: Hub, frame_id: str) -> dict[str, Any]:
    """Forget a frame."""
    if hub.find(frame_id) is None:
        raise missing(frame_id, "key")
    hub.remove(frame_id)
    return v3.frames(None)


@route("DELETE", "/3/Frames")
def delete_all(hub: Hub) -> dict[str, Any]:
    """Forget all frames."""
    for name, _ in hub.frames():
        hub.remove(name)
    for name in list(hub.raw):
        hub.remove(name)
    return v3.frames(None)


@route("DELETE", "/3/DKV/{key}")
def remove(hub: Hub, key: str, cascade: bool = True) -> dict[str, Any]:
    """Forget an object, whatever it is."""
    hub.remove(key)
    return schema(
        "RemoveV3", "Iced", {"key": {"name": key, "type": None, "URL": None}, "cascade": cascade}, request=True
    )


@route("DELETE", "/3/DKV")
def remove_all(hub: Hub, retained_keys: list[str] | None = None) -> dict[str, Any]:
    """Forget everything but the objects named."""
    hub.clear(set(retained_keys or ()))
    kept = None if retained_keys is None else [key(k, "Keyed") for k in retained_keys]
    return schema("RemoveAllV3", "Iced", {"retained_keys": kept}, request=True)
