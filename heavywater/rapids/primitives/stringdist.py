"""How alike two texts are."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.rapids.declare import primitive
from heavywater.rapids.table import Table, require_text


def levenshtein(a: str, b: str) -> float:
    """1 - edit distance over the longer length."""
    if not a and not b:
        return 1.0
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return 1 - row[-1] / max(len(a), len(b))


def common_subsequence(a: str, b: str) -> float:
    """Characters that are not in the longest common subsequence (of both texts)."""
    row = [0] * (len(b) + 1)
    for x in a:
        last = 0
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], last + 1 if x == y else max(row[j], row[j - 1])
    return float(len(a) + len(b) - 2 * row[-1])


def bigrams(a: str, b: str) -> float:
    """Sum of the differences of the counts of pairs of letters."""
    counts: dict[str, int] = {}
    for text, sign in ((a, 1), (b, -1)):
        for i in range(len(text) - 1):
            counts[text[i : i + 2]] = counts.get(text[i : i + 2], 0) + sign
    return float(sum(map(abs, counts.values())))


def jaccard(a: str, b: str) -> float:
    """Words in both over words in either."""
    x, y = set(a.split()), set(b.split())
    return len(x & y) / len(x | y) if x | y else 1.0


def jaro_winkler(a: str, b: str) -> float:
    """Jaro's similarity, raised for a common beginning of up to four characters (Winkler 1990)."""
    if not a or not b:
        return 1.0 if a == b else 0.0
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    used_a, used_b = [False] * len(a), [False] * len(b)
    for i, x in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not used_b[j] and b[j] == x:
                used_a[i] = used_b[j] = True
                break
    left = [x for x, u in zip(a, used_a) if u]
    right = [y for y, u in zip(b, used_b) if u]
    if not left:
        return 0.0
    m = len(left)
    swapped = sum(x != y for x, y in zip(left, right)) / 2
    jaro = (m / len(a) + m / len(b) + (m - swapped) / m) / 3
    prefix = 0
    while prefix < min(4, len(a), len(b)) and a[prefix] == b[prefix]:
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro) if jaro >= 0.7 else jaro


_SOUNDEX = {c: d for d, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in letters}


def soundex(word: str) -> str:
    """American Soundex code of a word: its first letter and three digits."""
    letters = [c for c in word.lower() if c.isalpha()]
    if not letters:
        return ""
    code, last = letters[0].upper(), _SOUNDEX.get(letters[0], 0)
    for c in letters[1:]:
        digit = _SOUNDEX.get(c, 0)
        if digit and digit != last:
            code += str(digit)
        if c not in "hw":
            last = digit
    return (code + "000")[:4]


MEASURES: dict[str, Callable[[str, str], float]] = {
    "lv": levenshtein,
    "lcs": common_subsequence,
    "qgram": bigrams,
    "jaccard": jaccard,
    "jw": jaro_winkler,
    "soundex": lambda a, b: float(soundex(a) == soundex(b)),
}
MAX_LENGTH = 10_000


@primitive("strDistance")
def string_distance(x: Table, y: Table, measure: str, compare_empty: bool = True) -> Table:
    """A measure of the texts of two frames, row by row.

    ``lv``, ``jw``, ``jaccard`` are similarities from 0 to 1, ``lcs`` and ``qgram`` distances, ``soundex`` is 1 for the
    same code.  Without `compare_empty` an empty text gives NA.
    """
    if measure not in MEASURES:
        raise H2OValueError(
            f"strdistance: unknown measure {measure!r}{did_you_mean(measure, MEASURES)}; known: {', '.join(MEASURES)}"
        )
    if x.ncol != y.ncol or x.nrow != y.nrow:
        raise H2OValueError(f"strdistance: frames have different shapes: {x.nrow}x{x.ncol} and {y.nrow}x{y.ncol}")
    for c in (*x.cols, *y.cols):
        require_text(c, "strdistance")
    fn = MEASURES[measure]

    def one(a: str | None, b: str | None) -> float:
        if a is None or b is None or (not compare_empty and not (a and b)):
            return math.nan
        return fn(a[:MAX_LENGTH], b[:MAX_LENGTH])

    return Table.of(
        {
            f"C{i + 1}": pl.Series(
                [one(a, b) for a, b in zip(x.series(i).cast(pl.String), y.series(i).cast(pl.String))], dtype=pl.Float64
            )
            for i in range(x.ncol)
        }
    )
