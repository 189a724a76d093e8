"""Frames: look at them, remove them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from heavywater.frame import Frame
from heavywater.server.errors import missing
from heavywater.server.hub import Hub, RawFile
from heavywater.server.router import route
from heavywater.server.v3 import frame as v3
from heavywater.server.v3.frame import Page
from heavywater.server.v3.model import model as model_object
from heavywater.server.v3.schema import key, schema


@route("GET", "/3/Frames")
def listed(hub: Hub) -> dict[str, Any]:
    """All frames."""
    known = [v3.synopsis(n, f.nrow, f.ncol, int(f.stored.estimated_size())) for n, f in hub.frames()]
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
    """One column of a frame, from the second row on as in H2O."""
    return v3.frames([v3.from_second_row(_column(hub, frame_id, column))])


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
