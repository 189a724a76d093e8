"""What the user says about columns (names, types, texts for NA, columns to skip), one entry per column."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, ParseError, did_you_mean
from heavywater.frame.parse.columns import Wanted, wanted_kind

Types = Sequence[object] | Mapping[str, object]
NaStrings = str | Sequence[str] | Sequence[Sequence[str]] | Mapping[str, Sequence[str]]


def all_names(given: list[str], ncols: int, skipped: frozenset[int], source: str) -> list[str]:
    if not all(isinstance(n, str) for n in given):
        raise H2OTypeError(f"col_names must be text; got {given!r}")
    if len(given) == ncols:
        return given
    if len(given) == ncols - len(skipped):
        rest = iter(given)
        return [f"C{i + 1}" if i in skipped else next(rest) for i in range(ncols)]
    raise ParseError(f"{source}: {len(given)} col_names are given for {ncols} columns")


def unique_names(names: Sequence[str], source: str) -> list[str]:
    """`names` with 0, 1, ... appended where a name occurs again, as H2O does; warns when that happens."""
    out: list[str] = []
    taken = set(names)
    seen: set[str] = set()
    for name in names:
        fresh, i = name, 0
        while fresh in seen or (fresh != name and fresh in taken):
            fresh, i = f"{name}{i}", i + 1
        seen.add(fresh)
        out.append(fresh)
    if changed := [f"{a!r} -> {b!r}" for a, b in zip(names, out) if a != b]:
        warnings.warn(
            f"{source}: column names that occur more than once were changed: {', '.join(changed[:5])}", stacklevel=4
        )
    return out


def position(column: int | str, names: Sequence[str], what: str) -> int:
    if isinstance(column, str):
        if column not in names:
            raise NotFound(f"{what}: there is no column {column!r}{did_you_mean(column, names)}")
        return names.index(column)
    if isinstance(column, bool) or not isinstance(column, int):
        raise H2OTypeError(f"{what}: columns are given by name or position, not {column!r}")
    if not -len(names) <= column < len(names):
        raise NotFound(f"{what}: there is no column {column}; there are {len(names)}")
    return column % len(names)


def skipped_of(columns: Sequence[int | str] | None, names: Sequence[str]) -> frozenset[int]:
    out = frozenset(position(c, names, "skipped_columns") for c in columns or ())
    if out and len(out) == len(names):
        raise H2OValueError("skipped_columns leaves no column")
    return out


def _per_column(values: Sequence[object], ncols: int, skipped: frozenset[int], what: str) -> list[object]:
    if len(values) == ncols:
        return list(values)
    if len(values) == ncols - len(skipped):
        rest = iter(values)
        return [None if i in skipped else next(rest) for i in range(ncols)]
    raise H2OValueError(f"{what} has {len(values)} entries for {ncols} columns; a dict names single columns")


def types_of(types: Types | None, names: Sequence[str], skipped: frozenset[int] = frozenset()) -> list[Wanted | None]:
    out: list[Wanted | None] = [None] * len(names)
    if types is None:
        return out
    if isinstance(types, str):
        raise H2OTypeError(f"col_types must be a list or a dict; got {types!r}")
    if isinstance(types, Mapping):
        for column, word in types.items():
            i = position(column, names, "col_types")
            out[i] = wanted_kind(word, names[i])
        return out
    listed = _per_column(types, len(names), skipped, "col_types")
    return [wanted_kind(w, n) for w, n in zip(listed, names)]


def na_strings_of(
    given: NaStrings | None, names: Sequence[str], skipped: frozenset[int] = frozenset()
) -> list[list[str]]:
    out: list[list[str]] = [[] for _ in names]
    if given is None:
        return out
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        for column, words in given.items():
            out[position(column, names, "na_strings")] = [words] if isinstance(words, str) else list(words)
    elif all(isinstance(w, str) for w in given):
        out = [list(given) for _ in names]  # type: ignore[arg-type]
    else:
        if bad := [w for w in given if w is not None and (isinstance(w, str) or not isinstance(w, Sequence))]:
            raise H2OTypeError(f"na_strings must be texts, or a list of texts per column; got {bad[0]!r}")
        listed = _per_column(given, len(names), skipped, "na_strings")
        out = [[w] if isinstance(w, str) else list(w or ()) for w in listed]  # type: ignore[call-overload]
    if bad := [w for words in out for w in words if not isinstance(w, str)]:
        raise H2OTypeError(f"na_strings must be texts; got {bad[0]!r}")
    return out
