"""Two classes: against scikit-learn, the naive definitions, and at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from heavywater import metrics
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.metrics import histogram
from tests.naive import metrics as naive

DOMAIN = ["no", "yes"]


def sample(n, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    p = np.clip(0.25 * y + 0.75 * rng.random(n), 0.001, 0.999)
    return y, p if levels is None else np.round(p * levels) / levels * 0.99 + 0.005


@pytest.mark.parametrize("levels", [3, 100, 399])
def test_auc_is_exact_for_few_distinct_scores(levels):
    y, p = sample(5000, levels, levels)
    m = metrics.binomial(y, p, domain=DOMAIN)
    assert m.auc() == pytest.approx(sk.roc_auc_score(y, p), rel=1e-12)
    assert m.gini() == pytest.approx(2 * sk.roc_auc_score(y, p) - 1, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_close_for_many_distinct_scores(seed):
    y, p = sample(20000, seed)
    m = metrics.binomial(y, p, domain=DOMAIN)
    assert len(m.thresholds_and_metric_scores()) == 400
    assert m.auc() == pytest.approx(sk.roc_auc_score(y, p), abs=2e-4)
    assert m.aucpr() == pytest.approx(sk.average_precision_score(y, p), abs=1e-3)


def test_auc_of_skewed_scores_stays_close():
    rng = np.random.default_rng(3)
    y = (rng.random(50000) < 0.02).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=50000) * 3 + 3 * y - 8)))
    assert metrics.binomial(y, p, domain=DOMAIN).auc() == pytest.approx(sk.roc_auc_score(y, p), abs=2e-3)


def test_losses_agree_with_scikit_learn():
    y, p = sample(1000)
    w = np.random.default_rng(1).random(1000)
    m = metrics.binomial(y, p, domain=DOMAIN, weights=w)
    assert m.logloss() == pytest.approx(sk.log_loss(y, p, sample_weight=w), rel=1e-12)
    assert m.mse() == pytest.approx(sk.brier_score_loss(y, p, sample_weight=w), rel=1e-12)
    assert m.rmse() == pytest.approx(math.sqrt(m.mse()), rel=1e-15)
    assert m.r2() == pytest.approx(sk.r2_score(y, p, sample_weight=w), rel=1e-12)


def test_criteria_agree_with_scikit_learn_at_every_threshold():
    y, p = sample(300)
    table = metrics.binomial(y, p, domain=DOMAIN).thresholds_and_metric_scores()
    for i in range(0, len(table), 17):
        label = (p >= table["threshold"][i]).astype(int)
        row = {name: table[name][i] for name in table.col_header}
        (tn, fp), (fn, tp) = sk.confusion_matrix(y, label)
        assert (row["tns"], row["fps"], row["fns"], row["tps"]) == (tn, fp, fn, tp)
        expected = {
            "f1": sk.f1_score(y, label),
            "f2": sk.fbeta_score(y, label, beta=2),
            "f0point5": sk.fbeta_score(y, label, beta=0.5),
            "accuracy": sk.accuracy_score(y, label),
            "precision": sk.precision_score(y, label),
            "recall": sk.recall_score(y, label),
            "specificity": tn / (tn + fp),
            "absolute_mcc": abs(sk.matthews_corrcoef(y, label)),
            "mean_per_class_accuracy": sk.balanced_accuracy_score(y, label),
            "min_per_class_accuracy": min(tn / (tn + fp), tp / (tp + fn)),
        }
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-12), name


def test_maxima_are_first_largest_values():
    y, p = sample(300)
    m = metrics.binomial(y, p, domain=DOMAIN)
    table, best = m.thresholds_and_metric_scores(), m.max_criteria_and_metric_scores()
    for name, threshold, value, idx in best.cell_values:
        column = table[name.removeprefix("max ")]
        assert value == np.nanmax(column)
        assert idx == int(np.nanargmax(column))
        assert threshold == table["threshold"][idx]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(1, 4)), min_size=2, max_size=30))
def test_areas_agree_with_the_definitions(rows):
    y, score, w = (np.array(c) for c in zip(*rows))
    p = score / 8
    m = metrics.binomial(y, p, domain=DOMAIN, weights=w)
    if 0 < y.sum() < len(y):
        assert m.auc() == pytest.approx(naive.auc(y, p, w), rel=1e-9, abs=1e-12)
        assert m.aucpr() == pytest.approx(naive.aucpr(y, p, w, 400), rel=2e-3)
    else:
        assert m.auc() == m.aucpr() == (1.0 if y[0] else 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 3)), min_size=1, max_size=60),
    st.integers(4, 12),
)
def test_histogram_is_the_naive_one(rows, bins):
    y, score, w = (np.array(c) for c in zip(*rows))
    p = (score**2 % 97) / 97.0
    got = histogram.fill(p, y.astype(bool), w.astype(float), bins)
    expected = naive.histogram(p.tolist(), y.tolist(), w.astype(float).tolist(), bins)
    for a, b in zip(got, expected):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_histogram_keeps_weights_order_and_size():
    y, p = sample(10000)
    center, tp, fp = histogram.fill(p, y == 1, np.ones(len(p)), 50)
    assert len(center) == 50
    assert (np.diff(center) > 0).all()
    assert (tp.sum(), fp.sum()) == (y.sum(), (1 - y).sum())
    assert (center * (tp + fp)).sum() == pytest.approx(p.sum(), rel=1e-12)


def _same_metrics(a, b, skip=("nobs",)):
    for name in a:
        if name in skip:
            continue
        x, y = a[name], b[name]
        if hasattr(x, "data") and hasattr(x, "col_header"):
            assert x.col_header == y.col_header
            for c, d in zip(x.data, y.data):
                text = bool(c) and isinstance(c[0], str)
                assert c == (d if text else pytest.approx(d, rel=1e-10, abs=1e-12, nan_ok=True))
        elif isinstance(x, float):
            assert x == pytest.approx(y, rel=1e-10, abs=1e-12, nan_ok=True), name
        else:
            assert x == y, name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=40))
def test_whole_weights_are_repetition(rows):
    y, score, w = (np.array(c) for c in zip(*rows))
    p = score / 20
    weighted = metrics.binomial(y, p, domain=DOMAIN, weights=w)
    repeated = metrics.binomial(np.repeat(y, w), np.repeat(p, w), domain=DOMAIN)
    lonely = weighted.nobs() == 1  # the R² of a single row is 0 by definition, that of equal rows is undefined
    _same_metrics(weighted, repeated, skip=("nobs", "r2") if lonely else ("nobs",))
    assert weighted.nobs() == ((y >= 0) & (w > 0)).sum()


def test_missing_actual_predictions_and_weights_do_not_count():
    y, p = sample(200)
    w = np.ones(200)
    kept = metrics.binomial(y[30:], p[30:], domain=DOMAIN, weights=w[30:])
    y[:10], p[10:20], w[20:30] = -1, np.nan, np.nan
    _same_metrics(metrics.binomial(y, p, domain=DOMAIN, weights=w), kept, skip=())


def test_constant_prediction():
    m = metrics.binomial([0, 1, 1, 0, 1], [0.4] * 5, domain=DOMAIN)
    assert m.auc() == 0.5
    assert m.default_threshold() == 0.4
    assert m.confusion_matrix().to_list() == [[0, 2], [0, 3]]
    assert m.gains_lift()["lift"] == [1.0]


def test_one_class_only():
    ones = metrics.binomial([1, 1], [0.2, 0.7], domain=DOMAIN)
    assert (ones.auc(), ones.aucpr()) == (1.0, 1.0)
    assert ones.default_threshold() == 0.2
    zeros = metrics.binomial([0, 0], [0.2, 0.7], domain=DOMAIN)
    assert (zeros.auc(), zeros.aucpr()) == (0.0, 0.0)
    assert math.isnan(zeros.find_threshold_by_max_metric("f1"))
    assert zeros.default_threshold() == 0.5
    assert zeros.confusion_matrix().to_list() == [[1, 1], [0, 0]]
    repr(ones), repr(zeros)


def test_no_rows():
    m = metrics.binomial([-1, -1], [0.5, 0.5], domain=DOMAIN)
    assert m.nobs() == 0
    assert all(math.isnan(x) for x in (m.mse(), m.logloss(), m.auc(), m.aucpr()))
    assert m.gains_lift() is None
    repr(m)


def test_certain_and_wrong_costs_no_more_than_the_ceiling():
    m = metrics.binomial([1, 0], [0.0, 1.0], domain=DOMAIN)
    assert m.logloss() == pytest.approx(-math.log(1e-15))


def test_gains_lift():
    y, p = sample(1000)
    table = metrics.binomial(y, p, domain=DOMAIN, gainslift_bins=10).gains_lift()
    assert len(table) == 10
    order = np.argsort(-p)
    for i, (rate, lift) in enumerate(zip(table["response_rate"], table["lift"])):
        group = y[order][100 * i : 100 * (i + 1)]
        assert rate == pytest.approx(group.mean())
        assert lift == pytest.approx(group.mean() / y.mean())
    assert table["cumulative_capture_rate"][-1] == pytest.approx(1.0)
    assert metrics.binomial(y, p, domain=DOMAIN, gainslift_bins=0).gains_lift() is None
    assert len(metrics.binomial(y, p, domain=DOMAIN).gains_lift()) == 16


def test_kolmogorov_smirnov_is_the_largest_distance():
    from scipy.stats import ks_2samp

    y, p = sample(2000, levels=9)
    ks = metrics.binomial(y, p, domain=DOMAIN, gainslift_bins=2000).kolmogorov_smirnov()
    assert ks == pytest.approx(ks_2samp(p[y == 1], p[y == 0]).statistic, abs=1e-12)


def test_questions_by_threshold():
    y, p = sample(500)
    m = metrics.binomial(y, p, domain=DOMAIN)
    best = m.find_threshold_by_max_metric("f1")
    assert m.F1() == [[best, m["max_criteria_and_metric_scores"]["value"][0]]]
    assert m.F1().value == m.F1()[0][1]
    assert m.accuracy([0.3, 0.6])[1][0] == 0.6
    label = (p >= m.thresholds_and_metric_scores()["threshold"][m.find_idx_by_threshold(0.6)]).astype(int)
    assert m.accuracy([0.3, 0.6]).value[1] == pytest.approx(sk.accuracy_score(y, label))
    assert m.error(0.6).value == pytest.approx(1 - sk.accuracy_score(y, label))
    assert m.recall(0.6) == m.sensitivity(0.6) == m.tpr(0.6)
    assert m.fnr(0.6).value == pytest.approx(1 - m.recall(0.6).value)
    assert m.max_per_class_error().value == pytest.approx(1 - max(m.metric("min_per_class_accuracy", "all").value))
    assert m.confusion_matrix(thresholds=[0.3, 0.6])[1].to_list() == sk.confusion_matrix(y, label).tolist()
    assert m.confusion_matrix("f1") == m.confusion_matrix()
    assert len(m.confusion_matrix(["f2", "mcc"])) == 2
    fpr, tpr = m.roc()
    assert sk.auc([0, *fpr], [0, *tpr]) == pytest.approx(m.auc(), rel=1e-12)
    with pytest.raises(H2OValueError, match="f1"):
        m.find_threshold_by_max_metric("fi")
    with pytest.raises(H2OValueError, match="between 0 and 1"):
        m.find_idx_by_threshold(1.5)
    with pytest.raises(H2OTypeError, match="number"):
        m.find_idx_by_threshold(None)


def test_own_threshold():
    y, p = sample(100)
    m = metrics.binomial(y, p, domain=DOMAIN, threshold=0.5)
    assert m["cm"].to_list() == sk.confusion_matrix(y, p >= 0.5).tolist()
    assert m["mean_per_class_error"] == pytest.approx(1 - sk.balanced_accuracy_score(y, p >= 0.5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"actual": [0, 2], "p1": [0.5, 0.5]}, "outside the domain"),
        ({"actual": [0, 1], "p1": [0.5]}, "shape"),
        ({"actual": [0, 1], "p1": [0.5, 0.5], "weights": [1, -1]}, "not negative"),
        ({"actual": [0, 1], "p1": [0.5, 0.5], "weights": [1]}, "as many weights"),
        ({"actual": [0, 1], "p1": [0.5, 0.5], "domain": ["a"]}, "two classes"),
        ({"actual": [0, 1], "p1": [0.5, 0.5], "compat": "h2o"}, "compat"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(H2OValueError, match=message):
        metrics.binomial(**{"domain": DOMAIN, **arguments})
