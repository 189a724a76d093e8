"""What all metrics objects have in common: names, JSON, reports, stopping values."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from heavywater import metrics
from heavywater.errors import H2OTypeError, H2OValueError, NotFound


def every():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    p = 0.8 * rng.random(80) + 0.2 * y
    k = rng.integers(0, 3, 80)
    q = rng.dirichlet([1, 1, 1], 80)
    return [
        metrics.binomial(y, p, domain=["no", "yes"], weights=rng.random(80)),
        metrics.multinomial(k, q, domain=["a", "<b>", "c"], auc_type="MACRO_OVR"),
        metrics.regression(p, p + 0.1, custom=("my metric", 4.5)),
        metrics.autoencoder(p),
    ]


IDS = ["binomial", "multinomial", "regression", "autoencoder"]
both = pytest.mark.parametrize("m", every(), ids=IDS)


@both
def test_json_round_trip_is_plain_and_exact(m):
    m = m.described(model_id="m1", model_checksum=7, frame_id="f", frame_checksum=2**62, scoring_time=10**12)
    text = json.dumps(m.to_json())
    again = metrics.ModelMetrics.from_json(json.loads(text))
    assert again == m
    assert type(again) is type(m)
    assert again.frame_checksum == 2**62
    assert repr(again) == repr(m)


@both
def test_names_of_h2o(m):
    assert m["MSE"] == m.mse()
    assert m["RMSE"] == m.rmse()
    assert m["nobs"] == m.nobs() == 80
    assert m["model_category"] == m.model_category
    assert {"MSE", "RMSE", "nobs", "description", "model_category", "custom_metric_name"} <= set(m)
    assert len(m) == len(list(m))
    assert m.get("MSE") == m.mse()
    assert m.get("nothing", 5) == 5
    with pytest.raises(NotFound, match="'MSE'"):
        m["MSEE"]


@both
def test_context_is_reported(m):
    described = m.described(
        description="Metrics reported on full training frame",
        model_id="dl_1",
        model_checksum=11,
        frame_id="train.hex",
        frame_checksum=12,
        scoring_time=1_700_000_000_000,
        duration_ms=1500,
    )
    assert m.model_id is None
    text, html = repr(described), described._repr_html_()
    for piece in ("full training frame", "dl_1", "train.hex", "checksum 11", "checksum 12", "2023-11-1", "1.500 s"):
        assert piece in text
        assert piece in html
    assert described == described.described()
    assert described != m
    with pytest.raises(H2OTypeError, match="'frame_id'"):
        m.described(frame_idd="x")


@both
def test_report(m, capsys):
    m.show()
    shown = capsys.readouterr().out
    assert shown.startswith(f"ModelMetrics{m.model_category}")
    assert "RMSE: " in shown
    assert "<script" not in m._repr_html_()


def test_report_of_each_category():
    binomial, multinomial, regression, _ = every()
    for piece in ("max f1 @ threshold", "Maximum Metrics", "Gains/Lift Table", "AUCPR", "Gini", "LogLoss"):
        assert piece in repr(binomial)
    for piece in ("Confusion Matrix", "Top-3 Hit Ratios", "Mean Per-Class Error", "Multinomial AUC values"):
        assert piece in repr(multinomial)
    for piece in ("my metric: 4.5", "MAE", "RMSLE", "Mean Residual Deviance"):
        assert piece in repr(regression)
    assert "&lt;b&gt;" in multinomial._repr_html_()
    assert "<b></th>" not in multinomial._repr_html_()


def test_unknown_attributes():
    with pytest.raises(AttributeError, match="Regression metrics have no 'auc'") as caught:
        every()[2].auc()
    assert caught.value.name == "auc"
    assert not hasattr(every()[3], "__array__")


@pytest.mark.parametrize("bad", [{}, {"model_category": "Ordinal"}, {"model_category": "AutoEncoder"}, []])
def test_bad_json(bad):
    with pytest.raises(H2OValueError):
        metrics.ModelMetrics.from_json(bad)


def test_json_with_an_unknown_member():
    d = every()[3].to_json()
    with pytest.raises(H2OValueError, match="extra"):
        metrics.ModelMetrics.from_json({**d, "extra": 1})


def test_stopping_values():
    binomial, multinomial, regression, autoencoder = every()
    assert metrics.stopping_value(binomial, "AUTO") == binomial.logloss()
    assert metrics.stopping_value(multinomial, "deviance") == multinomial.logloss()
    assert metrics.stopping_value(regression, "auto") == regression.mean_residual_deviance()
    assert metrics.stopping_value(autoencoder, "AUTO") == autoencoder.mse()
    assert metrics.stopping_value(binomial, "auc") == binomial.auc()
    assert metrics.stopping_value(binomial, "aucpr") == binomial.aucpr()
    assert metrics.stopping_value(binomial, "lift_top_gain") == binomial.gains_lift()["lift"][0]
    assert metrics.stopping_value(binomial, "misclassification") == binomial.confusion_matrix().error
    assert metrics.stopping_value(multinomial, "mean_per_class_error") == multinomial.mean_per_class_error()
    assert metrics.stopping_value(regression, "RMSLE") == regression.rmsle()
    assert metrics.stopping_value(regression, "custom") == 4.5
    with pytest.raises(H2OValueError, match="Regression"):
        metrics.stopping_value(regression, "AUC")
    with pytest.raises(H2OValueError, match="'logloss'"):
        metrics.stopping_value(binomial, "loglos")


def test_direction_of_stopping_metrics():
    assert {s for s in metrics.STOPPING_METRICS if metrics.more_is_better(s)} == {
        "AUC", "AUCPR", "lift_top_group", "custom_increasing",
    }  # fmt: skip
    unbounded = {s for s in metrics.STOPPING_METRICS if not metrics.bounded_by_zero(s)}
    assert unbounded == {"deviance", "lift_top_group", "custom", "custom_increasing"}


def test_confusion_matrix_is_a_table_with_labels():
    cm = metrics.ConfusionMatrix([[3, 1], [0, 2]], ["no", "yes"])
    assert cm.to_list() == [[3, 1], [0, 2]]
    assert cm.cell_values[-1] == [3, 3, 1 / 6, "1 / 6"]
    assert cm.table.cell_values[0] == ["no", 3, 1, 0.25, "1 / 4"]
    assert list(cm.as_data_frame().index) == ["no", "yes", "Total"]
    assert metrics.ConfusionMatrix.from_json(cm.to_json()) == cm
    assert metrics.ConfusionMatrix([[0.5, 0], [0, 1]], ["a", "b"]).col_types[0] == "double"
    with pytest.raises(H2OValueError):
        metrics.ConfusionMatrix([[1]], ["a", "b"])
    with pytest.raises(H2OValueError):
        metrics.ConfusionMatrix.from_json(metrics.ConfusionMatrix([[1]], ["a"]).to_json() | {"data": [[1]] * 3})


def test_importing_metrics_loads_nothing_heavy():
    code = (
        "import sys, heavywater.metrics, heavywater.display, heavywater.display.plot;"
        "print([m for m in ('numba', 'polars', 'pandas', 'matplotlib', 'rich', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_speed_of_a_million_rows():
    import time

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1_000_000)
    p = 0.7 * rng.random(1_000_000) + 0.3 * y
    metrics.binomial(y[:500], p[:500], domain=["no", "yes"])
    start = time.perf_counter()
    m = metrics.binomial(y, p, domain=["no", "yes"])
    assert time.perf_counter() - start < 3  # about 0.2 s on an idle machine
    assert 0.7 < m.auc() < 1
