"""Files that are damaged, hostile or not what they seem: a clear error with file and line, or a stated handling."""

from __future__ import annotations

import gzip
import http.server
import io
import random
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from heavywater.errors import H2OTypeError, ParseError
from heavywater.frame.parse import Limits, parse, remote
from heavywater.frame.parse.decompress import unpack


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "file.csv: the file is empty"),
        (b" \n\r\n  ", "file.csv: the file is empty"),
        (b"# only\n# comments\n", "there is no data, only blank and comment lines"),
        (b"a,b\n1,\x002\n", "line 2 holds a NUL byte"),
        (random.Random(1).randbytes(5000), "NUL byte"),
        (bytes(random.Random(1).choices(range(1, 256), k=5000)), "control characters; this is binary data"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"%PDF-1.4", "a PDF document"),
        (b"\xd0\xcf\x11\xe0aaaa", "an Excel workbook; save it as CSV"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "a compressed file inside a compressed file"),
        (b'a,b\n1,x\n2,"y\n3,z\n', 'the quote " opened on line 3 is never closed'),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20], "damaged or cannot be unpacked"),
        (b"PK\x03\x04" + b"0" * 40, "damaged or cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd0000", "damaged or cannot be unpacked"),
        (b"PAR1xxxx", "the Parquet file cannot be read"),
        (b"1 1:2\n1 2:3 1:5\n", "line 2 is not SVMLight: index 1 follows 2"),
        (b"@relation r\n@attribute a\n@data\n1\n", "line 2: an attribute needs a name and a type"),
        (b"@relation r\n@attribute a enumm\n@data\n1\n", "line 2: attribute 'a' has the unknown type 'enumm'"),
        (b"@relation r\n@attribute a {x,y}\n@data\nz\n", "'z' is not among the values declared for attribute 'a'"),
        (b"@relation r\n@attribute a real\n@data\n1,2\n", "line 4 has 2 values for 1 attributes"),
        (b"@relation r\n@attribute a real\n", "there is no @data line"),
    ],
)
def test_errors_name_the_file_and_the_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    with pytest.raises(ParseError, match="file.csv.*" + re.escape(message.removeprefix("file.csv"))):
        parse(path)


@pytest.mark.parametrize(
    ("text", "message", "rows"),
    [
        ("a,b\n1,2\n3,4,5\n\n6,7,8,9\n", "2 line(s) have more than 2 fields (first: line 3 with 3)", None),
        ("a,b\n1,2\n\n3\n6,7\n", "1 line(s) have fewer than 2 fields (first: line 4 with 1)", None),
        ("a,b\n3\n6,7\n", "1 line(s) have fewer than 2 fields (first: line 2 with 1)", [(3, None), (6, 7)]),
        ("1,2\n3,4\n5,6,7\n", "more than 2 fields (first: line 3 with 3)", [(1, 2), (3, 4), (5, 6)]),
        ("1,2,3\n3,4\n5,6\n", "2 line(s) have fewer than 3", [(1, 2, 3), (3, 4, None), (5, 6, None)]),
        ('a,b\n"x\ny",2\n"x\ny"\n"x\ny",3\n', "fewer than 2 fields (first: line 4 with 1)", None),
    ],
)  # fmt: skip
def test_ragged_lines_are_reported(tmp_path: Path, text: str, message: str, rows: list[tuple] | None) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.warns(UserWarning, match=re.escape(message)):
        frame = parse(path)
    if rows is not None:
        assert frame.data.rows() == rows


def test_infinite_values_stay_and_mixed_values_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n1,x\ninf,x\n-Infinity,x\nNaN,x\n")
    assert parse(path).numeric("a").tolist()[:3] == [1.0, float("inf"), float("-inf")]
    assert parse(path).column("a").null_count() == 1


def test_bombs_are_stopped(tmp_path: Path) -> None:
    limits = Limits(free_bytes=1000, max_ratio=100)
    text = b"0" * 3_000_000
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(3):
            z.writestr(f"{i}.csv", text[:200_000])
    for data in (gzip.compress(text), gzip.compress(text[:100_000]) * 30, archive.getvalue()):
        with pytest.raises(ParseError, match="unpack to more than .*raise the limits"):
            unpack("bomb", data, limits)
    assert unpack("fine", gzip.compress(b"1\n" * 400), limits)[0][1] == b"1\n" * 400


def test_missing_files_are_suggested(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("a\n1\n")
    with pytest.raises(ParseError, match=r"no such file or folder: .*price.csv' \(did you mean 'prices.csv'\?\)"):
        parse(tmp_path / "price.csv")
    with pytest.raises(ParseError, match="no such file or folder"):
        parse(str(tmp_path / "*.txt"))
    with pytest.raises(ParseError, match="no files found .* that match 'x'"):
        parse(tmp_path, pattern="x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParseError, match="no files in the folder"):
        parse(tmp_path / "empty")
    with pytest.raises(H2OTypeError, match="a path or URL is expected, not int"):
        parse([5])  # type: ignore[list-item]


def test_files_that_do_not_fit_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    with pytest.raises(ParseError, match="b.csv: column 2 is called 'c', but 'b' in the files before"):
        parse([tmp_path / "a.csv", tmp_path / "b.csv"])
    (tmp_path / "b.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(ParseError, match="b.csv: has 3 columns where the files before have 2"):
        parse(tmp_path)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/t.csv.gz":
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(gzip.compress(b"a,b\n1,x\n2,y\n"))

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_urls(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert parse(f"{url}/t.csv.gz").data.rows() == [(1, "x"), (2, "y")]
    with pytest.raises(ParseError, match="the server answered 404"):
        parse(f"{url}/other.csv")
    with pytest.raises(ParseError, match="larger than 10 bytes"):
        parse(f"{url}/t.csv.gz", limits=Limits(max_bytes=10))
    with pytest.raises(ParseError, match="gs2://bucket/x.csv: cannot be read"):
        parse("gs2://bucket/x.csv")


def test_object_stores() -> None:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for i in (1, 0):
        store.pipe(f"/bucket/part{i}.csv", f"a,b\n{i},x\n".encode())
    assert parse("memory://bucket/part1.csv").data.rows() == [(1, "x")]
    assert parse("memory://bucket").data["a"].to_list() == [0, 1]
    assert parse("memory://bucket/*1.csv").data["a"].to_list() == [1]
    with pytest.raises(ParseError, match="memory://bucket/none.csv: cannot be read"):
        parse("memory://bucket/none.csv")


def test_without_fsspec_pyarrow_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ParseError, match=r"gs2://b/x.csv: cannot be read: .*pip install 'heavywater\[remote-files\]'"):
        parse("gs2://b/x.csv")
    (tmp_path / "a.csv").write_text("a,b\n1,x\n")
    assert remote.list_store(f"file://{tmp_path}") == [f"file://{tmp_path}/a.csv".replace(":///", "://")]
    assert remote.read_store(f"file://{tmp_path}/a.csv", Limits()) == b"a,b\n1,x\n"
