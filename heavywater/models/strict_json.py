"""JSON for files that may come from anybody: bounded, without duplicate keys, and with NaN and infinity spelled out.

Standard JSON has no NaN or infinity, so those floats are written as ``{"$float": "NaN"}``, ``"Infinity"`` and
``"-Infinity"``. A key of the user's own that starts with ``$`` gets one more ``$`` in front, so every dictionary
survives the trip.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError, ModelFileError

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "dumps", "loads", "measure", "parse"]

MAX_DEPTH = 32
"""Deepest nesting of lists and objects that is read or written."""
MAX_ITEMS = 8_000_000
"""Most values in one document; bounds what parsing allocates, whatever the text."""
MAX_DIGITS = 20
_PIECE = 1 << 18

_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_OPEN, _CLOSE, _COMMA, _QUOTE = b"[{", b"]}", ord(","), ord('"')


def dumps(value: object, where: str) -> str:
    """Return `value` as JSON text.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, and lists, tuples and dictionaries with string keys of those; numpy scalars count
        as Python's. Tuples come back as lists.
    where : str
        Name of the value in error messages, e.g. ``"params"``.

    Raises
    ------
    H2OTypeError
        Something else stands in it; the message says where.
    """
    return json.dumps(_encode(value, where, 1), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(text: str, what: str) -> Any:
    """Return the value that :func:`dumps` wrote; raise ModelFileError for anything that it would not have written."""
    return _decode(parse(text.encode("utf-8"), what), what)


def parse(raw: bytes, what: str, *, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS) -> Any:
    """Parse UTF-8 JSON after measuring it: depth and number of values are known before anything is built.

    Raises
    ------
    ModelFileError
        Not JSON, too deep, too many values, a key given twice, NaN or infinity as a bare word, an integer of more than
        20 digits.
    """
    measure(raw, what, max_depth=max_depth, max_items=max_items)
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=lambda pairs: _unique(pairs, what),
            parse_constant=lambda word: _refuse(f"{what} holds the bare word {word}, which JSON does not have"),
            parse_int=lambda digits: _integer(digits, what),
        )
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{what} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ModelFileError(f"{what} is not JSON: {error.msg} at character {error.pos}") from None


def measure(raw: bytes, what: str, *, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS) -> None:
    """Raise ModelFileError when the JSON text `raw` is nested too deep or holds too many values.

    Takes little memory however long the text is.
    """
    items = depth = deepest = start = 0
    inside = 0  # 1 within a string
    while start < len(raw):
        piece = raw[start : start + _PIECE]
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        if backslashes % 2:  # the last one escapes a character of the next piece
            piece = raw[start : start + _PIECE + 1]
        start += len(piece)
        # Without escaped backslashes and quotes, every remaining quote opens or closes a string.
        text = np.frombuffer(piece.replace(b"\\\\", b"").replace(b'\\"', b""), dtype=np.uint8)
        parity = np.bitwise_xor.accumulate((text == _QUOTE).view(np.uint8)) ^ inside
        outside = text[parity == 0]
        inside = int(parity[-1]) if len(parity) else inside
        opens = (outside == _OPEN[0]) | (outside == _OPEN[1])
        closes = (outside == _CLOSE[0]) | (outside == _CLOSE[1])
        items += int(np.count_nonzero(opens)) + int(np.count_nonzero(outside == _COMMA))
        steps = depth + np.cumsum(opens.astype(np.int64) - closes)
        deepest = max(deepest, int(steps.max(initial=0)))
        depth = int(steps[-1]) if len(steps) else depth
    if items > max_items:
        raise ModelFileError(f"{what} has {items:,} values; at most {max_items:,} are read")
    if deepest > max_depth:
        raise ModelFileError(f"{what} is nested {deepest:,} levels deep; at most {max_depth} are read")


def _unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelFileError(f"{what} gives the key {_short(twice)} twice")
    return made


def _integer(digits: str, what: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ModelFileError(f"{what} holds an integer of {len(digits):,} characters; at most {MAX_DIGITS} are read")
    return int(digits)


def _refuse(message: str) -> NoReturn:
    raise ModelFileError(message)


def _encode(value: object, where: str, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise H2OValueError(f"{where} is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not _is_text(value):
            raise H2OValueError(f"{where} is text with half a surrogate pair, which no file can hold: {value!a:.80}")
        return str(value)
    if isinstance(value, int):
        if len(str(abs(value))) >= MAX_DIGITS:
            raise H2OValueError(
                f"{where} is an integer of {MAX_DIGITS} digits or more; a model file holds 64-bit integers"
            )
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return {"$float": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, (list, tuple)):
        return [_encode(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    if isinstance(value, dict):
        made: dict[str, object] = {}
        for key, v in value.items():
            if not isinstance(key, str) or not _is_text(key):
                raise H2OTypeError(f"{where} has the key {key!r}; keys must be text")
            made["$" + key if key.startswith("$") else str(key)] = _encode(v, f"{where}[{key!r}]", depth + 1)
        return made
    hint = "; arrays belong in ModelState.arrays" if isinstance(value, np.ndarray) else ""
    raise H2OTypeError(
        f"{where} is {type(value).__name__}; a model file holds None, bool, int, float, str, list and dict{hint}"
    )


def _decode(value: Any, what: str) -> Any:
    if isinstance(value, str):
        if not _is_text(value):
            raise ModelFileError(f"{what} holds text with half a surrogate pair")
        return value
    if isinstance(value, list):
        return [_decode(v, what) for v in value]
    if isinstance(value, dict):
        if "$float" in value:
            word = value["$float"]
            if len(value) != 1 or not isinstance(word, str) or word not in _FLOATS:
                raise ModelFileError(f"{what} holds a $float that is none of {', '.join(_FLOATS)}")
            return _FLOATS[word]
        return {_key(key, what): _decode(v, what) for key, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelFileError(f"{what} holds a number beyond the range of a 64-bit float")
    return value


def _key(key: str, what: str) -> str:
    if not _is_text(key):
        raise ModelFileError(f"{what} has a key with half a surrogate pair")
    if key.startswith("$"):
        if not key.startswith("$$"):
            raise ModelFileError(f"{what} has the key {_short(key)}; keys that start with one $ are reserved")
        return key[1:]
    return key


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:60] + "...")
