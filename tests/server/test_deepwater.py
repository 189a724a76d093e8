"""Deep Water over HTTP: what its builder says, training on a table and on images, deep features, what is refused."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.algos.deepwater.conftest import write_images

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*finds no GPU")


def trained(client, **parameters):
    answer = client.post("/3/ModelBuilders/deepwater", gpu=False, seed=1, **parameters)
    client.wait(answer["job"])
    return client.get(f"/3/Models/{answer['job']['dest']['name']}")["models"][0]


def imported(client, path, key):
    raw = client.post("/3/ImportFilesMulti", paths=f"[{path}]")
    source = raw["destination_frames"][0]
    job = client.post(
        "/3/Parse", destination_frame=key, source_frames=json.dumps([source]), check_header=1, delete_on_done=True,
        column_types=json.dumps(["String", "Enum"]), column_names=json.dumps(["uri", "label"]), separator=44,
        parse_type="CSV", number_columns=2,
    )["job"]  # fmt: skip
    client.wait(job)


def test_the_builder_describes_itself(client):
    builder = client.get("/3/ModelBuilders/deepwater")["model_builders"]["deepwater"]
    parameters = {p["name"]: p for p in builder["parameters"]}
    assert builder["algo_full_name"] == "Deep Water"
    assert parameters["network"]["values"][:4] == ["auto", "user", "lenet", "alexnet"]
    assert (parameters["mini_batch_size"]["default_value"], parameters["mini_batch_size"]["type"]) == (32, "int")
    assert parameters["image_shape"]["default_value"] == [0, 0]
    assert "deepwater" in client.get("/3/ModelBuilders")["model_builders"]


def test_a_table(people):
    model = trained(
        people, training_frame="people.hex", response_column="y", ignored_columns='["id"]', hidden="[5]", epochs=2,
        mini_batch_size=8,
    )  # fmt: skip
    assert model["algo"] == "deepwater"
    assert model["output"]["model_category"] == "Binomial"
    name = model["model_id"]["name"]
    found = people.post(f"/3/Predictions/models/{name}/frames/people.hex")
    frame = people.get(f"/3/Frames/{found['predictions_frame']['name']}")["frames"][0]
    assert (frame["rows"], [c["label"] for c in frame["columns"]]) == (60, ["predict", "no", "yes"])


def test_images_below_the_root_and_not_beyond(client):
    imported(client, write_images(client.root, 40), "pictures.hex")
    model = trained(
        client, training_frame="pictures.hex", response_column="label", network="lenet", image_shape="[16,16]", epochs=1
    )
    assert model["output"]["model_category"] == "Multinomial"
    outside = client.root.parent / "outside"
    path = write_images(outside, 10, seed=3)
    text = path.read_text().replace("pictures/", f"{outside}/pictures/")
    (client.root / "escape.csv").write_text(text)
    imported(client, client.root / "escape.csv", "escape.hex")
    answer = client.post(
        "/3/ModelBuilders/deepwater", training_frame="escape.hex", response_column="label", network="lenet",
        image_shape="[16,16]", gpu=False, problem_type="image",
    )  # fmt: skip
    job = client.wait(answer["job"])
    assert job["status"] == "FAILED"
    assert "10 of 10 rows have no usable image" in job["exception"]
    shutil.rmtree(outside)


def test_code_is_refused(people):
    answer = people.raw(
        "POST", "/3/ModelBuilders/deepwater", data={"training_frame": "people.hex", "network_module": "os:system"}
    )
    assert answer.status_code == 412
    assert "network_module names code" in answer.json()["msg"]
