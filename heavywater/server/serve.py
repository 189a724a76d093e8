"""Running the server: ``heavywater serve``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heavywater.errors import H2OValueError, HeavywaterError, NotSupported
from heavywater.server.config import LOOPBACK_NAMES, Settings, limits_of

_SWITCH_SECONDS = 0.0005
"""How long a busy thread may keep the interpreter from the others; the default of 5 ms, times the threads that wait,
would be the time in which the event loop answers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``heavywater serve``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=54321, help="port; 0 takes a free one")
    parser.add_argument("--token", help="secret that clients must send; a random one when left out")
    parser.add_argument("--no-auth", action="store_true", help="ask for no secret; on loopback only")
    parser.add_argument("--username", default="h2o", help="user name that goes with the token as password")
    parser.add_argument(
        "--root", action="append", help="folder under which clients may import and export files (default: this one)"
    )
    parser.add_argument("--allow-host", action="append", default=[], help="further name by which clients may call")
    parser.add_argument(
        "--allow-url", action="store_true", help="let clients import http(s):// addresses of the public internet"
    )
    parser.add_argument("--state", metavar="DIR", help="folder in which frames and models are kept across restarts")
    for f in limits_of(Settings):
        flag = f.name.replace("_", "-")
        kind = _limit_of(f.metadata["read"])
        parser.add_argument(
            f"--{flag}", type=kind, default=f.default, help=f"{f.metadata['help']} (default: {f.default})"
        )
    parser.add_argument("--h2o-version", default=Settings.h2o_version, help="version of H2O that clients are told")
    parser.add_argument("--name", default=Settings.cloud_name, help="name of the cluster that clients are told")
    parser.add_argument("--nthreads", type=int, default=-1, help="threads for training and scoring; -1: all processors")
    parser.add_argument("--certfile", help="certificate (PEM) for https")
    parser.add_argument("--keyfile", help="key (PEM) for https")
    parser.add_argument("--audit-log", help="file to which every request is written, one line each")


def _limit_of(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def limit(text: str) -> Any:
        try:
            return read(text)
        except H2OValueError as e:
            raise argparse.ArgumentTypeError(str(e)) from None

    return limit


def run(o: argparse.Namespace) -> int:
    """Listen until stopped."""
    try:
        import uvicorn

        from heavywater.server.app import create_app
        from heavywater.server.warned import collect
    except ImportError as e:
        raise NotSupported(f"heavywater serve needs {e.name}; install heavywater[server]") from None
    from heavywater.engine.session import LocalSession

    if bool(o.certfile) != bool(o.keyfile):
        raise H2OValueError("--certfile and --keyfile go together")
    listener = _listen(o.host, o.port)
    port = listener.getsockname()[1]
    values: dict[str, Any] = {"token": None} if o.no_auth else {"token": o.token} if o.token else {}
    settings = Settings(
        host=o.host, port=port, username=o.username, roots=o.root or [Path.cwd()], allowed_hosts=o.allow_host,
        h2o_version=o.h2o_version, cloud_name=o.name, allow_url=o.allow_url, state=o.state, **values,
        **{f.name: getattr(o, f.name) for f in limits_of(Settings)},
    )  # fmt: skip
    _log_to(o.audit_log)
    app = create_app(LocalSession(o.nthreads), settings)
    config = uvicorn.Config(
        app,
        log_level="warning", access_log=False, server_header=False, date_header=True, ssl_certfile=o.certfile,
        ssl_keyfile=o.keyfile, timeout_keep_alive=30, limit_concurrency=2000, h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    app.hub.stop = stop  # type: ignore[attr-defined]
    collect(app.hub)  # type: ignore[attr-defined]
    print(greeting(settings, "https" if o.certfile else "http"), flush=True)
    sys.setswitchinterval(_SWITCH_SECONDS)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has stopped
        server.run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY for this only
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # so that whoever reads the greeting may call at once
    except OSError as e:
        listener.close()
        raise H2OValueError(f"cannot listen on {host}:{port}: {e.strerror}") from None
    return listener


def greeting(s: Settings, scheme: str) -> str:
    """What is printed at the start: where the server is and how to get in."""
    shown = "127.0.0.1" if s.host in ("0.0.0.0", "::", *LOOPBACK_NAMES) else s.host
    url = f"{scheme}://{shown}:{s.port}"
    if s.token is None:
        return f"heavywater serves H2O's REST API at {url}/ (no token: every user of this machine may use it)"
    return (
        f"heavywater serves H2O's REST API at {url}/?token={s.token}\n"
        f"Python: h2o.connect(url={url!r}, auth=({s.username!r}, {s.token!r}), strict_version_check=False)"
    )


def _log_to(path: str | None) -> None:
    form = logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s")
    errors = logging.StreamHandler(sys.stderr)
    errors.setFormatter(form)
    errors.setLevel(logging.WARNING)
    logging.getLogger("heavywater").addHandler(errors)
    if path:
        handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(form)
        audit = logging.getLogger("heavywater.audit")
        audit.addHandler(handler)
        audit.setLevel(logging.INFO)
        audit.propagate = False


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """What the words of a command line say."""
    parser = argparse.ArgumentParser(prog="heavywater serve", description="Serve H2O's REST API.")
    add_arguments(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``python -m heavywater.server.serve``."""
    try:
        return run(options(argv))
    except (HeavywaterError, OSError) as e:
        print(f"heavywater serve: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
