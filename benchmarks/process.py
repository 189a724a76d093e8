"""A measurement in a process of its own: a job goes in as JSON, a result comes out as JSON, memory is watched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
INTERVAL = 0.02
"""Seconds between two looks at the memory of the process tree."""


class Failed(Exception):
    """A measurement that gave no result."""


def measure(command: list[str], job: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Run one measurement.

    Parameters
    ----------
    command : list of str
        The runner; the job is appended as one argument.
    job : dict
        What to do, as the runner understands it.
    timeout : float
        Seconds until the whole process group is killed.

    Returns
    -------
    dict
        The last line that the runner printed, plus ``peak_bytes``, ``process_seconds``, ``cpu_seconds``.

    Raises
    ------
    Failed
        When it ended with an error, took too long or printed no result; the message ends with what it said last.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, json.dumps(job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
    )
    memory = Memory(process.pid)
    memory.start()
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"took longer than {timeout:.0f} s") from None
    finally:
        _end_group(process)
        _close(process)
        memory.stop()
    lines = out.strip().splitlines()
    if process.returncode or not lines:
        raise Failed(f"exit status {process.returncode}: {last_words(err.strip() or out.strip())}")
    try:
        result = dict(json.loads(lines[-1]))
    except ValueError:
        raise Failed(f"the last line is no result: {lines[-1][:200]}") from None
    result["peak_bytes"] = memory.peak
    result["process_seconds"] = time.perf_counter() - began
    result["cpu_seconds"] = memory.cpu
    return result


def time_to_line(command: list[str], marker: str, timeout: float) -> float:
    """Seconds from the start of a process to the line `marker` on its standard output; then it may end in peace."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
    )
    watchdog = threading.Timer(timeout, _end_group, [process])
    watchdog.start()
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        for line in process.stdout or ():
            if line.strip() == marker:
                seconds = time.perf_counter() - began
                process.wait(timeout)
                return seconds
        process.wait(timeout)
    finally:
        watchdog.cancel()
        _end_group(process)
        reader.join()
        _close(process)
    raise Failed(f"exit status {process.returncode}: {last_words(''.join(errors))}")


def environment() -> dict[str, str]:
    """Environment of the runners: byte code is kept as after an installation, and H2O does not report usage."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    kept.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / "build" / "bytecode"))
    return kept | {"DO_NOT_TRACK": "1", "PYTHONHASHSEED": "0"}


def last_words(text: str) -> str:
    """The last line that names an error, else the last line."""
    lines = text.splitlines() or ["nothing was said"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception)\b", line)), lines[-1])[:300]


class Memory(threading.Thread):
    """Watches the resident memory of a process and all its children (Linux; elsewhere the peak stays 0)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.cpu = pid, 0, 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        if not os.path.isdir("/proc/self"):
            return
        while not self._ended.is_set():
            tree = process_tree(self.pid)
            self.peak = max(self.peak, sum(resident_bytes(p) for p in tree))
            self.cpu = max(self.cpu, sum(cpu_seconds(p) for p in tree))
            self._ended.wait(INTERVAL)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def process_tree(pid: int) -> list[int]:
    """A process and all its descendants, as far as they live."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                waiting += [int(p) for p in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
        except OSError:
            continue
    return found


def resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _close(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _end_group(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a runner and the processes it started (they share its group)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()
