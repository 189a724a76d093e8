"""Every limit of the server: its option, and what a client reads who goes beyond it."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import sys
import threading
import time
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from heavywater.engine.session import LocalSession
from heavywater.engine.sizes import bytes_of
from heavywater.errors import H2OValueError
from heavywater.rapids.bounds import Bounds
from heavywater.server.app import create_app
from heavywater.server.config import Settings, limits_of
from heavywater.server.errors import Refused
from heavywater.server.serve import options
from heavywater.server.workers import Workers, gone
from tests.server.conftest import TOKEN, Client, Http


@pytest.fixture
def limited(root):
    """Makes a client of a server with given limits."""
    made = []

    def make(**limits):
        app = create_app(LocalSession(1), Settings(token=TOKEN, roots=[root], **limits))
        http = Http(app).__enter__()
        made.append((http, app))
        return Client(http, app.hub, root)

    yield make
    for http, app in made:
        http.__exit__()
        app.hub.close()


def test_every_limit_is_an_option():
    names = {f.name for f in limits_of(Settings)}
    assert names == {
        "max_body", "max_form", "max_unpacked", "max_ratio", "max_rows", "max_columns", "max_depth", "max_jobs",
        "idle_seconds", "request_seconds",
    }  # fmt: skip
    given = [x for n in sorted(names) for x in (f"--{n.replace('_', '-')}", "7")]
    assert {n: getattr(options(given), n) for n in names} == dict.fromkeys(names, 7)
    assert options(["--max-body", "2G", "--max-form", "1.5m"]).max_body == 2 << 30
    with pytest.raises(SystemExit):
        options(["--max-body", "much"])


def test_limits_are_checked_all_at_once():
    with pytest.raises(H2OValueError, match="16 characters.*max_rows must be greater than 0.*max_jobs"):
        Settings(token="short", max_rows=0, max_jobs=-1)
    assert (bytes_of("800m"), bytes_of("12"), bytes_of("1.5 KB")) == (800 << 20, 12, 1536)
    with pytest.raises(H2OValueError, match="must look like '4G'"):
        bytes_of("-4G")


def test_body(limited):
    c = limited(max_body=1000, max_form=500)
    assert c.raw("POST", "/3/PostFile", params={"destination_frame": "a"}, content=b"x" * 1000).status_code == 200
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        content = b"x" * 1001 if not headers else _pieces(1001)
        answer = c.raw("POST", "/3/PostFile", headers, params={"destination_frame": "b"}, content=content)
        assert answer.status_code == 413
        assert "the body has more than 1000 bytes, the limit" in answer.json()["msg"]
    assert set(c.hub.raw) == {"a"}
    assert len(list(c.hub.scratch.iterdir())) == 1
    answer = c.raw("POST", "/3/LogAndEcho", content=b"message=" + b"x" * 500)
    assert (answer.status_code, "more than 500 bytes" in answer.json()["msg"]) == (413, True)


async def _pieces(total):
    for _ in range(total):
        yield b"x"


def _upload(c, data, name):
    c.raw("POST", "/3/PostFile", params={"destination_frame": name}, content=data)
    return c.wait(c.post("/3/Parse", destination_frame="out", source_frames=f'["{name}"]', check_header=1)["job"])


def _zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.csv", data)
    return out.getvalue()


@pytest.mark.parametrize(
    "packed", [gzip.compress, bz2.compress, lzma.compress, _zipped, lambda d: pa.compress(d, "zstd", asbytes=True)],
    ids=["gz", "bz2", "xz", "zip", "zst"],
)  # fmt: skip
def test_unpacked_size(limited, packed):
    c = limited(max_unpacked=1 << 20)
    fine = _upload(c, packed(b"a,b\n" + b"1,2\n" * 1000), "fine")
    assert fine["status"] == "DONE", fine
    bomb = _upload(c, packed(b"a,b\n" + b"1,2\n" * 1_000_000), "bomb")
    assert bomb["status"] == "FAILED"
    assert "unpack to more than 1,048,576" in bomb["exception"]
    c.get("/3/Frames/out/light")


def test_ratio(limited):
    c = limited(max_ratio=5.0)
    limits = c.hub.settings.files
    assert limits.allowed(1 << 20) == limits.free_bytes == 1 << 30
    assert limits.allowed(1 << 30) == 5 << 30


@pytest.mark.parametrize("form", ["csv", "arff", "svmlight", "parquet"])
def test_rows_and_columns(limited, form):
    c = limited(max_rows=100, max_columns=10)

    def table(rows, columns):
        data = pl.DataFrame({f"c{j}": list(range(1, rows + 1)) for j in range(columns)})
        if form == "csv":
            return data.write_csv().encode()
        if form == "parquet":
            out = io.BytesIO()
            data.write_parquet(out)
            return out.getvalue()
        if form == "arff":
            head = "@relation r\n" + "".join(f"@attribute {n} numeric\n" for n in data.columns) + "@data\n"
            return (head + data.write_csv(include_header=False)).encode()
        return "".join(f"{i} {columns - 1}:1\n" for i in range(rows)).encode()

    assert _upload(c, table(90, 10), "fine")["status"] == "DONE"
    tall, wide = _upload(c, table(101, 3), "tall"), _upload(c, table(5, 12), "wide")
    assert "rows are more than 100, the limit" in tall["exception"]
    assert "12 columns are more than 10, the limit" in wide["exception"]


def test_wide_svmlight_is_refused_before_memory_is_taken(limited):
    c = limited()
    done = _upload(c, b"1 1:1\n1 2000000000:1\n", "wide")
    assert "columns are more than 100,000" in done["exception"]


def test_parquet_that_claims_much(limited):
    c = limited(max_unpacked=1 << 20)
    out = io.BytesIO()
    pl.DataFrame({"a": pl.repeat(7, 3_000_000, eager=True)}).write_parquet(out)
    assert len(out.getvalue()) < 1 << 20
    assert "unpack to more than" in _upload(c, out.getvalue(), "bomb")["exception"]


def test_expressions(limited):
    c = limited(max_rows=1000, max_columns=20, max_depth=10)
    c.load()
    assert c.rapids("(tmp= a (seq_len 1000))")["num_rows"] == 1000
    for text, said in {
        "(seq_len 1001)": "1001 rows; at most 1000",
        "(rbind a a)": "2000 rows",
        "(t a)": "1000 columns; at most 20",
        "(merge a a False False [0] [0] 'auto')": "",
        "(strsplit (as.character (cols_py people.hex 'sex')) '(?=a)')": "look-around",
        "(" * 11 + "1" + ")" * 11: "nested more than 10 levels",
    }.items():
        if said:
            assert said in c.rapids(text, 400)["msg"]
        else:
            assert c.rapids(text)["num_rows"] == 1000


def test_jobs(limited):
    c = limited(max_jobs=1)
    c.load()
    going = c.post(
        "/3/ModelBuilders/deeplearning", training_frame="people.hex", response_column="y", epochs=1e9, model_id="long"
    )["job"]
    text = c.post("/3/ModelBuilders/deeplearning", 503, training_frame="people.hex", response_column="y")["msg"]
    assert "1 jobs are running, which is the limit" in text
    c.post(f"/3/Jobs/{going['key']['name']}/cancel")
    assert c.wait(going)["status"] == "CANCELLED"
    c.train(response_column="y")


def test_deadline(limited, monkeypatch):
    c = limited(request_seconds=0.3)
    release = threading.Event()
    monkeypatch.setattr(c.hub, "frames", lambda: release.wait(30) and [])
    start = time.monotonic()
    answer = c.get("/3/Frames", 503)
    assert "the request took longer than 0.3 seconds" in answer["msg"]
    assert time.monotonic() - start < 20
    assert c.get("/3/Ping")["cloud_healthy"]
    release.set()


def test_late_handlers_give_their_places_back():
    async def run():
        workers = Workers(0.05, Bounds())
        release, seen = threading.Event(), []

        def stuck():
            seen.append(gone())
            release.wait(30)

        for _ in range(3):
            with pytest.raises(Refused, match="longer than"):
                await workers.run(stuck)
        assert workers._late == 3
        assert all(s.is_set() for s in seen)
        release.set()
        while workers._late:
            await asyncio.sleep(0.01)
        assert await workers.run(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0)
        with pytest.raises(RuntimeError, match="SystemExit"):  # no handler ends the process
            await workers.run(sys.exit)

    asyncio.run(run())


def test_silent_clients_are_forgotten(limited):
    c = limited(idle_seconds=0.2)
    c.load()
    c.raw("POST", "/3/PostFile", params={"destination_frame": "left"}, content=b"a\n1\n")
    c.post("/99/Rapids", ast="(tmp= t1 (cols_py people.hex 0))", session_id="_sid_old")
    assert len(list(c.hub.scratch.iterdir())) == 1
    time.sleep(0.3)
    c.post("/99/Rapids", ast="(+ 1 2)", session_id="_sid_new")
    assert set(c.hub.sessions) == {"_sid_new"}
    assert "left" not in c.hub.raw
    assert list(c.hub.scratch.iterdir()) == []
    c.get("/3/Frames/t1", 404)
    c.get("/3/Frames/people.hex/light")


def test_model_of_stolen_size_is_refused(limited):
    c = limited()
    head = b'{"__metadata__":{"format":"heavywater"},"w":{"dtype":"F32","shape":[4000000000],"data_offsets":[0,16000000000]}}'
    c.raw("POST", "/3/PostFile", params={"destination_frame": "big"}, content=len(head).to_bytes(8, "little") + head)
    c.post("/99/Models.upload.bin/", 412, dir="big")


def test_the_page_on_security_names_every_limit():
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    assert [f.name for f in limits_of(Settings) if f"`--{f.name.replace('_', '-')}`" not in page] == []
