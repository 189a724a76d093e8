"""The two tables of a frame's description: how its columns are stored, and where its rows are."""

from __future__ import annotations

from typing import Any

from heavywater.frame import Frame
from heavywater.server.v3.table import made


def chunks(frame: Frame) -> dict[str, Any]:
    """How the columns are stored; every column is one chunk here."""
    kinds: dict[str, list[str]] = {}
    for n in frame.names:
        kinds.setdefault(str(frame.stored_column(n).dtype).partition("(")[0], []).append(n)
    total = max(int(frame.stored.estimated_size()), 1)
    rows = []
    for kind, names in kinds.items():
        size = int(frame.stored.select(names).estimated_size())
        rows.append(
            [kind[:8], kind, len(names), 100.0 * len(names) / max(frame.ncol, 1), _size(size), 100.0 * size / total]
        )
    columns = [
        ("chunk_type", "string", "%8s"), ("chunk_name", "string"), ("count", "int", "%10d"),
        ("count_percentage", "float", "%10.3f %%"), ("size", "string", "%10s"), ("size_percentage", "float", "%10.3f %%"),
    ]  # fmt: skip
    return made("Chunk compression summary", columns, rows)


def distribution(frame: Frame) -> dict[str, Any]:
    """Where the rows are: all on this machine."""
    size = _size(int(frame.stored.estimated_size()))
    here: list[Any] = [size, float(frame.nrow), 1.0, float(frame.ncol)]
    rows = [[label, *here] for label in ("here", "mean", "min", "max")]
    rows += [["stddev", _size(0), 0.0, 0.0, 0.0], ["total", *here]]
    columns = [
        ("", "string"), ("size", "string"), ("number_of_rows", "float", "%f"),
        ("number_of_chunks_per_column", "float", "%f"), ("number_of_chunks", "float", "%f"),
    ]  # fmt: skip
    return made("Frame distribution summary", columns, rows)


def _size(n: float) -> str:
    for unit in (" B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:7.1f} {unit}"
