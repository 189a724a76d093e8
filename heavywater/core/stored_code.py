"""Machine code of compiled kernels in files, and its way back into a process.

A file holds a line of JSON and an object file. It counts only for the sources, the versions of the compiler and the
processor that it was made for; anything else about it that does not fit means that it is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

_MATHEMATICS = {"exp", "expf", "log", "logf", "log1p", "pow", "powf", "sqrt", "sqrtf"}
"""Functions of the C library; an intrinsic of LLVM's may become a call of one."""
_PLAIN = _MATHEMATICS | {"memset", "memcpy", "memmove", "sched_yield", "SwitchToThread"}
"""What stored code may call: nothing that only numba brings."""
_CORE = Path(__file__).parent


class Code(NamedTuple):
    """A compiled function in this process."""

    address: int
    result: str


def find(function: Callable[..., Any], options: dict[str, Any], key: Any) -> Code | None:
    """The code of a function for arguments of the types in `key`; None if there is none that fits."""
    for path in _places(function, key):
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            fits = facts["made_for"] == _circumstances(function, options, key)
            if not fits or facts["sha256"] != hashlib.sha256(body).hexdigest():
                continue
            _engine()  # makes the C library known
            if not all(_linker().address_of_symbol(name) for name in facts["calls"]):
                continue
            return Code(_load(body, facts["name"]), str(facts["result"]))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            continue
    return None


def keep(function: Callable[..., Any], options: dict[str, Any], key: Any, name: str, result: str, library: Any) -> None:
    """Write the code of a function that numba just compiled, if it stands alone and there is a place for it."""
    declared = {f.name for f in library._final_module.functions if f.is_declaration}
    calls = {n for n in declared if not n.startswith("llvm.")}
    calls |= {n.split(".")[1] for n in declared if n.startswith("llvm.")} & _MATHEMATICS
    if library.has_dynamic_globals or not calls <= _PLAIN:
        return
    body = library._get_compiled_object()
    facts = {"name": name, "result": result, "calls": sorted(calls), "sha256": hashlib.sha256(body).hexdigest()}
    for path in _places(function, key):
        with contextlib.suppress(OSError):  # also where the source is no file
            facts["made_for"] = _circumstances(function, options, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
            with os.fdopen(handle, "wb") as f:
                f.write(json.dumps(facts).encode() + b"\n" + body)
            os.replace(part, path)
            return


def _places(function: Callable[..., Any], key: Any) -> list[Path]:
    """Files that may hold the code, the first that can be written first: beside the byte code, in the user's cache."""
    source = Path(function.__code__.co_filename)
    types = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    name = f"{source.stem}.{function.__name__}-{types}.kernel"
    if "NUMBA_CACHE_DIR" in os.environ:
        return [Path(os.environ["NUMBA_CACHE_DIR"]) / "heavywater" / name]
    folders = [source.parent / "__pycache__"]
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or (str(Path.home() / ".cache") if "HOME" in os.environ else None)
    return [f / name for f in (*folders, *([Path(base) / "heavywater"] if base else []))]


def _circumstances(function: Callable[..., Any], options: dict[str, Any], key: Any) -> str:
    """Digest of all that machine code depends on."""
    own = os.stat(function.__code__.co_filename)
    facts = (*_common(), repr(sorted(options.items())), repr(key), own.st_mtime_ns, own.st_size, function.__qualname__)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


@cache
def _common() -> tuple[Any, ...]:
    """What all kernels depend on: the core's sources, compiler, processor, numba's settings."""
    sources = []
    for folder in (_CORE, _CORE / "mlp"):
        with os.scandir(folder) as entries:
            found = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".py")]
        sources.append(sorted(found))
    compilers = [
        (s.origin, os.stat(s.origin).st_mtime_ns) for n in ("numba", "llvmlite") if (s := find_spec(n)) and s.origin
    ]
    settings = sorted((k, v) for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR")
    llvm = _linker()
    return sources, compilers, settings, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _linker() -> Any:
    import llvmlite.binding

    return llvmlite.binding


@cache
def _engine() -> Any:
    """LLVM's linker in memory."""
    llvm = _linker()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(jit=True)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _load(body: bytes, name: str) -> int:
    """Address of function `name` of an object file, linked into this process."""
    engine = _engine()
    engine.add_object_file(_linker().ObjectFileRef.from_data(body))
    engine.finalize_object()
    address = int(engine.get_function_address(name))
    if not address:
        raise ValueError(f"no function {name}")
    return address
