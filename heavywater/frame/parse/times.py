"""Text that says a date or a time, to milliseconds since 1970 UTC.

The forms are H2O's: ``yyyy-MM[-dd]``, ``yyyyMMdd-HH:mm:ss``, ``[dd[-]]MMM[-]yy[yy]``, ``yy-MMM``, ``HH:mm:ss`` and the
American ``MM/dd/yy[yy]`` (also with ``-``), each but ``yy-MMM`` with an optional time of day
``HH:mm:ss[.fraction][ AM|PM]``; two-digit years from 69 on are 19xx.  Read here but not by H2O: ``T`` between date and
time, a time without seconds after a date, and a zone (``Z``, ``+02:00``).  Unlike H2O, ``.5`` after the seconds is half
a second, not 5 ms.
"""

from __future__ import annotations

import numpy as np
import polars as pl

_NAMES = "january,february,march,april,may,june,july,august,september,october,november,december".split(",")  # noqa: SIM905
_MONTHS = {m: i + 1 for i, name in enumerate(_NAMES) for m in (name, name[:3])}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + ")"
_FRACTION = r"(?:[:.](?P<fraction>\d+))?\s?(?P<half>am|pm)?"
_CLOCK = r"(?P<H>\d{1,2})[:.](?P<M>\d{1,2})(?:[:.](?P<S>\d{1,2})" + _FRACTION + r")?\s*(?P<zone>z|[+-]\d{2}:?\d{2})?"
_STRICT_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{1,2}):(?P<S>\d{1,2})" + _FRACTION
_YEAR = r"(?P<y>\d{4}|\d{2})"

_FORMS = tuple(
    f"(?i)^\\s*{form}\\s*$"
    for form in (
        rf"(?P<y>\d{{4}})-(?P<m>\d{{1,2}})(?:-(?P<d>\d{{1,2}}))?(?:[ t]+{_CLOCK})?",
        rf"(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})-{_CLOCK}",
        rf"(?:(?P<d>\d{{1,2}})-?)?{_MONTH}-?{_YEAR}(?:[ :]+{_CLOCK})?",
        rf"(?P<y>\d{{2}})-{_MONTH}",
        _STRICT_CLOCK,
        rf"(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})/{_YEAR}(?:[ :]+{_CLOCK})?",
        rf"(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}})-{_YEAR}(?:[ :]+{_CLOCK})?",
    )
)
_LIKELY = r"^\s*\w{1,4}[-:/]|^\s*\d{0,2}-?[A-Za-z]{3,9}-?\d{2}|^\s*\d{8}-"
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])


def parse_times(text: pl.Series) -> pl.Series:
    """Times in `text` as ``Datetime("ms")``, null where a value is missing or is no time.

    A value may have any of the forms whatever its neighbours have, as in H2O.
    """
    out = np.full(text.len(), np.iinfo(np.int64).min)
    todo = np.flatnonzero(text.str.contains(_LIKELY).fill_null(False).to_numpy())
    for form in _FORMS:
        if not len(todo):
            break
        ms, ok = _millis(text.gather(todo).str.extract_groups(form).struct.unnest())
        out[todo[ok]] = ms[ok]
        todo = todo[~ok]
    return pl.Series(text.name, out).set(pl.Series(out == np.iinfo(np.int64).min), None).cast(pl.Datetime("ms"))


def _millis(groups: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds and validity of the parts that one form has found."""

    def number(name: str, default: int) -> np.ndarray:
        if name not in groups.columns:
            return np.full(groups.height, default)
        return groups[name].cast(pl.Int64, strict=False).fill_null(default).to_numpy()

    found = ~groups.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    year, day = number("y", 1970), number("d", 1)
    if "y" in groups.columns:
        short = (groups["y"].str.len_bytes() == 2).fill_null(False).to_numpy()
        year = np.where(short, year + np.where(year >= 69, 1900, 2000), year)
    if "month" in groups.columns:
        month = (
            groups["month"]
            .str.to_lowercase()
            .replace_strict(_MONTHS, default=1, return_dtype=pl.Int64)
            .fill_null(1)
            .to_numpy()
        )
    else:
        month = number("m", 1)
    hour, minute, second = number("H", 0), number("M", 0), number("S", 0)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    safe_month = np.clip(month, 1, 12)
    length = _DAYS_BEFORE[safe_month] - _DAYS_BEFORE[safe_month - 1] + (leap & (month == 2))
    ok = (
        found
        & (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (day <= length)
        & (hour < 24)
        & (minute < 60)
        & (second < 60)
    )
    if "half" in groups.columns:
        half = groups["half"].str.to_lowercase().fill_null("").to_numpy()
        ok &= (half == "") | ((hour >= 1) & (hour <= 12))
        hour = np.where(half == "", hour, hour % 12 + np.where(half == "pm", 12, 0))
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    days = days + _DAYS_BEFORE[safe_month - 1] + (leap & (month > 2)) + day - 1
    ms = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000
    if "fraction" in groups.columns:
        ms = ms + (groups["fraction"].fill_null("0") + "00").str.slice(0, 3).cast(pl.Int64).to_numpy()
    if "zone" in groups.columns:
        ms = ms - _zone_millis(groups["zone"])
    return ms, ok


def _zone_millis(zone: pl.Series) -> np.ndarray:
    """Offset from UTC in milliseconds; 0 where no zone or ``Z`` is given."""
    parts = zone.str.replace(":", "").str.extract_groups(r"^(?<s>[+-])(?<h>\d{2})(?<m>\d{2})$").struct.unnest()
    minutes = parts["h"].cast(pl.Int64).fill_null(0) * 60 + parts["m"].cast(pl.Int64).fill_null(0)
    sign = np.where((parts["s"] == "-").fill_null(False).to_numpy(), -1, 1)
    return np.asarray(sign * minutes.to_numpy() * 60_000)
