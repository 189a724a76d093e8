"""One shape for every error."""

from __future__ import annotations

import json

import pytest

FIELDS = [
    "__meta", "timestamp", "error_url", "msg", "dev_msg", "http_status", "values", "exception_type", "exception_msg",
    "stacktrace",
]  # fmt: skip

WRONG = [
    ("GET", "/3/Nothing", {}, 404, "Resource /3/Nothing not found", "H2ONotFoundArgumentException"),
    ("POST", "/3/Nothing", {}, 404, "POST /3/Nothing not found", "H2ONotFoundArgumentException"),
    ("GET", "/3/Models/nope", {}, 404, "Object 'nope' not found for argument: key", "H2OKeyNotFoundArgumentException"),
    ("GET", "/3/Frames/nope", {}, 404, "Object 'nope' not found for argument: key", "H2OKeyNotFoundArgumentException"),
    ("GET", "/3/Models/people.hex", {}, 412, "expected a value of type Model", "H2OIllegalArgumentException"),
    ("GET", "/3/Jobs/nope", {}, 400, "Job is missing", "IllegalArgumentException"),
    ("GET", "/3/Cloud", {"foo": "1"}, 412, "Unknown parameter: foo", "H2OIllegalArgumentException"),
    ("GET", "/3/Frames/people.hex", {"row_count": "x"}, 412, 'cannot convert "x" to type int', "H2OIllegalArgument"),
    ("POST", "/3/Parse", {}, 412, "Missing data", "H2OIllegalArgumentException"),
    ("POST", "/3/ParseSetup", {"source_frames": "[no]"}, 400, "Key not loaded: Key<Frame> no", "IllegalArgument"),
    ("POST", "/99/Rapids", {"ast": "(nope 1)"}, 400, "nope", "IllegalArgumentException"),
    ("POST", "/99/Rapids", {"ast": "(+ 1"}, 400, "", "IllegalArgumentException"),
    ("POST", "/99/Rapids", {}, 412, "ast", "H2OIllegalArgumentException"),
    ("POST", "/3/ModelBuilders/nope", {}, 404, "POST /3/ModelBuilders/nope not found", "H2ONotFound"),
    ("POST", "/3/ModelBuilders/deeplearning", {"foo": "1"}, 412, "Unknown parameter: foo", "H2OIllegalArgument"),
    ("POST", "/3/ModelBuilders/deeplearning", {"hub": "1"}, 412, "Unknown parameter: hub", "H2OIllegalArgument"),
    ("POST", "/3/ModelBuilders/deeplearning", {"epochs": "abc"}, 412, 'cannot convert "abc" to type double', "H2OIllegal"),
    ("POST", "/3/ModelBuilders/deeplearning", {"activation": "Foo"}, 400, "No enum constant", "IllegalArgument"),
    ("POST", "/3/ModelBuilders/deeplearning", {"training_frame": "no"}, 400, "doesn't exist in DKV", "IllegalArgument"),
    ("POST", "/4/Predictions/models/no/frames/people.hex", {}, 404, "in function: predict for argument: model", "KeyNotFound"),
    ("POST", "/3/ImportFilesMulti", {"paths": "[missing.csv]"}, 404, "File missing.csv does not exist", "H2ONotFound"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form", "status", "text", "kind"), WRONG, ids=lambda v: str(v)[:40])
def test_error_object(people, method, path, form, status, text, kind):
    answer = people.call(method, path, status, **form)
    assert list(answer) == FIELDS
    assert answer["__meta"]["schema_name"] == "H2OErrorV3"
    assert answer["http_status"] == status
    assert text in answer["msg"]
    assert answer["msg"].startswith("\n\nERROR MESSAGE:\n\n")
    assert kind in answer["exception_type"]
    assert "/site-packages/" not in json.dumps(answer)


def test_builder_error_names_the_fields(people):
    answer = people.post(
        "/3/ModelBuilders/deeplearning", 412, training_frame="people.hex", response_column="y", hidden="[0]", epochs=-1
    )
    assert answer["__meta"]["schema_name"] == "H2OModelBuilderErrorV3"
    assert "ERRR on field: _hidden: " in answer["msg"]
    assert {m["field_name"] for m in answer["messages"] if m["message_type"] == "ERRR"} == {"hidden", "epochs"}
    assert {m["message_type"] for m in answer["messages"]} == {"ERRR", "TRACE"}
    assert answer["error_count"] == answer["values"]["error_count"] == 4  # H2O counts each of them twice


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_failed_job_says_why(people):
    people.train(response_column="y", model_id="m")
    people.rapids("(assign other (colnames= (cols_py people.hex 1) 0 'z'))")
    done = people.wait(people.post("/4/Predictions/models/m/frames/other"))
    assert done["status"] == "FAILED"
    assert "no columns in common" in done["exception"].lower()
    assert done["stacktrace"].splitlines()[0] == done["exception"].splitlines()[0]


def test_unexpected_error_shows_no_insides(people, monkeypatch, caplog):
    def broken(*args, **options):
        raise ZeroDivisionError("insides")

    monkeypatch.setattr(people.hub, "frames", broken)
    answer = people.get("/3/Frames", 500)
    assert "insides" not in json.dumps(answer)
    assert "ZeroDivisionError" in answer["msg"]
    assert "insides" in caplog.text


def test_values_that_are_not_finite_are_text(people):
    assert people.rapids("(/ 1 0)")["scalar"] == "Infinity"
    assert people.rapids("(+ NaN 0)")["scalar"] == "NaN"
