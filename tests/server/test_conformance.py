"""Addresses and answers of the REST API beyond the recorded sessions."""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np
import pytest

from heavywater.server.router import ROUTES, find
from heavywater.server.v3.schemas import described, schemas

OTHERS = re.compile(r"/\d+/(ModelBuilders|Grid|SegmentModelsBuilders)/(?!deeplearning)\w+|XGBoostExecutor")


def test_every_address_of_the_original_is_answered(shared):
    """Those of other algorithms' builders aside, every address works or says that it is not supported."""
    listed = json.loads((shared / "spec" / "traces" / "endpoints.json").read_text())
    ours = [e for e in listed if not OTHERS.search(e["url"])]
    absent, refused = [], []
    for e in ours:
        path = re.sub(r"\{(\w+)\}", lambda m: "0" if "idx" in m[1] else "x", e["url"])
        found = find(e["method"], path)
        if found is None:
            absent.append((e["method"], e["url"]))
        elif found[0].summary.endswith("absent on purpose."):
            refused.append(e["url"])
    assert not absent
    assert len(ours) >= 145
    assert len(refused) <= 40


def test_schemas_are_described_as_in_the_original(client, shared):
    recorded = json.loads((shared / "spec" / "traces" / "schemas-core.json").read_text())
    assert set(recorded) == set(schemas())
    for name, wanted in recorded.items():
        fields = {f["name"]: f for f in described(schemas()[name])["fields"]}
        assert list(fields) == [f["name"] for f in wanted["fields"]]
        for f in wanted["fields"]:
            got = fields[f["name"]]
            assert (got["type"], got["schema_name"], got["direction"]) == (f["type"], f["schema"], f["dir"]), (name, f)
    assert len(client.get("/3/Metadata/schemas")["schemas"]) == len(recorded)
    assert "did you mean 'CloudV3'" in client.get("/3/Metadata/schemas/CloudV2", 404)["msg"]


def test_addresses_are_described(client):
    listed = client.get("/3/Metadata/endpoints")["routes"]
    assert len(listed) == len(ROUTES)
    one = client.get("/3/Metadata/endpoints/3")["routes"][0]
    assert (one["http_method"], one["url_pattern"]) == (listed[3]["http_method"], listed[3]["url_pattern"])
    document = json.loads(client.raw("GET", "/openapi.json").content)
    assert document["openapi"].startswith("3.")
    assert "get" in document["paths"]["/3/Frames/{frame_id}"]
    names = [p["name"] for p in document["paths"]["/3/Frames/{frame_id}"]["get"]["parameters"]]
    assert {"frame_id", "row_offset", "row_count"} <= set(names)
    page = client.raw("GET", "/docs").text
    assert all(path in page for path in ("/3/Frames/{frame_id}", "/99/Rapids", "/3/Models/{model_id}/mojo"))
    assert all(e["url"].split()[1].startswith("/4/") for e in client.get("/4/endpoints")["endpoints"])
    info = {m["algo"]: m for m in client.get("/4/modelsinfo")["models"]}
    assert info["deeplearning"]["have_mojo"] is True


# -- models in other forms ----------------------------------------------------------------------------------------------


def test_mojo_comes_over_plain_http_and_goes_in_again(people):
    people.train(response_column="y", ignored_columns='["id"]', model_id="m")
    answer = people.raw("GET", "/3/Models/m/mojo")
    assert answer.headers["content-disposition"] == 'attachment; filename="m.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "algo = deeplearning" in archive.read("model.ini").decode()
    people.raw("POST", "/3/PostFile", params={"destination_frame": "mojo"}, content=answer.content)
    raw = people.get("/3/Frames/mojo", row_count=2)["frames"][0]
    assert (raw["is_text"], raw["rows"], raw["columns"][0]["data"]) == (True, len(answer.content), [80.0, 75.0])
    job = people.post("/3/ModelBuilders/generic", model_id="g", model_key="mojo")["job"]
    assert people.wait(job)["status"] == "DONE"
    predicted = []
    for name in ("m", "g"):
        job = people.wait(people.post(f"/4/Predictions/models/{name}/frames/people.hex"))
        predicted.append(people.get(f"/3/Frames/{job['dest']['name']}")["frames"][0]["columns"][2]["data"])
    assert predicted[0] == pytest.approx(predicted[1], abs=1e-6)
    saved = people.get("/99/Models.mojo/m", dir=people.root / "m.zip")
    assert (people.root / "m.zip").read_bytes()[:2] == b"PK"
    people.get("/99/Models.mojo/m", 412, dir=saved["dir"])
    people.get("/99/Models.mojo/m", 412, dir="/nowhere/m.zip")


def test_java_source_comes_over_plain_http(people):
    people.train(response_column="y", ignored_columns='["id"]', model_id="m")
    answer = people.raw("GET", "/3/Models.java/m")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "public class m extends GenModel" in answer.text
    preview = people.raw("GET", "/3/Models.java/m/preview").text
    assert answer.text.startswith(preview[:500])
    people.get("/3/Models.java/nothing", 404)


def test_description_of_a_model_as_a_file(people):
    people.train(response_column="y", model_id="m")
    place = people.get("/99/Models/m/json", dir=people.root / "m.json")["dir"]
    assert json.loads((people.root / "m.json").read_text())["model_id"]["name"] == "m"
    people.get("/99/Models/m/json", 412, dir=place)


# -- frames -----------------------------------------------------------------------------------------------------------------


def done(client, job):
    ended = client.wait(job)
    assert ended["status"] == "DONE", ended
    return ended


def test_made_up_frames(client):
    options = {
        "dest": "made", "rows": 500, "cols": 10, "seed": 3, "categorical_fraction": 0.2, "factors": 4, "integer_fraction": 0.2,
        "binary_fraction": 0.1, "time_fraction": 0.1, "string_fraction": 0.1, "missing_fraction": 0.1, "has_response": True,
    }  # fmt: skip
    done(client, client.post("/3/CreateFrame", **options))
    columns = client.get("/3/Frames/made")["frames"][0]["columns"]
    assert [c["label"] for c in columns] == ["response", *(f"C{i}" for i in range(1, 11))]
    kinds = sorted(c["type"] for c in columns)
    assert kinds == ["enum", "enum", "enum", "int", "int", "int", "real", "real", "real", "string", "time"]
    assert all(20 < c["missing_count"] < 90 for c in columns[1:])
    first = client.hub.frame("made").data
    done(client, client.post("/3/CreateFrame", **options))
    assert client.hub.frame("made").data.equals(first)
    wrong = client.post("/3/CreateFrame", 412, dest="x", rows=0, missing_fraction=2)["msg"]
    assert "rows must be at least 1" in wrong
    assert "missing_fraction" in wrong
    for huge in ({"rows": 10**9, "cols": 10**4}, {"factors": 10**9}, {"response_factors": 10**9}):
        assert "limit" in client.post("/3/CreateFrame", 412, dest="x", **huge)["msg"]


def test_pieces_of_a_frame(people):
    answer = people.post("/3/SplitFrame", dataset="people.hex", ratios="[0.5,0.25]", destination_frames="[a,b,c]")
    people.hub.jobs[answer["key"]["name"]].job.wait(30)
    sizes = [people.get(f"/3/Frames/{n}")["frames"][0]["rows"] for n in "abc"]
    assert sizes == [30, 15, 15]
    assert people.get("/3/Frames/b")["frames"][0]["columns"][0]["data"][0] == 30.0
    people.post("/3/SplitFrame", 400, dataset="people.hex", ratios="[0.9,0.9]")
    many = ",".join(["0.0001"] * 2000)
    assert "limit" in people.post("/3/SplitFrame", 400, dataset="people.hex", ratios=f"[{many}]")["msg"]


def test_combined_levels(people):
    done(
        people,
        people.post(
            "/3/Interaction", source_frame="people.hex", factor_columns="[group,sex]", dest="both", pairwise="False",
            max_factors=3, min_occurrence=1,
        ),
    )  # fmt: skip
    column = people.get("/3/Frames/both")["frames"][0]["columns"][0]
    assert column["label"] == "group_sex"
    assert column["domain"] == ["a_m", "b_f", "c_m", "other"]


def test_missing_values_on_purpose(people):
    done(people, people.post("/3/MissingInserter", dataset="people.hex", fraction=0.5, seed=1))
    columns = people.get("/3/Frames/people.hex")["frames"][0]["columns"]
    assert all(15 < c["missing_count"] < 45 for c in columns)
    people.post("/3/MissingInserter", 400, dataset="people.hex", fraction=1.5)


def test_tabulate(people):
    answer = people.post("/99/Tabulate", dataset="people.hex", predictor="group", response="age", nbins_response=2)
    counts = answer["count_table"]
    assert counts["data"][0] == ["a", "b", "c"] * 2
    assert sum(counts["data"][2]) == 60
    frame = people.hub.frame("people.hex")
    ages, groups = frame.numeric("age"), frame.data["group"].cast(str).to_numpy()
    means = [float(ages[groups == g].mean()) for g in "abc"]
    assert answer["response_table"]["data"] == [["a", "b", "c"], pytest.approx(means), [20.0, 20.0, 20.0]]
    people.post("/99/Tabulate", 404, dataset="people.hex", predictor="nothing", response="age")
    people.rapids("(assign real (/ (cols people.hex [0 1]) 7))")
    huge = {"dataset": "real", "predictor": "id", "response": "age", "nbins_predictor": 9999, "nbins_response": 9999}
    assert "limit" in people.post("/99/Tabulate", 412, **huge)["msg"]


def test_find(people):
    found = people.get("/3/Find", key="people.hex", column="group", row=10, match="b")
    assert (found["prev"], found["next"]) == (7, 13)
    assert people.get("/3/Find", key="people.hex", column="age", row=0, match="999")["next"] == -1


def test_saved_frames_come_back(people):
    place = str(people.root / "frames")
    done(people, people.post("/3/Frames/people.hex/save", dir=place, force=True)["job"])
    before = people.hub.frame("people.hex").data
    people.call("DELETE", "/3/Frames/people.hex")
    done(people, people.post("/3/Frames/load", frame_id="people.hex", dir=place, force=True)["job"])
    assert people.hub.frame("people.hex").data.equals(before)
    people.post("/3/Frames/people.hex/save", 412, dir="/nowhere", force=True)


def test_export_in_parts(people):
    done(
        people,
        people.post("/3/Frames/people.hex/export", path=people.root / "parts", num_parts=4, compression="gzip")["job"],
    )
    parts = sorted((people.root / "parts").iterdir())
    assert [p.name for p in parts] == [f"part-m-{i:05d}.gz" for i in range(4)]
    raw = people.post("/3/ImportFilesMulti", paths=f"[{people.root / 'parts'}]")["destination_frames"]
    assert len(raw) == 4


def test_svmlight(client):
    client.raw("POST", "/3/PostFile", params={"destination_frame": "up"}, content=b"1 1:0.5 3:2\n0 2:1.5\n")
    done(client, client.post("/3/ParseSVMLight", source_frames='["up"]', destination_frame="sparse"))
    assert client.get("/3/Frames/sparse")["frames"][0]["rows"] == 2


# -- explaining -------------------------------------------------------------------------------------------------------------


def test_dependence_on_two_columns_and_on_given_values(people):
    people.train(response_column="y", ignored_columns='["id"]', model_id="m")
    job = people.post(
        "/3/PartialDependence/", model_id="m", frame_id="people.hex", cols="[age]", user_cols="[age]", user_splits="[30,40,50]",
        num_user_splits="[3]", col_pairs_2dpdp="[[group, sex]]", nbins=5,
    )  # fmt: skip
    made = people.get(f"/3/PartialDependence/{done(people, job)['dest']['name']}")
    one, two = made["partial_dependence_data"]
    assert one["data"][0] == [30.0, 40.0, 50.0]
    assert [c["name"] for c in two["columns"][:3]] == ["group", "sex", "mean_response"]
    assert two["rowcount"] == 6
    assert made["user_splits"] == [30.0, 40.0, 50.0]
    level = people.post(
        "/3/PartialDependence/", model_id="m", frame_id="people.hex", cols="[group]", user_cols="[group]", user_splits="[2,0]",
        num_user_splits="[2]",
    )  # fmt: skip
    made = people.get(f"/3/PartialDependence/{done(people, level)['dest']['name']}")
    assert made["partial_dependence_data"][0]["data"][0] == ["c", "a"]
    people.post("/3/PartialDependence/", 400, model_id="m", frame_id="people.hex", cols="[age]", user_cols="[age]",
                user_splits="[1]", num_user_splits="[2]")  # fmt: skip


def test_dependence_equals_the_embedded_one(people):
    people.train(response_column="y", ignored_columns='["id"]', model_id="m")
    job = people.post("/3/PartialDependence/", model_id="m", frame_id="people.hex", cols="[age]", nbins=4)
    table = people.get(f"/3/PartialDependence/{done(people, job)['dest']['name']}")["partial_dependence_data"][0]
    frame, model = people.hub.frame("people.hex"), people.hub.model("m")
    for value, mean in zip(table["data"][0], table["data"][1]):
        held = type(frame).of(frame.data.with_columns(age=value))
        assert mean == pytest.approx(float(np.mean(model.predict(held, threads=1).numeric("yes"))))


def test_permutation_importance_and_leaderboard_by_rapids(people):
    for name, hidden in (("m1", "[4]"), ("m2", "[2]")):
        people.train(response_column="y", ignored_columns='["id"]', model_id=name, hidden=hidden)
    people.rapids("(tmp= vi (PermutationVarImp m1 people.hex 'AUTO' -1 1 [] 1))")
    columns = people.get("/3/Frames/vi")["frames"][0]["columns"]
    assert [c["label"] for c in columns] == ["Variable", "Relative Importance", "Scaled Importance", "Percentage"]
    assert sorted(columns[0]["string_data"]) == ["age", "group", "sex"]
    people.rapids("(tmp= board (makeLeaderboard ['m1' 'm2'] 'people.hex' 'AUTO' ['ALL'] 'AUTO'))")
    columns = people.get("/3/Frames/board")["frames"][0]["columns"]
    assert [c["label"] for c in columns][:3] == ["model_id", "auc", "logloss"]
    assert columns[1]["data"] == sorted(columns[1]["data"], reverse=True)
    old = people.rapids("(model.reset.threshold m1 0.25)")["scalar"]
    assert 0 <= old <= 1
    assert people.get("/3/Models/m1")["models"][0]["output"]["default_threshold"] == 0.25


def test_saved_grids_come_back(people):
    job = people.post(
        "/99/Grid/deeplearning", training_frame="people.hex", response_column="y", ignored_columns='["id"]', epochs=1, seed=1,
        hyper_parameters='{"hidden": [[3],[2]],"epochs": [0.5,-5]}', grid_id="g",
    )["job"]  # fmt: skip
    done(people, job)
    before = people.get("/99/Grids/g")
    people.post("/3/Grid.bin/g/export", grid_directory=people.root / "grids")
    people.call("DELETE", "/3/DKV")
    people.get("/99/Grids/g", 404)
    assert people.post("/3/Grid.bin/import", grid_path=people.root / "grids" / "g")["name"] == "g"
    after = people.get("/99/Grids/g")
    assert after["summary_table"]["data"] == before["summary_table"]["data"]
    assert after["failure_details"] == before["failure_details"]
    people.post("/3/Grid.bin/import", 412, grid_path=people.root)
    people.post("/3/Grid.bin/g/export", 412, grid_directory="/nowhere")


# -- administration ---------------------------------------------------------------------------------------------------------


def test_logs(people):
    people.post("/3/LogAndEcho", message="a line of the client")
    assert "a line of the client" in people.get("/3/Logs/nodes/0/files/info")["log"]
    assert "a line of the client" not in people.get("/3/Logs/nodes/0/files/error")["log"]
    archive = zipfile.ZipFile(io.BytesIO(people.raw("GET", "/3/Logs/download").content))
    assert "a line of the client" in archive.read(archive.namelist()[0]).decode()
    people.get("/3/Logs/nodes/0/files/passwords", 400)
    people.get("/3/Logs/nodes/7/files/info", 400)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/3/NetworkTest", "table"), ("/3/Timeline", "events"), ("/3/WaterMeterCpuTicks/0", "cpu_ticks"),
        ("/3/WaterMeterIo", "persist_stats"), ("/3/SteamMetrics", "idle_millis"), ("/99/Leaderboards", "leaderboards"),
    ],
)  # fmt: skip
def test_diagnostics_are_honest(client, path, field):
    assert field in client.get(path)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/99/AutoMLBuilder"), ("GET", "/99/AutoML/x"), ("POST", "/3/SegmentModelsBuilders/deeplearning")],
)
def test_what_is_absent_says_so(client, method, path):
    answer = client.call(method, path, 412)
    assert "is not supported by this server" in answer["msg"]
    assert answer["exception_type"] == "water.exceptions.H2ONotSupportedException"
