"""Which parts of a recorded answer are determined by the request, and which belong to the machine, the moment or the words.

Every rule is a pattern for the address, ``#`` and the path of a value in the answer, in which ``-`` stands for a position in
a list.  Names, types and structure are compared everywhere except below `IGNORED` and `FREE_KEYS`.
"""

from __future__ import annotations

import csv
import math
import re
from typing import Any


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


NEVER = r"(?!)"

IGNORED = _any(
    r"#/nodes/-/(fjthrds|fjqueue)$",  # queues of a Java library
)
"""Not compared at all."""

FREE_KEYS = _any(
    r"#/values/parameters$",  # members of a Java class
    r"/output/help$",
)
"""Objects whose members are the server's own."""

CUT_KEYS = _any(r"/columns/-$", r"/fields/-$")
"""Objects of which the recording shows some members only."""

NULLABLE = _any(
    r"/progress_msg$",
    r"Predictions.*#/(exception|stacktrace)$",
    r"/columns/-/percentiles$",  # the original shows them once a summary has been asked for
    r"_metrics/description$",
    r"scoring_history(/-)?/data/-/-$",
    r"#/job/(exception|stacktrace)$",
    r"^/3/ModelMetrics/.*#/model_metrics/-/frame$",  # of a frame that is gone
    r"/jobs/-/(warnings|exception|stacktrace)$",  # of a job that the recording shows while it runs
)
"""Null or a value, as the moment wants it."""

FREE_LENGTH = _any(
    r"/stacktrace$",
    r"#/capabilities$",
    r"#/entries$",
    r"#/(models|endpoints)$",
    r"#/events$",
    r"/persist_stats$",
    r"#/cpu_ticks$",
    r"/chunk_summary/data(/-)?$",
    r"/distribution_summary/data(/-)?$",
    r"scoring_history(/-)?/data(/-)?$",  # how often is scored depends on the time it takes
    r"/(thresholds_and_metric_scores|gains_lift_table)/data(/-)?$",
    r"/reproducibility_information_table/-/data(/-)?$",
    r"/reproducibility_information_table/0/columns$",
    r"dl_grid_model_\d+#.*/model_summary/data(/-)?$",  # which combination is the n-th of a random search
    r"compatible_(models|frames)$",  # what else was there is not recorded
    r"^/3/(ModelMetrics|Predictions)/(models/dl_bin|frames/pros.hex)[^#]*#/model_metrics$",
    r"^/3/ModelMetrics#/model_metrics$",
)
"""Lists whose length is the machine's or the model's."""

UNORDERED = _any(
    r"#/(files|destination_frames|dels)$",
    r"^/3/Frames#/frames$",
    r"^/3/ModelMetrics[^#]*#/model_metrics$",
    r"/(model_ids|training_metrics|validation_metrics)$",
    r"py_3_sid_962d#.*/string_data$",
)
"""Lists in the order of a file system, or of what training came to."""

PROSE = _any(
    r"/(help|msg|dev_msg|exception_msg|summary|markdown)$",
    r"/stacktrace(/-)?$",
    r"/messages/-/(message|_message)$",
    r"/jobs/-/exception$",
    r"#/(exception|stacktrace)$",
    r"/warnings/-$",
    r"/progress_msg$",
    r"/output/model_summary/description$",
    r"/(training|validation|cross_validation)_metrics/(description|custom_metric_name)$",
    r"/model_metrics(/-)?/description$",
    r"#/values/messages/-/_message$",
    r"#/values/value$",
    r"#/endpoints/-/(description|name|url|input_schema|output_schema)$",
    r"failure_(details|stack_traces)/-$",
)
"""Sentences, which are our own."""

VOLATILE = _any(
    r"(^|/)(timestamp|checksum|frame_checksum|model_checksum|byte_size|start_time|end_time|run_time|msec|scoring_time)$",
    r"/timestamp_millis$",
    r"/progress$",
    # the machine
    r"#/(last_commit_hash|describe|compiled_by|compiled_on|build_age|build_too_old|cloud_name|cloud_uptime_millis|locked)$",
    r"#/nodes/-/(?!healthy|__meta)",
    r"#/(capabilities|entries)/-/",
    r"#/cpu_ticks/",
    r"#/persist_stats/",
    r"#/(microseconds|bandwidths)(_collective)?/",
    r"#/nodes/-$",
    r"#/table/(description|data/)",
    r"#/idle_millis$",
    r"#/models/-/(algo|have_pojo|have_mojo|mojo_version|maturity)$",
    r"/ready_for_view$",
    r"(columns|light|/columns/[^/]*|/Frames/[^/]*)#/frames/-/columns/-/histogram_(base|stride)$",  # as with percentiles
    r"#/(job/)?status$",  # a job may have ended before its first answer
    r"PostFile.bin#/total_bytes$",
    r"^/3/Parse#/rows$",  # none while the job runs
    r"/Frames/upload_[^#]*#/frames/-/rows$",  # of a file that is recorded by its length only
    r"dl_grid_model_\d+#.*/model_summary/rowcount$",
    r"compatible_(models|frames)/-$",
    # how columns are stored
    r"/columns/-/precision$",
    r"/(chunk|distribution)_summary/(data/|rowcount$)",
    r"#/chunk_size$",
    # what training draws and how long it takes
    r"/output/(model_summary/data/-/-|scoring_history/(data/|rowcount)|default_threshold|variable_importances/data/)",
    r"/cm/table/columns/-/format$",  # as wide as the counts
    r"_metrics(/-)?/(?!.*(__meta|/columns/|/name$))(?!model_category|domain|nobs|frame|model|predictions)",
    r"/cross_validation_metrics_summary/data/",
    r"/reproducibility_information_table/",
    r"/(summary_table|(cv_)?scoring_history(/-)?)/(data/|rowcount)",
    r"/Frames/upload_[^#]*#.*/columns/-/(data/|mins/|maxs/|mean$|sigma$|zero_count$)",
    r"\(drawn\)/actual_value$",  # a seed that nobody gave
    r"/Models/drf_m#.*/training_metrics/nobs$",  # rows that some tree did not draw
    r"/partial_dependence_data/-/data/[123]",
    r"/Frames/[^#]*(weights|biases|transformation|deep_features|reconstruction_error|prediction|py_1_sid_aa6d|py_3_sid_962d)[^#]*#.*/columns/-/"
    r"(data/|mins/|maxs/|mean$|sigma$|zero_count$)",
    r"/predictions/columns/-/(data/|mins/|maxs/|mean$|sigma$|zero_count$)",
    r"/output/(normmul|normsub|normrespmul|normrespsub)/-$",
)
"""Compared by type only."""

TEXT_COUNTS = _any(r"^/3/DownloadDataset(?!.*frame_id=(py_3_sid_962d|reconstruction_error))")
"""Addresses whose text is compared."""

CUT_BODIES = {
    "5.1,3.5,1.4,0.2,Iris-setosa\n4.9": "data/smalldata/iris/iris.csv",
    '"Sepal.Length","Sepal.Width"': "iris_of_r.csv",
}
"""Uploads that the recording cut, by their beginning, and the files they were."""


def same(path: str, wanted: Any, live: Any) -> bool:
    """Whether two values of the same type agree, as far as they are determined."""
    if PROSE.search(path) or VOLATILE.search(path):
        return True
    if path.endswith("/status") and wanted == "RUNNING":
        return live in ("CREATED", "RUNNING", "DONE", "FAILED", "CANCELLED")
    if "/percentiles/" in path:
        return math.isclose(wanted, live, rel_tol=1e-2, abs_tol=1e-2)  # the original reads them off a histogram
    if isinstance(wanted, (int, float)) and isinstance(live, (int, float)) and not isinstance(wanted, bool):
        return math.isclose(wanted, live, rel_tol=1e-6, abs_tol=1e-9)
    return bool(wanted == live)


def compare_text(wanted: str, live: str) -> list[str]:
    """Differences between two CSV files; a recorded one may have been cut."""
    cut = re.search(r"\.\.\.<\d+>$", wanted)
    rows = list(csv.reader((wanted[: cut.start()] if cut else wanted).splitlines()))
    if cut:
        rows.pop()
    found = list(csv.reader(live.splitlines()))
    if not cut and len(rows) != len(found):
        return [f"{len(found)} lines, not {len(rows)}"]
    if rows[:1] == [["key"]]:  # names, some of which are made up
        rows, found = sorted(rows), sorted(found)
    for i, (a, b) in enumerate(zip(rows, found)):
        if len(a) != len(b) or not all(_same_cell(x, y) for x, y in zip(a, b)):
            return [f"line {i}: {b[:8]}, not {a[:8]}"]
    return []


def _same_cell(a: str, b: str) -> bool:
    try:
        read = float.fromhex if a.startswith(("0x", "-0x")) else float
        return math.isclose(read(a), read(b), rel_tol=1e-6)
    except ValueError:
        return a == b
