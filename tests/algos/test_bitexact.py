"""Golden runs of H2O-3 3.46: with ``compat="h2o-3.46"`` and ``reproducible=True`` the very bits come out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.algos.reference import Case, close, same_bits

ALL = (
    "act_exprectifier act_exprectifier_dropout_cls act_input_dropout_tanh act_maxout act_maxout_cls3 act_maxout_dropout "
    "act_maxout_reg act_rectifier_dropout_input act_tanh_dropout ae_nostd ae_pretrained_cls ae_rectifier ae_stop_best ae_tanh "
    "ae_tanh_dropout ae_tanh_sparsity bal_auto bal_factors ckpt_cls ckpt_momentum_l2 cls2_ce_rectifier "
    "cls2_many_rows_auc_bins cls2_titanic_na cls3_ce_tanh cls3_epochs0 cls3_quadratic_rectifier cls3_test_new_class "
    "cls4_auc_type cv_early_stop cv_fold_column cv_modulo_cls2 cv_random_reg cv_stratified_cls3 data_const_cols "
    "data_const_cols_kept data_const_cols_kept_cls data_hashing data_nostd_cls data_nostd_reg_rect data_skip data_skip_reg "
    "data_sparse data_sparse_reg data_test_missing_column data_time_column data_tspi data_tspi_gt_rows data_tspi_large "
    "data_uafl_false enc_binary enc_eigen enc_enum_limited enc_label enc_label_reg enc_label_text enc_sort_by_response "
    "init_normal_reg init_uniform init_weights net_deep543 net_hidden1 net_no_hidden net_wide_reg off_gamma off_gaussian "
    "off_poisson opt_ada_rho_eps opt_ada_rho_eps_tanh opt_momentum_nesterov opt_momentum_plain opt_momentum_start0 "
    "opt_sgd_anneal_decay reg_gamma reg_gamma_tanh reg_gaussian_boston reg_huber reg_l1 reg_l1l2_momentum reg_l1l2_nofast "
    "reg_l2_sgd reg_laplace_cars reg_loss_absolute_auto reg_loss_huber_auto reg_max_w2 reg_max_w2_maxout reg_poisson "
    "reg_quantile_02 reg_tweedie_13 reg_tweedie_17_rect stop_best_model stop_classification stop_early_auc "
    "stop_early_train_misclass stop_early_valid valid_cls3 wt_01 wt_general_cls wt_general_reg"
).split()


@pytest.fixture(scope="module")
def trained(shared: Path) -> Any:
    done: dict[str, tuple[Case, Any]] = {}

    def train(name: str) -> tuple[Case, Any]:
        if name not in done:
            case = Case.load(shared / "reference" / "bitexact" / name)
            done[name] = case, case.train(compat="h2o-3.46")
        return done[name]

    return train


def test_every_folder_is_listed(shared: Path) -> None:
    folders = {p.name for p in (shared / "reference" / "bitexact").iterdir() if p.is_dir()} - {
        "expected_errors",
        "data_hashing_reg",
    }
    assert set(ALL) == folders


@pytest.mark.parametrize("name", ALL)
def test_weights_are_equal_in_every_bit(name: str, trained: Any) -> None:
    case, model = trained(name)
    network = model._model.network
    layers = [k for k in case.arrays if k.startswith("W") and k[1:].isdigit()]
    for l in range(len(layers)):
        assert same_bits(network.W(l), case.arrays[f"W{l}"]), f"weights of layer {l}"
        np.testing.assert_allclose(network.b(l), case.arrays[f"b{l}"], rtol=0, atol=1e-12)
    if not layers:  # hashing: the original cannot export weights, so its features stand for them
        features = model.deepfeatures(case.frame("train"), 0).as_data_frame().to_numpy()
        np.testing.assert_allclose(features, case.arrays["deepfeatures0_train"], rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ALL)
def test_predictions(name: str, trained: Any) -> None:
    case, model = trained(name)
    for which in ("train", "test"):
        if f"pred_{which}" not in case.arrays:
            continue
        frame = model.predict(case.frame(which))._frame()
        labelled = f"pred_{which}_label" in case.arrays
        numbers = np.stack([frame.numeric(n) for n in frame.names[1 if labelled else 0 :]], axis=1)
        golden = case.arrays[f"pred_{which}"]
        np.testing.assert_allclose(numbers, golden, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(golden).max()))
        if labelled:
            assert (frame.codes("predict") == case.arrays[f"pred_{which}_label"]).all()


@pytest.mark.parametrize("name", ALL)
def test_tables(name: str, trained: Any) -> None:
    case, model = trained(name)
    golden = case.golden["final"]["model"]
    for ours, theirs in (
        ("model_summary", "model_summary"),
        ("scoring_history", "scoring_history"),
        ("variable_importances",) * 2,
    ):
        table = model._model.table(ours)
        if golden.get(theirs) is None:
            assert table is None
            continue
        columns = [c for c in golden[theirs]["columns"] if c]
        for column in columns:
            expected = golden[theirs]["data"][golden[theirs]["columns"].index(column)]
            found = table[column]
            assert len(found) == len(expected), f"{ours}.{column}"
            tolerance = 2e-6 if theirs == "variable_importances" else 1e-9
            if column == "training_logloss" and max(expected[1:]) > 5:
                tolerance = 1e-4  # of a probability of 1e-16 the last bit is a large part
            wrong = [(a, b) for a, b in zip(found, expected) if not close(a, b, tolerance)]
            assert not wrong, f"{ours}.{column}: {wrong[:3]}"


@pytest.mark.parametrize("name", ALL)
def test_metrics(name: str, trained: Any) -> None:
    case, model = trained(name)
    for part, key in (
        ("train", "training_metrics"),
        ("valid", "validation_metrics"),
        ("xval", "cross_validation_metrics"),
    ):
        golden = case.golden["final"]["model"].get(key)
        metrics = model._model.metrics(part)
        if golden is None:
            assert metrics is None
            continue
        for field in (
            "MSE",
            "RMSE",
            "r2",
            "logloss",
            "AUC",
            "pr_auc",
            "mean_per_class_error",
            "mae",
            "rmsle",
            "mean_residual_deviance",
        ):
            if field in golden and field in metrics:
                tolerance = 1e-6 if part == "xval" else 1e-9
                assert close(metrics[field], golden[field], tolerance), (
                    f"{key}.{field}: {metrics[field]} != {golden[field]}"
                )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [n for n in ALL if n.startswith("ae_") and n != "ae_pretrained_cls"])
def test_reconstruction_errors(name: str, trained: Any) -> None:
    case, model = trained(name)
    for which in ("train", "test"):
        if f"anomaly_{which}" in case.arrays:
            errors = model.anomaly(case.frame(which)).as_data_frame().to_numpy()[:, 0]
            assert math.isfinite(errors.max())
            np.testing.assert_allclose(errors, case.arrays[f"anomaly_{which}"].reshape(-1), rtol=1e-9)
