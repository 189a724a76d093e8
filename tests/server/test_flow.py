"""From a file to predictions over HTTP."""

from __future__ import annotations

import numpy as np
import pytest


def test_parse_setup_describes_the_file(client):
    raw = client.post("/3/ImportFilesMulti", paths=f"[{client.root / 'people.csv'}]")
    assert raw["fails"] == []
    setup = client.post("/3/ParseSetup", source_frames=f'["{raw["destination_frames"][0]}"]')
    assert setup["column_names"] == ["id", "age", "group", "sex", "y"]
    assert setup["column_types"] == ["Numeric", "Numeric", "Enum", "Enum", "Enum"]
    assert (setup["separator"], setup["check_header"], setup["destination_frame"]) == (44, 1, "people.hex")


def test_frame_shows_statistics_and_rows(people):
    frame = people.get("/3/Frames/people.hex", row_count=3)["frames"][0]
    assert (frame["rows"], frame["row_count"], frame["total_column_count"]) == (60, 3, 5)
    age, group = frame["columns"][1], frame["columns"][2]
    assert age["data"] == [20.0, 21.0, 22.0]
    assert age["mean"] == pytest.approx(np.mean([20 + i % 37 for i in range(60)]))
    assert group["domain"] == ["a", "b", "c"]
    assert group["data"] == [0.0, 1.0, 2.0]
    assert group["mean"] == "NaN"


def test_excluded_fields_are_left_out(people):
    answer = people.get("/3/Frames/people.hex/summary", _exclude_fields="frames/columns/data,frames/chunk_summary")
    frame = answer["frames"][0]
    assert answer["_exclude_fields"] == "frames/columns/data,frames/chunk_summary"
    assert frame["chunk_summary"] is None
    assert all(c["data"] is None and c["histogram_bins"] is not None for c in frame["columns"])


def test_download_is_csv(people):
    answer = people.raw("GET", "/3/DownloadDataset", params={"frame_id": "people.hex"})
    assert answer.headers["content-type"] == "application/octet-stream;charset=utf-8"
    assert answer.text.splitlines()[:2] == ['"id","age","group","sex","y"', '0,20,"a","m","no"']


def test_upload_then_parse(client):
    answer = client.raw("POST", "/3/PostFile", params={"destination_frame": "up"}, content=b"a,b\n1,x\n2,y\n").json()
    assert answer == {"destination_frame": "up", "total_bytes": 12}
    job = client.post("/3/Parse", destination_frame="up.hex", source_frames='["up"]', delete_on_done=True)["job"]
    assert client.wait(job)["status"] == "DONE"
    assert client.get("/3/Frames/up.hex")["frames"][0]["rows"] == 2
    assert list(client.hub.scratch.iterdir()) == []


def test_upload_as_form(client):
    files = {"file": ("x.csv", b"a,b\r\n1,2\r\n"), "second": ("y.csv", b"ignored")}
    answer = client.raw("POST", "/3/PostFile", params={"destination_frame": "up"}, files=files).json()
    assert answer["total_bytes"] == 10
    assert client.hub.raw["up"].path.read_bytes() == b"a,b\r\n1,2\r\n"


@pytest.mark.parametrize(
    ("ast", "schema", "field", "value"),
    [
        ("(+ 1 2)", "RapidsNumberV3", "scalar", 3.0),
        ("(mean people.hex True 0)", "RapidsFrameV3", "num_cols", 5),
        ("(is.factor people.hex)", "RapidsNumbersV3", "scalar", [0.0, 0.0, 1.0, 1.0, 1.0]),
        ("(getTimeZone)", "RapidsStringV3", "string", "UTC"),
        ("(rm nothing)", "RapidsNumberV3", "scalar", 0.0),
    ],
)
def test_rapids_answers_by_kind(people, ast, schema, field, value):
    answer = people.rapids(ast)
    assert answer["__meta"]["schema_name"] == schema
    assert answer[field] == value


def test_temporary_frames_live_as_long_as_their_session(people):
    key = people.post("/4/sessions")["session_key"]
    people.post("/99/Rapids", ast="(tmp= t1 (cols_py people.hex 1))", session_id=key)
    assert people.get("/3/Frames/t1")["frames"][0]["num_columns"] == 1
    people.call("DELETE", f"/4/sessions/{key}")
    people.get("/3/Frames/t1", 404)


def test_train_score_predict(people):
    model = people.train(
        response_column="y", ignored_columns='["id"]', activation="rectifier_with_dropout", model_id="m"
    )
    output = model["output"]
    assert output["model_category"] == "Binomial"
    assert output["names"] == ["group", "sex", "age", "y"]
    actual = {p["name"]: p["actual_value"] for p in model["parameters"]}
    assert actual["activation"] == "RectifierWithDropout"
    assert actual["response_column"]["column_name"] == "y"
    assert actual["training_frame"]["name"] == "people.hex"
    assert output["training_metrics"]["__meta"]["schema_name"] == "ModelMetricsBinomialV3"

    scored = people.post("/3/ModelMetrics/models/m/frames/people.hex")["model_metrics"][0]
    assert scored["AUC"] == pytest.approx(output["training_metrics"]["AUC"])
    assert scored["frame"]["name"] == "people.hex"

    done = people.wait(people.post("/4/Predictions/models/m/frames/people.hex"))
    predicted = people.get(f"/3/Frames/{done['dest']['name']}")["frames"][0]
    assert [c["label"] for c in predicted["columns"]] == ["predict", "no", "yes"]
    own = people.hub.engine.predict(people.hub.model("m"), people.hub.frame("people.hex"))
    assert predicted["columns"][2]["data"] == own.data["yes"].to_list()


def test_autoencoder_anomaly(people):
    people.train(autoencoder=True, ignored_columns='["id","y"]', model_id="ae")
    answer = people.post("/3/Predictions/models/ae/frames/people.hex", reconstruction_error=True)
    frame = answer["model_metrics"][0]["predictions"]
    assert [c["label"] for c in frame["columns"]] == ["Reconstruction.MSE"]
    assert answer["predictions_frame"]["name"].startswith("reconstruction_error_")


def test_model_file_goes_out_and_in(people):
    people.train(response_column="y", model_id="m")
    before = people.hub.model("m").checksum
    data = people.raw("GET", "/3/Models.fetch.bin/m").content
    saved = people.get("/99/Models.bin/m", dir=people.root / "saved" / "m")
    people.get("/99/Models.bin/m", 412, dir=saved["dir"])
    people.call("DELETE", "/3/DKV")
    people.get("/3/Models/m", 404)
    people.raw("POST", "/3/PostFile.bin", params={"destination_frame": "file"}, content=data)
    loaded = people.post("/99/Models.upload.bin/", dir="file")["models"][0]
    assert loaded["model_id"]["name"] == "m"
    assert people.hub.model("m").checksum == before
    people.call("DELETE", "/3/Models/m")
    people.post("/99/Models.bin/", dir=saved["dir"])
    assert people.hub.model("m").checksum == before


def test_job_can_be_cancelled(people):
    job = people.post(
        "/3/ModelBuilders/deeplearning", training_frame="people.hex", response_column="y", epochs=1e7, hidden="[5]"
    )["job"]
    people.post(f"/3/Jobs/{job['key']['name']}/cancel")
    assert people.wait(job)["status"] == "CANCELLED"


def test_validation_names_the_fields(people):
    answer = people.post(
        "/3/ModelBuilders/deeplearning/parameters", training_frame="people.hex", response_column="y", hidden="[0]"
    )
    assert answer["error_count"] == 1
    assert [m["field_name"] for m in answer["messages"] if m["message_type"] == "ERRR"] == ["hidden"]
    assert answer["job"] is None


def test_make_metrics(people):
    people.train(response_column="y", model_id="m")
    done = people.wait(people.post("/4/Predictions/models/m/frames/people.hex"))
    people.rapids(f"(tmp= p (cols_py {done['dest']['name']} 2))")
    people.rapids("(tmp= a (cols_py people.hex 4))")
    made = people.post("/3/ModelMetrics/predictions_frame/p/actuals_frame/a", 412, domain="[no]")
    assert "predictions_frame" not in made
    made = people.post("/3/ModelMetrics/predictions_frame/p/actuals_frame/a", domain="[no,yes]")["model_metrics"]
    scored = people.post("/3/ModelMetrics/models/m/frames/people.hex")["model_metrics"][0]
    assert made["AUC"] == pytest.approx(scored["AUC"])


def test_ping_answers_while_a_model_trains(people):
    job = people.post("/3/ModelBuilders/deeplearning", training_frame="people.hex", response_column="y", epochs=1e7)[
        "job"
    ]
    assert people.get("/3/Ping")["cloud_healthy"] is True
    people.post(f"/3/Jobs/{job['key']['name']}/cancel")
    people.wait(job)


def test_export_and_arrow(people):
    import polars as pl

    path = people.root / "out.csv"
    assert people.wait(people.post("/3/Frames/people.hex/export", path=path)["job"])["status"] == "DONE"
    assert path.read_text().startswith('"id","age"')
    people.post("/3/Frames/people.hex/export", 412, path=path)
    table = pl.read_ipc(people.raw("GET", "/3/Frames/people.hex/arrow").content)
    assert table.height == 60
