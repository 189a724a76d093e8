"""`H2OFrame`: arithmetic, statistics, groups, joins, texts, times, apply."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest

from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError, HeavywaterError, NotFound, NotSupported
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame
from heavywater.h2oframe.functions import as_list, interaction, rapids
from heavywater.h2oframe.operators import FUNCTIONS


@pytest.fixture(autouse=True)
def _own_session():
    session.use(None)
    yield
    session.use(None)


@pytest.fixture
def d():
    return H2OFrame._of(
        Frame.of(
            pl.DataFrame(
                {
                    "p": [1, 1, 2, 2, 2, 1],
                    "q": pl.Series(["u", "u", "v", "w", "v", "z"], dtype=pl.Enum(["u", "v", "w", "z"])),
                    "r": [5.0, 6.0, 7.0, 8.0, None, 10.0],
                    "s": ["ab", "b", "A b", "", None, "ba"],
                }
            )
        )
    )


def column(f: H2OFrame, i: int = 0) -> list:
    return f.as_polars().to_series(i).to_list()


def test_operators(d):
    p, r = d["p"], d["r"]
    assert column(p + 1) == column(1 + p) == [2, 2, 3, 3, 3, 2]
    assert column(10 - p) == [9, 9, 8, 8, 8, 9]
    assert column(-p) == [-1, -1, -2, -2, -2, -1]
    assert column(r / p)[:3] == [5.0, 6.0, 3.5]
    assert column(2**p) == [2, 2, 4, 4, 4, 2]
    assert column(r % 3)[:2] == [2.0, 0.0]
    assert column(r // 3) == [1, 2, 2, 2, 0, 3]
    assert column(abs(-p)) == column(p.abs()) == column(p)
    assert column((p == 1) & (r > 5)) == [0, 1, 0, 0, 0, 1]
    assert column((p == 1) | (r > 7)) == [1, 1, 0, 1, 0, 1]
    assert column(~(p == 1)) == [0, 0, 1, 1, 1, 0]
    assert column(d["q"] == "v") == [0, 0, 1, 0, 1, 0]
    assert column(r == None) == [0, 0, 0, 0, 1, 0]  # noqa: E711
    assert column(np.float64(2) * p) == [2, 2, 4, 4, 4, 2]
    assert (d[["p", "r"]] + d[["p", "r"]]).names == ["p", "r"]
    for other in ([1, 2], np.arange(6), {"a": 1}, object()):
        with pytest.raises(H2OTypeError, match="a frame, number, text or time is needed"):
            p + other


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_of_numbers(d, name):
    got = getattr(d["r"] / 20, name)()
    assert got.nrow == 6
    known = getattr(
        np,
        {"acos": "arccos", "asin": "arcsin", "atan": "arctan", "asinh": "arcsinh", "atanh": "arctanh"}.get(name, name),
        None,
    )
    if known is not None and name != "acosh":
        values = np.array([5, 6, 7, 8, 10]) / 20
        assert [v for v in column(got) if v is not None] == pytest.approx(known(values), rel=1e-14)


def test_statistics(d):
    r = d["r"]
    assert d["p"].sum() == 9.0
    assert math.isnan(r.sum(skipna=False))
    assert (r.sum(), d["p"].min(), d["p"].max()) == (36.0, 1.0, 2.0)
    assert r.mean() == [7.2]
    assert math.isnan(r.mean(skipna=False)[0])
    assert column(d[["p", "r"]].mean(axis=1, return_frame=True))[:2] == [3.0, 3.5]
    assert column(d[["p", "r"]].sum(axis=1)) == [6.0, 7.0, 9.0, 10.0, 2.0, 11.0]
    assert r.median(na_rm=True) == [7.0]
    assert r.sd(na_rm=True) == pytest.approx([np.std([5, 6, 7, 8, 10], ddof=1)])
    assert math.isnan(r.var())
    assert r.var(na_rm=True) == pytest.approx(3.7)
    assert d[["p", "r"]].cor(na_rm=True).shape == (2, 2)
    assert d["p"].cor(r, use="complete.obs", method="Spearman") == pytest.approx(0.288675, rel=1e-5)
    assert d.nacnt() == [0, 0, 1, 1]
    assert d.anyna()
    assert (d["p"] > 0).all()
    assert not (d["p"] > 2).any()
    assert column(r.cumsum())[:4] == [5, 11, 18, 26]
    assert column(d["p"].idxmax()) == [2]
    assert d["p"].prod() == 8.0
    assert r.isna().sum() == 1.0
    assert d["p"].quantile([0.5]).names == ["Probs", "pQuantiles"]
    assert column(d[["r"]].quantile([0.5], weights_column=d["p"]), 1) == [7.0]
    assert d["r"].scale().mean()[0] == pytest.approx(0, abs=1e-15)
    assert 2 in d["p"]
    assert 7 not in d["p"]


def test_counting(d):
    assert d["q"].table().as_polars().rows() == [("u", 2), ("v", 2), ("w", 1), ("z", 1)]
    assert d["p"].table(d["q"]).nrow == 4
    assert d["p"].table(d["q"], dense=False).names == ["p", "u", "v", "w", "z"]
    assert column(d["p"].unique()) == [1, 2]
    assert column(d["r"].hist(breaks=2, plot=False), 1) == [None, 3, 2]
    assert column(d["r"].cut([0, 6, 10], labels=["low", "high"])) == ["low", "low", "high", "high", None, "high"]


def test_histogram_plot(d, tmp_path):
    pytest.importorskip("matplotlib")
    d["r"].hist(save_plot_path=str(tmp_path / "h.png"))
    assert (tmp_path / "h.png").stat().st_size > 1000


def test_levels(d):
    q = d["q"]
    assert q.levels() == [["u", "v", "w", "z"]]
    assert d.nlevels() == [0, 4, 0, 0]
    assert q.categories() == ["u", "v", "w", "z"]
    assert q.relevel("w").categories()[0] == "w"
    assert q.append_levels(["k"]).nlevels() == [5]
    assert column(q.set_levels(["A", "B", "C", "D"]))[:3] == ["A", "A", "B"]
    assert column(q.set_level("z")) == ["z"] * 6
    assert d.isfactor() == [False, True, False, False]
    assert d.isnumeric() == [True, False, True, False]
    assert d.isstring() == d.ischaracter() == [False, False, False, True]
    assert d.anyfactor()
    assert column(d["p"].asfactor().asnumeric()) == column(d["p"])
    assert d.columns_by_type("categorical") == [1.0]
    with pytest.raises(H2OValueError, match="coltype"):
        d.columns_by_type("enum")


def test_combining(d):
    assert d.cbind(d["p"]).names == ["p", "q", "r", "s", "p0"]
    assert d.cbind([d["p"], d["q"]]).ncol == 6
    assert d.rbind([d, d]).nrow == 18
    assert d.concat([d], axis=0).nrow == 12
    other = H2OFrame._of(Frame.of(pl.DataFrame({"q": pl.Series(["v", "k"], dtype=pl.Enum(["k", "v"])), "w": [1, 2]})))
    assert d.merge(other).shape == (2, 5)
    assert d.merge(other, all_x=True, by_x=["q"], by_y=["q"]).nrow == 6
    with pytest.raises(H2OValueError, match="not supported"):
        d.merge(other, all_x=True, all_y=True)
    with pytest.raises(H2OTypeError, match="cbind takes frames"):
        d.cbind({"a": 1})
    with pytest.raises(H2OValueError, match="rows"):
        d.cbind(d[0:2, :])


def test_splitting_draws_the_rows_of_h2o():
    f = H2OFrame._of(Frame.of(pl.DataFrame({"r": list(range(6))})))
    a, b = f.split_frame([0.5], seed=1)
    assert [a.nrow, b.nrow] == [1, 5]  # recorded from H2O
    assert [s.nrow for s in f.split_frame([0.3, 0.3], seed=7)] == [3, 0, 3]
    assert column(a) == [i for i, v in enumerate(column(f.runif(1))) if v <= 0.5]


def test_splitting(d):
    big = H2OFrame._of(Frame.of(pl.DataFrame({"i": np.arange(2000)})))
    parts = big.split_frame([0.6, 0.2], destination_frames=["a", "b", "c"], seed=3)
    assert sorted(sum((column(p) for p in parts), [])) == list(range(2000))
    assert [p.nrow for p in parts] == pytest.approx([1200, 400, 400], rel=0.1)
    assert session.current().keys() == ["a", "b", "c"]
    assert [p.nrow for p in big.split_frame(seed=3)] == pytest.approx([1500, 500], rel=0.1)
    for bad in ([], [1.0], [0.5, 0.5], [-0.1]):
        with pytest.raises(H2OValueError, match="ratios"):
            d.split_frame(bad)
    with pytest.raises(H2OValueError, match="destination_frames"):
        d.split_frame([0.5], ["only"])
    with pytest.raises(H2OTypeError, match="seed"):
        d.split_frame([0.5], seed="x")
    assert set(column(d.kfold_column(3, seed=1))) <= {0, 1, 2}
    assert column(d["q"].stratified_kfold_column(2, seed=1)) == column(d["q"].stratified_kfold_column(2, seed=1))
    assert column(d.runif()) != column(d.runif())


def test_sorting(d):
    assert column(d.sort("r"), 2) == [None, 5.0, 6.0, 7.0, 8.0, 10.0]
    assert column(d.sort(["p", "r"], ascending=[False, True]), 2) == [None, 7.0, 8.0, 5.0, 6.0, 10.0]
    assert column(d.sort("q", ascending=False), 1) == ["z", "w", "v", "v", "u", "u"]
    with pytest.raises(H2OTypeError, match="holds text"):
        d.sort("s")
    with pytest.raises(H2OValueError, match="directions"):
        d.sort("p", ascending=[True, False])
    with pytest.raises(NotFound, match="'pp'"):
        d.sort("pp")


def test_groups(d):
    with pytest.warns(UserWarning, match="left out: s"):
        got = d.group_by("p").mean().count().get_frame()
    assert got.names == ["p", "mean_q", "mean_r", "nrow"]
    got = d.group_by(["p", "q"]).sum("r", na="rm").max("r", na="rm").sd("r", na="rm").frame
    assert got.as_polars().rows()[0][:4] == (1, "u", 11.0, 6.0)
    assert d.group_by("p").mode().get_frame().names == ["p", "mode_q"]
    with pytest.raises(H2OValueError, match="na must be"):
        d.group_by("p").mean("r", na="some")
    with pytest.raises(NotFound):
        d.group_by("zz")


def test_filling(d):
    assert d.impute("r", method="median") == pytest.approx([math.nan, math.nan, 7.0, math.nan], nan_ok=True)
    assert column(d["r"])[4] == 7.0
    f = H2OFrame({"g": [1, 1, 2], "v": [1.0, None, 4.0]}, destination_frame="imputed")
    groups = f.impute("v", by=["g"])
    assert groups.as_polars().rows() == [(1, 1.0), (2, 4.0)]
    assert column(H2OFrame.get_frame("imputed"), 1) == [1.0, 1.0, 4.0]
    other = H2OFrame({"g": [2, 1], "v": [None, None]}, column_types=["numeric", "numeric"])
    other.impute("v", by=["g"], group_by_frame=groups)
    assert column(other, 1) == [4.0, 1.0]
    with pytest.raises(H2OTypeError, match="text"):
        d.impute("s")
    with pytest.raises(H2OValueError, match="method"):
        d.impute("r", method="meen")
    g = H2OFrame({"v": [1.0, None, None, 2.0]})
    assert column(g.fillna(maxlen=1)) == [1.0, 1.0, None, 2.0]
    assert g.na_omit().nrow == 2
    assert g.insert_missing_values(1.0, seed=1).nacnt() == [4]


def test_choosing(d):
    assert column((d["r"] > 6).ifelse("big", d["q"])) == ["u", "u", "big", "big", "v", "big"]
    assert column(d["p"].isin([2, 3])) == [0, 0, 1, 1, 1, 0]
    assert column(d["q"].isin(["u", "nope"])) == [1, 1, 0, 0, 0, 0]
    assert column(d["p"].isin([])) == [0] * 6
    assert column(d["q"].match(["v"])) == [None, None, 1, None, 1, None]
    assert column((d["p"] == 2).which()) == [2, 3, 4]
    assert d.drop_duplicates("q").nrow == 4


def test_reshaping(d):
    wide = d.pivot("p", "q", "r")
    assert wide.as_polars().rows() == [(1, 5.0, None, None, 10.0), (2, None, 7.0, 8.0, None)]
    assert wide.melt(["p"], ["u", "z"], skipna=True).as_polars().rows() == [(1, "u", 5.0), (1, "z", 10.0)]
    ranks = d.rank_within_group_by("p", "r", new_col_name="k")
    assert column(ranks, 4) == [1, 2, 3, None, 1, 2]
    assert H2OFrame([[1, 2], [3, 4]]).transpose().as_polars().rows() == [(1, 3), (2, 4)]
    assert d.topN("r", 50).as_polars()["r"].to_list() == [10.0, 8.0, 7.0]


def test_texts_and_times(d):
    s = d["s"]
    assert column(s.toupper()) == ["AB", "B", "A B", "", None, "BA"]
    assert column(s.gsub("b", "x")) == ["ax", "x", "A x", "", None, "xa"]
    assert column(s.sub("(a)(b)", "$2$1")) == ["ba", "b", "A b", "", None, "ba"]
    assert column(s.nchar()) == [2, 1, 3, 0, None, 2]
    assert s.strsplit(" ").ncol == 2
    assert column(s.countmatches(["a", "b"])) == [2, 1, 1, 0, None, 2]
    assert column(s.substring(1)) == ["b", "", " b", "", None, "a"]
    assert column(s.strdistance(s))[0] == 1.0
    assert column(s.grep("^b")) == [1, 5]
    t = H2OFrame.moment(year=d["p"] + 2018, month=2, day=29)
    assert column(t)[:3] == [None, None, dt.datetime(2020, 2, 29)]
    assert column(t.month())[2] == 2
    assert column(t.dayOfWeek())[2] == "Sat"
    assert column(t > dt.datetime(2020, 1, 1)) == [0, 0, 1, 1, 1, 0]
    dates = H2OFrame({"d": ["2020-01-05", "bad"]}, column_types=["string"]).as_date("yyyy-MM-dd")
    assert column(dates) == [dt.datetime(2020, 1, 5), None]


def test_apply(d):
    f = d[["p", "r"]]
    assert f.apply(lambda c: c.sum()).as_polars().rows() == [(9.0, 36.0)]
    assert column(f.apply(lambda r: r["p"] * 2 + r[1], axis=1))[:3] == [7.0, 8.0, 11.0]
    assert column(f.apply(lambda r: r.max() - r.min(), axis=1))[:3] == [4.0, 5.0, 5.0]
    assert column(f.apply(lambda r: (r["r"] > 6).ifelse(r["p"], 0), axis=1)) == [0, 0, 2, 2, 0, 1]
    assert f.apply(lambda c: (c - c.mean()) / c.sd(na_rm=True)).shape == (6, 2)
    assert f.apply(lambda c: c.log().round(2)).names == ["p", "r"]
    assert column(f.apply(lambda r: 5, axis=1)) == [5] * 6
    for bad in (lambda r: 1 if r["p"] > 0 else 0, lambda r: r.nosuch(), lambda a, b: a, lambda r: [r]):
        with pytest.raises(HeavywaterError):
            f.apply(bad, axis=1)
    with pytest.raises(NotFound, match="'zz'"):
        f.apply(lambda r: r["zz"], axis=1)


def test_module_functions(d):
    made = interaction(d.cbind(d["q"].relevel("z")), ["q", "q0"], pairwise=False, max_factors=2, min_occurrence=1)
    assert made.names == ["q_q0"]
    assert made.levels() == [["u_u", "v_v", "other"]]
    assert as_list(d, use_pandas=False)[0] == d.names
    d.frame_id = "D"
    assert rapids("(sumNA (cols D 'r'))") == 36.0
    assert rapids("(tmp= more (cbind D 1))").frame_id == "more"
    assert H2OFrame.get_frame("more").ncol == 5
    with pytest.raises(NotSupported):
        d.save_to_hive("x", "y")
    with pytest.raises(H2OTypeError):
        interaction("D", ["q"], False, 1, 1)


def test_truth(d):
    assert bool(d[0, :]["p"])
    with pytest.raises(H2OValueError, match=r"any\(\) or all\(\)"):
        bool(d["p"] > 1)
    with pytest.raises(H2OValueError, match=r"any\(\) or all\(\)"):
        (d["p"] == 1) and (d["r"] == 2)
