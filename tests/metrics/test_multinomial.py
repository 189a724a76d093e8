"""Three or more classes: against scikit-learn, the naive definitions, and at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from heavywater import metrics
from heavywater.errors import H2OValueError
from tests.naive import metrics as naive

DOMAIN = ["a", "b", "c", "d"]


def sample(n=400, k=4, seed=0, digits=None):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    p = rng.random((n, k)) + 0.05
    p[np.arange(n), y] += 0.4
    p /= p.sum(axis=1, keepdims=True)
    return y, p if digits is None else np.round(p, digits)


def test_agrees_with_scikit_learn():
    y, p = sample()
    w = np.random.default_rng(1).random(400)
    m = metrics.multinomial(y, p, domain=DOMAIN, weights=w)
    label = p.argmax(axis=1)
    assert m.logloss() == pytest.approx(sk.log_loss(y, p, sample_weight=w), rel=1e-12)
    assert m.mse() == pytest.approx(np.average((1 - p[np.arange(400), y]) ** 2, weights=w), rel=1e-12)
    np.testing.assert_allclose(m.confusion_matrix().counts, sk.confusion_matrix(y, label, sample_weight=w), rtol=1e-12)
    expected = 1 - sk.balanced_accuracy_score(y, label, sample_weight=w)
    assert m.mean_per_class_error() == pytest.approx(expected, rel=1e-12)
    assert m.error() == pytest.approx(1 - sk.accuracy_score(y, label, sample_weight=w), rel=1e-12)
    for k in (1, 2, 3):
        top = sk.top_k_accuracy_score(y, p, k=k, sample_weight=w)
        assert m.hit_ratio_table()["hit_ratio"][k - 1] == pytest.approx(top, rel=1e-12)


@pytest.mark.parametrize("auc_type", ["MACRO_OVR", "weighted_ovr", "MACRO_OVO", "WEIGHTED_OVO"])
def test_auc_of_every_type(auc_type):
    y, p = sample(300, digits=2)
    p /= p.sum(axis=1, keepdims=True)
    m = metrics.multinomial(y, p, domain=DOMAIN, auc_type=auc_type)
    average, kind = auc_type.lower().split("_")
    assert m.auc() == pytest.approx(sk.roc_auc_score(y, p, multi_class=kind, average=average), abs=1e-3)
    table = m.multinomial_auc_table()
    assert len(table) == 4 + 2 + 6 + 2
    assert table["auc"][0] == pytest.approx(sk.roc_auc_score(y == 0, p[:, 0]), rel=1e-10)
    assert m.aucpr() in m.multinomial_aucpr_table()["auc_pr"]


def test_no_auc_unless_asked_for():
    m = metrics.multinomial(*sample(), domain=DOMAIN)
    assert math.isnan(m.auc())
    assert m.multinomial_auc_table() is None
    assert "AUC" not in repr(m)
    with pytest.raises(H2OValueError, match="auc_type"):
        metrics.multinomial(*sample(), domain=DOMAIN, auc_type="OVR")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 5), min_size=4, max_size=4), st.integers(0, 3)),
        min_size=1,
        max_size=25,
    ).filter(lambda rows: any(r[2] for r in rows))
)
def test_naive_and_repetition(rows):
    y, p, w = (np.array(c) for c in zip(*rows))
    p = p / np.maximum(p.sum(axis=1, keepdims=True), 1)
    m = metrics.multinomial(y, p, domain=DOMAIN, weights=w)
    some = w > 0
    ys, ps, ws = y[some], p[some], w[some]
    assert m.logloss() == pytest.approx(naive.logloss(ps[np.arange(len(ys)), ys], ws), rel=1e-12)
    label = [min(range(4), key=lambda c: (-row[c], c)) for row in ps]
    assert m.confusion_matrix().to_list() == naive.confusion(ys, label, ws, 4)
    for k in range(1, 5):
        assert m.hit_ratio_table()["hit_ratio"][k - 1] == pytest.approx(naive.hit_ratio(ys, ps, ws, k), rel=1e-12)
    if len(ys) > 1 and len(set(ys)) > 1:
        assert m.r2() == pytest.approx(naive.r2(ys, m.mse(), ws), rel=1e-9)
    repeated = metrics.multinomial(np.repeat(y, w), np.repeat(p, w, axis=0), domain=DOMAIN)
    assert repeated.confusion_matrix().to_list() == m.confusion_matrix().to_list()
    for name in ("MSE", "logloss", "mean_per_class_error"):
        assert repeated[name] == pytest.approx(m[name], rel=1e-12)


def test_h2o_counts_rows_instead_of_weights():
    y, p, w = [0, 1, 1], np.eye(3)[[0, 1, 0]], [5.0, 1.0, 1.0]
    booklet = metrics.multinomial(y, p, domain=DOMAIN[:3], weights=w)
    h2o = metrics.multinomial(y, p, domain=DOMAIN[:3], weights=w, compat="h2o-3.46")
    assert booklet.error() == pytest.approx(1 / 7)
    assert h2o.error() == pytest.approx(1 / 3)
    assert booklet.hit_ratio_table()["hit_ratio"][0] == pytest.approx(6 / 7)
    assert h2o.hit_ratio_table()["hit_ratio"][0] == pytest.approx(2 / 7)


def test_classes_that_the_model_never_saw():
    y, p = sample(100, 3)
    y[:10] = 3
    m = metrics.multinomial(y, p, domain=DOMAIN)
    assert m.confusion_matrix().counts[3].sum() == 10
    assert m.confusion_matrix().counts[3, 3] == 0
    assert len(m.hit_ratio_table()) == 3
    assert m.hit_ratio_table()["hit_ratio"][-1] == pytest.approx(0.9)


def test_hit_ratios_are_limited():
    y, p = sample(50, 4)
    assert len(metrics.multinomial(y, p, domain=DOMAIN, max_hit_ratio_k=2).hit_ratio_table()) == 2
    assert len(metrics.multinomial(y, p, domain=DOMAIN, max_hit_ratio_k=0).hit_ratio_table()) == 4


def test_many_classes():
    k = 1001
    m = metrics.multinomial([0, 1], np.eye(k)[:2], domain=[str(i) for i in range(k)])
    assert m.confusion_matrix() is None
    assert math.isnan(m.error())
    assert m.logloss() == 0
    assert metrics.ModelMetrics.from_json(m.to_json()) == m
    repr(m)


def test_no_rows_and_missing_rows():
    empty = metrics.multinomial([-1], [[0.5, 0.5, 0.0]], domain=DOMAIN[:3])
    assert empty.nobs() == 0
    assert math.isnan(empty.mse())
    repr(empty)
    y, p = sample(100)
    kept = metrics.multinomial(y[20:], p[20:], domain=DOMAIN)
    y[:10], p[10:20, 1] = -1, np.nan
    assert metrics.multinomial(y, p, domain=DOMAIN) == kept


@pytest.mark.parametrize("probs", [[[0.5, 0.5]] * 2, [0.5, 0.5], [[0.2] * 5] * 2])
def test_bad_shapes(probs):
    with pytest.raises(H2OValueError, match="shape"):
        metrics.multinomial([0, 1, 2], probs, domain=DOMAIN[:3])
