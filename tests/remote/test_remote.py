"""The same work on the engine in this process and on a server: the same functions, the same numbers."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs heavywater[server]")
pytest.importorskip("httpx", reason="needs httpx")

import heavywater as h2o  # noqa: E402
from heavywater.engine import session  # noqa: E402
from heavywater.engine.session import LocalSession  # noqa: E402
from heavywater.errors import (  # noqa: E402
    H2OConnectionError,
    H2OTypeError,
    H2OValueError,
    HeavywaterError,
    InvalidParams,
    NotFound,
)
from heavywater.remote.frame import RemoteFrame  # noqa: E402
from tests.server.conftest import CSV  # noqa: E402
from tests.server.watched import Served  # noqa: E402

pytestmark = pytest.mark.network
TOKEN = "a-token-for-tests-0123"


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("remote"), "--token", TOKEN)
    (made.root / "people.csv").write_text(CSV)
    yield made
    made.end()


def embed(served: Served) -> None:
    session.use(LocalSession(1))
    h2o.no_progress()


def attach(served: Served) -> None:
    h2o.connect(url=served.url, token=TOKEN, verbose=False)
    h2o.no_progress()


@pytest.fixture(autouse=True)
def back() -> Iterator[None]:
    before = session.current()
    yield
    now = session.current()
    if now is not before and hasattr(now, "close"):
        h2o.remove_all()
        now.close()
    session.use(before)


@pytest.fixture(params=["embedded", "remote"])
def engine(request, served) -> str:
    (embed if request.param == "embedded" else attach)(served)
    return request.param


def people(served: Served) -> Any:
    frame = h2o.import_file(str(served.root / "people.csv"))
    frame["sex"] = frame["sex"].asfactor()
    frame["y"] = frame["y"].asfactor()
    return frame


def estimator(**more: Any) -> Any:
    return h2o.H2ODeepLearningEstimator(**({"hidden": [5], "epochs": 3, "seed": 1, "reproducible": True} | more))


def rows(frame: Any) -> list[Any]:
    return frame.as_data_frame(use_pandas=False)


# -- what is done on both ---------------------------------------------------------------------------------------------------


def munge(served: Served) -> dict[str, Any]:
    f = people(served)
    g = h2o.H2OFrame({"k": ["a", "b", "c"], "v": [1.5, float("nan"), 3.0]})
    merged = f[["id", "group"]].merge(g.set_names(["group", "v"]), all_x=True)
    counts = f["group"].table()
    f["half"] = f["age"] / 2
    young = f[f["age"] < 30, :]
    return {
        "dim": f.dim, "names": f.names, "types": f.types, "levels": f["group"].levels(),
        "mean": f["age"].mean(), "sd": f["age"].sd(), "sum": f["half"].sum(), "max": f["age"].max(),
        "young": [young.nrow, rows(young.head(3))], "merged": rows(merged), "counts": rows(counts),
        "by": rows(f.group_by("group").mean("age").count().get_frame()),
        "quantile": rows(f["age"].quantile([0.1, 0.5])), "sorted": rows(f.sort("age").head(4)),
        "text": rows(f["group"].ascharacter().toupper().head(3)), "if": rows((f["age"] > 40).ifelse(1, f["id"]).head(5)),
        "na": g["v"].isna().sum(), "unique": rows(f["sex"].unique()), "parts": [p.nrow for p in f.split_frame([0.7], seed=3)],
        "rapids": h2o.rapids("(+ 1 2)"), "cut": rows(f["age"].cut([0, 30, 60]).head(3)), "one": f[3, "group"],
        "inf": ((f["age"] - f["age"]) > float("-inf")).sum(), "bound": rows(f[["id"]].rbind(f[["id"]]).tail(2)),
        "stacked": rows(g.cbind(g["v"] * 2)), "cor": f["age"].cor(f["id"]), "imputed": g.impute("v", "mean"), "after": rows(g),
    }  # fmt: skip


def learn(served: Served) -> dict[str, Any]:
    f = people(served)
    train, test = f.split_frame([0.75], seed=1)
    m = estimator(export_weights_and_biases=True)
    m.train(x=["age", "group", "sex"], y="y", training_frame=train, validation_frame=test)
    n = estimator(distribution="gaussian")
    n.train(x=["group", "sex"], y="age", training_frame=train)
    a = h2o.H2OAutoEncoderEstimator(hidden=[2], epochs=2, seed=1, reproducible=True)
    a.train(x=["age", "group"], training_frame=train)
    more = estimator(epochs=5, checkpoint=m)
    more.train(x=["age", "group", "sex"], y="y", training_frame=train, validation_frame=test)
    performance = m.model_performance(test)
    return {
        "auc": [m.auc(), m.auc(valid=True), performance.auc()], "logloss": m.logloss(), "mse": n.mse(),
        "predicted": rows(m.predict(test)), "numbers": rows(n.predict(test)), "checksum": m._model.checksum,
        "matrix": performance.confusion_matrix().to_list(), "weights": rows(m.weights(0)), "importances": m.varimp(),
        "anomaly": rows(a.anomaly(test)), "features": rows(m.deepfeatures(test, 0)), "more": more.logloss(),
        "partial": [t.cell_values for t in m.partial_plot(test, cols=["age"], nbins=4, plot=False)],
    }  # fmt: skip


def fold(served: Served) -> dict[str, Any]:
    f = people(served)
    m = estimator(nfolds=2, keep_cross_validation_predictions=True, epochs=1)
    m.train(x=["age", "group"], y="y", training_frame=f)
    return {
        "auc": m.auc(xval=True), "models": [c.auc() for c in m.cross_validation_models()],
        "held out": rows(m.cross_validation_holdout_predictions()),
    }  # fmt: skip


def search(served: Served) -> dict[str, Any]:
    f = people(served)
    grid = h2o.H2OGridSearch(
        estimator(epochs=1), {"hidden": [[3], [4, 4]], "activation": ["Tanh", "Rectifier"]},
        search_criteria={"strategy": "RandomDiscrete", "max_models": 3, "seed": 1},
    )  # fmt: skip
    grid.train(x=["age", "group"], y="y", training_frame=f)
    ranked = grid.get_grid("logloss")
    return {"loss": [m.logloss() for m in ranked.models], "points": len(grid), "why": grid.why_stopped}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("work", [munge, learn, fold, search])
def test_equal_numbers(served, work):
    embed(served)
    here = work(served)
    attach(served)
    there = work(served)
    assert there.keys() == here.keys()
    for name, value in here.items():
        assert str(there[name]) == str(value), name


# -- both ways ----------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_models_are_saved_and_loaded(engine, served, tmp_path):
    f = people(served)
    m = estimator(model_id=f"saved_{engine}")
    m.train(x=["age", "group"], y="y", training_frame=f)
    path = h2o.save_model(m, str(served.root / engine), force=True)
    assert Path(path) == served.root / engine / m.model_id
    with pytest.raises(H2OValueError, match="exists"):
        h2o.save_model(m, str(served.root / engine))
    mine = h2o.download_model(m, tmp_path / "mine")
    h2o.remove(m.model_id)
    with pytest.raises(NotFound):
        h2o.get_model(m.model_id)
    assert h2o.load_model(path).auc() == m.auc()
    h2o.remove(m.model_id)
    again = h2o.upload_model(mine)
    assert rows(again.predict(f)) == rows(m.predict(f))
    assert h2o.get_model(m.model_id).logloss() == m.logloss()


def test_names(engine, served):
    f = h2o.import_file(str(served.root / "people.csv"), destination_frame="first")
    f[["age"]].frame_id = "second"
    h2o.assign(h2o.deep_copy(f, "third"), "fourth")
    keys = set(h2o.ls()["key"])
    assert {"first", "second", "fourth"} <= keys
    assert "third" not in keys
    assert h2o.get_frame("second").dim == [60, 1]
    assert set(h2o.frames()) >= {"first", "second", "fourth"}
    h2o.remove("first")
    with pytest.raises(NotFound, match="there is no object with the key 'firs'"):
        h2o.get_frame("firs")
    h2o.remove_all(["second"])
    assert list(h2o.ls()["key"]) == ["second"]


def test_files(engine, served, tmp_path):
    f = h2o.import_file(str(served.root / "people.csv"), col_types={"id": "enum"}, skipped_columns=[1])
    assert (f.names, f.types["id"]) == (["id", "group", "sex", "y"], "enum")
    (tmp_path / "mine.csv").write_text("a;b\n1;x\n2;NA\n")
    mine = h2o.upload_file(str(tmp_path / "mine.csv"), col_types=["numeric", "string"], na_strings=["NA"])
    assert rows(mine) == [["a", "b"], ["1", "x"], ["2", ""]]
    out = served.root / f"out_{engine}.csv"
    h2o.export_file(mine, str(out))
    assert out.read_text() == '"a","b"\n1,"x"\n2,\n'
    with pytest.raises(H2OValueError, match="exists"):
        h2o.export_file(mine, str(out))
    h2o.download_csv(mine, tmp_path / "down.csv")
    assert (tmp_path / "down.csv").read_text() == out.read_text()


MISTAKES = {
    "parameter": (lambda f: estimator(hidden=[0], epochs=-1).train(y="y", training_frame=f), InvalidParams, "hidden"),
    "response": (lambda f: estimator().train(y="nope", training_frame=f), H2OValueError, "nope"),
    "weights": (lambda f: estimator(weights_column="group").train(y="y", training_frame=f), InvalidParams, "weights"),
    "column": (lambda f: f["nope"], HeavywaterError, "nope"),
    "merge": (lambda f: f.merge(f, by_x=["id"], by_y=["age", "id"]), HeavywaterError, "merge"),
    "model": (lambda f: h2o.get_model("nothing"), NotFound, "nothing"),
    "file": (lambda f: h2o.load_model("nothing.bin"), HeavywaterError, "nothing.bin"),
    "rapids": (lambda f: h2o.rapids("(nothing 1)"), HeavywaterError, "nothing"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("which", MISTAKES)
def test_mistakes(engine, served, which):
    act, kind, said = MISTAKES[which]
    with pytest.raises(kind, match=said) as e:
        act(people(served))
    if which == "parameter":
        assert {m.field for m in e.value.messages} == {"hidden", "epochs"}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_training_fails_in_the_same_way(engine, served):
    m = estimator()
    m.train(x=["age"], y="y", training_frame=people(served))
    with pytest.raises(HeavywaterError, match="'y'"):
        m.model_performance(h2o.H2OFrame({"age": [30, 40]}))


# -- remote only --------------------------------------------------------------------------------------------------------------


def test_data_stays_with_the_server(served):
    attach(served)
    f = people(served)
    g = f[f["age"] > 30, ["age", "group"]]
    g["twice"] = g["age"] * 2
    older = sum(20 + i % 37 > 30 for i in range(60))
    assert (g.nrow, g.names, g["group"].levels()) == (older, ["age", "group", "twice"], [["a", "b", "c"]])
    assert g["twice"].mean() == [2 * v for v in g["age"].mean()]
    frame = g._frame()
    assert isinstance(frame, RemoteFrame)
    assert "whole" not in frame._cache
    assert frame.data.height == older


def test_frames_that_nobody_holds_are_forgotten(served):
    attach(served)
    f = people(served)
    f.frame_id = "kept"
    for i in range(5):
        f["age"] + i
    gc.collect()
    keys = session.current().store.kinds()
    assert {k for k in keys if not k.startswith("py")} >= {"kept"}
    listed = session.current().connection.get("/3/Frames")["frames"]
    assert len(listed) <= 3


def test_scoring_history_is_printed(engine, served, capsys):
    estimator().train(x=["age"], y="y", training_frame=people(served), verbose=True)
    assert "Scoring History" in capsys.readouterr().out


def test_a_client_that_ends_leaves_no_temporary_frames(served):
    script = (
        f"import heavywater as h2o; h2o.connect(url={served.url!r}, token={TOKEN!r}); h2o.no_progress();"
        f"f = h2o.import_file({str(served.root / 'people.csv')!r}); g = h2o.H2OFrame({{'a': [1]}}); h = f['age'] + 1;"
        "m = h2o.H2ODeepLearningEstimator(hidden=[2], epochs=1, model_id='of_the_script');"
        "m.train(y='y', training_frame=f); p = m.predict(f); f.frame_id = 'named'; print(p.nrow)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    attach(served)
    there = session.current().connection
    assert [f["frame_id"]["name"] for f in there.get("/3/Frames")["frames"]] == ["named"]
    assert [m["model_id"]["name"] for m in there.get("/3/Models")["models"]] == ["of_the_script"]


def test_cancel(served):
    attach(served)
    f = people(served)
    job = session.current().submit(estimator(epochs=1e9, reproducible=False).request(["age"], "y", f))
    assert not job.wait(0.3)
    assert job.status == "RUNNING"
    job.cancel()
    assert job.wait(60)
    assert job.status == "CANCELLED"
    assert job.result().key == job.description


def test_code_and_files_do_not_travel(served):
    attach(served)
    f = people(served)
    with pytest.raises(H2OTypeError, match="is code"):
        estimator(custom_metric_func=print).train(y="y", training_frame=f)
    with pytest.raises(H2OValueError, match="outside the folders"):
        h2o.import_file("/etc/passwd")
    with pytest.raises(H2OValueError, match="outside the folders"):
        estimator(export_checkpoints_dir="/tmp").train(y="y", training_frame=f)


def test_credentials(served):
    place = served.url.removeprefix("http://").split(":")
    for how in (
        {"url": f"{served.url}/?token={TOKEN}"}, {"url": served.url, "token": TOKEN}, {"url": served.url, "auth": ("h2o", TOKEN)},
        {"ip": place[0], "port": int(place[1]), "username": "h2o", "password": TOKEN},
    ):  # fmt: skip
        h2o.connect(**how, verbose=False)
        assert h2o.cluster().status().cell_values[1][1] == f"heavywater at {served.url}"
        session.current().close()
    h2o.init(ip="localhost", port=int(place[1]), token=TOKEN)
    assert session.current().connection.url == f"http://localhost:{place[1]}"
    session.current().close()
    for wrong in ({}, {"token": "wrong-wrong-wrong-wrong"}, {"auth": ("h2o", "x")}):
        with pytest.raises(H2OConnectionError, match="token is missing or wrong"):
            h2o.connect(url=served.url, **wrong)
    with pytest.raises(H2OConnectionError, match="does not answer"):
        h2o.connect(url="http://127.0.0.1:1")
    with pytest.raises(H2OValueError, match="is not an address"):
        h2o.connect(url="127.0.0.1")
    with pytest.raises(H2OTypeError, match="did you mean 'token'"):
        h2o.connect(url=served.url, tokn="x")


def test_a_server_that_goes_is_named(tmp_path):
    gone = Served(tmp_path, "--token", TOKEN)
    try:
        h2o.connect(url=gone.url, token=TOKEN, verbose=False)
        frame = h2o.H2OFrame({"a": [1]})
        h2o.shutdown()
        gone.process.wait(60)
        with pytest.raises(H2OConnectionError, match="does not answer"):
            frame.as_data_frame()
    finally:
        status, errors = gone.end()
    assert (status, errors) == (0, "")


def test_init_with_a_port_where_nobody_listens_stays_here():
    h2o.init(ip="localhost", port=1)
    assert type(session.current()) is LocalSession
