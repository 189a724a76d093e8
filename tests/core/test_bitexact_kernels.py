"""The exact kernels against golden runs of H2O-3 3.46: weights in every bit, biases to 1e-12.

Left out are runs that need more than kernels: other encodings of the predictors, checkpoints, pretraining, and the
choice of the best model. `expected_errors` holds no model; `data_hashing` no weights (its predictions are compared).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heavywater.core.mlp import forward, layout
from heavywater.core.mlp.inspect import gedeon_importance, is_unstable, layer_statistics
from heavywater.core.sampling import folds_modulo, folds_random, folds_stratified
from tests.core.reference import Golden

RUNS = """
act_exprectifier act_exprectifier_dropout_cls act_input_dropout_tanh act_maxout act_maxout_cls3 act_maxout_dropout
act_maxout_reg act_rectifier_dropout_input act_tanh_dropout ae_nostd ae_rectifier ae_stop_best ae_tanh ae_tanh_dropout
ae_tanh_sparsity bal_auto bal_factors ckpt_cls cls2_ce_rectifier cls2_many_rows_auc_bins cls2_titanic_na cls3_ce_tanh
cls3_epochs0 cls3_quadratic_rectifier cls3_test_new_class cls4_auc_type cv_early_stop cv_fold_column cv_modulo_cls2
cv_random_reg cv_stratified_cls3 data_const_cols data_const_cols_kept data_const_cols_kept_cls data_nostd_cls
data_nostd_reg_rect data_skip data_skip_reg data_sparse data_sparse_reg data_test_missing_column data_time_column
data_tspi data_tspi_gt_rows data_tspi_large data_uafl_false init_normal_reg init_uniform init_weights net_deep543
net_hidden1 net_no_hidden net_wide_reg off_gamma off_gaussian off_poisson opt_ada_rho_eps opt_ada_rho_eps_tanh
opt_momentum_nesterov opt_momentum_plain opt_momentum_start0 opt_sgd_anneal_decay reg_gamma reg_gamma_tanh
reg_gaussian_boston reg_huber reg_l1 reg_l1l2_momentum reg_l1l2_nofast reg_l2_sgd reg_laplace_cars
reg_loss_absolute_auto reg_loss_huber_auto reg_max_w2 reg_max_w2_maxout reg_poisson reg_quantile_02 reg_tweedie_13
reg_tweedie_17_rect stop_classification stop_early_auc stop_early_train_misclass stop_early_valid valid_cls3 wt_01
wt_general_cls wt_general_reg
""".split()


def golden(shared: Path, name: str) -> Golden:
    return Golden(shared / "reference" / "bitexact" / name)


@pytest.mark.parametrize("name", RUNS)
def test_weights_are_equal_in_every_bit(shared: Path, name: str) -> None:
    g = golden(shared, name)
    net = g.train()
    for l in range(net.topology.layers):
        assert (net.W(l) == g.arrays[f"W{l}"]).all(), f"weights of layer {l}"
        np.testing.assert_allclose(net.b(l), g.arrays[f"b{l}"], rtol=0, atol=1e-12)
    assert not is_unstable(net)


PLAIN = """
act_maxout act_maxout_cls3 ae_nostd ae_tanh cls2_ce_rectifier cls3_ce_tanh cls3_quadratic_rectifier
cls4_auc_type init_normal_reg net_deep543 net_no_hidden opt_ada_rho_eps opt_sgd_anneal_decay reg_gamma
reg_gaussian_boston reg_huber reg_l1l2_nofast reg_laplace_cars reg_max_w2 reg_poisson reg_quantile_02 reg_tweedie_13
wt_01
""".split()


@pytest.mark.parametrize("name", PLAIN)
def test_without_the_quirks_of_h2o_plain_settings_give_the_same_bits(shared: Path, name: str) -> None:
    g = golden(shared, name)
    net = g.train(h2o=False)
    for l in range(net.topology.layers):
        assert (net.W(l) == g.arrays[f"W{l}"]).all()


STORED = ["act_maxout", "act_tanh_dropout", "cls2_ce_rectifier", "cls3_ce_tanh", "net_deep543", "ae_rectifier"]
SCORED = ["cls2_ce_rectifier", "act_maxout_dropout", "act_tanh_dropout", "reg_poisson", "reg_gaussian_boston"]


def loaded(g: Golden) -> layout.Network:
    net = layout.Network(g.topology)
    for l in range(net.topology.layers):
        net.W(l)[:] = g.arrays[f"W{l}"]
        net.b(l)[:] = g.arrays[f"b{l}"]
    return net


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", SCORED)
def test_predictions(shared: Path, name: str, threads: int) -> None:
    g = golden(shared, name)
    h = g.hyper()
    y = forward.predict(loaded(g), h, g.inputs(), threads=threads)
    if not g.nclasses:
        y = forward.inverse_link(y, h.loss) / g.resp[1] + g.resp[0]
    rows = ~g.missing
    np.testing.assert_allclose(y[rows], g.arrays["pred_train"][rows], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", STORED)
def test_hidden_activations(shared: Path, name: str) -> None:
    g = golden(shared, name)
    net = loaded(g)
    for l in range(net.topology.layers - 1):
        a = forward.hidden_activations(net, g.hyper(), g.inputs(), l)
        np.testing.assert_allclose(a, g.arrays[f"deepfeatures{l}_train"], rtol=0, atol=1e-15)


def test_hashed_categories(shared: Path) -> None:
    g = golden(shared, "data_hashing")
    net = g.train()
    rows = ~g.missing
    for l in range(net.topology.layers - 1):
        a = forward.hidden_activations(net, g.hyper(), g.inputs(), l)
        np.testing.assert_allclose(a[rows], g.arrays[f"deepfeatures{l}_train"][rows], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "name", ["cls2_ce_rectifier", "reg_poisson", "opt_momentum_nesterov", "act_maxout", "ae_tanh", "net_no_hidden"]
)
def test_layer_table_and_importances(shared: Path, name: str) -> None:
    g = golden(shared, name)
    net = g.train()
    table = g.model["model_summary"]
    for l, ours in enumerate(layer_statistics(net, g.hyper(), g.samples_trained())):
        for column, value in ours.items():
            theirs = table["data"][table["columns"].index(column)][l + 1]
            assert value == pytest.approx(theirs, rel=1e-6), column
    if g.model["variable_importances"] and not net.topology.maxout:
        names, values = g.model["variable_importances"]["data"][:2]
        ours_by_name = dict(zip(g.model["input_columns"], gedeon_importance(net)))
        for n, v in zip(names, values):
            assert v == 0 or ours_by_name[n] == pytest.approx(v, abs=1e-6)


def test_folds(shared: Path) -> None:
    for name, draw in (
        ("cv_random_reg", lambda g: folds_random(g.n, 3, g.actual["seed"])),
        ("cv_modulo_cls2", lambda g: folds_modulo(g.n, 3)),
        ("cv_stratified_cls3", lambda g: folds_stratified(g.targets.astype(int), 3, 3, g.actual["seed"])),
    ):
        g = golden(shared, name)
        assert (draw(g) == g.arrays["cv_fold_assignment"]).all(), name


@pytest.mark.parametrize("name", ["act_maxout_dropout", "opt_momentum_nesterov", "opt_sgd_anneal_decay"])
@pytest.mark.parametrize("h2o", [True, False])
def test_an_iteration_may_be_trained_in_slices(shared: Path, name: str, h2o: bool) -> None:
    g = golden(shared, name)
    whole, sliced = g.train(h2o), g.train(h2o, slices=3)
    assert (whole.weights == sliced.weights).all()
    assert (whole.biases == sliced.biases).all()
