"""Every exception as H2O's error object and status; the only place that decides."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from heavywater.errors import (
    Cancelled,
    H2OTypeError,
    H2OValueError,
    HeavywaterError,
    InvalidParams,
    NotFound,
    NotSupported,
)
from heavywater.server.v3.schema import schema

log = logging.getLogger("heavywater.server")

_ILLEGAL = "water.exceptions.H2OIllegalArgumentException"
_NOT_FOUND = "water.exceptions.H2ONotFoundArgumentException"
_KEY_NOT_FOUND = "water.exceptions.H2OKeyNotFoundArgumentException"
_BUILDER = "water.exceptions.H2OModelBuilderIllegalArgumentException"
_ILLEGAL_JAVA = "java.lang.IllegalArgumentException"


class Refused(HeavywaterError):
    """A request that is answered with an error.

    Parameters
    ----------
    text : str
        What is wrong.
    status : int
        HTTP status.
    kind : str
        H2O's name of the exception.
    values : mapping, optional
        Facts for programs.
    headers : mapping, optional
        Headers of the answer.
    place : str, optional
        What to call the address, where it is not its path.
    """

    def __init__(
        self,
        text: str,
        status: int = 412,
        kind: str = _ILLEGAL,
        values: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        place: str | None = None,
    ) -> None:
        super().__init__(text)
        self.place = place
        self.text, self.status, self.kind = text, status, kind
        self.values, self.headers = dict(values or {}), dict(headers or {})


def bad_request(text: str) -> Refused:
    """Status 400: an argument that makes no sense."""
    return Refused(text, 400, _ILLEGAL_JAVA)


def missing(key: str, argument: str, function: str | None = None) -> Refused:
    """Status 404: an object that is not there."""
    where = f" in function: {function}" if function else ""
    values = {"argument": argument, "name": key} | ({"function": function} if function else {})
    return Refused(f"Object '{key}' not found{where} for argument: {argument}", 404, _KEY_NOT_FOUND, values)


def no_route(method: str, path: str) -> Refused:
    """Status 404: an address that does not exist."""
    place = f"Resource {path}" if method in ("GET", "HEAD") else f"{method} {path}"
    return Refused(f"{place} not found", 404, _NOT_FOUND, place=place)


def wrong_type(key: str, wanted: str, found: str) -> Refused:
    """Status 412: an object of another type than the argument needs."""
    return Refused(f"For Key: {key} expected a value of type {wanted}; found a: {found}")


class BuilderRefused(Refused):
    """Parameters of a model that cannot be used.

    Parameters
    ----------
    label, key : str
        The algorithm's and the model's name.
    messages : list of Message
        The problems.
    notes : list of (str, str)
        Parameters that have no effect, and why.
    parameters : mapping
        The parameters as an object for clients.
    """

    def __init__(
        self,
        label: str,
        key: str,
        messages: list[Any],
        notes: list[tuple[str, str]] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        lines = "".join(f"ERRR on field: _{m.field}: {m.text}\n" for m in messages)
        super().__init__(f"Illegal argument(s) for {label} model: {key}.  Details: {lines}", 412, _BUILDER)
        self.label, self.messages, self.notes = label, messages, notes or []
        self.parameters = None if parameters is None else dict(parameters)


def refused(error: BaseException) -> Refused:
    """The answer that an exception deserves."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, InvalidParams):
        return Refused(str(error), 412, _BUILDER)
    if isinstance(error, NotSupported):
        return Refused(str(error), 412, "water.exceptions.H2ONotSupportedException")
    if isinstance(error, NotFound):
        return Refused(str(error), 404, _NOT_FOUND)
    if isinstance(error, (H2OValueError, H2OTypeError)):
        return Refused(str(error), 412)
    if isinstance(error, (Cancelled, HeavywaterError)):
        return Refused(str(error), 500, f"heavywater.{type(error).__name__}")
    if isinstance(error, MemoryError):
        return Refused("the request needs more memory than there is", 500, "java.lang.OutOfMemoryError")
    log.error("unexpected error", exc_info=error)
    text = f"heavywater met an unexpected {type(error).__name__}; the server's log has the details"
    return Refused(text, 500, "java.lang.RuntimeException")


def error_name(error: BaseException) -> str:
    """Name of heavywater's class for an error, which its own clients raise again."""
    if isinstance(error, Refused):
        cause = error.__cause__
        if isinstance(cause, HeavywaterError):
            return error_name(cause)
        return "NotFound" if error.status == 404 else "H2OValueError"
    return type(error).__name__ if isinstance(error, HeavywaterError) else "HeavywaterError"


def error_object(r: Refused, url: str) -> dict[str, Any]:
    """`H2OErrorV3`, or `H2OModelBuilderErrorV3` for parameters of a model."""
    text = f"\n\nERROR MESSAGE:\n\n{r.text}\n\n"
    fields: dict[str, Any] = {
        "timestamp": int(time.time() * 1000),
        "error_url": r.place or url,
        "msg": text,
        "dev_msg": text,
        "http_status": r.status,
        "values": r.values,
        "exception_type": r.kind,
        "exception_msg": text,
        "stacktrace": [f"{r.kind}: {text}"],
    }
    if not isinstance(r, BuilderRefused):
        return schema("H2OErrorV3", "H2OError", fields)
    errors = [("ERRR", m.field, m.text) for m in r.messages]
    traces = [("TRACE", name, text) for name, text in r.notes]
    fields["values"] = {
        "algo": r.label,
        "messages": [
            {"_log_level": 1 if kind == "ERRR" else 5, "_field_name": f"_{name}", "_message": text}
            for kind, name, text in traces + errors
        ],
        "parameters": {f"_{k}": v for k, v in (r.parameters or {}).items() if k != "__meta"},
        "error_count": 2 * len(r.messages),  # H2O checks twice and counts both
    }
    fields |= {
        "parameters": r.parameters,
        "messages": [validation_message(*m) for m in errors + traces],
        "error_count": 2 * len(r.messages),
    }
    return schema("H2OModelBuilderErrorV3", "H2OModelBuilderError", fields)


def validation_message(kind: str, field: str, text: str) -> dict[str, Any]:
    """`ValidationMessageV3`."""
    return schema(
        "ValidationMessageV3", "ValidationMessage", {"message_type": kind, "field_name": field, "message": text}
    )
