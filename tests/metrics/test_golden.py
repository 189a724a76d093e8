"""Metrics of H2O's stored predictions must be H2O's metrics."""

from __future__ import annotations

import pytest

from tests.metrics.golden import NOT_COMPARABLE, cases, differences


@pytest.fixture(scope="module")
def golden(shared):
    return cases(shared)


def test_all_reference_configurations_agree(golden):
    wrong = {}
    for case in golden:
        if (case.name, case.part) in NOT_COMPARABLE:
            continue
        # holdout probabilities are stored with 8 decimals, thresholds follow from them
        rounded = case.part == "xval" and case.output["final"]["model"]["model_category"] != "Regression"
        found = differences(case.computed(), case.expected, 1e-6 if rounded else 1e-10)
        if found:
            wrong[f"{case.name} {case.part}"] = found
    assert not wrong


def test_reference_is_complete(golden):
    compared = [c for c in golden if (c.name, c.part) not in NOT_COMPARABLE]
    assert len(compared) == 195
    kinds = {c.output["final"]["model"]["model_category"] for c in compared}
    assert kinds == {"Binomial", "Multinomial", "Regression", "AutoEncoder"}


def test_listed_exceptions_do_differ(golden):
    for case in golden:
        if (case.name, case.part) in NOT_COMPARABLE:
            assert differences(case.computed(), case.expected, 1e-10), f"{case.name} {case.part} can be compared"


def test_stored_labels_follow_from_the_best_f1_threshold(golden):
    seen = 0
    for case in golden:
        model = case.output["final"]["model"]
        if case.part != "train" or model["model_category"] != "Binomial" or model["validation_metrics"]:
            continue
        if (case.name, case.part) in NOT_COMPARABLE:
            continue
        threshold = case.computed().default_threshold()
        assert threshold == pytest.approx(model["default_threshold"], rel=1e-12)
        labels = (case.predictions[:, 1] >= threshold).astype(int)
        assert (labels == case.arrays["pred_train_label"]).all()
        seen += 1
    assert seen > 20
