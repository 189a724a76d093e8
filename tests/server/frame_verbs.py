"""Every method of `H2OFrame` of the official client, called once; the same calls serve heavywater's own frames.

As a program: address, token and folder; it prints the results as JSON.  The functions take the module, either ``h2o`` or
``heavywater``.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import warnings

NUMBERS = {"x": [1.5, -2.25, None, 4.0, 0.5, 3.0], "i": [3, 1, 2, 3, 1, 2], "j": [10, 20, 30, 40, 50, 60]}
TEXTS = {"s": [" Hello World ", "foo", "a,b", "xyz", "foo bar", "Abc"], "g": ["a", "b", "a", "c", "b", "a"]}
TIMES = {"d": ["2020-01-05", "2021-02-03", "2022-12-31", "2023-06-15", "2024-02-29", "1999-07-04"]}


class Data:
    """The frames that the calls work on, made anew for each call."""

    def __init__(self, h2o, folder):
        self.h2o, self.folder = h2o, folder

    @property
    def n(self):
        return self.h2o.H2OFrame(NUMBERS)

    @property
    def x(self):
        return self.n["x"]

    @property
    def unit(self):
        return self.h2o.H2OFrame({"u": [0.1, 0.25, 0.5, 0.75, 0.9]})

    @property
    def more(self):
        return self.h2o.H2OFrame({"u": [1.0, 1.25, 2.5, 3.75, 9.0]})

    @property
    def s(self):
        return self.h2o.H2OFrame(TEXTS, column_types={"s": "string", "g": "enum"})

    @property
    def g(self):
        return self.s["g"]

    @property
    def text(self):
        return self.s["s"]

    @property
    def t(self):
        return self.h2o.H2OFrame(TIMES, column_types={"d": "time"})["d"]

    @property
    def all(self):
        return self.n.cbind(self.s)

    @property
    def square(self):
        return self.h2o.H2OFrame({"a": [1, 3, 5], "b": [2, 4, 6]})


def impute(d):
    f = d.n
    return [f.impute("x", method="mean"), f["x"]]


def pop(d):
    f = d.n
    return [f.pop("i"), f.names]


def named(change):
    def call(d):
        f = d.n
        change(f)
        return f.names

    return call


def printed(call):
    def run(d):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            call(d)
        return len(out.getvalue()) > 0

    return run


def seeded(d, made):
    """Random results: their shape and levels."""
    return [made.dim, made.types]


def saved(d):
    f = d.n
    key = f.frame_id
    f.save(d.folder)
    return d.h2o.get_frame(key).dim


def each(names, pick, *, attribute=False):
    """Calls without arguments, of methods (or attributes) of what `pick` gives."""

    def call(name):
        return lambda d: getattr(pick(d), name) if attribute else getattr(pick(d), name)()

    return {name: call(name) for name in names.split()}


def refused(call):
    """Whether a call is refused."""
    try:
        call()
    except Exception as e:
        return isinstance(e, EnvironmentError) or type(e).__name__
    return False


class Shown:
    """Whether the ways of printing a frame say something."""

    def __init__(self, frame):
        self.frame = frame

    def __getattr__(self, name):
        return lambda: len(getattr(self.frame, name)()) > 0


VERBS = {
    **each("abs atan ceil cos cosh cospi exp expm1 floor isna sign sin sinh sinpi tan tanh trunc asinh", lambda d: d.x),
    **each("acos asin atanh digamma gamma lgamma log log10 log1p log2 sqrt tanpi trigamma", lambda d: d.unit),
    **each("acosh", lambda d: d.more),
    **each("max min nacnt isfactor ischaracter isnumeric isstring", lambda d: d.n),
    **each("nlevels", lambda d: d.s),
    **each("kurtosis skewness sd median prod", lambda d: d.n["j"]),
    **each("year month week day dayOfWeek hour minute second", lambda d: d.t),
    **each("cummax cummin cumprod cumsum", lambda d: d.n[["i", "j"]]),
    **each("entropy lstrip rstrip nchar tolower toupper trim", lambda d: d.text),
    **each("col_names columns dim names ncol ncols nrow nrows shape types", lambda d: d.n, attribute=True),
    "all": lambda d: (d.n["i"] > 0).all(),
    "any": lambda d: (d.n["i"] > 2).any(),
    "any_na_rm": lambda d: (d.n["i"] > 2).any_na_rm(),
    "anyfactor": lambda d: [d.n.anyfactor(), d.s.anyfactor()],
    "append_levels": lambda d: d.g.append_levels(["z"]).levels(),
    "apply": lambda d: d.n[["i", "j"]].apply(lambda row: row.sum(), axis=1),
    "as_data_frame": lambda d: [[cell(c) for c in row] for row in d.n.as_data_frame(use_pandas=False)],
    "as_date": lambda d: (
        d.h2o.H2OFrame({"d": ["01/05/2020", "02/06/2021"]}, column_types={"d": "string"}).as_date("%m/%d/%Y").year()
    ),
    "ascharacter": lambda d: d.g.ascharacter(),
    "asfactor": lambda d: [d.n["i"].asfactor(), d.n["i"].asfactor().levels()],
    "asnumeric": lambda d: d.n["i"].asfactor().asnumeric(),
    "bottomN": lambda d: d.n.bottomN("j", 34),
    "categories": lambda d: d.g.categories(),
    "cbind": lambda d: d.square.cbind(d.square),
    "columns_by_type": lambda d: [d.all.columns_by_type("numeric"), d.all.columns_by_type("categorical")],
    "concat": lambda d: d.square.concat([d.square], axis=0),
    "cor": lambda d: d.n["i"].cor(d.n["j"]),
    "countmatches": lambda d: d.text.countmatches("o"),
    "cut": lambda d: d.n["j"].cut([0, 25, 45, 100]),
    "describe": printed(lambda d: d.n.describe()),
    "detach": lambda d: d.n.detach(),
    "difflag1": lambda d: d.n["j"].difflag1(),
    "distance": lambda d: d.square.distance(d.square, "l2"),
    "drop": lambda d: [d.n.drop("i"), d.n.drop([0, 1], axis=0)],
    "drop_duplicates": lambda d: d.n.drop_duplicates(["i"]).nrow,
    "fillna": lambda d: d.n.fillna("forward", axis=0, maxlen=1),
    "filter_na_cols": lambda d: d.n.filter_na_cols(0.1),
    "flatten": lambda d: d.n[0, "j"] + 0.0,
    "frame_id": named(lambda f: setattr(f, "frame_id", "renamed")),
    "from_python": lambda d: d.h2o.H2OFrame.from_python({"a": [1, 2]}),
    "get_frame": lambda d: d.h2o.H2OFrame.get_frame(d.h2o.assign(d.n, "kept").frame_id).dim,
    "get_frame_data": lambda d: "x" in d.n.get_frame_data(),
    "get_summary": lambda d: d.n.get_summary() is None or True,
    "getrow": lambda d: d.n[0, :].getrow(),
    "grep": lambda d: [d.text.grep("foo"), d.text.grep("foo", output_logical=True)],
    "group_by": lambda d: d.all.group_by("g").mean("j").sum("i").count().get_frame(),
    "gsub": lambda d: d.text.gsub("o", "0"),
    "head": lambda d: d.n.head(2),
    "idxmax": lambda d: d.n[["i", "j"]].idxmax(),
    "idxmin": lambda d: d.n[["i", "j"]].idxmin(),
    "ifelse": lambda d: (d.n["i"] > 1).ifelse(1, 0),
    "impute": impute,
    "insert_missing_values": lambda d: d.n.insert_missing_values(0.5, seed=1).dim,
    "interaction": lambda d: d.g.cbind(d.n["i"].asfactor()).interaction(["g", "i"], False, 10, 1),
    "isax": lambda d: d.n.fillna("backward", 0, 2).isax(2, 2)[["iSax_index"]],
    "isin": lambda d: [d.g.isin(["a", "c"]), d.n["i"].isin([1, 3])],
    "key": lambda d: d.h2o.assign(d.n, "with_a_key").key,
    "kfold_column": lambda d: d.n.kfold_column(3, seed=1),
    "levels": lambda d: d.s.levels(),
    "logical_negation": lambda d: (d.n["i"] > 1).logical_negation(),
    "match": lambda d: d.g.match(["b", "c"]),
    "mean": lambda d: [d.n.mean(), d.n[["i", "j"]].mean(axis=1, return_frame=True)],
    "melt": lambda d: d.n[["i", "j"]].cbind(d.g).melt(id_vars=["g"], value_vars=["i", "j"]),
    "merge": lambda d: d.n.merge(d.h2o.H2OFrame({"i": [1, 3], "w": [100, 300]}), all_x=True),
    "mktime": lambda d: d.h2o.H2OFrame.mktime(d.n["i"] * 0 + 2020, d.n["i"], d.n["i"]).asnumeric(),
    "modulo_kfold_column": lambda d: d.n.modulo_kfold_column(3),
    "moment": lambda d: d.h2o.H2OFrame.moment(2020, 5, 17).asnumeric(),
    "mult": lambda d: d.square.mult(d.square.transpose()),
    "na_omit": lambda d: d.n.na_omit(),
    "pivot": lambda d: d.all.pivot(index="i", column="g", value="j"),
    "pop": pop,
    "quantile": lambda d: d.n["j"].quantile([0.25, 0.5]),
    "rank_within_group_by": lambda d: d.all.rank_within_group_by(["g"], ["j"], [True], "rank")[["rank"]],
    "rbind": lambda d: d.square.rbind(d.square),
    "refresh": lambda d: d.n.refresh(),
    "relevel": lambda d: d.g.relevel("c").levels(),
    "relevel_by_frequency": lambda d: d.g.relevel_by_frequency().levels(),
    "rename": named(lambda f: f.rename(columns={"x": "y"})),
    "rep_len": lambda d: d.square["a"].rep_len(5),
    "round": lambda d: d.x.round(1),
    "runif": lambda d: d.n.runif(seed=7),
    "save": saved,
    "scale": lambda d: d.n[["i", "j"]].scale(),
    "set_level": lambda d: d.g.set_level("b"),
    "set_levels": lambda d: d.g.set_levels(["p", "q", "r"]),
    "set_name": named(lambda f: f.set_name("i", "k")),
    "set_names": named(lambda f: f.set_names(["p", "q", "r"])),
    "show": printed(lambda d: d.n.show()),
    "show_summary": printed(lambda d: d.n.show_summary()),
    "signif": lambda d: d.x.signif(2),
    "sort": lambda d: d.n.sort(["i", "j"], ascending=[True, False]),
    "split_frame": lambda d: [f.nrow for f in d.n.split_frame([0.5], seed=3)],
    "stratified_kfold_column": lambda d: seeded(d, d.g.stratified_kfold_column(2, seed=1)),
    "stratified_split": lambda d: seeded(d, d.g.stratified_split(0.5, seed=1)),
    "strdistance": lambda d: d.text.strdistance(d.text, "lv"),
    "strsplit": lambda d: d.text.strsplit(" "),
    "structure": printed(lambda d: d.n.structure()),
    "sub": lambda d: d.text.sub("o", "0"),
    "substring": lambda d: d.text.substring(0, 3),
    "sum": lambda d: [d.n["j"].sum(), d.n[["i", "j"]].sum(axis=1, return_frame=True)],
    "summary": printed(lambda d: d.n.summary()),
    "table": lambda d: [d.g.table(), d.n["i"].table(d.n["j"])],
    "tail": lambda d: d.n.tail(2),
    "tokenize": lambda d: d.text.tokenize(" "),
    "topN": lambda d: d.n.topN("j", 34),
    "topNBottomN": lambda d: d.n.topNBottomN("j", 34, 1),
    "transpose": lambda d: d.square.transpose(),
    "type": lambda d: [d.n.type("i"), d.s.type("g")],
    "unique": lambda d: d.g.unique(),
    "var": lambda d: [d.n["j"].var(), d.n[["i", "j"]].var()],
    "which": lambda d: (d.n["i"] == 3).which(),
    "num_valid_substrings": lambda d: refused(lambda: d.text.num_valid_substrings("words.txt").nrow),
    "save_to_hive": lambda d: refused(lambda: d.n.save_to_hive("jdbc:hive2://nowhere", "t")),
    **each("to_html to_pretty_str to_str", lambda d: Shown(d.n)),
    "operators": lambda d: [d.n[["i"]] + 1, 2 * d.n[["j"]], d.n[["j"]] / 4, d.n[["j"]] // 3, d.n[["j"]] % 7, d.n[["i"]] ** 2,
                            d.n[["i"]] >= 2, d.g == "a", (d.n["i"] > 1) & (d.n["j"] < 50), (d.n["i"] > 1) | (d.n["j"] < 20)],
    "selection": lambda d: [d.n[1:3, :], d.n[:, ["i", "x"]], d.n[d.n["i"] > 1, :], d.n[[0, 2], "j"]],
    "assignment": lambda d: assigned(d),
}  # fmt: skip
"""A call for each method, by its name."""

DIFFERENT = {
    "any_na_rm": "the official client asks whether a value is missing",
    "save": "heavywater's own frames are saved to a file, not to a folder",
    "num_valid_substrings": "reads files of the server's machine, which this server refuses",
    "save_to_hive": "refused in other words",
    "to_html": "printing",
    "to_pretty_str": "printing",
    "to_str": "printing",
}
"""Calls whose results differ, and why."""

UNUSED = {
    "convert_H2OFrame_2_DMatrix": "needs XGBoost",
    "convert_with_polars": "a helper of as_data_frame",
    "dtype": "needs numpy on the client's side", "hist": "needs matplotlib on the client's side",
}  # fmt: skip
"""Methods that are not called, and why."""


def assigned(d):
    f = d.n
    f["k"] = f["i"] * 2
    f[f["j"] > 30, "i"] = 0
    f["i"] = f["i"].asfactor()
    return [f, f.names, f.types]


def results(h2o, folder):
    """The result of every call, in a form that can be compared; what fails is told by its kind."""
    found = {}
    for name, call in VERBS.items():
        try:
            found[name] = plain(call(Data(h2o, folder)))
        except Exception as e:
            found[name] = {"error": f"{type(e).__name__}: {str(e)[:300]}"}
    return found


def plain(value):
    """Frames as names, types and cells; numbers to eight digits."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return cell(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "as_data_frame"):
        value.refresh()  # the client guesses names and types until it is told
        names = list(value.names)
        rows = value.as_data_frame(use_pandas=False, header=False)
        cells = [[cell(c) for c in r] or [None] * len(names) for r in rows]
        return {"names": names, "types": [value.types[n] for n in names], "rows": cells}
    return str(value)


def cell(value):
    """A cell: a number, a text, or None."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return None if math.isnan(number) else float(f"{number:.8g}")


if __name__ == "__main__":
    import h2o

    url, token, place = sys.argv[1:4]
    h2o.connect(url=url, auth=("h2o", token) if token else None, strict_version_check=False, verbose=False)
    h2o.no_progress()
    warnings.simplefilter("ignore")
    methods = sorted(n for n in dir(h2o.H2OFrame) if not n.startswith("_"))
    print("\nRESULT " + json.dumps({"methods": methods, "results": results(h2o, place)}))
