"""The official client, unmodified, against a server in a process of its own."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest

import heavywater
from tests.docs.listings import OF_2024, REMOTE
from tests.server import frame_verbs

SCRIPT = Path(__file__).with_name("official_client.py")
TOKEN = "a-token-for-tests-0123"


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("token", [TOKEN, ""])
def test_session(h2o_python, serve, token):
    url, folder = serve("--token", token) if token else serve("--no-auth")
    done = subprocess.run(
        [h2o_python, str(SCRIPT), url, token, str(folder)],
        capture_output=True, text=True, timeout=300, env={"DO_NOT_TRACK": "1", "PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    seen = json.loads(done.stdout.rpartition("RESULT ")[2].splitlines()[0])
    assert seen["dim"] == [60, 5]
    assert seen["types"] == {"id": "int", "age": "int", "group": "enum", "sex": "enum", "y": "enum"}
    assert seen["levels"] == [["f", "m"]]
    assert seen["mean"] == [pytest.approx(sum(20 + i % 37 for i in range(60)) / 60)]
    assert seen["table"] == [["group", "Count"], ["a", "20"], ["b", "20"], ["c", "20"]]
    assert seen["grouped"][0] == ["group", "mean_age"]
    assert seen["rows"] == 60
    assert seen["auc"][1] == pytest.approx(seen["auc"][2])
    assert seen["made"] == pytest.approx(seen["auc"][2])
    assert seen["weights"] == [[6, 8], [6, 1]]
    assert seen["predicted"] == ["predict", "no", "yes"]
    assert seen["shown"]
    assert seen["anomaly"] == [["Reconstruction.MSE"], 5, ["DF.L1.C1", "DF.L1.C2"]]
    assert seen["folds"] == [2, True]
    assert seen["loaded"]
    assert seen["uploaded"]
    assert seen["grid"] == [3, True]
    assert seen["partial"][0] == 1
    assert seen["python"] == [["a", "b"], ["1", "x"], ["2", "y"], ["3", ""]]
    assert seen["failed"]
    assert seen["errors"] == {"hidden": 412, "file": 404, "model": 404, "rapids": 400}
    assert seen["left"] == 0


def run(python, program, *arguments, folder):
    """The JSON that a program of the official client printed."""
    done = subprocess.run(
        [python, str(SCRIPT.with_name(program)), *arguments], capture_output=True, text=True, timeout=500, cwd=folder,
        env={"DO_NOT_TRACK": "1", "PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.rpartition("RESULT ")[2].splitlines()[0])


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_frame_method(h2o_python, serve, capsys):
    """Each method of the client's frame is called at least once, and its result is that of heavywater's own frame."""
    url, folder = serve("--token", TOKEN)
    seen = run(h2o_python, "frame_verbs.py", url, TOKEN, str(folder), folder=folder)
    theirs, methods = seen["results"], set(seen["methods"])
    heavywater.init()
    own = frame_verbs.results(heavywater, str(folder))
    capsys.readouterr()
    called = methods & set(theirs)
    with capsys.disabled():
        print(f"\n  methods of H2OFrame: {len(called)} of {len(methods)} called; ", end="")
        print(f"not: {', '.join(sorted(methods - called))}")
    assert methods - called <= set(frame_verbs.UNUSED)
    failed = {k: v for k, v in theirs.items() if isinstance(v, dict) and "error" in v}
    assert not failed
    different = {k: (theirs[k], own[k]) for k in theirs if theirs[k] != own[k] and k not in frame_verbs.DIFFERENT}
    assert not different, "\n".join(f"{k}: {str(a)[:300]}\n  own: {str(b)[:300]}" for k, (a, b) in different.items())


@pytest.mark.network
@pytest.mark.slow
def test_booklet_listings(h2o_python, serve, shared):
    """The Python listings of the booklet of 2024, but those about help, demonstrations and other machines."""
    url, folder = serve("--token", TOKEN)
    files = {}
    for part, rows in (("train", 600), ("test", 200)):
        target = folder / f"{part}.csv.gz"
        with gzip.open(shared / "data" / "mnist" / f"{part}.csv.gz", "rt") as f, gzip.open(target, "wt", 1) as out:
            out.writelines(line for line, _ in zip(f, range(rows)))
        files[f"{REMOTE}/bigdata/laptop/mnist/{part}.csv.gz"] = str(target)
    for name in ("tabular/iris_wheader.csv", "anomaly/ecg_discord_train.csv", "anomaly/ecg_discord_test.csv"):
        target = folder / Path(name).name
        target.write_bytes((shared / "data" / name).read_bytes())
        place = "iris" if "iris" in name else "anomaly"
        files[f"{REMOTE}/smalldata/{place}/{target.name}"] = str(target)
    wanted = [x for x in OF_2024 if x.section != "3.3" and not x.title.startswith(("help", "demo"))]
    listings = []
    for x in wanted:
        code = x.code
        for old, new in {**files, **x.quick}.items():
            code = code.replace(old, new)
        listings.append({"name": x.name, "code": code, "keeps_model": x.keeps_model})
    (folder / "listings.json").write_text(json.dumps(listings))
    found = run(h2o_python, "official_listings.py", url, TOKEN, str(folder / "listings.json"), folder=folder)
    failed = {k: v for k, v in found["outcome"].items() if not isinstance(v, int)}
    assert not failed, "\n".join(failed.values())
    assert len(found["outcome"]) == len(wanted) >= 14
    seen = found["seen"]
    assert 0 < seen["error"] < 0.8
    assert seen["folds"] == 5
    assert seen["predicted"] == ["predict", *(f"p{d}" for d in range(10))]
    assert seen["importances"] == 1.0
    assert 1 <= seen["grid"][0] <= 10
    assert seen["loaded"]
    assert seen["anomalies"] == [20, 21, 22]


NOT_CALLED = {
    "demo": "fetches data from the web", "download_pojo": "this client says that it needs a paid product",
    "shutdown": "ends the server; test_security",
    "upload_custom_metric": "code", "upload_custom_distribution": "code",
    "f": "an open file that the client's module leaves about", "set_telemetry": "writes to the user's home",
    **dict.fromkeys(("mojo_predict_csv", "mojo_predict_pandas", "print_mojo"), "runs Java here"),
}  # fmt: skip
"""Functions of the client's module that are not called, and why."""


@pytest.mark.network
@pytest.mark.slow
def test_functions_of_the_module_and_methods_of_models(h2o_python, serve, capsys):
    url, folder = serve("--token", TOKEN)
    seen = run(h2o_python, "official_module.py", url, TOKEN, str(folder), folder=folder)
    failed = {k: v for part in ("module", "model", "others") for k, v in seen[part].items() if v is not True}
    assert not failed
    functions = set(seen["functions"])
    called = functions & set(seen["module"])
    with capsys.disabled():
        print(
            f"\n  functions of h2o: {len(called)} of {len(functions)}; methods of models: {len(seen['model'])}", end=""
        )
    assert functions - called <= set(NOT_CALLED)
    assert len(seen["model"]) >= 45
