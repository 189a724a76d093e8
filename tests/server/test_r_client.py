"""What the R client does differently, row by row of the protocol's appendix A; a whole session is replayed in test_replay."""

from __future__ import annotations

import re

import pytest

R = {"User-Agent": "R/4.2.2 RCurl/1.98", "Connection": "close", "Session-Key": "_sid_1234", "Expect": ""}


@pytest.fixture
def r(people):
    people.headers = people.headers | R
    return people


def done(r, answer):
    job = r.wait(answer)
    assert job["status"] == "DONE", job
    return job


def test_transport_names_models_after_the_client(r):
    made = r.post("/3/ModelBuilders/deeplearning/model_id")["model_id"]
    assert re.fullmatch(r"deeplearning_model_R_\d+_\d+", made)
    failed = r.raw("POST", "/3/ModelBuilders/deeplearning", data={"training_frame": "nope"})
    assert failed.status_code == 400
    assert set(failed.json()) >= {"msg", "exception_type", "stacktrace"}


def test_every_answer_that_works_is_200(r):
    for method, path in (
        ("POST", "/4/sessions"),
        ("GET", "/3/InitID"),
        ("POST", "/3/GarbageCollect"),
        ("GET", "/3/Jobs"),
    ):
        assert r.raw(method, path).status_code == 200


def test_liveness(r):
    home = r.raw("GET", "/")
    assert (home.status_code, home.headers["location"]) == (301, "/flow/index.html")
    assert r.get("/3/Cloud", skip_ticks="true")["skip_ticks"] is True


def test_order_of_init(r):
    assert r.get("/3/Cloud", skip_ticks="true")["cloud_healthy"]
    assert all(isinstance(c["name"], str) for c in r.get("/3/Capabilities/API")["capabilities"])
    cloud = r.get("/3/Cloud", skip_ticks="true")
    assert re.fullmatch(r"3\.46\.0\.\d+", cloud["version"])
    assert cloud["branch_name"] == "rel-3.46.0"
    session = r.get("/3/InitID")
    assert session["session_properties_allowed"] is True
    assert re.fullmatch(r"_sid_[0-9a-f]{4}", session["session_key"])
    given = {"session_key": session["session_key"], "key": "job.fetch_timeout_ms", "value": "1000"}
    assert {k: r.post("/3/SessionProperties", **given)[k] for k in given} == given


def test_health(r):
    cloud = r.get("/3/Cloud", skip_ticks="true")
    assert [n["healthy"] for n in cloud["nodes"]] == [True]


def test_end_of_the_session(r):
    session = r.get("/3/InitID")["session_key"]
    r.post("/99/Rapids", ast=f"(tmp= RTMP{session}_1 (cols people.hex [0]))", session_id=session)
    assert r.call("DELETE", "/3/InitID")["session_key"] is None
    assert r.call("DELETE", "/3/InitID", session_key=session)["session_key"] == session
    r.get(f"/3/Frames/RTMP{session}_1", 404)


def test_a_new_session_after_remove_all(r):
    session = r.get("/3/InitID")["session_key"]
    r.post("/99/Rapids", ast=f"(tmp= RTMP{session}_1 (cols people.hex [0]))", session_id=session)
    r.call("DELETE", "/3/DKV")
    assert r.get("/3/Frames")["frames"] == []
    new = r.get("/3/InitID")["session_key"]
    assert r.post("/99/Rapids", ast="(+ 1 1)", session_id=new)["scalar"] == 2


def test_import_of_one_path(r):
    found = r.get("/3/ImportFiles", path=str(r.root / "people.csv"), pattern="")
    assert found["destination_frames"] == [f"nfs:/{r.root / 'people.csv'}"]
    assert found["fails"] == []


def test_upload_as_a_form(r):
    body = b"a,b\n1,x\n2,y\n"
    files = {"fileUploadInfo": ("file1.csv", body, "application/octet-stream")}
    key = "/tmp/file1.csv_sid_1234_3"
    answer = r.raw("POST", "/3/PostFile", params={"destination_frame": key}, files=files).json()
    assert answer == {"destination_frame": key, "total_bytes": len(body)}
    setup = r.post("/3/ParseSetup", source_frames=f'["{key}"]', skipped_columns="[]", check_header="1", escapechar="92")
    assert setup["destination_frame"] == "file1_csv_sid_1234_3.hex"
    assert setup["column_names"] == ["a", "b"]


def test_parse_with_the_arguments_of_r(r):
    raw = r.get("/3/ImportFiles", path=str(r.root / "people.csv"), pattern="")["destination_frames"][0]
    source = f'["{raw}"]'
    setup = r.post(
        "/3/ParseSetup", source_frames=source, skipped_columns="[]", check_header="0", force_col_types="FALSE"
    )
    names = "[" + ",".join(f'"{n}"' for n in setup["column_names"]) + "]"
    types = "[" + ",".join(f'"{t}"' for t in setup["column_types"]) + "]"
    parsed = r.post(
        "/3/Parse", source_frames=source, destination_frame="people.hex_sid_1234_1", separator="44", parse_type="CSV",
        single_quotes="FALSE", check_header="1", number_columns="5", column_names=names, column_types=types,
        na_strings="[]", chunk_size="4194304", delete_on_done="TRUE", blocking="TRUE", decrypt_tool="NULL",
        skipped_columns="[]", force_col_types="FALSE", partition_by="[]", escapechar="92",
    )  # fmt: skip
    assert parsed["job"]["dest"]["name"] == "people.hex_sid_1234_1"
    assert (parsed["job"]["status"], parsed["rows"]) == ("DONE", 60)


def test_skipped_columns(r):
    raw = r.get("/3/ImportFiles", path=str(r.root / "people.csv"), pattern="")["destination_frames"][0]
    names = '["id","age","group","sex","y"]'
    job = r.post(
        "/3/Parse", source_frames=f'["{raw}"]', destination_frame="less.hex", separator=44, parse_type="CSV", number_columns=5,
        check_header=1, column_names=names, skipped_columns="[1,3]", blocking="TRUE",
    )["job"]  # fmt: skip
    assert job["status"] == "DONE"
    assert [c["label"] for c in r.get("/3/Frames/less.hex")["frames"][0]["columns"]] == ["id", "group", "y"]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_names_that_are_empty_are_none(r):
    raw = r.get("/3/ImportFiles", path=str(r.root / "people.csv"), pattern="")["destination_frames"][0]
    answer = r.post(
        "/3/Parse", source_frames=f'["{raw}"]', destination_frame="bare.hex", column_names='[""]', check_header="-1",
        blocking="TRUE",
    )  # fmt: skip
    assert answer["job"]["status"] == "DONE", answer["job"]["exception"]
    assert r.get("/3/Frames/bare.hex")["frames"][0]["columns"][0]["label"] == "C1"


def test_jobs_name_themselves_and_say_why_they_failed(r):
    r.train(response_column="y", model_id="m")
    r.rapids("(assign other (colnames= (cols_py people.hex 1) 0 'z'))")
    key = r.post("/4/Predictions/models/m/frames/other")["key"]["name"]
    r.hub.jobs[key].job.wait(60)
    job = r.get(f"/3/Jobs/{key}")["jobs"][0]
    assert job["key"]["name"] == key
    assert key.startswith("$")
    assert job["status"] == "FAILED"
    assert job["stacktrace"]
    assert "Job is missing" in r.get("/3/Jobs/$nothing", 400)["msg"]


def test_frames_are_fetched_whole(r):
    shown = r.get("/3/Frames/people.hex", row_count=10, column_count=2)["frames"][0]
    assert (shown["row_count"], shown["num_columns"], len(shown["columns"])) == (10, 5, 2)
    assert all(len(c["data"]) == shown["row_count"] for c in shown["columns"])
    r.rapids("(assign texts (as.character (cols people.hex [2])))")
    text = r.get("/3/Frames/texts", row_count=10)["frames"][0]["columns"][0]
    assert (text["type"], text["data"], len(text["string_data"])) == ("string", None, 10)


def test_summaries_without_what_is_large(r):
    left_out = "frames/columns/data,frames/columns/domain,frames/columns/histogram_bins,frames/columns/percentiles"
    answer = r.get("/3/Frames/people.hex/summary", _exclude_fields=left_out)
    for c in answer["frames"][0]["columns"]:
        assert [c[k] for k in ("data", "domain", "histogram_bins", "percentiles")] == [None] * 4
    whole = r.get("/3/Frames/people.hex/summary")["frames"][0]["columns"]
    assert whole[2]["histogram_bins"] == [20, 20, 20]
    assert len(whole[1]["percentiles"]) == 17
    assert r.get("/3/Frames/people.hex/columns/group/domain")["domain"] == [["a", "b", "c"]]
    one = r.get("/3/Frames/people.hex/columns/age/summary")["frames"][0]["columns"]
    assert [c["label"] for c in one] == ["age"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(%% 7 3)", 1), ("(%/% 7 3)", 2), ("(&& 1 0)", 0), ("(|| 1 0)", 1), ("(!! 0)", 1), ("(+ TRUE 1)", 2),
        ("(getrow (mean (cols people.hex [1]) FALSE))", None), ("(rm RTMP_sid_1234_9)", 0),
        ("(max (cols people.hex [0]))", 59), ("(sum (cols people.hex [0]))", 1770),
    ],
)  # fmt: skip
def test_rapids_as_r_writes_it(r, text, value):
    answer = r.rapids(text)
    found = answer["scalar"][0] if isinstance(answer["scalar"], list) else answer["scalar"]
    assert found == value if value is not None else found > 0


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("(cols people.hex [0 1])", 60, 2), ("(cols people.hex -1)", 60, 4), ("(rows people.hex [0:5])", 5, 5),
        ("(append people.hex (log (cols people.hex [1])) \"log\")", 60, 6), ("(table (cols people.hex [2]) TRUE)", 3, 2),
        ("(GB people.hex [2] mean 1 \"all\" nrow 0 \"all\")", 3, 3), ("(as.factor (cols people.hex [3]))", 60, 1),
        ("(:= people.hex (as.factor (cols people.hex [4])) [4] [])", 60, 5), ("(h2o.runif people.hex 1234)", 60, 1),
        ("(ls )", 1, 1), ("(sort people.hex [1] [1])", 60, 5), ("(quantile (cols people.hex [1]) [0.5] \"interpolate\" _)", 1, 2),
        ("(cut (cols people.hex [1]) [0 30 60] [] FALSE TRUE 3)", 60, 1), ("(is.na (cols people.hex [1]))", 60, 1),
        ("(cbind (cols people.hex [0]) (cols people.hex [1]))", 60, 2), ("(na.omit people.hex)", 60, 5),
    ],
)  # fmt: skip
def test_rapids_frames_as_r_writes_them(r, text, rows, columns):
    answer = r.rapids(f"(tmp= RTMP_sid_1234_1 {text})")
    assert (answer["num_rows"], answer["num_cols"]) == (rows, columns)


TYPES = {
    "boolean", "enum", "double", "float", "Key", "Key<Frame>", "Key<Frame>[]", "Key<Key>", "Key<Model>", "Key<Model>[]", "int",
    "long", "string", "VecSpecifier", "VecSpecifier[]", "KeyValue[]", "StringPair[]", "Key<Keyed>[]", "string[][]", "boolean[]",
    "enum[]", "double[]", "float[]", "int[]", "long[]", "string[]",
}  # fmt: skip
"""Types of parameters that the R client knows; any other stops it."""


def test_arguments_are_checked_against_the_builder(r):
    listed = r.get("/3/ModelBuilders/deeplearning")["model_builders"]["deeplearning"]["parameters"]
    assert {p["type"] for p in listed} <= TYPES
    for p in listed:
        assert {"name", "type", "required", "values"} <= set(p)


def test_training_with_the_arguments_of_r(r):
    key = r.post(
        "/3/ModelBuilders/deeplearning", training_frame="people.hex", ignored_columns='["id"]', response_column="y",
        hidden="[5,5]", epochs="1", export_weights_and_biases="TRUE", reproducible="TRUE", seed="1",
    )["job"]  # fmt: skip
    name = done(r, key)["dest"]["name"]
    assert re.fullmatch(r"DeepLearning_model_R_\d+_\d+", name)
    model = r.get(f"/3/Models/{name}")["models"][0]
    assert model["output"]["model_category"] == "Binomial"
    actual = {p["name"]: p["actual_value"] for p in model["parameters"]}
    assert actual["response_column"]["column_name"] == "y"
    assert model["output"]["names"][-1] == "y"
    assert model["output"]["weights"][0]["name"] == f"{name}.weights.0"
    assert r.get(f"/3/Frames/{name}.weights.0", row_count=10)["frames"][0]["rows"] == 5


def test_infinity_is_text(r):
    r.train(response_column="y", model_id="m", max_w2="Infinity")
    model = r.get("/3/Models/m")["models"][0]
    assert {p["name"]: p["actual_value"] for p in model["parameters"]}["max_w2"] == "Infinity"


def test_predictions(r):
    r.train(response_column="y", model_id="m")
    done(r, r.post("/4/Predictions/models/m/frames/people.hex"))
    scored = r.post("/3/ModelMetrics/models/m/frames/people.hex")["model_metrics"]
    assert [m["frame"]["name"] for m in scored] == ["people.hex"]


def test_anomaly_and_deep_features(r):
    r.train(autoencoder="TRUE", ignored_columns='["id","y"]', model_id="ae", hidden="[4,2]")
    answer = r.post(
        "/3/Predictions/models/ae/frames/people.hex",
        reconstruction_error="TRUE",
        reconstruction_error_per_feature="FALSE",
    )
    assert answer["model_metrics"][0]["predictions"]["frame_id"]["name"] == answer["predictions_frame"]["name"]
    job = done(r, r.post("/4/Predictions/models/ae/frames/people.hex", deep_features_hidden_layer="1"))
    columns = r.get(f"/3/Frames/{job['dest']['name']}")["frames"][0]["columns"]
    assert [c["label"] for c in columns] == ["DF.L2.C1", "DF.L2.C2"]


def test_grids(r):
    answer = r.post(
        "/99/Grid/deeplearning", training_frame="people.hex", response_column="y", ignored_columns='["id"]', epochs="1",
        hyper_parameters='{"hidden":[[3],[2,2]],"l1":[0.0001,1e-05]}', grid_id="rgrid", parallelism="1", seed="1",
        search_criteria='{"strategy"="RandomDiscrete","max_models"=2,"max_runtime_secs"=60,"seed"=123456}',
    )  # fmt: skip
    done(r, answer["job"])
    grid = r.get("/99/Grids/rgrid", sort_by="logloss", decreasing="FALSE")
    assert grid["grid_id"]["name"] == "rgrid"
    wanted = {
        "model_ids", "failed_params", "failure_details", "failure_stack_traces", "failed_raw_params", "hyper_names",
        "summary_table", "warning_details",
    }  # fmt: skip
    assert wanted <= set(grid)
    assert len(grid["model_ids"]) == 2


def test_numbers_of_a_cartesian_grid(r):
    answer = r.post(
        "/99/Grid/deeplearning", training_frame="people.hex", response_column="y", ignored_columns='["id"]', epochs="0.1",
        hyper_parameters='{"hidden":[[3],[2]],"l1":[0.1,0.2]}', grid_id="g", seed="1",
    )  # fmt: skip
    done(r, answer["job"])
    table = r.get("/99/Grids/g")["summary_table"]
    found = dict(zip(table["data"][3], zip(table["data"][1], table["data"][2])))
    assert found["g_model_2"] == ("[2]", 0.1)
    assert found["g_model_3"] == ("[3]", 0.2)


def test_save_load_and_upload(r):
    r.train(response_column="y", model_id="m")
    place = r.get("/99/Models.bin/m", dir=r.root / "m", force="TRUE")["dir"]
    assert r.post("/99/Models.bin/", dir=place)["models"][0]["model_id"]["name"] == "m"
    data = r.raw("GET", "/3/Models.fetch.bin/m").content
    files = {"file": ("m", data, "application/octet-stream")}
    r.raw("POST", "/3/PostFile.bin", params={"destination_frame": "up"}, files=files)
    assert r.post("/99/Models.upload.bin/", dir="up")["models"][0]["model_id"]["name"] == "m"


def test_tables_carry_formats(r):
    model = r.train(response_column="y", model_id="m")
    tables = [model["output"][n] for n in ("model_summary", "scoring_history", "variable_importances")]
    metrics = model["output"]["training_metrics"]
    tables += [
        metrics["cm"]["table"],
        metrics["thresholds_and_metric_scores"],
        metrics["max_criteria_and_metric_scores"],
    ]
    for table in tables:
        assert table["__meta"]["schema_type"] == "TwoDimTable"
        assert all(re.search(r"%[\d.]*[sdf]", c["format"]) for c in table["columns"])
        assert {len(column) for column in table["data"]} == {table["rowcount"]}
    assert [c["name"] for c in metrics["cm"]["table"]["columns"]] == ["no", "yes", "Error", "Rate"]


def test_json_in_place_of_a_form(r):
    answer = r.raw("POST", "/99/Rapids", json={"ast": "(+ 1 2)", "session_id": "_sid_1234"})
    assert answer.json()["scalar"] == 3.0


def test_numbers_in_base_16(r):
    text = r.raw("GET", "/3/DownloadDataset", params={"frame_id": "people.hex", "hex_string": "true"}).text
    assert text.splitlines()[1] == '0,20,"a","m","no"'
    r.rapids("(assign halves (/ (cols people.hex [0 1]) 8))")
    text = r.raw("GET", "/3/DownloadDataset", params={"frame_id": "halves", "hex_string": "true"}).text
    assert [float.fromhex(v) for v in text.splitlines()[2].split(",")] == [0.125, 2.625]
    assert text.splitlines()[2] == "0x1.0p-3,0x1.5p1"
