"""Grids and partial dependence over HTTP."""

from __future__ import annotations

import pytest

from heavywater.server.wire import items, loose_json, strings, whole


def test_grid_trains_and_ranks(people):
    job = people.post(
        "/99/Grid/deeplearning", training_frame="people.hex", response_column="y", ignored_columns='["id"]', epochs=1, seed=1,
        hidden="[200,200]", hyper_parameters='{"hidden": [[3],[4,4]],"activation": [Rectifier,Tanh]}', grid_id="g",
        search_criteria='{"strategy"="RandomDiscrete","max_models"=3,"seed"=1}',
    )["job"]  # fmt: skip
    assert people.wait(job)["status"] == "DONE"
    grid = people.get("/99/Grids/g", sort_by="auc", decreasing=True)
    names = [m["name"] for m in grid["model_ids"]]
    assert sorted(names) == ["g_model_1", "g_model_2", "g_model_3"]
    assert (grid["sort_by"], grid["decreasing"]) == ("auc", True)
    aucs = [m["AUC"] for m in grid["training_metrics"]]
    assert aucs == sorted(aucs, reverse=True)
    assert grid["summary_table"]["data"][3] == names


def test_failed_points_are_recorded(people):
    job = people.post(
        "/99/Grid/deeplearning", training_frame="people.hex", response_column="y", seed=1, grid_id="g",
        hyper_parameters='{"epochs": [0.1,-5]}',
    )["job"]  # fmt: skip
    people.wait(job)
    grid = people.get("/99/Grids/g")
    assert len(grid["model_ids"]) == 1
    assert grid["failed_raw_params"] == [["-5"]]
    assert "epochs" in grid["failure_details"][0]


def test_partial_dependence(people):
    people.train(response_column="y", ignored_columns='["id"]', model_id="m")
    done = people.wait(
        people.post("/3/PartialDependence/", model_id="m", frame_id="people.hex", cols="[age,group]", nbins=4)
    )
    assert done["status"] == "DONE"
    age, group = people.get(f"/3/PartialDependence/{done['dest']['name']}")["partial_dependence_data"]
    assert age["data"][0] == [20.0, 32.0, 44.0, 56.0]
    assert group["data"][0] == ["a", "b", "c"]
    people.rapids("(assign fixed (:= people.hex 32 1 []))")
    scored = people.wait(people.post("/4/Predictions/models/m/frames/fixed"))
    frame = people.get(f"/3/Frames/{scored['dest']['name']}")["frames"][0]
    assert age["data"][1][1] == pytest.approx(frame["columns"][2]["mean"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("[a,b]", ["a", "b"]), ('["a,b",c]', ["a,b", "c"]), ("a", ["a"]), ("", None), ("[]", []), ("[NA,x]", ["x"])],
)
def test_lists(text, value):
    assert strings(text) == value


def test_nested_lists_and_numbers():
    assert items("[[1,2],[3]]") == ["[1,2]", "[3]"]
    assert [whole(t) for t in ("5", "5.0", "1e3")] == [5, 5, 1000]
    for wrong in ("5.5", "x", "1e99999", "NaN"):
        with pytest.raises(ValueError):
            whole(wrong)
    assert loose_json('{"a"=Tanh, "b": [1,2.5,True]}') == {"a": "Tanh", "b": [1, 2.5, True]}
