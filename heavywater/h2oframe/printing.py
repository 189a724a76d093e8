"""Frames as text and HTML."""

from __future__ import annotations

import math
import shutil
from html import escape
from pathlib import Path
from typing import Any

from heavywater.frame import Frame

_LINE = "border-bottom:1px solid rgba(128,128,128,.35);padding:2px 10px"
_WIDEST = 40


def cell(value: object, kind: str) -> str:
    """One value: seven significant digits, nothing where missing."""
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
            return str(int(value)) if kind == "int" else f"{value:.1f}"
        return f"{value:.7g}"
    text = str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _texts(frame: Frame, rows: int, cols: int) -> list[tuple[str, str, list[str]]]:
    """Name, kind and first values of the first columns."""
    out = []
    for n in frame.names[:cols]:
        s, kind = frame.stored_column(n).head(rows), str(frame.kind(n))
        if kind == "time":
            s = s.dt.to_string("%Y-%m-%d %H:%M:%S")
        out.append((n, kind, [cell(v, kind) for v in s.to_list()]))
    return out


def _size(frame: Frame) -> str:
    rows, cols = frame.nrow, frame.ncol
    return f"[{rows} row{'s' * (rows != 1)} x {cols} column{'s' * (cols != 1)}]"


def as_text(frame: Frame, rows: int = 10, cols: int = 200) -> str:
    """Aligned columns with names and kinds on top and the size below; wide frames are broken into blocks."""
    width = max(shutil.get_terminal_size((120, 24)).columns, 60)
    blocks: list[list[list[str]]] = [[]]
    used = 0
    for name, kind, values in _texts(frame, rows, cols):
        shown = name if len(name) <= _WIDEST else name[: _WIDEST - 1] + "…"
        w = max(map(len, [shown, kind, *values]))
        side = str.ljust if kind in ("enum", "string", "uuid") else str.rjust
        if blocks[-1] and used + w + 2 > width:
            blocks.append([])
            used = 0
        blocks[-1].append([side(shown, w), side(kind, w), "-" * w, *(side(v, w) for v in values)])
        used += w + 2
    body = "\n\n".join("\n".join("  ".join(line).rstrip() for line in zip(*b)) for b in blocks if b)
    return f"{body}\n{_size(frame)}" if body else f"(no columns)\n{_size(frame)}"


def as_html(frame: Frame, rows: int = 10, cols: int = 200) -> str:
    """An HTML table with names, kinds and the first values."""
    columns = _texts(frame, rows, cols)
    side = ["left" if k in ("enum", "string", "uuid") else "right" for _, k, _ in columns]
    head = "".join(
        f"<th scope='col' style='{_LINE};text-align:{s}'>{escape(n)}<br><small style='opacity:.6'>{k}</small></th>"
        for s, (n, k, _) in zip(side, columns)
    )
    body = "".join(
        "<tr>" + "".join(f"<td style='{_LINE};text-align:{s}'>{escape(v)}</td>" for s, v in zip(side, line)) + "</tr>"
        for line in zip(*(values for _, _, values in columns))
    )
    return (
        "<div style='overflow-x:auto'><table style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><div>{_size(frame)}</div></div>"
    )


def histogram_figure(table: Any, name: str, path: str | None) -> Any:
    """Bars of a histogram made by ``hist``."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        from heavywater.errors import NotSupported

        raise NotSupported(
            "hist(plot=True) needs matplotlib: pip install 'heavywater[plot]', or hist(plot=False)"
        ) from None
    data = table._frame().data
    edges, counts = data["breaks"].to_list(), data["counts"].to_list()[1:]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(edges[:-1], counts, width=[b - a for a, b in zip(edges, edges[1:])], align="edge", edgecolor="white")
    axes.set_xlabel(name)
    axes.set_ylabel("rows")
    axes.set_title(f"Histogram of {name}")
    if path is not None:
        figure.savefig(Path(path))
    return figure
