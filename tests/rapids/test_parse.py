"""Rapids text: grammar, limits, and that text → tree → text is the identity."""

from __future__ import annotations

import contextlib
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heavywater.errors import H2OTypeError, H2OValueError, HeavywaterError, NotFound, NotSupported
from heavywater.frame import Frame
from heavywater.rapids.declare import REGISTRY
from heavywater.rapids.node import Call, Items, Lambda, Leaf, Name, Span, text
from heavywater.rapids.parse import MAX_DEPTH, RapidsSyntaxError, parse
from heavywater.rapids.run import evaluate, names_of, schema_of
from heavywater.rapids.session import RapidsSession


@pytest.fixture
def session():
    frame = Frame.of(pl.DataFrame({"x": [1, 3, 5], "y": [2.5, None, 6.0]}))
    return RapidsSession({"M.hex": frame})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1", 1.0),
        ("-2.5e3", -2500.0),
        ("'it\\'s'", "it's"),
        ('"a\\u00e9\\x41\\n"', "aéA\n"),
        ("[1 2 3]", Items((1.0, 2.0, 3.0))),
        ("[1,2,3]", Items((1.0, 2.0, 3.0))),
        ("[0:3]", Items((Span(0.0, 3.0),))),
        ("[0:3:2 9]", Items((Span(0.0, 3.0, 2.0), 9.0))),
        ("['a' \"b\"]", Items(("a", "b"))),
        ("[]", Items()),
        ("M.hex", Name("M.hex")),
    ],
)
def test_atoms(source, expected):
    assert parse(source) == expected


def test_spans_are_written_out():
    assert parse("[0:3:2 9]").numbers() == [0.0, 2.0, 4.0, 9.0]
    assert parse("[2:nan]").numbers(end=5) == [2.0, 3.0, 4.0]


def test_calls_and_lambdas():
    node = parse("(apply M.hex 2 {x y . (+ x y)})")
    assert isinstance(node, Call)
    assert node.primitive == "apply"
    assert isinstance(node.args[2], Lambda)
    assert node.args[2].params == ("x", "y")
    assert text(node) == "(apply M.hex 2 {x y . (+ x y)})"


def test_the_arrow_names_a_result(session):
    session.run("(+ M.hex 1)->t1")
    assert session.last_key == "t1"
    assert session.run("(sumNA (cols_py t1 'x'))") == 12.0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "ran out of text"),
        ("(+ 1", "ran out of text"),
        ("(+ 1 2) 3", "trailing"),
        (")", "without its"),
        ("{x . }", "one body"),
        ("()", "empty application"),
        ("(1 2)", "function name"),
        ("'abc", "closing quote"),
        ("'a\\q'", "escape"),
        ("[1 'a']", "numbers or texts"),
        ("[1:2:3:4]", "span"),
        ("[a]", "neither a number"),
        ("(+ 1 ]", "unexpected"),
    ],
)
def test_what_is_wrong_is_said(source, message):
    with pytest.raises(RapidsSyntaxError, match=message):
        parse(source)


def test_nesting_has_a_limit_and_needs_no_recursion(session):
    deep = MAX_DEPTH - 1
    assert session.run("(+ 1 " * deep + "0" + ")" * deep) == deep
    with pytest.raises(RapidsSyntaxError, match="nested more than"):
        parse("(" * (MAX_DEPTH + 2))


@given(st.text(alphabet="(){}[] .'\"\\+-12:axTMhe", max_size=40))
def test_any_text_gives_a_tree_or_a_clear_error(source):
    try:
        node = parse(source)
    except RapidsSyntaxError:
        return
    with contextlib.suppress(HeavywaterError):
        evaluate(node, RapidsSession({}))


literals = st.one_of(
    st.floats(allow_infinity=False, allow_nan=False).map(lambda v: v + 0.0),
    st.text(alphabet="ab'\"\\ \n(){}", max_size=6),
    st.lists(st.integers(-5, 5).map(float), max_size=3).map(lambda v: Items(tuple(v))),
)
trees = st.recursive(
    literals, lambda inner: st.lists(inner, max_size=3).map(lambda a: Call("f", tuple(a))), max_leaves=8
)


def same(a, b) -> bool:
    if isinstance(a, Call):
        return a.primitive == b.primitive and len(a.args) == len(b.args) and all(map(same, a.args, b.args))
    return type(a) is type(b) and a == b


@given(trees)
def test_text_and_tree_say_the_same(node):
    assert same(parse(text(node)), node)


def test_names_are_looked_up_late(session):
    with pytest.raises(NotFound, match="Name lookup of 'nosuch' failed"):
        session.run("(+ nosuch 1)")
    with pytest.raises(NotFound, match="did you mean 'cumsum'"):
        session.run("(cumsun M.hex 0)")
    with pytest.raises(H2OValueError, match=r"'\+' expects 2 but was passed 1"):
        session.run("(+ 1)")


def test_wrong_kinds_of_arguments_are_named(session):
    with pytest.raises(H2OTypeError, match=r"\(strlen …\): argument 1 must be a frame; got the value 1"):
        session.run("(strlen 1)")
    with pytest.raises(H2OTypeError, match="whole number"):
        session.run("(seq_len 1.5)")


def test_temporary_names(session):
    session.run("(tmp= a (cols_py M.hex 'x'))")
    with pytest.raises(H2OValueError, match="already exists"):
        session.run("(tmp= a M.hex)")
    assert session.run("(rm a)") == 1.0
    assert session.run("(rm a)") == 0.0
    session.run("(tmp= b (+ (tmp= c M.hex) c))")
    assert session.run("(sumNA (cols_py b 0))") == 18.0
    with pytest.raises(H2OTypeError, match="Expected a Frame"):
        session.run("(tmp= d 1)")
    session.run("(assign 'keep' b)")
    session.close()
    assert set(session.store) == {"M.hex", "keep"}
    assert math.isnan(session.run("(rename 'keep' 'kept')"))
    assert session.run("(ls)").data["key"].to_list() == ["M.hex", "kept"]


def test_session_calls_need_a_session():
    with pytest.raises(NotSupported, match="needs a session"):
        evaluate(parse("(ls)"))


def test_assignment_leaves_the_frame_alone(session):
    before = session.run("M.hex").data
    session.run("(tmp= a (:= M.hex 9 0 []))")
    assert session.run("M.hex").data.equals(before)


def test_imputation_changes_the_named_frame(session):
    assert session.run("(h2o.impute M.hex 1 'mean' 'interpolate' [] '_' '_')")[1] == 4.25
    assert session.run("M.hex").data["y"].to_list() == [2.5, 4.25, 6.0]


def test_columns_are_known_without_running():
    frame = Frame.of(pl.DataFrame({"x": [1.0, 2.0], "g": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))}))
    leaf = Leaf(frame)
    node = Call("sort", (Call("rows", (leaf, Call(">", (Call("cols_py", (leaf, "x")), 1.0)))), Items((0.0,))))
    assert names_of(node) == ["x", "g"]
    assert schema_of(node)[1] == ("g", "enum")
    assert not node._memo
    assert evaluate(node).nrow == 1
    assert node._memo


def test_a_shared_part_is_evaluated_once(monkeypatch):
    runs = []
    entry = REGISTRY["na.omit"]
    counted = type(entry)(
        entry.names, lambda x: (runs.append(1), entry.run(x))[1], entry.kinds, entry.least, entry.most
    )
    monkeypatch.setitem(REGISTRY, "na.omit", counted)
    part = Call("na.omit", (Leaf(Frame.of(pl.DataFrame({"x": [1.0, None]}))),))
    evaluate(Call("cbind", (part, Call("+", (part, part)))))
    assert len(runs) == 1
