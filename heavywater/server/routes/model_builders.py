"""Training: what may be set, checking it, and the training itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from heavywater.algos.base import ALGORITHMS, algorithm
from heavywater.engine.jobs import Job
from heavywater.engine.request import TrainRequest
from heavywater.errors import H2OValueError, HeavywaterError, InvalidParams, did_you_mean
from heavywater.frame import Frame
from heavywater.params import canonical
from heavywater.params.declare import Message, infos
from heavywater.server.errors import BuilderRefused, Refused, bad_request, no_route, validation_message
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.v3 import model as v3
from heavywater.server.v3.notes import notes
from heavywater.server.v3.schema import schema
from heavywater.server.wire import parameter
from heavywater.training.fit import prepare

_CODE = ("custom_metric_func", "network_module")
_PATHS = ("_dir", "_file", "_prefix", "_path", "_root")
"""How the names of parameters end that name files of the server's machine."""
_CHECKED_FIRST = ("hidden", "hidden_dropout_ratios")
"""Parameters of which H2O's messages speak before others."""


@route("GET", "/3/ModelBuilders")
def listed(hub: Hub) -> dict[str, Any]:
    """All algorithms with their parameters."""
    return _builders(list(ALGORITHMS))


@route("GET", "/3/ModelBuilders/{algo}")
def one(hub: Hub, algo: str) -> dict[str, Any]:
    """The parameters of one algorithm."""
    _known("GET", algo, "")
    return _builders([algo])


def _builders(names: list[str]) -> dict[str, Any]:
    builders = {n: v3.builder(n, actual={}, messages=_default_notes(n)) for n in names}
    return schema("ModelBuildersV3", "Iced", {"model_builders": builders}, request=True)


def _default_notes(algo: str) -> list[dict[str, Any]]:
    return [validation_message("TRACE", *note) for note in notes(in_force(algorithm(algo).Params, {}), None)]


def _known(method: str, algo: str, tail: str) -> None:
    if algo not in ALGORITHMS:
        raise no_route(method, f"/3/ModelBuilders/{algo}{tail}")


@route("POST", "/3/ModelBuilders/{algo}/model_id", quick=True)
def fresh_id(hub: Hub, algo: str, agent: str = "rest") -> dict[str, Any]:
    """A name that no model has."""
    _known("POST", algo, "/model_id")
    return schema("ModelIdV3", "Iced", {"model_id": hub.new_model_key(algo, agent)})


@route("POST", "/3/ModelBuilders/{algo}/parameters")
def validate(hub: Hub, algo: str, agent: str = "rest", **fields: str) -> dict[str, Any]:
    """Check parameters without training."""
    _known("POST", algo, "/parameters")
    cls, label = algorithm(algo).Params, algorithm(algo).LABEL
    values = values_of(cls, fields, label)
    if values.get("training_frame") is None:
        found = [Message("training_frame", "error", "Missing training frame")]
    else:
        found = check(hub, algo, values)
    force = in_force(cls, values)
    messages = [
        validation_message("ERRR" if m.severity == "error" else "WARN", _field(m), m.text)
        for m in sorted(found, key=lambda m: m.severity != "error")
    ]
    messages += [validation_message("TRACE", *note) for note in notes(force, category_of(hub, values))]
    errors = sum(m.severity == "error" for m in found)
    return v3.builder(algo, actual=force, messages=messages, errors=errors)


def _field(m: Message) -> str:
    """The field that H2O names: it calls the response's column ``response``."""
    return "response" if m.field == "response_column" or not m.field else m.field


def category_of(hub: Hub, values: Mapping[str, Any]) -> str | None:
    """What kind of model a request is for; None without data."""
    key = values.get("training_frame")
    frame = hub.find(key) if key else None
    if not isinstance(frame, Frame):
        return None
    y = values.get("response_column")
    if values.get("autoencoder") or y not in frame.names:
        return "AutoEncoder"
    levels = frame.levels(y)
    return "Regression" if levels is None else "Binomial" if len(levels) <= 2 else "Multinomial"


def check(hub: Hub, algo: str, values: Mapping[str, Any]) -> list[Message]:
    """All problems of a request to train."""
    request = request_of(hub, algo, values)
    warned: list[str] = []
    try:
        prepare(
            algo, request.params, key="model", x=request.x, y=request.y, train=request.training,
            valid=request.validation, warn=warned.append, threads=hub.engine.nthreads, frames=hub.frame, models=hub.model,
        )  # fmt: skip
    except InvalidParams as e:
        return [m for m in e.messages if isinstance(m, Message)]
    return [Message("", "warn", text) for text in warned]


@route("POST", "/3/ModelBuilders/{algo}")
def train(hub: Hub, algo: str, agent: str = "rest", **fields: str) -> dict[str, Any]:
    """Train a model; a job."""
    _known("POST", algo, "")
    module = algorithm(algo)
    values = values_of(module.Params, fields, module.LABEL)
    name = values.get("model_id") or hub.new_model_key(module.LABEL, agent)
    values["model_id"] = name
    hub.check_room()
    if values.get("training_frame") is None:
        return _failing(hub, algo, values, H2OValueError("Missing training frame: name one as training_frame"))
    request = replace(request_of(hub, algo, values), job_key=hub.job_key())
    try:
        job = hub.engine.submit(request)
    except InvalidParams as e:
        if values.get("checkpoint") and not any(m.severity == "error" for m in check(hub, algo, _without(values))):
            return _failing(hub, algo, values, e)
        raise _refused(hub, algo, values, [m for m in e.messages if isinstance(m, Message)]) from None
    record = hub.follow(job, module.LABEL, name, "Model")
    force = in_force(module.Params, values)
    messages = [validation_message("WARN", "response", text) for text in job.warnings]
    messages += [validation_message("TRACE", *note) for note in notes(force, category_of(hub, values))]
    return v3.builder(algo, actual=force, messages=messages, record=record)


route("POST", "/99/ModelBuilders/{algo}")(train)


def _without(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k != "checkpoint"}


def _failing(hub: Hub, algo: str, values: Mapping[str, Any], error: HeavywaterError) -> dict[str, Any]:
    """A job that fails: H2O's clients expect to hear of an unfit checkpoint, and of no frame, in this way."""

    def work(job: Job[Any]) -> None:
        raise error

    module = algorithm(algo)
    force = in_force(module.Params, values)
    record = hub.start(work, module.LABEL, str(values["model_id"]), "Model")
    messages = [validation_message("TRACE", *note) for note in notes(force, category_of(hub, values))]
    return v3.builder(algo, actual=force, messages=messages, record=record)


def _refused(hub: Hub, algo: str, values: Mapping[str, Any], problems: Sequence[Message]) -> BuilderRefused:
    module, name = algorithm(algo), str(values.get("model_id") or "")
    try:
        values = in_force(module.Params, values)
        found = notes(values, category_of(hub, values))
    except HeavywaterError:
        found = []
    first = {name: i for i, name in enumerate(_CHECKED_FIRST)}
    ordered = sorted(problems, key=lambda m: first.get(m.field, len(first)))
    told = [Message(_field(m), m.severity, m.text) for m in ordered]
    object_ = v3.parameters_object(module.Params, module.LABEL, {k: v for k, v in values.items() if k != "model_id"})
    return BuilderRefused(module.LABEL, name, told, found, object_)


def values_of(cls: type, fields: Mapping[str, str], label: str) -> dict[str, Any]:
    """Typed values of the parameters in a form.

    Raises
    ------
    Refused
        Unknown parameters, texts that do not fit, and what is not open to clients over HTTP.
    """
    known = infos(cls)
    attributes = {n.rstrip("_"): n for n in known}  # Python's keyword lambda is lambda_
    out = {}
    for given, text in fields.items():
        if given not in attributes:
            raise Refused(f"Unknown parameter: {given}{did_you_mean(given, attributes)}")
        name = attributes[given]
        out[name] = parameter(known[name], text, f"{label}ParametersV3")
    for name in _CODE:
        if out.get(name):
            raise Refused(f"{name} names code, which this server does not run for clients; use the embedded API")
    for name, value in out.items():
        info = known[name]
        if info.kind is str and info.values and value is not None:
            _check_words(label, name, info.values, info.spellings, value if info.sequence else [value])
    return out


def _check_words(label: str, name: str, values: Any, spellings: Any, given: list[str]) -> None:
    def bare(word: str) -> str:
        return "".join(c for c in word.upper() if c.isalnum())

    known = {bare(w) for w in (*values, *spellings)}
    for word in given:
        if bare(word) not in known:
            raise bad_request(f"No enum constant {label}Parameters.{name}.{word}{did_you_mean(word, values)}")


def in_force(cls: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in canonical spelling."""
    params = canonical(cls(**values))
    return {name: getattr(params, name) for name in infos(cls)}


def request_of(hub: Hub, algo: str, values: Mapping[str, Any]) -> TrainRequest:
    """The request to train that the values of a form stand for."""
    training = _frame(hub, values["training_frame"])
    validation = None if values.get("validation_frame") is None else _frame(hub, values["validation_frame"])
    y = values.get("response_column")
    if y is not None and y not in training.names:
        text = f"Response column '{y}' not found in frame: {values['training_frame']}."
        raise _refused(hub, algo, values, [Message("response_column", "error", text)])
    params = dict(values)
    for name in ("initial_weights", "initial_biases"):
        if params.get(name):
            params[name] = [_frame(hub, k) for k in params[name]]
    params = confined(hub, params)
    for name in ("checkpoint", "pretrained_autoencoder"):
        if params.get(name):
            params[name] = hub.model(params[name], name)
    out = set(params.get("ignored_columns") or ())
    special = {params.get(c) for c in ("offset_column", "fold_column", "weights_column")}
    x = [n for n in training.names if n not in out and n not in special and n != y]
    return TrainRequest(
        algo=algo,
        params=params,
        x=x,
        y=y,
        training=training,
        validation=validation,
        training_key=values["training_frame"],
        validation_key=values.get("validation_frame"),
        quiet=True,
    )


def confined(hub: Hub, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with every path resolved.

    Raises
    ------
    Refused
        A path outside the folders open to clients, or code.
    """
    out = dict(params)
    for name in _CODE:
        if out.get(name):
            raise Refused(f"{name} names code, which this server does not run for clients; use the embedded API")
    for name in [n for n, v in out.items() if v and n.endswith(_PATHS)]:
        path = hub.roots.resolve(str(out[name]))
        if name.endswith("_dir") and not path.is_dir():
            raise Refused(f"{name}: there is no folder {out[name]!r}")
        out[name] = os.fspath(path)
    return out


def _frame(hub: Hub, key: str) -> Frame:
    found = hub.find(key)
    if found is None:
        raise bad_request(f"Object with key='{key}' doesn't exist in DKV.")
    return hub.frame(key)
