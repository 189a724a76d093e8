"""Counters of a scoring service, in Prometheus's text format."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram of latencies, in seconds."""


class Counts:
    """What has been asked, how long it took, and how far rows were from what the model knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[int] = Counter()
        self._warrants: Counter[tuple[str, str]] = Counter()
        self._rows, self._seconds, self._buckets = 0, 0.0, [0] * (len(BOUNDS) + 1)

    def request(self, status: int) -> None:
        with self._lock:
            self._requests[status] += 1

    def scored(self, rows: int, seconds: float) -> None:
        with self._lock:
            self._rows += rows
            self._seconds += seconds
            self._buckets[bisect_left(BOUNDS, seconds)] += 1

    def warranted(self, flags: Mapping[str, Sequence[str]]) -> None:
        """Count inputs that were missing, unseen or out of range."""
        with self._lock:
            for kind, rows in flags.items():
                for row in rows:
                    for name in filter(None, row.split(", ")):
                        self._warrants[kind, name] += 1

    def text(self, model: str) -> str:
        """All counters."""
        with self._lock:
            lines = ["# TYPE heavywater_requests_total counter"]
            lines += [f'heavywater_requests_total{{status="{s}"}} {n}' for s, n in sorted(self._requests.items())]
            lines += [
                "# TYPE heavywater_rows_total counter",
                f"heavywater_rows_total{{{_label('model', model)}}} {self._rows}",
            ]
            lines.append("# TYPE heavywater_input_flags_total counter")
            lines += [
                f"heavywater_input_flags_total{{{_label('kind', k)},{_label('input', c)}}} {n}"
                for (k, c), n in sorted(self._warrants.items())
            ]
            lines.append("# TYPE heavywater_predict_seconds histogram")
            total = 0
            for bound, n in zip((*BOUNDS, "+Inf"), self._buckets):
                total += n
                lines.append(f'heavywater_predict_seconds_bucket{{le="{bound}"}} {total}')
            lines += [
                f"heavywater_predict_seconds_sum {self._seconds:.9g}",
                f"heavywater_predict_seconds_count {total}",
            ]
        return "\n".join(lines) + "\n"


def _label(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{quoted}"'
