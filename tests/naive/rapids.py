"""Rapids' element-wise rules, one Python value at a time; None is a missing value."""

from __future__ import annotations

import math
import operator


def arithmetic(op: str, a: float | None, b: float | None) -> float | None:
    if op in ("intDiv", "%/%") and (a is None or b is None):
        return 0.0
    if a is None or b is None:
        return None
    try:
        value = {
            "+": operator.add,
            "-": operator.sub,
            "*": operator.mul,
            "/": operator.truediv,
            "^": lambda x, y: x**y,
            "%": math.fmod,
            "intDiv": lambda x, y: float(math.trunc(math.trunc(x) / math.trunc(y))),
            "%/%": lambda x, y: float(math.trunc(x / y)),
        }[op](a, b)
    except ZeroDivisionError:
        if op == "/" and a != 0:
            return math.copysign(math.inf, a) * math.copysign(1, b)
        if op == "^":
            return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
        return None
    except ValueError:
        return None
    except OverflowError:
        if op == "^" and a < 0:
            return None if b != int(b) else -math.inf if b % 2 == 1 else math.inf
        return math.inf
    return None if isinstance(value, complex) or value != value else value


def compare(op: str, a: float | None, b: float | None) -> int:
    if a is None or b is None:
        return int(op == "!=")
    known = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
    return int(a != b) if op == "!=" else int(known[op](a, b))


def logic(op: str, a: float | None, b: float | None) -> int | None:
    x, y = (None if v is None else v != 0 for v in (a, b))
    dominant = op == "|"
    if x is dominant or y is dominant:
        return int(dominant)
    return None if x is None or y is None else int(not dominant)
