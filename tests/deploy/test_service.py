"""The scoring service: the same numbers from every format, kind errors, counters, and nobody uninvited."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.deploy.gate import Gate
from heavywater.deploy.scorers import open_scorer
from heavywater.errors import H2OValueError, ModelFileError, NotFound

pytest.importorskip("starlette", reason="needs heavywater[server]")
pytest.importorskip("httpx", reason="needs httpx")
pytestmark = pytest.mark.filterwarnings("ignore:Using .httpx. with", "ignore:column .*(not seen|missing)")

ROWS = [
    {"age": 31, "sex": "f", "pay": 900},
    {"age": None, "sex": "m", "pay": 1e308},
    {"age": 99.5, "sex": "nobody", "pay": None},
    {"age": "45.5", "sex": "ü <b>"},
]


def client(path: Path, token: str | None = None, **gate: Any) -> Any:
    from starlette.testclient import TestClient

    from heavywater.deploy.app import create_app

    return TestClient(create_app(open_scorer(path), Gate("127.0.0.1", token, **gate)), base_url="http://127.0.0.1")


def expected(model: Any, rows: list[dict[str, Any]]) -> Any:
    columns = {c: [r.get(c) for r in rows] for c in ("age", "sex", "pay")}
    columns["age"] = [None if v is None else float(v) for v in columns["age"]]
    return model.predict(h2o.H2OFrame(columns), flags=True).as_data_frame().fillna("")


@pytest.mark.parametrize("kind", ["heavywater", "MOJO", "ONNX"])
def test_every_format_gives_the_models_numbers(files: dict[str, Path], model: Any, kind: str) -> None:
    service = client(files[kind])
    found = service.post("/predict?flags=true", json={"rows": ROWS}).json()["predictions"]
    ours = expected(model, ROWS)
    for i, row in enumerate(found):
        assert row["predict"] == ours["predict"][i]
        assert row["yes"] == pytest.approx(ours["yes"][i], rel=1e-9, abs=1e-12)
        assert row["missing"] == ours["missing"][i]
        assert row["unseen"] == ours["unseen"][i]
        if kind != "MOJO":  # its format has no room for the ranges of training
            assert row["out_of_range"] == ours["out_of_range"][i]
    assert service.get("/info").json()["format"] == kind


def test_json_csv_arrow_and_query_agree(files: dict[str, Path]) -> None:
    pa = pytest.importorskip("pyarrow")
    service = client(files["heavywater"])

    def yes(answer: Any) -> list[float]:
        return [r["yes"] for r in answer.json()["predictions"]]

    whole = yes(service.post("/predict", json=ROWS[:3]))
    assert yes(service.post("/predict", json=ROWS[0])) == pytest.approx(whole[:1], rel=1e-12)
    lines = "\n".join(json.dumps(r) for r in ROWS[:3])
    assert yes(service.post("/predict", content=lines, headers={"Content-Type": "application/json"})) == whole
    text = "age,sex,pay\n31,f,900\n,m,1e308\n99.5,nobody,\n"
    told = service.post("/predict", content=text, headers={"Content-Type": "text/csv"})
    assert told.headers["content-type"].startswith("text/csv")
    assert [float(r["yes"]) for r in csv.DictReader(io.StringIO(told.text))] == whole
    frame = pa.table({"age": [31.0, None, 99.5], "sex": ["f", "m", "nobody"], "pay": [900.0, 1e308, None]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, frame.schema) as stream:
        stream.write_table(frame)
    kind = "application/vnd.apache.arrow.stream"
    told = service.post("/predict", content=sink.getvalue().to_pybytes(), headers={"Content-Type": kind})
    assert pa.ipc.open_stream(told.content).read_all()["yes"].to_pylist() == whole
    one = service.get("/predict", params={"age": 31, "sex": "f", "pay": 900})
    assert yes(one) == pytest.approx(whole[:1], rel=1e-12)


def test_many_rows(files: dict[str, Path], model: Any) -> None:
    rows = ROWS * 1000
    found = client(files["heavywater"]).post("/predict", json=rows).json()["predictions"]
    np.testing.assert_allclose([r["yes"] for r in found[:4]], expected(model, ROWS)["yes"], rtol=1e-9)
    assert [r["predict"] for r in found] == [r["predict"] for r in found[:4]] * 1000


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (
            b'{"age": "old", "sex": ["f"]}',
            "application/json",
            400,
            ["row 1: age must be a number; got 'old'", "row 1: sex must be"],
        ),
        (b'{"aeg": 3}', "application/json", 400, ["no column of the model is there", "age"]),
        (b"[1, 2]", "application/json", 400, ["rows are objects"]),
        (b"{", "application/json", 400, ["not JSON"]),
        (b"[" * 100_000, "application/json", 400, ["nested too deeply"]),
        (b"age,sex\n1,2,3\n", "text/csv", 400, ["row 1 has 3 cells, the header 2"]),
        (b"age,age\n1,2\n", "text/csv", 400, ["twice"]),
        (b"\xff\xfe", "text/csv", 415, ["not UTF-8"]),
        (b"nonsense", "application/vnd.apache.arrow.stream", 400, ["no Arrow stream"]),
        (b"<a/>", "application/xml", 415, ["is not read; send JSON, CSV"]),
    ],
)
def test_bad_bodies_are_told_what_was_wrong(
    files: dict[str, Path], body: bytes, kind: str, status: int, words: list[str]
) -> None:
    answer = client(files["heavywater"]).post("/predict", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    for word in words:
        assert word in answer.json()["error"]


def test_health_metrics_description_and_form(files: dict[str, Path]) -> None:
    service = client(files["heavywater"])
    assert service.get("/health").json() == {"status": "ok", "model": "risk"}
    service.post("/predict", json=ROWS)
    service.post("/predict", content=b"{")
    text = service.get("/metrics").text
    assert 'heavywater_requests_total{status="400"} 1' in text
    assert 'heavywater_rows_total{model="risk"} 4' in text
    assert 'heavywater_input_flags_total{kind="unseen",input="sex"} 1' in text
    assert "heavywater_predict_seconds_count 1" in text
    described = service.get("/openapi.json").json()
    assert set(described["paths"]) == {"/predict", "/health", "/metrics", "/info"}
    assert set(described["components"]["schemas"]["Row"]["properties"]) == {"age", "sex", "pay"}
    assert "/predict" in service.get("/docs").text
    page = service.get("/", params={"_": 1, "age": "31", "sex": "ü <b>", "pay": ""}).text
    assert "<b>" not in page
    assert "ü &lt;b&gt;" in page
    assert "Prediction" in page
    assert "age must be a number" in service.get("/", params={"_": 1, "age": "<script>"}).text


def test_nobody_uninvited(files: dict[str, Path]) -> None:
    token = "a-token-of-some-length"
    service = client(files["heavywater"], token, max_body=2000)
    assert service.get("/health").status_code == 200
    assert service.get("/info").status_code == 401
    assert service.get("/info", headers={"Authorization": "Bearer wrong-wrong-wrong-wrong"}).status_code == 401
    good = {"Authorization": f"Bearer {token}"}
    assert service.get("/info", headers=good).status_code == 200
    assert service.get("/info", headers={**good, "Host": "evil.example"}).status_code == 403
    assert service.get("/info", headers={**good, "Origin": "http://evil.example"}).status_code == 403
    assert service.get("/info", headers={**good, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert service.post("/predict", content=b"x" * 3000, headers=good).status_code == 413
    endless = (b"x" * 1000 for _ in range(10))
    assert service.post("/predict", content=endless, headers=good).status_code == 413
    entered = service.get("/", params={"token": token})
    assert entered.status_code == 200
    assert token not in str(entered.url)
    assert service.get("/info").status_code == 200  # by the cookie
    with pytest.raises(H2OValueError, match="loopback only"):
        Gate("0.0.0.0", None)
    with pytest.raises(H2OValueError, match="16 characters"):
        Gate("127.0.0.1", "short")


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_scorer(tmp_path / "nothing")
    for name, data in {
        "text": b"hello, world, this is text", "zip": b"PK\x03\x04 and no more", "model": b"\x10\0\0\0\0\0\0\0{}",
        "long": b"\xff\xff\xff\xff\xff\xff\xff\x7f{", "graph.onnx": b"\x08\x07nonsense",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelFileError):
            open_scorer(tmp_path / name)


def test_other_models_are_served_by_the_whole_library(tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="needs heavywater[algos]")
    from heavywater.estimators import H2OGradientBoostingEstimator
    from tests.deploy.conftest import table

    frame = h2o.H2OFrame(table())
    frame["risk"] = frame["risk"].asfactor()
    frame["sex"] = frame["sex"].asfactor()
    model = H2OGradientBoostingEstimator(ntrees=5, seed=1).train(y="risk", training_frame=frame)
    service = client(Path(h2o.save_model(model, str(tmp_path))))
    found = service.post("/predict?flags=1", json=ROWS[:3]).json()["predictions"]
    ours = expected(model, ROWS[:3])
    np.testing.assert_allclose([r["yes"] for r in found], ours["yes"], rtol=1e-12)
    assert [r["unseen"] for r in found] == list(ours["unseen"])
