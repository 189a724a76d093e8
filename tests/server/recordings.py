"""The recorded sessions with the original server: in which order they were recorded, and what has to be there before each."""

from __future__ import annotations

import zipfile
from pathlib import Path
from shutil import copyfile
from typing import Any

import polars as pl

from heavywater.frame import Frame
from tests.server.replay import Exchange, Replay, Result, scenarios

FRAMES = {"iris.hex": "iris/iris.csv", "pros.hex": "logreg/prostate.csv", "iris_wheader.hex": "iris/iris_wheader.csv"}
NAMED = {"iris.hex": {"column_names": '["sepal_len","sepal_wid","petal_len","petal_wid","class"]'}}

GROUPS: dict[str, list[str]] = {
    "connect": ["connect"],
    "frames": ["import_parse", "errors/import_errors", "frame_view"],
    "models": [
        "deeplearning_train_multinomial", "deeplearning_binomial", "deeplearning_regression", "autoencoder_anomaly",
        "cross_validation", "checkpoint/base_models", "save_load", "checkpoint/checkpoint", "grid", "pdp_make_metrics",
        "errors/errors", "job_cancel", "validate_and_metrics",
    ],
    "exports": ["checkpoint/base_models", "mojo_pojo", "misc_endpoints/nps"],
    "misc": [
        "misc_endpoints/misc_endpoints", "misc_endpoints/misc_endpoints2", "misc_endpoints/remove_all",
        "misc_endpoints/session_end",
    ],
    "algorithms": ["other_algos"],
    "r": ["r_client"],
}  # fmt: skip
"""Scenarios that share a server, in the order of recording."""

PREPARED = {
    "models": ["iris.hex", "pros.hex"],
    "exports": ["iris.hex", "pros.hex"],
    "algorithms": ["iris.hex", "pros.hex"],
}
"""Frames that were there before, by group."""

EXPRESSIONS = {
    "algorithms": [
        "(assign py_2_sid_809d (:= (:= pros.hex (as.factor (cols_py pros.hex 'CAPSULE')) 1 []) "
        "(as.factor (cols_py pros.hex 'RACE')) 3 []))"
    ]
}
"""Rapids expressions that make what was there before, by group."""

ONLY_TO_PREPARE = {"exports": ["checkpoint/base_models"]}
"""Scenarios that are replayed a second time, to have their models; they do not count twice."""

BEFORE = {"validate_and_metrics/metrics_endpoints": ["/3/Predictions/models/dl_bin/frames/pros.hex"]}
"""Addresses that were posted to before a scenario, outside the recording."""

ENDED = {"checkpoint/base_models": "_sid_aa6d"}
"""Sessions that had been closed before a scenario, outside the recording: it belongs to another run of the client."""

STAND_INS = {"frame_view/frame_view": {"pros1.hex": (380, 9), "Abalone.hex": (4177, 9)}}
"""Frames that the recording had from files that are not at hand: rows and columns, before which scenario."""

EXCLUDED = {"mojo_pojo/secure_blocked": "exports that the original refuses and this server delivers"}
"""Scenarios left out."""


def unpack(shared: Path, folder: Path) -> None:
    """Lay the data files out as they were on the recorded machine."""
    tabular, small = shared / "data" / "tabular", folder / "data" / "smalldata"
    copies = {
        "iris/iris.csv": "iris.csv", "iris/iris_wheader.csv": "iris_wheader.csv", "logreg/prostate.csv": "prostate.csv",
        "anomaly/ecg_discord_train.csv": "../anomaly/ecg_discord_train.csv",
        "anomaly/ecg_discord_test.csv": "../anomaly/ecg_discord_test.csv",
    }  # fmt: skip
    for target, source in copies.items():
        (small / target).parent.mkdir(parents=True, exist_ok=True)
        copyfile(tabular / source, small / target)
    head, *rows = (tabular / "prostate.csv").read_text().splitlines(keepends=True)
    pieces = small / "parse_folder_test"
    pieces.mkdir()
    races = [r.split(",") for r in rows]
    named = [",".join([*r[:3], f"R{int(r[3]) + 1}", *r[4:]]) for r in races]
    for i in range(10):
        (pieces / f"prostate_{i}.csv").write_text(head + "".join(named[20 * i : None if i == 9 else 20 * i + 20]))
    (small / "prostate").mkdir()
    with zipfile.ZipFile(small / "prostate" / "prostate.csv.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("prostate.csv", head + "".join(rows) * 512)
    for name in ("trace", "rsave"):
        (folder / "data" / name).mkdir()
    mojo = sorted((shared / "reference" / "mojo").rglob("*.zip"))[0]
    copyfile(mojo, folder / "data" / "trace" / "test_mojo.zip")
    first = [line.split(",") for line in (tabular / "iris.csv").read_text().splitlines()[:20]]
    body = [",".join([*(f"{float(v):g}" for v in r[:4]), f'"{r[4].removeprefix("Iris-")}"']) for r in first]
    named = '"Sepal.Length","Sepal.Width","Petal.Length","Petal.Width","Species"'
    (folder / "iris_of_r.csv").write_text("\n".join([named, *body, ""]))


def recorded(shared: Path, group: str) -> list[tuple[str, list[Exchange]]]:
    """Scenarios of a group by name ``file/scenario``."""
    found = []
    for entry in GROUPS[group]:
        file, _, only = entry.partition("/")
        for name, exchanges in scenarios(shared / "spec" / "traces" / f"{file}.json"):
            if only in ("", name) and f"{file}/{name}" not in EXCLUDED:
                found.append((f"{file}/{name}", exchanges))
    return found


def replay(client: Any, shared: Path, folder: Path, group: str) -> list[Result]:
    """Replay a group against a fresh server; one result per exchange."""
    unpack(shared, folder)
    agent = "R/4.2.2 RCurl" if group == "r" else "H2O Python client/3.11"
    player = Replay(client, folder, agent)
    for key in PREPARED.get(group, []):
        client.load(f"data/smalldata/{FRAMES[key]}", key, **NAMED.get(key, {}))
    for text in EXPRESSIONS.get(group, []):
        client.rapids(text)
    out: list[Result] = []
    for name, exchanges in recorded(shared, group):
        for key, (rows, columns) in STAND_INS.get(name, {}).items():
            client.hub.engine.put(key, Frame.of(pl.DataFrame({f"C{i}": [0] * rows for i in range(columns)})))
        if ENDED.get(name) in player.names:
            client.call("DELETE", f"/4/sessions/{player.names[ENDED[name]]}")
        for path in BEFORE.get(name, []):
            client.post(path)
        results = player.run(name, exchanges)
        if name not in ONLY_TO_PREPARE.get(group, []):
            out += results
    return out
