"""Models, model builders and their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.models.model import Model
from heavywater.params.declare import infos
from heavywater.params.metadata import metadata
from heavywater.server.v3.job import job
from heavywater.server.v3.metrics import metrics
from heavywater.server.v3.outputs import own_output
from heavywater.server.v3.reproducibility import reproducibility
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import table

_TYPES = {"int": "Numeric", "real": "Numeric", "enum": "Enum", "time": "Time", "string": "String", "uuid": "UUID"}
FULL_NAMES = {
    "deeplearning": "Deep Learning", "deepwater": "Deep Water", "drf": "Distributed Random Forest",
    "gbm": "Gradient Boosting Machine", "glm": "Generalized Linear Modeling", "naivebayes": "Naive Bayes",
    "stackedensemble": "Stacked Ensemble",
}  # fmt: skip
"""Names for people."""
CAN_BUILD = {
    "deeplearning": ["Regression", "Binomial", "Multinomial", "AutoEncoder"],
    "naivebayes": ["Unknown"],  # what H2O says
}
_SUPERVISED = ["Regression", "Binomial", "Multinomial"]
"""What each algorithm can be asked for."""

_WITHOUT_IMPORTANCES = ("stackedensemble", "naivebayes")
VERSIONS = {"stackedensemble": 99}
"""Versions of algorithms' schemas, where they are not 3."""
EXPORTED = {"deeplearning": "1.10"}
"""Algorithms whose models can be had as Java source and as MOJO, with the MOJO's version."""

HELP = {
    "names": "Columns that were used, the response last",
    "original_names": "Columns before they were encoded",
    "column_types": "Types of the columns",
    "domains": "Levels of the categorical columns",
    "cross_validation_models": "Models of the folds",
    "cross_validation_predictions": "Predictions of each fold's model",
    "cross_validation_holdout_predictions_frame_id": "Predictions of all rows, each by the model that did not see it",
    "cross_validation_fold_assignment_frame_id": "The fold of each row",
    "model_category": "What kind of question the model answers",
    "model_summary": "The model's parts",
    "scoring_history": "Metrics while it trained",
    "cv_scoring_history": "Metrics while the folds' models trained",
    "reproducibility_information_table": "Machine, cluster and frames",
    "training_metrics": "Metrics on the training frame",
    "validation_metrics": "Metrics on the validation frame",
    "cross_validation_metrics": "Metrics of cross-validation",
    "cross_validation_metrics_summary": "Metrics of the folds, their mean and standard deviation",
    "status": "State of the model",
    "start_time": "When training began, in milliseconds",
    "end_time": "When training ended, in milliseconds",
    "run_time": "How long training took, in milliseconds",
    "default_threshold": "Probability from which the second of two classes is predicted",
    "weights": "Frames of the weights",
    "biases": "Frames of the biases",
    "normmul": "Factors that scale the predictors",
    "normsub": "What is subtracted from the predictors before",
    "normrespmul": "Factor that scales the response",
    "normrespsub": "What is subtracted from the response before",
    "catoffsets": "Where the inputs of each categorical column begin",
    "variable_importances": "How much each column matters",
}
"""What the members of a model's output are, for people."""
_STOPPED = "stopped by the user"
"""How the reason begins why a model's training ended early; H2O does not say what such a model was given."""
_UNTOLD = {"parallelize_cross_validation": True, "max_categorical_levels": 10, "custom_distribution_func": None}
"""Members of H2O's parameter objects that its parameter lists leave out."""


def parameters(cls: type, given: Mapping[str, Any] | None, actual: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`ModelParameterSchemaV3` for every parameter that H2O knows."""
    known = {n.rstrip("_"): i for n, i in infos(cls).items()}
    out = []
    for entry in metadata(cls, given=given, actual=actual):
        info = known[entry["name"]]
        for which in ("default_value", "actual_value", "input_value"):
            entry[which] = _value(info.type, entry.get(which), entry)
        order = [
            "name", "label", "help", "required", "type", "default_value", "actual_value", "input_value", "level", "values",
            "is_member_of_frames", "is_mutually_exclusive_with", "gridable",
        ]  # fmt: skip
        out.append(schema("ModelParameterSchemaV3", "Iced", {k: entry[k] for k in order}))
    return out


def plain_parameter(name: str, kind: str, text: str, value: Any) -> dict[str, Any]:
    """`ModelParameterSchemaV3` of a parameter without a declaration."""
    fields = {
        "name": name, "label": name, "help": text, "required": False, "type": kind, "default_value": None,
        "actual_value": value, "input_value": None, "level": "critical", "values": [], "is_member_of_frames": [],
        "is_mutually_exclusive_with": [], "gridable": False,
    }  # fmt: skip
    return schema("ModelParameterSchemaV3", "Iced", fields)


def parameters_object(cls: type, label: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Such as `DeepLearningParametersV3`: the values by name."""
    found: dict[str, Any] = {}
    for name, info in infos(cls).items():
        if not info.ours:
            default = list(info.default) if isinstance(info.default, tuple) else info.default
            found[name.rstrip("_")] = _value(info.type, values.get(name, default), {"is_member_of_frames": None})
    for name, value in _UNTOLD.items():
        found.setdefault(name, value)
    return schema(f"{label}ParametersV3", f"{label}Parameters", found)


def _value(kind: str, value: Any, entry: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if kind.startswith("Key<"):
        inner = kind.removeprefix("Key<").partition(">")[0]
        return [key(v, inner) for v in value] if kind.endswith("[]") else key(str(value), inner)
    if kind == "VecSpecifier":
        fields = {"column_name": value, "is_member_of_frames": None}
        return schema("ColSpecifierV3", "VecSpecifier", fields)
    return value


def builder(
    algo: str,
    *,
    actual: Mapping[str, Any],
    messages: Sequence[dict[str, Any]] = (),
    record: Any = None,
    errors: int = 0,
) -> dict[str, Any]:
    """A model builder, such as `DeepLearningV3`."""
    module = algorithm(algo)
    fields = {
        "_exclude_fields": None if actual else "",
        "job": None if record is None else job(record),
        "algo": algo,
        "algo_full_name": FULL_NAMES.get(algo, module.LABEL),
        "can_build": CAN_BUILD.get(algo, _SUPERVISED),
        "visibility": "Stable",
        "supervised": not actual.get("autoencoder"),
        "messages": list(messages),
        "error_count": errors,
        "parameters": parameters(module.Params, None, actual),
    }
    version = VERSIONS.get(algo, 3)
    return schema(f"{module.LABEL}V{version}", module.LABEL, fields, version=version)


def synopsis(m: Model) -> dict[str, Any]:
    """`ModelSynopsisV3`: one line of the list of models."""
    return schema("ModelSynopsisV3", "Model", _head(m))


def _head(m: Model) -> dict[str, Any]:
    o = m.output
    return {
        "model_id": key(m.key, "Model"),
        "algo": m.algo,
        "algo_full_name": o["algo_full_name"],
        "response_column_name": o["response_column"],
        "treatment_column_name": None,
        "data_frame": key(o["training_frame"], "Frame"),
        "timestamp": o["end_time"],
        "have_pojo": m.algo in EXPORTED,
        "have_mojo": m.algo in EXPORTED,
    }


def model(
    m: Model,
    compatible: list[Any] | None = None,
    folds: Sequence[Model] = (),
    there: Callable[[str], bool] = lambda key: True,
) -> dict[str, Any]:
    """The whole model, such as `DeepLearningModelV3`.

    Parameters
    ----------
    m : Model
    compatible : list, optional
        Names of frames that it can score.
    folds : sequence of Model
        Its models of cross-validation.
    there : callable
        Whether there is still a frame of a name; parameters do not name those that are gone, as in H2O.
    """
    module = algorithm(m.algo)
    stored = m.output["parameters"]
    frames = {n for n, i in infos(module.Params).items() if i.type == "Key<Frame>"}

    given = {k: v["input"] for k, v in stored.items() if k != "model_id"}
    actual = {k: v["actual"] for k, v in stored.items()}
    if not actual.get("nfolds") and actual.get("fold_assignment") == "AUTO":
        actual["fold_assignment"] = None  # there are no folds
    if (weights := m.output.get("fold_weights")) is not None:
        actual["weights_column"] = weights
    cancelled = str(m.output.get("why_stopped")).startswith(_STOPPED)
    fields = _head(m) | {
        "parameters": parameters(
            module.Params,
            None if cancelled else {k: _unless_gone(k in frames, v, there) for k, v in given.items()},
            {k: _unless_gone(k in frames, v, there) for k, v in actual.items()},
        ),
        "output": output(m, module.LABEL, folds),
        "compatible_frames": compatible,
    }
    version = VERSIONS.get(m.algo, 3)
    return schema(f"{module.LABEL}ModelV{version}", f"{module.LABEL}Model", fields, version=version)


def _unless_gone(is_frame: bool, value: Any, there: Callable[[str], bool]) -> Any:
    return None if is_frame and value is not None and not there(str(value)) else value


def output(m: Model, label: str, folds: Sequence[Model] = ()) -> dict[str, Any]:
    """What training left: tables, metrics, facts about the columns."""
    o = m.output

    def keys(name: str, kind: str) -> list[Any] | None:
        listed = o.get(name)
        return None if not listed else [key(k, kind) for k in listed]

    fields = {
        "names": _with_weights(o, o["names"], o.get("fold_weights")),
        "original_names": o["original_names"],
        "column_types": _with_weights(o, [_TYPES.get(t, t) for t in o["column_types"]], "Numeric"),
        "domains": _with_weights(o, o["domains"], None),
        "cross_validation_models": keys("cross_validation_models", "Model"),
        "cross_validation_predictions": keys("cross_validation_predictions", "Frame"),
        "cross_validation_holdout_predictions_frame_id": key(
            o.get("cross_validation_holdout_predictions_frame_id"), "Frame"
        ),
        "cross_validation_fold_assignment_frame_id": key(o.get("cross_validation_fold_assignment_frame_id"), "Frame"),
        "model_category": m.category,
        "model_summary": table(o.get("model_summary"), labels=True),
        "scoring_history": table(o.get("scoring_history"), labels=True),
        "cv_scoring_history": [table(f.output.get("scoring_history"), labels=True) for f in folds] or None,
        "reproducibility_information_table": reproducibility(m),
        "training_metrics": metrics(m.metrics("train")),
        "validation_metrics": metrics(m.metrics("valid")),
        "cross_validation_metrics": metrics(m.metrics("xval")),
        "cross_validation_metrics_summary": table(o.get("cross_validation_metrics_summary"), labels=True),
        "status": None,
        "start_time": o["start_time"],
        "end_time": o["end_time"],
        "run_time": o["run_time"],
        "default_threshold": o["default_threshold"],
        "help": HELP,
    }
    if m.algo not in _WITHOUT_IMPORTANCES:
        fields["variable_importances"] = table(o.get("variable_importances"))
    if "norm_mul" in o:
        fields |= _of_network(m)
    fields |= own_output(m)
    if m.algo == "glm":
        fields["cv_scoring_history"] = [own_output(f)["scoring_history"] for f in folds] or None
    fields |= {
        k: table(v)
        for k, v in o.items()
        if k not in fields and isinstance(v, Mapping) and {"columns", "data"} <= set(v)
    }
    kind = f"{label}ModelOutput" if label == "DeepLearning" else f"{label}Output"
    version = VERSIONS.get(m.algo, 3)
    return schema(f"{label}ModelOutputV{version}", kind, fields, version=version)


def _with_weights(o: Mapping[str, Any], listed: list[Any], entry: Any) -> list[Any]:
    """A list about the columns of a fold's model, with its weights before the response."""
    return listed if o.get("fold_weights") is None else [*listed[:-1], entry, *listed[-1:]]


def _of_network(m: Model) -> dict[str, Any]:
    """Weights, biases and the scaling of the columns, which are shown on demand."""
    o = m.output
    shown = bool(o["parameters"].get("export_weights_and_biases", {}).get("actual"))
    layers = len(m.state.schema.get("units", [])) - 1 if shown else 0
    scaling = {
        "normmul": "norm_mul", "normsub": "norm_sub", "normrespmul": "norm_resp_mul", "normrespsub": "norm_resp_sub",
        "catoffsets": "cat_offsets",
    }  # fmt: skip
    return {
        "weights": [key(f"{m.key}.weights.{i}", "Frame") for i in range(layers)] or None,
        "biases": [key(f"{m.key}.biases.{i}", "Frame") for i in range(layers)] or None,
        **{name: o[stored] if shown else None for name, stored in scaling.items()},
    }


def models(shown: list[dict[str, Any]], compatible: list[Any] | None = None) -> dict[str, Any]:
    """`ModelsV3`."""
    fields = {"models": shown, "compatible_frames": compatible, "export_cross_validation_predictions": False}
    return schema("ModelsV3", "Models", fields, request=True)
