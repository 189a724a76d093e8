"""Primitives one by one, on small frames with known answers (those marked H2O were recorded from the original)."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import polars as pl
import pytest

from heavywater.errors import H2OTypeError, H2OValueError, HeavywaterError, NotFound, NotSupported
from heavywater.frame import Frame
from heavywater.rapids.declare import REGISTRY
from heavywater.rapids.primitives.factor import java_double
from heavywater.rapids.primitives.rand import missing_mask, uniforms
from heavywater.rapids.primitives.stringdist import jaro_winkler, levenshtein, soundex
from heavywater.rapids.primitives.time import strptime_format
from heavywater.rapids.session import RapidsSession

ENUM = pl.Enum(["u", "v", "w", "z"])


@pytest.fixture
def session():
    tables = {
        "F": {"n": [1.0, 2.0, None, 4.5, -3.25, 7.0], "i": [3, 1, 2, 3, 1, None]},
        "D": {
            "p": [1, 1, 2, 2, 2, 1],
            "q": pl.Series(["u", "u", "v", "w", "v", "z"], dtype=ENUM),
            "r": [5, 6, 7, 8, 9, 10],
        },
        "S": {"s": ["Hello World", "foo", "  pad ", "a,b,c", None, "été"]},
        "T": {"t": pl.Series([1577836800000, 1612310400000, None, 86400123]).cast(pl.Datetime("ms"))},
        "E": {"x": pl.Series([], dtype=pl.Float64)},
    }
    return RapidsSession({k: Frame.of(pl.DataFrame(t)) for k, t in tables.items()})


def values(frame: Frame, column: int = 0) -> list[object]:
    s = frame.data.to_series(column)
    return s.cast(pl.String).to_list() if isinstance(s.dtype, pl.Enum) else s.to_list()


CASES = [
    ("(+ (cols F 'n') 1)", [2.0, 3.0, None, 5.5, -2.25, 8.0]),
    ("(/ (cols F 'n') 0)", [math.inf, math.inf, None, math.inf, -math.inf, math.inf]),
    ("(/ 0 (- (cols F 'i') 1))", [0.0, None, 0.0, 0.0, None, None]),
    ("(% (cols F 'n') -2)", [1.0, 0.0, None, 0.5, -1.25, 1.0]),
    ("(intDiv -7 (cols F 'i'))", [-2, -7, -3, -2, -7, 0]),
    ("(^ (cols F 'n') 0.5)", [1.0, 2.0**0.5, None, 4.5**0.5, None, 7.0**0.5]),
    ("(< (cols F 'n') 2)", [1, 0, 0, 0, 1, 0]),
    ("(!= (cols F 'n') 2)", [1, 0, 1, 1, 1, 1]),
    ("(== (cols F 'n') nan)", [0, 0, 1, 0, 0, 0]),
    ("(& (cols F 'n') (> (cols F 'i') 2))", [1, 0, 0, 1, 0, 0]),
    ("(| (cols F 'n') 0)", [1, 1, None, 1, 1, 1]),
    ("(not (- (cols F 'i') 1))", [0, 1, 0, 0, 1, None]),
    ("(== (cols D 'q') 'v')", [0, 0, 1, 0, 1, 0]),
    ("(== (cols D 'q') 'nope')", [0] * 6),
    ("(!= (cols S 0) 'foo')", [1, 0, 1, 1, 1, 1]),
    ("(== (cols D 'q') 3)", [0] * 6),
    ("(> (cols F ['n' 'i']) (rows (cols F ['i' 'n']) 0))", [0, 0, 0, 1, 0, 1]),
    ("(round (cols F 'n') 1)", [1.0, 2.0, None, 4.5, -3.3, 7.0]),
    ("(round (/ (cols D 'r') 2) 0)", [2, 3, 4, 4, 4, 5]),
    ("(signif (cols F 'n') 1)", [1.0, 2.0, None, 4.0, -3.0, 7.0]),
    ("(ifelse (> (cols F 'n') 1) 'yes' 'no')", ["no", "yes", "no", "yes", "no", "yes"]),
    ("(ifelse (cols F 'n') (cols F 'i') nan)", [3.0, 1.0, None, 3.0, 1.0, None]),
    ("(rows (cols F 'n') [1:2])", [2.0, None]),
    ("(rows (cols F 'n') [-1 -2])", [None, 4.5, -3.25, 7.0]),
    ("(rows (cols F 'n') [5 0 0])", [7.0, 1.0, 1.0]),
    ("(rows (cols F 'n') (cols F 'i'))", [1.0, 2.0, None, 4.5, -3.25]),
    ("(:= (cols F 'n') 0 0 (is.na (cols F 'n')))", [1.0, 2.0, 0.0, 4.5, -3.25, 7.0]),
    ("(:= (cols F 'i') 1.5 0 [0:2])", [1.5, 1.5, 2.0, 3.0, 1.0, None]),
    ("(:= (cols D 'q') 'z' 0 1)", ["u", "z", "v", "w", "v", "z"]),
    ("(:= (cols D 'q') nan 0 [])", [None] * 6),
    ("(:= (cols F 'n') (cols D 'r') 0 [])", [5, 6, 7, 8, 9, 10]),
    ("(:= (cols F 'n') (rows (cols D 'r') [4 5]) 0 [0 3])", [9.0, 2.0, None, 10.0, -3.25, 7.0]),
    ("(as.factor (cols F 'n'))", ["1.0", "2.0", None, "4.5", "-3.25", "7.0"]),
    ("(as.factor (cols F 'i'))", ["3", "1", "2", "3", "1", None]),
    ("(as.numeric (as.factor (cols F 'n')))", [1.0, 2.0, None, 4.5, -3.25, 7.0]),
    ("(as.numeric (cols D 'q'))", [0.0, 0.0, 1.0, 2.0, 1.0, 3.0]),
    ("(as.character (cols F 'n'))", ["1", "2", None, "4.5", "-3.25", "7"]),
    ("(relevel (cols D 'q') 'w')", ["u", "u", "v", "w", "v", "z"]),
    ("(setDomain (cols D 'q') False ['A' 'B' 'C' 'E'])", ["A", "A", "B", "C", "B", "E"]),
    ("(match (cols D 'q') ['w' 'u'] nan 1)", [2.0, 2.0, None, 1.0, None, None]),
    ("(match (cols F 'i') [1 9] 0 1)", [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
    ("(which (> (cols F 'n') 1))", [1, 3, 5]),
    (
        "(cut (cols F 'n') [-4 0 3 8] [] False True 3)",
        ["(0.0,3.0]", "(0.0,3.0]", None, "(3.0,8.0]", "(-4.0,0.0]", "(3.0,8.0]"],
    ),
    (
        "(cut (cols D 'r') [5 7 10] [] True False 3)",
        ["[5.0,7.0)", "[5.0,7.0)", "[7.0,10.0]", "[7.0,10.0]", "[7.0,10.0]", "[7.0,10.0]"],
    ),
    ("(h2o.fillna (cols F 'n') 'backward' 0 1)", [1.0, 2.0, 4.5, 4.5, -3.25, 7.0]),
    ("(cumsum (cols F 'i') 0)", [3, 4, 6, 9, 10, None]),
    ("(unique (cols F 'i') True)", [None, 1, 2, 3]),
    ("(toupper S)", ["HELLO WORLD", "FOO", "  PAD ", "A,B,C", None, "ÉTÉ"]),
    ("(toupper (cols D 'q'))", ["U", "U", "V", "W", "V", "Z"]),
    ("(trim S)", ["Hello World", "foo", "pad", "a,b,c", None, "été"]),
    ("(lstrip S ' H')", ["ello World", "foo", "pad ", "a,b,c", None, "été"]),
    ("(substring S 1 4)", ["ell", "oo", " pa", ",b,", None, "té"]),
    ("(substring S 4 2)", ["", "", "", "", None, ""]),
    ("(strlen S)", [11, 3, 6, 5, None, 3]),
    ("(countmatches S ['o' 'a'])", [2, 2, 1, 1, None, 0]),
    ("(replaceall S '([aeiou])' '<$1>' False)", ["H<e>ll<o> W<o>rld", "f<o><o>", "  p<a>d ", "<a>,b,c", None, "été"]),
    ("(replaceall S 'O' '$' True)", ["Hell$ W$rld", "f$$", "  pad ", "a,b,c", None, "été"]),
    ("(replacefirst S '(?<=l)l' 'L' False)", ["HelLo World", "foo", "  pad ", "a,b,c", None, "été"]),
    ("(grep S 'o' False False True)", [1, 1, 0, 0, 0, 0]),
    ("(grep S '^.{3}$' False True False)", [0, 2, 3, 4]),
    ("(year T)", [2020, 2021, None, 1970]),
    ("(week T)", [1, 5, None, 1]),
    ("(dayOfWeek T)", ["Wed", "Wed", None, "Fri"]),
    ("(millis T)", [0, 0, None, 123]),
    ("(as.numeric T)", [1577836800000.0, 1612310400000.0, None, 86400123.0]),
    ("(difflag1 (cols F 'i'))", [None, -2, 1, 1, -2, None]),
    ("(is.na (cols S 0))", [0, 0, 0, 0, 1, 0]),
    ("(modulo_kfold_column D 4)", [0, 1, 2, 3, 0, 1]),
    ("(kfold_column D 3 11)", [2, 1, 0, 1, 1, 2]),  # H2O
    ("(rep_len (cols D 'p') 8)", [1, 1, 2, 2, 2, 1, 1, 1]),
    ("(seq 0 1 0.25)", [0.0, 0.25, 0.5, 0.75, 1.0]),
    ("(apply (cols F ['n' 'i']) 1 {r . (mean r True 0)})", [2.0, 1.5, 2.0, 3.75, -1.125, 7.0]),
    ("(apply (cols D ['p' 'r']) 1 {r . (- (cols r 'r') (cols r 'p'))})", [4, 5, 5, 6, 7, 9]),
    ("(apply (cols D ['p' 'r']) 1 {r . (sd r True)})", [8**0.5, 12.5**0.5, 12.5**0.5, 18**0.5, 24.5**0.5, 40.5**0.5]),
    ("(dropdup D ['p'] 'last')", [2, 1]),
]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[c[0] for c in CASES])
def test_column(session, source, expected):
    got = values(session.run(source))
    assert len(got) == len(expected)
    for a, b in zip(got, expected):
        assert (a is None) == (b is None), got
        assert a == b or (isinstance(b, float) and a == pytest.approx(b, rel=1e-12)), got


NUMBERS = [
    ("(+ 1 2)", 3.0),
    ("(% -5 3)", -2.0),
    ("(intDiv -5 3)", -1.0),
    ("(round 2.5 0)", 2.0),
    ("(not nan)", math.nan),
    ("(&& 1 0)", 0.0),
    ("(cos 0)", 1.0),
    ("(sumNA (cols F 'n'))", 11.25),
    ("(sum (cols F 'n'))", math.nan),
    ("(min D)", math.nan),
    ("(maxNA D)", 10.0),
    ("(sumNA (cols D 'q'))", math.nan),
    ("(median (cols F 'n') True)", [2.0]),
    ("(sd (cols D 'r') False)", [3.5**0.5]),
    ("(skewness (cols D 'p') False)", [0.0]),
    ("(var (cols D 'p') (cols D 'r') 'everything' False)", 0.3),
    ("(cor (cols D 'p') (cols D 'r') 'everything' 'Pearson')", 0.29277002188455997),
    ("(any (> (cols F 'n') 6))", 1.0),
    ("(all (> (cols F 'n') 6))", 0.0),
    ("(any.na F)", 1.0),
    ("(naCnt F)", [1.0, 1.0]),
    ("(nlevels (cols D 'q'))", 4.0),
    ("(mode (cols D 'q'))", 0.0),
    ("(h2o.mad (cols D 'r') 'interpolate' 1.4826)", 2.2239),
    ("(columnsByType D 'categorical')", [1.0]),
    ("(filterNACols F 0.1)", []),
    ("(flatten (rows (cols F 'n') 2))", math.nan),
    ("(sumNA E)", math.nan),
    ("(nrow E)", 0.0),
]


@pytest.mark.parametrize(("source", "expected"), NUMBERS, ids=[c[0] for c in NUMBERS])
def test_number(session, source, expected):
    got = session.run(source)
    assert got == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_uniform_numbers_are_those_of_h2o():
    recorded = [0.5137835741043091, 0.6984807252883911, 0.25572890043258667, 0.26042991876602173, 0.2594503164291382]
    assert uniforms(5, 42).tolist() == recorded
    assert uniforms(3, -7).tolist() == uniforms(4, -8).tolist()[1:]


def test_inserted_missing_values_are_those_of_h2o():
    recorded = [[1, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 1], [0, 1, 1, 1, 0, 1]]
    assert [missing_mask(6, c, 0.5, 1).astype(int).tolist() for c in range(3)] == recorded


def test_vectorised_random_numbers_equal_the_generator():
    from heavywater.core.rng import Pcg

    assert uniforms(50, 123).tolist() == [Pcg(123 + i).next_float() for i in range(50)]


@pytest.mark.parametrize("seed", [1, 99])
def test_stratified_split_takes_its_share_of_every_class(seed):
    codes = np.repeat([0, 1, 2], [100, 10, 2])
    frame = Frame.of(pl.DataFrame({"q": pl.Series(np.array(["u", "v", "w"])[codes]).cast(ENUM)}))
    got = RapidsSession({"Q": frame}).run(f"(h2o.random_stratified_split Q 0.2 {seed})").codes("test_train_split")
    assert [int(got[codes == k].sum()) for k in range(3)] == [20, 2, 1]


def test_group_by_modes_of_missing_values(session):
    for na, mean, total in (
        ("all", [None, 2.0], [None, 2.0]),
        ("rm", [2.0, 2.0], [4.0, 2.0]),
        ("ignore", [4 / 3, 2.0], [4.0, 2.0]),
    ):
        session.store["G"] = Frame.of(pl.DataFrame({"k": [1, 1, 1, 2], "v": [1.0, 3.0, None, 2.0]}))
        got = session.run(f"(GB G [0] 'mean' 1 '{na}' 'sum' 1 '{na}' 'nrow' 0 'all')")
        assert got.names == ["k", "mean_v", "sum_v", "nrow"]
        assert got.data["mean_v"].to_list() == pytest.approx(mean)
        assert got.data["sum_v"].to_list() == pytest.approx(total)
        assert got.data["nrow"].to_list() == [3, 1]


def test_group_by_equals_numpy(session):
    rng = np.random.default_rng(5)
    k, v = rng.integers(0, 5, 200), rng.normal(size=200)
    session.store["G"] = Frame.of(pl.DataFrame({"k": k, "v": v}))
    got = session.run(
        "(GB G [0] 'mean' 1 'all' 'sdev' 1 'all' 'var' 1 'ignore' 'median' 1 'all' 'ss' 1 'all' 'max' 1 'all')"
    ).data
    for row, key in zip(got.iter_rows(), range(5)):
        g = v[k == key]
        want = (key, g.mean(), g.std(ddof=1), g.var(ddof=1), np.median(g), (g * g).sum(), g.max())
        assert row == pytest.approx(want, rel=1e-12)


def test_merge_matches_labels_not_codes(session):
    session.store["L"] = Frame.of(
        pl.DataFrame({"g": pl.Series(["b", "a", "c"], dtype=pl.Enum(["a", "b", "c"])), "x": [1, 2, 3]})
    )
    session.store["R"] = Frame.of(
        pl.DataFrame({"h": pl.Series(["c", "b", "z"], dtype=pl.Enum(["z", "c", "b"])), "x": [7, 8, 9]})
    )
    inner = session.run("(merge L R False False [0] [0] 'auto')")
    assert (inner.names, inner.data.rows()) == (["g", "x", "x0"], [("b", 1, 8), ("c", 3, 7)])
    assert session.run("(merge L R True False [0] [0] 'hash')").data.rows() == [
        ("b", 1, 8),
        ("a", 2, None),
        ("c", 3, 7),
    ]
    right = session.run("(merge L R False True [0] [0] 'auto')")
    assert sorted(right.data.rows()) == [("b", 1, 8), ("c", 3, 7), ("z", None, 9)]


def test_rbind_unites_levels(session):
    session.store["P"] = Frame.of(pl.DataFrame({"p": [1], "q": pl.Series(["a"], dtype=pl.Enum(["a"])), "r": [0.5]}))
    got = session.run("(rbind D P)")
    assert got.levels("q") == ["a", "u", "v", "w", "z"]
    assert got.data["q"].cast(pl.String).to_list()[-1] == "a"
    assert got.data["r"].to_list()[-2:] == [10.0, 0.5]


def test_histogram_counts_every_value_once(session):
    got = session.run("(hist (cols D 'r') 'sturges')").data
    assert got["breaks"].to_list() == [5.0, 6.25, 7.5, 8.75, 10.0]
    assert got["counts"].to_list() == [None, 2, 1, 1, 2]
    assert session.run("(hist (cols D 'r') [4 7 11])").data["mids_true"].to_list() == [None, 6.0, 9.0]


def test_pivot_and_melt_are_inverse(session):
    session.store["W"] = Frame.of(pl.DataFrame({"id": [1, 2, 3], "a": [1.0, None, 3.0], "b": [4.0, 5.0, 6.0]}))
    session.run("(tmp= long (melt W ['id'] ['a' 'b'] 'k' 'v' False))")
    assert session.run("(pivot long 'id' 'k' 'v')").data.rows() == session.run("W").data.rows()


def test_weighted_quantiles_count_a_row_as_often_as_its_weight(session):
    assert values(session.run("(quantile (cols D ['r' 'p']) [0.5] 'interpolate' 'p')"), 1) == [8.0]  # H2O
    repeated = [5, 6, 7, 7, 8, 8, 9, 9, 10]
    got = values(session.run("(quantile (cols D ['r' 'p']) [0.1 0.3 0.8] 'interpolate' 'p')"), 1)
    assert got == pytest.approx(np.quantile(repeated, [0.1, 0.3, 0.8]))


ERRORS = [
    ("(+ S 1)", H2OTypeError, "string vector"),
    ("(< S 1)", H2OTypeError, "no order"),
    ("(+ F D)", H2OValueError, "different numbers of columns: 2 and 3"),
    ("(+ F E)", H2OValueError, "different numbers of rows"),
    ("(cols F 'nn')", NotFound, "did you mean 'n'"),
    ("(cols F 5)", NotFound, "from 0 to 1"),
    ("(rows F 6)", NotFound, "from 0 to 5"),
    ("(rows F (cols E 0))", H2OValueError, "same length"),
    ("(:= D 'NEW' 1 [0:2])", H2OValueError, "Cannot assign value NEW"),
    ("(:= D 5 1 0)", H2OTypeError, "categorical"),
    ("(:= D 'x' 0 0)", H2OTypeError, "holds numbers"),
    ("(:= D 1 7 [])", NotFound, "from 0 to 2"),
    ("(as.factor T)", H2OTypeError, "time"),
    ("(relevel (cols D 'q') 'uu')", NotFound, "did you mean 'u'"),
    ("(setDomain (cols D 'q') False ['A'])", H2OValueError, "4 != 1"),
    ("(setDomain (cols D 'q') False ['A' 'A' 'B' 'C'])", H2OValueError, "twice"),
    ("(merge D F True True [0] [0] 'auto')", H2OValueError, "not supported"),
    ("(merge D F False False [1] [0] 'auto')", H2OTypeError, "key 'q'"),
    ("(rbind D F)", H2OValueError, "2 columns"),
    ("(sort S [0] [1])", H2OTypeError, "text"),
    ("(replaceall S '(' 'x' False)", H2OValueError, "regular expression"),
    ("(replaceall S 'o' '$1' False)", H2OValueError, "group 1"),
    ("(strlen F)", H2OTypeError, "text and categorical"),
    ("(GB D [0] 'meen' 2 'all')", H2OValueError, "did you mean 'mean'"),
    ("(GB D [0] 'mean' 2 'most')", H2OValueError, "na must be"),
    ("(quantile F [1.5] 'interpolate' '_')", H2OValueError, "between 0 and 1"),
    ("(quantile F [0.5] 'middle' '_')", H2OValueError, "combine_method"),
    ("(hist (cols D 'r') 'knuth')", H2OValueError, "sturges"),
    ("(cut (cols D 'r') [1] [] False True 3)", H2OValueError, "at least"),
    ("(kfold_column D 1 1)", H2OValueError, "at least 2"),
    ("(t D)", H2OTypeError, "numeric"),
    ("(x F F)", H2OValueError, "cannot be multiplied"),
    ("(as.Date S 'yyyy-QQ')", H2OValueError, "'QQ'"),
    ("(setTimeZone 'Europe/Berlin')", NotSupported, "UTC"),
    ("(isax F 1 4 True)", NotSupported, "optimize"),
    ("(num_valid_substrings S '/no/such/file')", NotFound, "word list"),
    ("(apply F 3 {x . x})", H2OValueError, "margin"),
    ("(apply F 2 {x y . x})", H2OTypeError, "2 arguments"),
    ("(strDistance S S 'levenstein' True)", H2OValueError, "unknown measure"),
]


@pytest.mark.parametrize(("source", "kind", "message"), ERRORS, ids=[c[0] for c in ERRORS])
def test_bad_input_is_a_clear_error(session, source, kind, message):
    with pytest.raises(kind, match=message.replace("(", r"\(").replace("'$1'", "")):
        session.run(source)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_an_empty_frame_breaks_nothing(session, op):
    for args in ("E", "E 0", "E E", "E E True", "S S", "S 'x'", "S 'x' 'y'", "E 1 1", "E [0] [1]", "D 0", "1", "'a'"):
        with contextlib.suppress(HeavywaterError):
            value = session.run(f"({op} {args})")
            assert value is None or isinstance(value, (Frame, float, str, list))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1.0"),
        (4.5, "4.5"),
        (-0.001, "-0.001"),
        (1e7, "1.0E7"),
        (1.25e-5, "1.25E-5"),
        (123456789.5, "1.234567895E8"),
        (0.0, "0.0"),
    ],
)
def test_java_numbers(value, shown):
    assert java_double(value) == shown


def test_likeness_of_texts():
    assert levenshtein("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert jaro_winkler("martha", "marhta") == pytest.approx(0.9611111111)
    assert [soundex(w) for w in ("Robert", "Rupert", "Ashcraft", "Tymczak")] == ["R163", "R163", "A261", "T522"]


def test_patterns_of_times():
    assert strptime_format("yyyy-MM-dd'T'HH:mm:ss") == "%Y-%m-%dT%H:%M:%S"
    assert strptime_format("%d.%m.%Y") == "%d.%m.%Y"


def test_every_primitive_is_described():
    assert [name for name, entry in REGISTRY.items() if len(entry.doc) < 10] == []
