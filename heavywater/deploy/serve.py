"""The commands ``heavywater deploy`` and ``heavywater score``."""

from __future__ import annotations

import argparse
import contextlib
import csv
import secrets
import socket
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from heavywater.deploy.scorers import Scorer, open_scorer
from heavywater.errors import H2OValueError, NotSupported

_CHUNK = 20_000


def deploy(argv: list[str]) -> int:
    """Serve a model file until stopped."""
    parser = argparse.ArgumentParser(
        prog="heavywater deploy", description="Serve the predictions of a model file over HTTP."
    )
    parser.add_argument("model", help="a model of heavywater, a MOJO, or an ONNX graph written by heavywater")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="port; 0 takes a free one")
    parser.add_argument("--token", help="secret that clients must send; a random one when left out")
    parser.add_argument("--no-auth", action="store_true", help="ask for no secret; on loopback only")
    parser.add_argument("--allow-host", action="append", default=[], help="further name by which clients may call")
    parser.add_argument("--max-body", type=int, default=64 << 20, help="bytes of the largest body")
    o = parser.parse_args(argv)
    try:
        import uvicorn

        from heavywater.deploy.app import create_app
    except ImportError as e:
        raise NotSupported(f"heavywater deploy needs {e.name}; install heavywater[server]") from None
    from heavywater.deploy.gate import Gate

    gate = Gate(o.host, None if o.no_auth else o.token or secrets.token_urlsafe(24), tuple(o.allow_host), o.max_body)
    app = create_app(open_scorer(o.model), gate)
    listener = _listen(o.host, o.port)
    shown = "127.0.0.1" if o.host in ("0.0.0.0", "::", "localhost") else o.host
    url = f"http://{shown}:{listener.getsockname()[1]}/"
    print(f"heavywater serves {o.model} at {url}" + ("" if gate.token is None else f"?token={gate.token}"), flush=True)
    settings: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    server = uvicorn.Server(uvicorn.Config(app, limit_concurrency=1000, timeout_keep_alive=30, **settings))
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has stopped
        server.run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as e:
        listener.close()
        raise H2OValueError(f"cannot listen on {host}:{port}: {e.strerror}") from None
    return listener


def score(argv: list[str]) -> int:
    """Score the rows of a CSV file, as many at a time as fit into memory easily."""
    parser = argparse.ArgumentParser(
        prog="heavywater score", description="Predict the rows of a CSV file with a model file."
    )
    parser.add_argument("model", help="a model of heavywater, a MOJO, or an ONNX graph written by heavywater")
    parser.add_argument("data", help="CSV file with a header; - reads standard input")
    parser.add_argument("-o", "--output", type=Path, help="CSV file to write; the terminal when left out")
    parser.add_argument(
        "--flags", action="store_true", help="say for each row which inputs were missing, unseen or out of range"
    )
    parser.add_argument("--sep", default=",", help="separator of cells")
    o = parser.parse_args(argv)
    scorer = open_scorer(o.model)
    with contextlib.ExitStack() as stack:
        source: TextIO = sys.stdin
        if o.data != "-":
            source = stack.enter_context(open(o.data, newline="", encoding="utf-8-sig"))
        target = (
            sys.stdout if o.output is None else stack.enter_context(open(o.output, "w", newline="", encoding="utf-8"))
        )
        rows = write_predictions(scorer, csv.reader(source, delimiter=o.sep), target, flags=o.flags)
    if o.output is not None:
        print(f"{rows:,} rows written to {o.output}")
    return 0


def write_predictions(scorer: Scorer, lines: Iterator[list[str]], target: TextIO, *, flags: bool) -> int:
    """Predict lines of cells, the header first, and write CSV; returns the number of rows."""
    from heavywater.deploy.rows import checked

    names = next(lines, None)
    if not names:
        raise H2OValueError("the table has no header")
    writer, done = csv.writer(target), 0
    while chunk := list(islice((line for line in lines if line), _CHUNK)):
        wrong = next((i for i, line in enumerate(chunk) if len(line) != len(names)), None)
        if wrong is not None:
            raise H2OValueError(f"row {done + wrong + 1} has {len(chunk[wrong])} cells, the header {len(names)}")
        columns = checked(dict(zip(names, zip(*chunk))), scorer)
        found: dict[str, Any] = dict(scorer.predict(columns))
        if flags:
            found |= scorer.warrants(columns)
        if done == 0:
            writer.writerow(found)
        writer.writerows(zip(*(v.tolist() if hasattr(v, "tolist") else v for v in found.values())))
        done += len(chunk)
    return done
