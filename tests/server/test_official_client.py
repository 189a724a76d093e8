"""The official client, unmodified, against a server in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

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
    assert seen["errors"] == {"hidden": 412, "file": 412, "model": 404, "rapids": 400}
    assert seen["left"] == 0
