"""A model as Java source, which compiles against H2O's h2o-genmodel and does all its preprocessing by itself.

Columns keep their original names and levels; every encoding is a table in the source, so nothing but offsets has to be
refused. Numbers are spread over helper classes, because a Java method and its constants have size limits.
"""

from __future__ import annotations

import base64
import importlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.algos import ALGORITHMS
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.export.java_text import DISTRIBUTED, SCORING
from heavywater.export.steps import Steps, steps_of
from heavywater.models.model import Model

_CHUNK = 6000
_PARTS = 2000
_STRINGS = 1000
_KEYWORDS = frozenset(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends final "
    "finally float for goto if implements import instanceof int interface long native new package private protected public "
    "return short static strictfp super switch synchronized this throw throws transient try void volatile while".split()
)


def class_name(key: str) -> str:
    """The Java class of the model `key`: H2O's name for it, made an identifier."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", key)
    return f"_{name}" if not name or name[0].isdigit() or name in _KEYWORDS else name


def pojo_text(model: Model) -> str:
    """Java source of a model.

    Raises
    ------
    NotSupported
        The model needs an offset.
    """
    if model.algo not in ALGORITHMS:
        raise H2OTypeError(f"there is no Java source of {model.algo} models")
    net = importlib.import_module(f"{ALGORITHMS[model.algo]}.export").portable(model)
    steps, name = steps_of(net), class_name(model.key)
    return "\n".join([*_head(net, steps, name), SCORING.rstrip(), "}", *_holders(net, steps, name), ""])


def write_pojo(model: Model, path: str | os.PathLike[str], *, force: bool = True) -> Path:
    """Write the Java source of a model; a folder gets the file ``<class>.java``, the name that javac asks for.

    Raises
    ------
    NotSupported
        The model needs an offset.
    H2OValueError
        The file exists and `force` is false, or cannot be written.
    """
    target = Path(os.path.abspath(os.fspath(path)))
    if target.is_dir():
        target = target / f"{class_name(model.key)}.java"
    if target.exists() and not force:
        raise H2OValueError(f"{target} exists; give another name, or force=True to replace it")
    text = pojo_text(model)
    try:
        target.write_text(text, encoding="ascii")
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    return target


def _head(net: Any, steps: Steps, name: str) -> Iterator[str]:
    category = net.category
    yield "// A Deep Learning model written by heavywater. Compile it against H2O's h2o-genmodel:"
    yield f"//   javac -cp h2o-genmodel.jar -J-Xmx2g {name}.java"
    yield "import hex.genmodel.GenModel;"
    yield "import hex.genmodel.annotations.ModelPojo;"
    yield ""
    yield f'@ModelPojo(name="{name}", algorithm="deeplearning")'
    yield f"public class {name} extends GenModel {{"
    response = "null" if net.response is None else _quoted(net.response)
    domains = [f"{name}_Levels{i}.VALUES" if levels else "null" for i, levels in enumerate(_levels(net))]
    yield f"  public {name}() {{ super({name}_Names.VALUES, new String[][] {{{', '.join(domains)}}}, {response}); }}"
    yield f"  public hex.ModelCategory getModelCategory() {{ return hex.ModelCategory.{category}; }}"
    yield f'  public String getUUID() {{ return "{net.uuid()}"; }}'
    yield f"  public boolean isSupervised() {{ return {str(net.response is not None).lower()}; }}"
    yield f"  public int nfeatures() {{ return {len(net.columns)}; }}"
    outputs = net.units[-1] if category == "AutoEncoder" else len(net.classes or (1,))
    yield f"  public int nclasses() {{ return {outputs}; }}"
    if category == "AutoEncoder":
        yield f"  public int getPredsSize() {{ return {outputs}; }}"
        yield f"  public int getPredsSize(hex.ModelCategory category) {{ return {outputs}; }}"
        yield "  public boolean isAutoEncoder() { return true; }"
    yield ""
    yield f"  static final int[] UNITS = {_ints(net.units)};"
    yield f"  static final boolean MAXOUT = {str(net.activation == 'Maxout').lower()};"
    yield f'  static final String ACTIVATION = "{net.activation}", CATEGORY = "{category}";'
    yield f"  static final double INPUT_SCALE = {_double(net.input_scale)};"
    yield f"  static final double[] KEEP = {_doubles(net.keep)};"
    lowered = net.threshold * (1.0 - 1e-13)
    yield f"  static final double THRESHOLD = {_double(lowered)};  // {net.threshold!r}, less what rounding may do"
    yield f"  static final double[] CORRECTION = {_doubles(net.correction)};"
    scaled = net.response_mul is not None and net.response_sub is not None
    yield f"  static final double RESPONSE_MUL = {_double(net.response_mul if scaled else 1.0)};"
    yield f"  static final double RESPONSE_SUB = {_double(net.response_sub if scaled else 0.0)};"
    yield f"  static final boolean LOG_LINK = {str(net.log_link).lower()};"
    yield f"  static final int[] CAT_SOURCE = {_ints([c.source for c in steps.categorical])};"
    yield f"  static final int[][] CAT_SLOT = {{{', '.join(f'{name}_Slots{i}.ints()' for i in range(len(steps.categorical)))}}};"
    yield f"  static final int[] NUM_SOURCE = {_ints([n.source for n in steps.numeric])};"
    tables = [f"{name}_Values{i}.doubles()" if n.table is not None else "null" for i, n in enumerate(steps.numeric)]
    yield f"  static final double[][] NUM_TABLE = {{{', '.join(tables)}}};"
    for field in ("missing", "sub", "mul"):
        yield f"  static final double[] NUM_{field.upper()} = {name}_{field.capitalize()}.doubles();"
    layers = range(len(net.weights))
    yield f"  static final float[][] WEIGHT = {{{', '.join(f'{name}_Weight{i}.floats()' for i in layers)}}};"
    yield f"  static final double[][] BIAS = {{{', '.join(f'{name}_Bias{i}.doubles()' for i in layers)}}};"


def _levels(net: Any) -> list[tuple[str, ...]]:
    levels = [net.levels.get(c, ()) for c in net.columns]
    return levels if net.response is None else [*levels, net.classes or ()]


def _holders(net: Any, steps: Steps, name: str) -> Iterator[str]:
    yield DISTRIBUTED.replace("NAME", name).rstrip()
    yield from _strings(f"{name}_Names", [*net.columns, *([net.response] if net.response is not None else [])])
    for i, levels in enumerate(_levels(net)):
        if levels:
            yield from _strings(f"{name}_Levels{i}", levels)
    for i, c in enumerate(steps.categorical):
        yield from _numbers(name, f"Slots{i}", np.asarray(c.slots, "<i4"))
    for i, n in enumerate(steps.numeric):
        if n.table is not None:
            yield from _numbers(name, f"Values{i}", np.asarray(n.table, "<f8"))
    for field in ("missing", "sub", "mul"):
        yield from _numbers(name, field.capitalize(), np.array([getattr(n, field) for n in steps.numeric], "<f8"))
    for i, (w, b) in enumerate(zip(net.weights, net.biases)):
        yield from _numbers(name, f"Weight{i}", w.astype("<f4"))
        yield from _numbers(name, f"Bias{i}", b.astype("<f8"))


def _numbers(name: str, what: str, array: np.ndarray) -> Iterator[str]:
    """A class that gives an array back; its bytes stand in the source as base64, split over further classes."""
    text = base64.b64encode(array.tobytes()).decode("ascii")
    chunks = [text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK)]
    groups = [chunks[i : i + _PARTS] for i in range(0, len(chunks), _PARTS)]
    for i, group in enumerate(groups):
        yield f"class {name}_{what}_{i} {{ static void add(StringBuilder to) {{"
        yield from (f'  to.append("{chunk}");' for chunk in group)
        yield "} }"
    calls = " ".join(f"{name}_{what}_{i}.add(to);" for i in range(len(groups)))
    kind = {"<i4": "int", "<f4": "float", "<f8": "double"}[array.dtype.str]
    yield f"class {name}_{what} {{ static {kind}[] {kind}s() {{"
    yield f"  StringBuilder to = new StringBuilder({len(text)}); {calls} return {name}_Decode.{kind}s(to);"
    yield "} }"


def _strings(holder: str, values: Sequence[str]) -> Iterator[str]:
    groups = [values[i : i + _STRINGS] for i in range(0, len(values), _STRINGS)]
    for i, group in enumerate(groups):
        yield f"class {holder}_{i} {{ static void fill(String[] to) {{"
        yield from (f"  to[{i * _STRINGS + j}] = {_quoted(v)};" for j, v in enumerate(group))
        yield "} }"
    calls = " ".join(f"{holder}_{i}.fill(VALUES);" for i in range(len(groups)))
    yield f"class {holder} {{ static final String[] VALUES = new String[{len(values)}]; static {{ {calls} }} }}"


def _quoted(text: str) -> str:
    """A Java string literal in ASCII."""
    out = []
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        if unit in (0x22, 0x5C):
            out.append("\\" + chr(unit))
        elif 0x20 <= unit < 0x7F:
            out.append(chr(unit))
        else:  # a \u escape would be read before the literal, so control characters are written in octal
            out.append(f"\\{unit:03o}" if unit < 0x20 else f"\\u{unit:04x}")
    return '"' + "".join(out) + '"'


def _double(x: float | None) -> str:
    return repr(float(x or 0.0))


def _doubles(values: Sequence[float] | None) -> str:
    return "null" if values is None else "{" + ", ".join(map(_double, values)) + "}"


def _ints(values: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"
