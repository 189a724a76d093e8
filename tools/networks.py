"""Writes docs/networks.md: every predefined network with its layers, weights and shapes.

python tools/networks.py           writes the page
python tools/networks.py --check   only says whether it is out of date
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "networks.md"
sys.path.insert(0, str(ROOT))

from heavywater.networks.catalog import DEFAULT_SIZE, NAMES, build, smallest_size  # noqa: E402
from heavywater.networks.graph import Graph  # noqa: E402

_QUIET = ("input", "activation", "batchnorm", "dropout", "softmax", "output", "flatten", "layernorm", "channelscale")
"""Operations that keep the shape of their input; their weights count with the layer before."""

_HEAD = """\
# Predefined networks

Written by `tools/networks.py` from the networks themselves. Shapes are channels x height x width of one row; weights
count what training changes, with the scale factors of batch normalisation. Names of layers are those that
`deepfeatures` takes, with `_output` behind.

The modern form takes any image that is large enough. `compat="deepwater"` gives exactly the networks of H2O's Deep
Water, so that weights from it fit; there the size of the image is part of the network.
"""


def page() -> str:
    """The text of the page."""
    lines = [_HEAD, "## All of them", ""]
    lines += ["| network | default size | smallest | weights, 10 classes | 1000 classes | Deep Water, 10 | 1000 |"]
    lines += ["|---|---|---|---|---|---|---|"]
    old = ("lenet", "alexnet", "vgg", "googlenet", "inception_bn", "resnet")
    for name in DEFAULT_SIZE:
        width, height = DEFAULT_SIZE[name]
        counts = [
            f"{_weights(name, classes, compat):,}" if compat is None or name in old else ""
            for compat in (None, "deepwater")
            for classes in (10, 1000)
        ]
        least = smallest_size(name)
        lines.append(f"| {name} | {width}x{height} | {least}x{least} | {' | '.join(counts)} |")
    mlp = build("mlp", 10).weights((784,))
    lines.append(f"| mlp, 784 inputs, hidden [200, 200] | | | {mlp:,} | | {mlp:,} | |")
    for name in NAMES:
        if name == "mlp":
            continue
        compat = "deepwater" if name in old else None
        width, height = DEFAULT_SIZE[name]
        graph = build(name, 10, compat=compat)
        said = 'with `compat="deepwater"`, ' if compat else ""
        lines += ["", f"## {name}", "", f"{said}3 channels, {width}x{height}, 10 classes:".capitalize(), ""]
        lines += ["| layer | operation | output | weights |", "|---|---|---|---|", *_rows(graph, (3, height, width))]
    return "\n".join(lines) + "\n"


def _weights(name: str, classes: int, compat: str | None) -> int:
    width, height = DEFAULT_SIZE[name]
    return build(name, classes, compat=compat).weights((3, height, width))


def _rows(graph: Graph, shape: tuple[int, ...]) -> list[str]:
    shapes, rows = graph.shapes(shape), []
    for node, roles in zip(graph.nodes, graph.roles(shape)):
        count = sum(math.prod(s.shape) for role, s in roles.items() if not role.startswith("moving_"))
        if node.op in _QUIET and rows:
            rows[-1][3] += count
        elif node.op not in _QUIET or count:
            rows.append([node.name, _said(node.op, node.attrs), "x".join(map(str, shapes[node.name])), count])
    return [
        f"| {name} | {op} | {out} | {count:,} |" if count else f"| {name} | {op} | {out} | |"
        for name, op, out, count in rows
    ]


def _said(op: str, a: dict[str, object]) -> str:
    if op == "pooling" and a["global"]:
        return f"{a['kind']} pooling of everything"
    if op in ("convolution", "pooling"):
        kernel, stride, pad = (a[k] for k in ("kernel", "stride", "pad"))
        words = [f"{kernel[0]}x{kernel[1]}"]  # type: ignore[index]
        words += [f"stride {stride[0]}"] if stride != (1, 1) else []  # type: ignore[index]
        words += [f"pad {pad[0]}"] if any(pad) else []  # type: ignore[index, call-overload]
        return f"{a['kind'] if op == 'pooling' else ''} {op} {', '.join(words)}".strip()
    return {"fullyconnected": "fully connected", "elementwise": f"{a.get('kind')}", "concat": "joined"}.get(op, op)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == page() else f"{PAGE.name} is out of date")
    PAGE.write_text(page(), encoding="utf-8")
