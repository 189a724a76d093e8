"""Files that are no tables, or damaged ones: refused in words that name the file, or read in a documented way."""

from __future__ import annotations

import gzip
import io
import random
import time
import zipfile

import pytest

from heavywater.errors import HeavywaterError, NotFound
from heavywater.frame.parse import parse


def garbage(n: int) -> bytes:
    return random.Random(1).randbytes(n)


def archive(names: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in names.items():
            made.writestr(name, content)
    return stream.getvalue()


REFUSED: dict[str, bytes] = {
    "empty.csv": b"",
    "binary.csv": garbage(5000),
    "zeros.csv": bytes(5000),
    "png.csv": b"\x89PNG\r\n\x1a\n" + garbage(2000),
    "cut.csv.gz": gzip.compress(b"a,b\n1,2\n" * 5000)[:-20],
    "damaged.csv.gz": gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * 7) for i in range(5000)))[:3000]
    + garbage(3000),
    "not_gzip.csv.gz": b"\x1f\x8b" + garbage(500),
    "empty.csv.gz": b"",
    "not_zip.zip": b"PK\x03\x04" + garbage(500),
    "empty.zip": archive({}),
    "not_zst.csv.zst": b"\x28\xb5\x2f\xfd" + garbage(500),
    "not.parquet": b"PAR1" + garbage(500) + b"PAR1",
    "cut.parquet": b"PAR1",
    "no_data.arff": b"@relation x\n@attribute a numeric\n",
    "broken.arff": b"@relation x\n@attribute a {x\n@data\nx\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(REFUSED[name])
    with pytest.raises(HeavywaterError) as caught:
        parse(str(path))
    text = str(caught.value)
    assert name in text
    assert text.isprintable() or "\n" in text
    assert len(text) < 2000


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises((NotFound, HeavywaterError), match=r"absent\.csv"):
        parse(str(tmp_path / "absent.csv"))


READ: dict[str, tuple[bytes, tuple[int, int]]] = {
    "one_cell.csv": (b"1\n", (1, 1)),
    "no_newline_at_end.csv": (b"a,b\n1,2", (1, 2)),
    "crlf.csv": (b"a,b\r\n1,2\r\n3,4\r\n", (2, 2)),
    "bom.csv": (b"\xef\xbb\xbfa,b\n1,2\n", (1, 2)),
    "quoted_newline.csv": (b'a,b\n"x\ny",2\nz,3\n', (2, 2)),
    "infinite.csv": (b"a,b\ninf,1\n-inf,2\nnan,3\n1,4\n", (4, 2)),
    "all_missing.csv": (b"a,b\n,1\n,2\n", (2, 2)),
    "wide.csv": (b",".join(b"c%d" % i for i in range(3000)) + b"\n" + b",".join([b"1"] * 3000) + b"\n", (1, 3000)),
}


@pytest.mark.parametrize("name", READ)
def test_odd_but_readable(name, tmp_path):
    content, shape = READ[name]
    path = tmp_path / name
    path.write_bytes(content)
    frame = parse(str(path))
    assert (frame.nrow, len(frame.names)) == shape


@pytest.mark.filterwarnings("ignore:.*fuzz.csv.*:UserWarning")
def test_random_bytes_never_escape_as_another_librarys_error(tmp_path):
    rng = random.Random(7)
    alphabet = [
        b",",
        b"\n",
        b'"',
        b"'",
        b";",
        b"\t",
        b" ",
        b"1",
        b"a",
        b".",
        b"-",
        b"\r",
        b"\0",
        b"\xff",
        b"NA",
        b"e",
        b"#",
        b"\\",
    ]
    path = tmp_path / "fuzz.csv"
    began = time.process_time()
    for _ in range(150):
        path.write_bytes(b"".join(rng.choices(alphabet, k=rng.randrange(1, 60))))
        try:
            frame = parse(str(path))
        except HeavywaterError as error:
            assert "fuzz.csv" in str(error)  # noqa: PT017
        else:
            assert frame.nrow >= 0
    assert time.process_time() - began < 30
