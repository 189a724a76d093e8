"""Parameters of Deep Learning: the same as H2O's, the same mistakes reported for the same fields."""

from __future__ import annotations

import json

import pytest

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.resolve import check_data
from heavywater.errors import InvalidParams
from heavywater.params import canonical, check, examine, infos, metadata
from tests.params.data import csv_facts, facts

OURS = ["max_hit_ratio_k", "compat"]


def messages(params, data=None):
    """(field, severity) of all messages, with and without data."""
    safe, found = examine(params, unbuilt=True)
    return {(m.field, m.severity) for m in found + (check_data(safe, data) if data else [])}


def errors(data=None, **values):
    return {field for field, severity in messages(DeepLearningParams(**values), data) if severity == "error"}


def warned(data=None, **values):
    return {field for field, severity in messages(DeepLearningParams(**values), data) if severity == "warn"}


def test_defaults_are_valid():
    assert check(DeepLearningParams()) == []


def test_names_types_defaults_and_order_are_h2os(shared):
    wanted = json.loads((shared / "spec/traces/deeplearning-parameters.json").read_text())["parameters"]
    found = metadata(DeepLearningParams)
    assert [m["name"] for m in found] == [m["name"] for m in wanted]
    for mine, theirs in zip(found, wanted):
        assert {k: mine[k] for k in theirs if k != "help"} == {k: v for k, v in theirs.items() if k != "help"}
    json.dumps(found)


def test_our_own_parameters_come_last():
    assert [n for n, i in infos(DeepLearningParams).items() if i.ours] == list(infos(DeepLearningParams))[-2:] == OURS


def test_every_parameter_has_help():
    assert [n for n, i in infos(DeepLearningParams).items() if not i.help.endswith((".", "?"))] == []


@pytest.mark.parametrize("name", list(infos(DeepLearningParams)))
def test_every_parameter_refuses_what_it_cannot_be(name):
    assert name in errors(**{name: 3j})


@pytest.mark.parametrize(
    ("name", "given", "official"),
    [
        ("activation", "rectifier", "Rectifier"),
        ("activation", "RECTIFIER_WITH_DROPOUT", "RectifierWithDropout"),
        ("activation", "Maxout with dropout", "MaxoutWithDropout"),
        ("activation", "exp_rectifier", "ExpRectifier"),
        ("categorical_encoding", "one_hot_internal", "OneHotInternal"),
        ("categorical_encoding", "auto", "AUTO"),
        ("stopping_metric", "auto", "AUTO"),
        ("stopping_metric", "lift_top_gain", "lift_top_group"),
        ("stopping_metric", "rmse", "RMSE"),
        ("initial_weight_distribution", "Uniform Adaptive", "UniformAdaptive"),
        ("loss", "cross_entropy", "CrossEntropy"),
        ("missing_values_handling", "mean_imputation", "MeanImputation"),
        ("auc_type", "weighted_ovr", "WEIGHTED_OVR"),
        ("compat", "H2O-3.46", "h2o-3.46"),
    ],
)
def test_words_are_matched_loosely(name, given, official):
    assert getattr(canonical(DeepLearningParams(**{name: given})), name) == official


def test_a_misspelt_word_gets_a_guess():
    (message,) = check(DeepLearningParams(activation="Tahn"))
    assert message.text.endswith("got 'Tahn' (did you mean 'Tanh'?)")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"hidden": [0]}, "hidden"),
        ({"hidden": [10, -1]}, "hidden"),
        ({"epochs": -1}, "epochs"),
        ({"epochs": float("inf")}, "epochs"),
        ({"rho": 0}, "rho"),
        ({"epsilon": 0}, "epsilon"),
        ({"rho": 1.5, "adaptive_rate": False}, "rho"),
        ({"momentum_stable": 1.0}, "momentum_stable"),
        ({"input_dropout_ratio": 1.0}, "input_dropout_ratio"),
        ({"hidden_dropout_ratios": [0.1, 0.1]}, "hidden_dropout_ratios"),
        ({"hidden_dropout_ratios": [0.1], "activation": "TanhWithDropout"}, "hidden_dropout_ratios"),
        ({"hidden_dropout_ratios": [0.1, 1.0], "activation": "TanhWithDropout"}, "hidden_dropout_ratios"),
        ({"l2": -1e-9}, "l2"),
        ({"max_w2": 0}, "max_w2"),
        ({"tweedie_power": 1}, "tweedie_power"),
        ({"tweedie_power": 2}, "tweedie_power"),
        ({"distribution": "quantile", "quantile_alpha": 1.1}, "quantile_alpha"),
        ({"loss": "Quantile", "quantile_alpha": -0.1}, "quantile_alpha"),
        ({"distribution": "huber", "huber_alpha": 1.1}, "huber_alpha"),
        ({"distribution": "ordinal"}, "distribution"),
        ({"distribution": "custom"}, "distribution"),
        ({"distribution": "quasibinomial"}, "distribution"),
        ({"distribution": "poisson", "loss": "Quadratic"}, "distribution"),
        ({"distribution": "quantile", "loss": "Absolute"}, "distribution"),
        ({"stopping_tolerance": 1}, "stopping_tolerance"),
        ({"stopping_metric": "qini"}, "stopping_metric"),
        ({"stopping_metric": "custom"}, "custom_metric_func"),
        ({"max_runtime_secs": -1}, "max_runtime_secs"),
        ({"score_training_samples": -1}, "score_training_samples"),
        ({"score_validation_samples": -1}, "score_validation_samples"),
        ({"nfolds": -1}, "nfolds"),
        ({"nfolds": 1}, "nfolds"),
        ({"nfolds": 2, "fold_column": "f"}, "nfolds"),
        ({"fold_column": "f", "fold_assignment": "Modulo"}, "fold_assignment"),
        ({"weights_column": "a", "offset_column": "a"}, "offset_column"),
        ({"response_column": "a", "fold_column": "a"}, "fold_column"),
        ({"class_sampling_factors": [1, 2]}, "class_sampling_factors"),
        ({"class_sampling_factors": [-1, 2], "balance_classes": True}, "class_sampling_factors"),
        ({"max_after_balance_size": 0}, "max_after_balance_size"),
        ({"initial_weights": [None]}, "initial_weights"),
        ({"initial_biases": [None] * 4}, "initial_biases"),
        ({"initial_biases": [None] * 3, "checkpoint": "m"}, "checkpoint"),
        ({"checkpoint": "m", "nfolds": 3}, "checkpoint"),
        ({"max_categorical_features": 0}, "max_categorical_features"),
        ({"elastic_averaging": True, "sparse": True}, "elastic_averaging"),
        ({"elastic_averaging": True, "elastic_averaging_moving_rate": 2}, "elastic_averaging_moving_rate"),
        ({"elastic_averaging": True, "elastic_averaging_regularization": -1}, "elastic_averaging_regularization"),
        ({"gainslift_bins": -2}, "gainslift_bins"),
        ({"train_samples_per_iteration": -3}, "train_samples_per_iteration"),
        ({"autoencoder": True, "activation": "MaxoutWithDropout"}, "activation"),
        ({"autoencoder": True, "nfolds": 2}, "nfolds"),
        ({"autoencoder": True, "pretrained_autoencoder": "m"}, "pretrained_autoencoder"),
        ({"autoencoder": True, "categorical_encoding": "sort_by_response"}, "categorical_encoding"),
        ({"autoencoder": True, "sparsity_beta": 0.1}, "average_activation"),
        ({"autoencoder": True, "balance_classes": True}, "balance_classes"),
        ({"autoencoder": True, "custom_metric_func": "f"}, "custom_metric_func"),
        ({"export_checkpoints_dir": "/dev/null/x"}, "export_checkpoints_dir"),
    ],
)
def test_mistakes_that_need_no_data(values, field):
    assert errors(**values) == {field}
    assert next(m for m in examine(DeepLearningParams(**values), unbuilt=True)[1] if m.field == field).text.count(field)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden": []},
        {"quantile_alpha": 2.0},
        {"huber_alpha": -1},
        {"max_w2": float("inf")},
        {"epochs": 0},
        {"rho": 0, "adaptive_rate": False},
        {"elastic_averaging_moving_rate": 7},
        {"autoencoder": True, "activation": "Tanh", "sparsity_beta": 0.1},
        {"classification_stop": -1, "regression_stop": -1},
        {"distribution": "laplace", "loss": "Absolute"},
        {"weights_column": "w", "offset_column": "o"},
        {"hidden_dropout_ratios": (0.1, 0), "activation": "tanh_with_dropout"},
    ],
)
def test_what_is_no_mistake(values):
    assert messages(DeepLearningParams(**values)) == set()


@pytest.mark.parametrize(
    "name", ["rate", "rate_annealing", "rate_decay", "momentum_start", "momentum_ramp", "momentum_stable"]
)
def test_the_unused_learning_rate_schedule_is_only_warned_about(name):
    assert warned(**{name: 0.25}) == {name}
    assert warned(**{name: 0.25}, adaptive_rate=False) == set()


def test_other_warnings():
    assert warned(diagnostics=False) == {"diagnostics"}
    assert warned(elastic_averaging=True) == {"elastic_averaging"}
    idle = {"stopping_metric": "AUC", "stopping_tolerance": 0.1}
    assert warned(stopping_rounds=0, **idle) == set(idle)
    assert warned(distribution="gaussian", loss="Huber") == {"loss"}


# -- with data --------------------------------------------------------------------------------------------------------

COLUMNS = {
    "a": [1, 2, 3, 4],
    "b": [0.5, None, 1.5, 2],
    "w": [1, 0, 1, 1],
    "v": [0.5, 1, 2, 1],
    "neg": [-1, 1, 1, 1],
    "zero": [0, 0, 0, 0],
    "hole": [1, None, 1, 1],
    "cls": ["x", "y", "x", "y"],
    "three": ["x", "y", "z", "x"],
    "one": ["x", "x", "x", "x"],
    "num": [1.5, -2, 3, 4],
    "pos": [0.5, 2, 3, 4],
    "bits": [0, 1, 1, 0],
    "none": [None, None, None, None],
    "text": ["p", "q", "r", "s"],
    "inf": [1, float("inf"), 2, 3],
}
KINDS = {
    "a": "int", "b": "real", "w": "int", "v": "real", "neg": "int", "zero": "int", "hole": "int", "cls": "enum",
    "three": "enum", "one": "enum", "num": "real", "pos": "real", "bits": "int", "none": "real", "text": "string",
    "inf": "real",
}  # fmt: skip


@pytest.mark.parametrize(
    ("y", "values", "wanted"),
    [
        ("cls", {}, set()),
        ("num", {}, set()),
        (None, {"autoencoder": True}, set()),
        (None, {}, {"response_column"}),
        ("clss", {}, {"response_column"}),
        ("text", {}, {"response_column"}),
        ("one", {}, {"response"}),
        ("zero", {}, {"response"}),
        ("none", {}, {"response"}),
        ("inf", {}, {"response"}),
        ("num", {"distribution": "gamma"}, {"response"}),
        ("pos", {"distribution": "gamma"}, set()),
        ("num", {"distribution": "multinomial"}, {"distribution"}),
        ("three", {"distribution": "bernoulli"}, {"distribution"}),
        ("cls", {"distribution": "tweedie"}, {"distribution"}),
        ("cls", {"loss": "Quantile"}, {"loss"}),
        ("cls", {"loss": "Quadratic"}, set()),
        ("num", {"loss": "CrossEntropy"}, {"loss"}),
        ("cls", {"stopping_metric": "deviance"}, {"stopping_metric"}),
        ("num", {"stopping_metric": "misclassification"}, {"stopping_metric"}),
        ("cls", {"stopping_metric": "MAE"}, set()),
        ("cls", {"offset_column": "a"}, {"offset_column"}),
        ("num", {"offset_column": "a"}, set()),
        ("num", {"offset_column": "b"}, {"offset_column"}),
        ("num", {"offset_column": "cls"}, {"offset_column"}),
        ("num", {"offset_column": "num"}, {"offset_column"}),
        ("num", {"weights_column": "v"}, set()),
        ("num", {"weights_column": "weight"}, {"weights_column"}),
        ("num", {"weights_column": "neg"}, {"weights_column"}),
        ("num", {"weights_column": "zero"}, {"weights_column"}),
        ("num", {"weights_column": "hole"}, {"weights_column"}),
        ("num", {"weights_column": "inf"}, {"weights_column"}),
        ("num", {"fold_column": "three"}, set()),
        ("num", {"fold_column": "b"}, {"fold_column"}),
        ("num", {"fold_column": "neg"}, {"fold_column"}),
        ("num", {"fold_column": "zero"}, {"fold_column"}),
        ("num", {"nfolds": 5}, {"nfolds"}),
        ("num", {"balance_classes": True}, {"balance_classes"}),
        ("cls", {"balance_classes": True, "weights_column": "w"}, set()),
        ("cls", {"balance_classes": True, "weights_column": "v"}, {"balance_classes"}),
        ("cls", {"balance_classes": True, "class_sampling_factors": [1, 2, 3]}, {"class_sampling_factors"}),
        ("cls", {"balance_classes": True, "class_sampling_factors": [1, 2]}, set()),
        ("one", {"l1": -1, "weights_column": "neg", "loss": "Huber"}, {"l1", "response", "weights_column", "loss"}),
    ],
)
def test_mistakes_that_need_data(y, values, wanted):
    assert errors(facts(COLUMNS, KINDS, y=y), **values) == wanted


def test_a_response_of_zeros_and_ones_is_warned_about():
    assert warned(facts(COLUMNS, KINDS, y="bits")) == {"response"}


def test_frames_that_cannot_be_used():
    assert errors(facts(COLUMNS, KINDS, y="cls", x=[])) == {"train"}
    assert errors(facts(COLUMNS, KINDS, y="cls", x=["cls"])) == {"train"}
    assert errors(facts(COLUMNS, KINDS, y="cls", x=["aa"])) == {"train"}
    valid = {"valid_nrow": 3, "valid_kinds": {"a": "int"}}
    assert errors(facts(COLUMNS, KINDS, y="cls", **valid)) == {"validation_frame"}
    valid["valid_kinds"] = {"cls": "int"}
    assert errors(facts(COLUMNS, KINDS, y="cls", **valid)) == {"validation_frame"}
    assert errors(facts(COLUMNS, KINDS, y=None, **valid), autoencoder=True) == set()
    assert "validation_frame" in errors(facts(COLUMNS, KINDS, y="cls", valid_nrow=0, valid_kinds=KINDS))


def test_unknown_columns_get_a_guess():
    found = check_data(DeepLearningParams(), facts(COLUMNS, KINDS, y="thre"))
    assert "(did you mean 'three'?)" in str(found[0])


def test_the_error_lists_everything():
    params = DeepLearningParams(l1=-1, hidden=[0])
    text = str(InvalidParams("DeepLearning model: m", check(params)))
    assert text.startswith("Illegal argument(s) for DeepLearning model: m. Details:")
    assert text.count("ERRR on field: _") == 2


# -- recorded from H2O ------------------------------------------------------------------------------------------------

WITHOUT_FIELD = {"rho must be > 0": "rho", "class_sampling_factors must have": "class_sampling_factors"}
"""Messages from H2O's training that name no field, and ours."""


def test_h2os_errors_are_reported_for_the_same_fields(shared):
    folder = shared / "reference/bitexact/expected_errors"
    given = json.loads((folder / "params.json").read_text())
    cases = json.loads((folder / "output.json").read_text())["cases"]
    assert len(given["cases"]) == len(cases) == 43
    for case, wanted in zip(given["cases"], cases):
        columns = {k: case[k] for k in ("fold_column", "weights_column", "offset_column") if case.get(k)}
        params = DeepLearningParams(**case["params"], **columns, compat="h2o-3.46")
        data = csv_facts(folder / given["files"]["train"], given["column_types"], y=case["y"], x=case["x"])
        found = messages(params, data)
        fields = {m["field_name"] for m in wanted.get("messages", [])}
        text = wanted.get("message", "")
        fields |= {part.split(":")[0] for part in text.split("ERRR on field: _")[1:]}
        fields |= {field for start, field in WITHOUT_FIELD.items() if start in text}
        assert {f for f, severity in found if severity == "error"} == fields, (case, wanted)
        warnings = [str(m) for m in check(params) if m.severity == "warn"] if wanted["result"] == "trained" else []
        assert warnings == wanted.get("warnings", [])
