"""Texts as words, and series as words: tokenize, tf-idf, words in a list, iSAX."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, NotSupported
from heavywater.rapids.declare import Choice, TextColumn, primitive
from heavywater.rapids.primitives.linear import numbers
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.primitives.string import Pattern
from heavywater.rapids.table import Table


@primitive("tokenize")
def tokenize(x: Table, pattern: str) -> Table:
    """Pieces between matches of a regular expression, one per row; a missing value after each row of the input."""
    p = Pattern(pattern)
    bad = next((c.name for c in x.cols if not c.is_text), None)
    if bad is not None:
        raise H2OTypeError(f"tokenize: column {bad!r} must hold text (see ascharacter())")
    out: list[str | None] = []
    for row in x.data.iter_rows():
        for pieces in p.split(row):
            out.extend(pieces)
        out.append(None)
    return Table.of({"C1": pl.Series(out, dtype=pl.String)})


@primitive("tf-idf")
def tf_idf(x: Table, document: Choice, text: Choice, preprocess: bool = True, case_sensitive: bool = True) -> Table:
    """Term frequency, inverse document frequency ``log((N + 1) / (n + 1))`` and their product per document and word.

    With `preprocess` the texts are split at white space; else each row holds one word.
    """
    d, t = columns(x, document)[0], columns(x, text)[0]
    if not (x.cols[t].is_text or x.cols[t].is_enum):
        raise H2OTypeError(f"tf-idf: column {x.names[t]!r} must hold text")
    words = x.series(t).cast(pl.String)
    words = words if case_sensitive else words.str.to_lowercase()
    data = pl.DataFrame({"DocID": x.series(d), "Word": words}).drop_nulls()
    if preprocess:
        data = data.with_columns(pl.col("Word").str.extract_all(r"\S+")).explode("Word").drop_nulls()
    total = data["DocID"].n_unique()
    tf = data.group_by("DocID", "Word").len("TF").sort("DocID", "Word")
    idf = (pl.lit(total + 1.0) / (pl.len().over("Word") + 1.0)).log()
    tf = tf.with_columns(idf.alias("IDF")).with_columns((pl.col("TF") * pl.col("IDF")).alias("TF-IDF"))
    return Table.of(tf)


@primitive("num_valid_substrings")
def valid_substrings(x: TextColumn, path: str) -> Table:
    """How many different substrings of two or more characters are words of a list, a file with a word per line."""
    try:
        words = set(Path(path).read_text(encoding="utf-8", errors="replace").split())
    except OSError as e:
        raise NotFound(f"num_valid_substrings: the word list {path!r} cannot be read: {e.strerror}") from None
    longest = max(map(len, words), default=0)

    def count(v: str | None) -> int | None:
        if v is None:
            return None
        found = {v[i:j] for i in range(len(v)) for j in range(i + 2, min(len(v), i + longest) + 1)}
        return len(found & words)

    return Table.of({"C1": pl.Series([count(v) for v in x.series().cast(pl.String)], dtype=pl.Int64)})


@primitive("isax")
def isax(x: Table, words: int, cardinality: int, optimize: bool = False) -> Table:
    """Each row, a time series, as an iSAX word (Shieh and Keogh 2008): ``iSax_index`` and the symbols ``c0``, …"""
    if optimize:
        raise NotSupported("isax: optimize_card is not available; leave it False")
    m = numbers(x, "isax")
    if not 1 <= words <= m.shape[1] or cardinality < 2:
        raise H2OValueError(
            f"isax: 1 to {m.shape[1]} words and a cardinality of at least 2 are needed; got {words} and {cardinality}"
        )
    sd = m.std(axis=1, ddof=1, keepdims=True)
    z = (m - m.mean(axis=1, keepdims=True)) / np.where(sd > 0, sd, 1.0)
    bounds = np.linspace(0, m.shape[1], words + 1).astype(int)
    means = np.column_stack([z[:, a:b].mean(axis=1) for a, b in zip(bounds, bounds[1:])])
    cuts = [NormalDist().inv_cdf(k / cardinality) for k in range(1, cardinality)]
    symbols = np.searchsorted(cuts, means, side="right")
    index = ["_".join(f"{s}^{cardinality}" for s in row) for row in symbols]
    return Table.of({"iSax_index": pl.Series(index, dtype=pl.String), **{f"c{j}": symbols[:, j] for j in range(words)}})
