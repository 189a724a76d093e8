"""Golden runs of H2O-3 3.46 under the default, ``compat="booklet"``: the same bits but for numbered differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.algos.reference import Case, same_bits
from tests.algos.test_bitexact import ALL

DIFFERENT = {
    "act_exprectifier": 21, "act_exprectifier_dropout_cls": 21, "act_input_dropout_tanh": 7, "act_maxout_dropout": 7,
    "act_rectifier_dropout_input": 7, "act_tanh_dropout": 7, "ae_nostd": 8, "ae_tanh_dropout": 7,
    "ae_tanh_sparsity": 15,
    "enc_binary": 31, "enc_eigen": 31, "enc_enum_limited": 31, "enc_label": 31, "enc_label_reg": 31,
    "enc_label_text": 31,
    "cv_early_stop": 12, "data_nostd_cls": 8, "data_nostd_reg_rect": 8, "data_sparse": 8, "data_sparse_reg": 8,
    "data_uafl_false": 6, "off_gamma": 2, "off_gaussian": 2, "off_poisson": 2, "opt_momentum_nesterov": 1,
    "opt_momentum_plain": 1, "opt_momentum_start0": 1, "reg_huber": 4, "reg_loss_huber_auto": 4,
    "reg_max_w2_maxout": 24,
    "wt_01": 5, "wt_general_cls": 5, "wt_general_reg": 5,
}  # fmt: skip
"""Configuration → number, on the page "Differences from H2O", of what changes its network or its scoring."""


def test_only_known_configurations_are_listed() -> None:
    assert set(DIFFERENT) <= set(ALL)
    assert set(DIFFERENT.values()) <= set(range(1, 32))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ALL)
def test_bits_of_the_default(name: str, shared: Path) -> None:
    case = Case.load(shared / "reference" / "bitexact" / name)
    model = case.train()
    network = model._model.network
    layers = range(sum(k.startswith("W") and k[1:].isdigit() for k in case.arrays))
    same = all(
        network.W(l).shape == case.arrays[f"W{l}"].shape
        and same_bits(network.W(l), case.arrays[f"W{l}"])
        and np.allclose(network.b(l), case.arrays[f"b{l}"], rtol=0, atol=1e-12)
        for l in layers
    )
    for which in ("train", "test"):
        if f"pred_{which}" in case.arrays:
            frame = model.predict(case.frame(which))._frame()
            numbers = np.stack([frame.numeric(n) for n in frame.names if n != "predict" or frame.ncol == 1], axis=1)
            golden = case.arrays[f"pred_{which}"]
            same &= bool(np.allclose(numbers, golden, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(golden).max())))
    assert same == (name not in DIFFERENT)
