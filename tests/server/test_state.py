"""A server that keeps its frames and models across restarts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from heavywater.engine.session import LocalSession
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.parse import Limits
from heavywater.frame.stored import pack, unpack
from heavywater.server.app import create_app
from heavywater.server.config import Settings
from heavywater.server.state import Kept
from tests.server.conftest import TOKEN, Client, Http


def frame(**columns):
    return Frame.of(pl.DataFrame(columns))


def opened(folder: Path) -> tuple[LocalSession, Kept]:
    engine = LocalSession(1)
    return engine, Kept(folder, engine, Limits())


def restarted(folder: Path) -> LocalSession:
    engine, kept = opened(folder)
    kept.close()
    return engine


def test_frames_and_models_survive(root, tmp_path):
    def start():
        app = create_app(LocalSession(1), Settings(token=TOKEN, roots=[root], state=tmp_path / "state"))
        http = Http(app)
        return app, Client(http, app.hub, root), http

    app, client, http = start()
    client.load()
    client.rapids("(assign other (cols_py people.hex [0 1]))")
    before = client.train(response_column="y", model_id="m")
    predicted = client.post("/3/Predictions/models/m/frames/people.hex", predictions_frame="p")
    rows = client.raw("GET", "/3/DownloadDataset", params={"frame_id": "p"}).text
    client.rapids("(rm 'other')")
    app.hub.close()
    http.__exit__()

    app, client, http = start()
    assert [f["frame_id"]["name"] for f in client.get("/3/Frames")["frames"]] == ["p", "people.hex"]
    after = client.get("/3/Models/m")["models"][0]
    assert after["output"]["training_metrics"] == before["output"]["training_metrics"]
    assert after["parameters"] == before["parameters"]
    client.post("/3/Predictions/models/m/frames/people.hex", predictions_frame="again")
    assert client.raw("GET", "/3/DownloadDataset", params={"frame_id": "again"}).text == rows
    assert predicted["model_metrics"][0]["AUC"] == before["output"]["training_metrics"]["AUC"]
    levels = client.get("/3/Frames/people.hex")["frames"][0]["columns"][2]["domain"]
    assert levels == ["a", "b", "c"]
    client.get("/3/Frames/other", 404)
    client.call("DELETE", "/3/DKV")
    app.hub.close()
    http.__exit__()
    assert [p.name for p in (tmp_path / "state").iterdir()] == ["lock"]


def test_every_kind_of_column_is_the_same_again(tmp_path):
    made = Frame.of(
        pl.DataFrame(
            {
                "real": [1.5, None, float("inf")],
                "int": [2**60, None, -1],
                "text": ["é", None, ""],
                "time": pl.Series([0, None, -5]).cast(pl.Datetime("ms")),
                "enum": pl.Series(["b", None, "a"], dtype=pl.Enum(["b", "a", "never"])),
                "uuid": ["x", "y", None],
            }
        ),
        ["uuid"],
    )
    engine, kept = opened(tmp_path)
    engine.put("every kind", made)
    engine.put("empty", frame())
    kept.close()
    after = restarted(tmp_path)
    again = after.frame("every kind")
    assert again.data.equals(made.data, null_equal=True)
    assert (again.data.schema, again.uuids) == (made.data.schema, made.uuids)
    assert after.frame("empty").ncol == 0


def test_a_damaged_file_costs_only_itself(tmp_path, caplog):
    engine, kept = opened(tmp_path)
    for i in range(3):
        engine.put(f"f{i}", frame(a=list(range(50))))
    kept.close()
    damaged, swapped, _ = sorted(tmp_path.glob("*.frame"))
    data = bytearray(damaged.read_bytes())
    data[-40:] = b""
    damaged.write_bytes(data)
    swapped.rename(swapped.with_name("0" * 40 + ".frame"))
    (tmp_path / ("1" * 40 + ".model")).write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    (tmp_path / ".frame-half").write_bytes(b"half")
    assert len(restarted(tmp_path).keys()) == 1
    for name in (damaged.name, "0" * 40 + ".frame", "1" * 40 + ".model"):
        assert (tmp_path / f"{name}.damaged").is_file()
        assert f"{name}.damaged" in caplog.text
    assert "is damaged" in caplog.text
    assert "is not the file of an object called" in caplog.text
    assert "cannot be read as a model" in caplog.text
    assert not (tmp_path / ".frame-half").exists()
    assert len(restarted(tmp_path).keys()) == 1


def test_two_servers_do_not_share_a_folder(tmp_path):
    _, kept = opened(tmp_path)
    with pytest.raises(H2OValueError, match="another server keeps its state"):
        opened(tmp_path)
    kept.close()
    restarted(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(H2OValueError, match="cannot be kept"):
        opened(tmp_path / "file")


def test_the_latest_state_of_a_name_is_kept(tmp_path):
    engine, kept = opened(tmp_path)
    for i in range(20):
        engine.put("f", frame(a=[i]))
    engine.put("gone", frame(a=[1]))
    engine.remove("gone")
    kept.close()
    assert restarted(tmp_path).frame("f").data["a"].to_list() == [19]
    assert len(list(tmp_path.glob("*.frame"))) == 1


@pytest.mark.parametrize("where", range(12))
def test_damaged_frames_are_refused_kindly(where):
    data = bytearray(pack(frame(a=[1, 2, 3], b=["x", None, "z"])))
    places = [0, 5, 25, 40, 60, 80, 120, 200, 300, 400, len(data) - 30, len(data) - 5]
    for value in (0, 1, 127, 128, 255):
        changed = data.copy()
        changed[min(places[where], len(data) - 1)] = value
        try:
            unpack(bytes(changed), "it")
        except H2OValueError as e:
            assert "it is" in str(e)  # noqa: PT017
        with pytest.raises(H2OValueError):
            unpack(bytes(data[: places[where]]), "it")


def test_frames_that_claim_or_hide_much_are_refused():
    import io

    out = io.BytesIO()
    pl.DataFrame({"a": pl.repeat(1, 10_000_000, eager=True)}).write_ipc_stream(out, compression="zstd")
    head = b'heavywater-frame-1 {"uuids":[],"levels":{},"rows":10000000,"columns":1}\n'
    with pytest.raises(H2OValueError, match="compressed"):
        unpack(head + out.getvalue(), "bomb")
    with pytest.raises(H2OValueError, match="rows are more than 5"):
        unpack(pack(frame(a=list(range(6)))), "tall", Limits(max_rows=5))
    with pytest.raises(H2OValueError, match="not as long"):
        unpack(pack(frame(a=[1])).replace(b'"rows": 1', b'"rows": 2'), "lie")
    levels = pack(frame(g=pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))))
    with pytest.raises(H2OValueError, match="category without a level"):
        unpack(levels.replace(b'["a", "b"]', b'["a"]     '), "levels")


@pytest.mark.network
def test_options_of_the_command(tmp_path):
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "heavywater.server.serve", "--port", "0", "--state", str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "the state cannot be kept in" in done.stderr
