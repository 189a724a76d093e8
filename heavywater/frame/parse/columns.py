"""From columns of text to typed columns: which kind a column has, by H2O's vote, and the conversion.

The vote counts the values of a column that are zero, another number, a time, a UUID or other text.  In H2O's order:

1. as many numbers (zeros apart) as other text, and numbers no fewer than times or UUIDs: numeric
2. one and the same text everywhere, unless it is NA: enum
3. at most one kind of text among numbers: numeric (that text is taken for NA)
4. more times than anything else: time;  more UUIDs: uuid
5. mostly text, and at least 95 % of the texts differ: string
6. mostly text, or text and zeros: enum;  else numeric

Values that do not fit the kind become NA.  A text such as ``NA`` in an enum column is a level like any other unless
`na_strings` names it, as in H2O; an empty cell is missing, and ``""`` with the quotes written is the level without
text.  H2O's guess that zeros among texts mean NA is not followed: ``0`` stays a level.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.frame.frame import Frame
from heavywater.frame.parse.times import parse_times

Wanted = Literal["numeric", "enum", "string", "time", "uuid"]

_WORDS: dict[str, Wanted | None] = {
    **dict.fromkeys(("numeric", "real", "double", "float", "int", "integer", "long", "number"), "numeric"),
    **dict.fromkeys(("enum", "factor", "categorical"), "enum"),
    **dict.fromkeys(("string", "character", "str"), "string"),
    **dict.fromkeys(("time", "datetime", "date"), "time"),
    "uuid": "uuid",
    **dict.fromkeys(("unknown", "bad", ""), None),
}

NA_WORDS = frozenset(
    ",NA,N/A,n/a,na,Na,NaN,nan,NAN,-nan,NULL,null,Null,None,none,?,-,.,#N/A,#NA,<NA>,NaT,nil".split(",")  # noqa: SIM905
)
"""Words for a missing number or time, about which no warning is given."""

_UUID = r"(?i)^\s*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\s*$"
_INTEGER = r"^\s*[+-]?[0-9]{1,18}\s*$"


def wanted_kind(word: object, column: str) -> Wanted | None:
    """The kind that a user's word for a type stands for; None when the kind is to be guessed."""
    if word is None:
        return None
    key = str(word).strip().lower()
    if not isinstance(word, str) or key not in _WORDS:
        raise H2OValueError(
            f"column {column!r} cannot have the type {word!r}{did_you_mean(key, _WORDS)}; known types: numeric (real, "
            "int, float, double), enum (factor, categorical), string, time, uuid, unknown (to be guessed)"
        )
    return _WORDS[key]


def numbers(text: pl.Series) -> pl.Series:
    """Float64 of each text (the nearest, as Python's ``float``; no negative zero), null where it is no number."""
    return unsigned_zero(text.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None))


def unsigned_zero(col: pl.Series) -> pl.Series:
    """`col` with 0.0 for -0.0, as H2O reads numbers."""
    return col.set(col == 0.0, 0.0) if col.dtype.is_float() else col


def vote(text: pl.Series) -> Wanted:
    """The kind of a column of text (see the module's description)."""
    if text.cast(pl.Float64, strict=False).null_count() == text.null_count():
        return "numeric"
    seen = text.drop_nulls().alias("value").value_counts(name="n").filter(pl.col("value").str.strip_chars() != "")
    value, n = seen["value"], seen["n"]
    if not value.len():
        return "numeric"
    number = numbers(value)
    zeros = int(n.filter(number == 0).sum())
    nums = int(n.filter(number.is_not_null()).sum()) - zeros
    left = seen.filter(number.is_null())
    if not left.height:
        return "numeric"
    time = parse_times(left["value"]).is_not_null()
    uuid = left["value"].str.contains(_UUID)
    times, uuids = int(left["n"].filter(time).sum()), int(left["n"].filter(uuid).sum())
    other = left.filter(~time & ~uuid)
    texts, distinct = int(other["n"].sum()), other.height
    total = zeros + nums + times + uuids + texts

    if nums + zeros >= times and nums + zeros >= uuids and nums >= texts:
        return "numeric"
    if distinct == 1 and other["value"][0] not in ("NA", "na", "Na") and texts >= total:
        return "enum"
    if distinct <= 1 and nums + zeros + texts > times + uuids:
        return "numeric"
    if times > uuids and times > nums + zeros and (times > texts or distinct <= 1):
        return "time"
    if uuids > times and uuids > nums + zeros and (uuids > texts or distinct <= 1):
        return "uuid"
    mostly_distinct = distinct >= 0.95 * texts
    if texts > times and texts > uuids and texts > nums + zeros and mostly_distinct:
        return "string"
    if (zeros and zeros + texts >= total) or texts >= nums + zeros:
        return "enum"
    return "numeric"


class Converted(NamedTuple):
    """A typed column, and how many of its texts did not fit (the first of them, and its row from 0)."""

    column: pl.Series
    lost: int = 0
    example: str = ""
    row: int = -1


def convert(text: pl.Series, wanted: Wanted, na_strings: Iterable[str] = ()) -> Converted:
    """`text` (String) as a column of the kind `wanted`; texts in `na_strings` are missing."""
    if na := list(na_strings):
        text = text.set(text.str.strip_chars().is_in(na).fill_null(False), None)
    if wanted == "string":
        return Converted(text)
    if wanted == "enum":
        return Converted(as_enum(text))
    if wanted == "numeric":
        out = numbers(text)
        whole = text.str.strip_chars().cast(pl.Int64, strict=False)
        if whole.null_count() == out.null_count() < out.len():
            out = whole
    elif wanted == "time":
        out = parse_times(text)
        if out.null_count() > text.null_count():  # numbers are milliseconds
            ms = (
                text.set(~text.str.contains(_INTEGER).fill_null(False), None)
                .str.strip_chars()
                .cast(pl.Int64, strict=False)
            )
            out = out.fill_null(ms.cast(pl.Datetime("ms")))
    else:
        out = text.set(~text.str.contains(_UUID).fill_null(False), None).str.strip_chars().str.to_lowercase()
    bad = out.is_null() & text.is_not_null()
    if bad.any():
        rows = (bad & ~text.str.strip_chars().is_in(list(NA_WORDS)).fill_null(False)).arg_true()
        if rows.len():
            return Converted(out, rows.len(), text[rows[0]], rows[0])
    return Converted(out)


def as_enum(text: pl.Series) -> pl.Series:
    """`text` as an enum; the levels are its values in the order of their UTF-8 bytes, as in H2O."""
    levels = text.drop_nulls().unique().sort()
    return text.cast(pl.Enum(levels))


def frame_of(
    columns: Sequence[pl.Series],
    wanted: Sequence[Wanted | None],
    na_strings: Sequence[Sequence[str]] = (),
    *,
    what: str,
    first_row: int = 1,
) -> Frame:
    """Columns, those of text converted to the kinds wanted (None: by vote), as a frame.

    Warns once for each column in which texts had to be dropped; `what` names the source in the warning, `first_row` is
    the number that the message gives to the first row.
    """
    out: list[pl.Series] = []
    uuids: list[str] = []
    for i, (col, kind) in enumerate(zip(columns, wanted)):
        na = na_strings[i] if i < len(na_strings) else ()
        if col.dtype != pl.String:
            out.append(_other(col, kind))
            continue
        if kind is None:
            kind = vote(col.set(col.str.strip_chars().is_in(list(na)).fill_null(False), None) if na else col)
        done = convert(col, kind, na)
        if done.lost:
            warnings.warn(
                f"{what}: column {col.name!r} is {kind}, but {done.lost} of its values are not "
                f"(first: {_short(done.example)} in data row {done.row + first_row}); they count as missing",
                stacklevel=4,
            )
        if kind == "uuid":
            uuids.append(col.name)
        out.append(done.column)
    return Frame.of(pl.DataFrame(out), uuids)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _other(col: pl.Series, wanted: Wanted | None) -> pl.Series:
    """A column that is no text, in the kind wanted."""
    if wanted is None or wanted == "numeric" and col.dtype.is_numeric():
        return col
    if wanted == "enum":
        return col if isinstance(col.dtype, pl.Enum) else number_levels(col)
    if wanted == "string":
        return col.cast(pl.Int64 if _all_whole(col) else col.dtype).cast(pl.String)
    if wanted == "numeric":
        if isinstance(col.dtype, pl.Enum):
            return numbers(col.cast(pl.String))
        return col.dt.epoch("ms") if isinstance(col.dtype, pl.Datetime) else col.cast(pl.Float64)
    if wanted == "time" and (col.dtype.is_numeric() or isinstance(col.dtype, (pl.Datetime, pl.Date))):
        return col.cast(pl.Int64).cast(pl.Datetime("ms")) if col.dtype.is_numeric() else col
    raise H2OTypeError(f"column {col.name!r} holds {col.dtype} values and cannot become {wanted}")


def _all_whole(col: pl.Series) -> bool:
    if not col.dtype.is_float():
        return False
    kept = col.drop_nulls()
    return bool(((kept == kept.floor()) & (kept.abs() < 2.0**63)).all())


def number_levels(col: pl.Series) -> pl.Series:
    """A column of numbers, booleans or times as an enum; the levels in the order of the values, not of their text."""
    if col.dtype == pl.Boolean:
        return col.replace_strict({True: "True", False: "False"}, return_dtype=pl.String).cast(pl.Enum(_used(col)))
    if col.dtype.is_float():
        col = col.fill_nan(None)
        if _all_whole(col):
            col = col.cast(pl.Int64)
    levels = col.drop_nulls().unique().sort().cast(pl.String)
    return col.cast(pl.String).cast(pl.Enum(levels))


def _used(col: pl.Series) -> list[str]:
    return [str(v) for v in col.drop_nulls().unique().sort()]
