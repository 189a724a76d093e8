"""Model files with faults in them, opened one after the other under a limit on memory and time.

``python -m tests.export.mutants FOLDER`` opens every file of a folder, scores a few rows with it, and prints one line for
each that does anything but work or raise an error of heavywater's.
"""

from __future__ import annotations

import io
import json
import random
import re
import resource
import signal
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ALLOWED = 100 << 20
"""Bytes that opening a mutant may take beyond what the files in good order took."""
SECONDS = 20
_NUMBERS = [b"-1", b"0", b"2147483647", b"99999999999", b"1e308", b"-1e-320", b"null", b"[]", b"true", b'"x"', b"{}"]


def mutants(good: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` faulty files, made in turn from the good ones, by name."""
    rng, names = random.Random(seed), sorted(good)
    for i in range(count):
        name = names[i % len(names)]
        way = rng.choice(["bytes", "cut", "inside", "inside"])
        data = good[name]
        if way == "inside" and name.endswith(".zip"):
            changed = _inside_zip(rng, data)
        elif way == "inside" and name.endswith(".hw"):
            changed = _inside_manifest(rng, data)
        elif way == "cut":
            changed = data[: rng.randrange(1, len(data))]
        else:
            changed = _bytes(rng, data)
        yield f"{i:03d}_{way}_{name}", changed


def _bytes(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        out[rng.randrange(min(len(out), rng.choice([64, 4096, len(out)])))] = rng.randrange(256)
    return bytes(out)


def _inside_zip(rng: random.Random, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = rng.choice(["model.ini", "model.ini", *old.namelist()])
        for entry in old.namelist():
            text = old.read(entry)
            new.writestr(entry, _number(rng, text) if entry == chosen else text)
    return stream.getvalue()


def _inside_manifest(rng: random.Random, data: bytes) -> bytes:
    """A number or word of the manifest replaced, lengths put right."""
    length = struct.unpack("<Q", data[:8])[0]
    head: dict[str, Any] = json.loads(data[8 : 8 + length])
    meta = head["__metadata__"]
    if rng.random() < 0.7:
        meta["manifest"] = _number(rng, meta["manifest"].encode()).decode("utf-8", "replace")
        text = json.dumps(head).encode()
    else:
        text = _number(rng, json.dumps(head).encode())
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _number(rng: random.Random, text: bytes) -> bytes:
    places = list(re.finditer(rb"-?\d+(\.\d+)?(e-?\d+)?", text))
    if not places:
        return text + b"?"
    m = rng.choice(places)
    return text[: m.start()] + rng.choice(_NUMBERS) + text[m.end() :]


def try_all(folder: Path, good: Path) -> list[str]:
    """What happened that must not; the good files are opened first, so that libraries are loaded."""
    faults = []
    for path in sorted(good.iterdir()) * 2:
        _open(path)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ALLOWED, used + ALLOWED))
    for path in sorted(folder.iterdir()):
        signal.alarm(SECONDS)
        print(path.name, file=sys.stderr, flush=True)
        fault = _fault(path)
        if fault:
            faults.append(f"{path.name}: {fault}")
        signal.alarm(0)
    return faults


def _fault(path: Path) -> str | None:
    from heavywater.errors import HeavywaterError

    try:
        _open(path)
    except HeavywaterError as e:
        starved = any(word in str(e).lower() for word in ("bad_alloc", "memory", "allocat"))
        return f"takes more than {ALLOWED >> 20} MB: {e}" if starved else None
    except Exception as e:
        return f"{type(e).__name__}: {str(e)[:300]}"
    return None


def _open(path: Path) -> None:
    """Open by all ways that the format has, and score rows."""
    import heavywater as h2o
    from heavywater.deploy.scorers import open_scorer
    from heavywater.errors import HeavywaterError

    rows = {"a": ["1", "9", None], "p": ["w", None, "?"], "n": [1.0, None, -3.5], "m": [2.0, 0.0, None]}
    problem: HeavywaterError | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scorer = open_scorer(path)
            scorer.predict(rows)
            scorer.warrants(rows)
        except HeavywaterError as e:
            problem = e
        if not path.name.endswith(".onnx"):
            opened = h2o.import_mojo(path) if path.name.endswith(".zip") else h2o.load_model(path)
            opened.predict(h2o.H2OFrame(rows))
            h2o.remove(opened.key)
    if problem is not None:
        raise problem


if __name__ == "__main__":
    found = try_all(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
