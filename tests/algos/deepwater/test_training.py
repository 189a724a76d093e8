"""Training on tables: the numbers of each step, scoring, stopping, continuing, folds, saving."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import heavywater as h2o
from heavywater.algos.base import Stop
from heavywater.algos.deepwater.inputs import Order, ahead, batches
from heavywater.algos.deepwater.optimiser import Optimiser, momentum, rate
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.errors import H2OValueError, InvalidParams, ModelFileError, NotFound, UnstableModel
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from heavywater.grid import H2OGridSearch

FAST = {"hidden": [8], "gpu": False, "seed": 5, "score_interval": 0, "train_samples_per_iteration": 0}


@pytest.fixture(scope="module")
def table() -> dict[str, list]:
    random = np.random.default_rng(4)
    x = random.normal(size=(300, 4))
    score = x[:, 0] * 2 - x[:, 1] + 0.3 * random.normal(size=300)
    return {
        **{f"x{i}": x[:, i].tolist() for i in range(4)},
        "kind": [("a", "b", "c")[i] for i in random.integers(0, 3, 300)],
        "class": [("low", "middle", "high")[int(np.digitize(v, (-1, 1)))] for v in score],
        "sign": [("no", "yes")[int(v > 0)] for v in score],
        "number": (1000 * score + 5000).tolist(),
        "keep": random.integers(0, 2, 300).tolist(),
        "fold": (np.arange(300) % 3).tolist(),
    }


@pytest.fixture
def frame(table) -> h2o.H2OFrame:
    return h2o.H2OFrame(table)


X = ["x0", "x1", "x2", "x3", "kind"]


def trained(frame, y="class", x=X, **settings) -> H2ODeepWaterEstimator:
    return H2ODeepWaterEstimator(**{**FAST, **settings}).train(x=x, y=y, training_frame=frame)


@pytest.mark.parametrize(("y", "category"), [("class", "Multinomial"), ("sign", "Binomial"), ("number", "Regression")])
def test_every_kind_of_response_is_learned(frame, y, category):
    model = trained(frame, y, epochs=60, mini_batch_size=8, learning_rate=0.01, stopping_rounds=0)
    assert model._model.category == category
    if category == "Regression":
        assert model.r2() > 0.9
        assert abs(model.predict(frame).mean()[0] - frame["number"].mean()[0]) < 100
    else:
        assert model.logloss() < 0.25


def test_dropout_changes_training_and_not_scoring(frame):
    plain, dropped = trained(frame, epochs=2), trained(frame, epochs=2, hidden_dropout_ratios=[0.5])
    also = trained(frame, epochs=2, input_dropout_ratio=0.3)
    assert len({m._model.checksum for m in (plain, dropped, also)}) == 3
    twice = [dropped._model.answers(frame._frame()) for _ in range(2)]
    assert np.array_equal(*twice)


def test_equal_seeds_give_equal_models_also_side_by_side(frame):
    settings = {"epochs": 2, "hidden_dropout_ratios": [0.5]}
    alone = trained(frame, **settings)._model.checksum
    assert trained(frame, **settings, seed=6)._model.checksum != alone
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(trained(frame, **settings)._model.checksum)) for _ in range(3)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [alone] * 3


def test_the_rows_of_a_pass_come_once_each_in_a_new_order():
    rows = np.arange(10)
    order = Order(rows, 3, True)
    first, second = order.take(0, 10), order.take(10, 10)
    assert sorted(first) == sorted(second) == list(rows)
    assert list(first) != list(second)
    assert np.array_equal(order.take(8, 4), np.concatenate([first[8:], second[:2]]))
    assert np.array_equal(Order(rows, 3, False).take(7, 5), [7, 8, 9, 0, 1])


def test_batches_are_nearly_equal():
    assert batches(64, 32) == [32, 32]
    assert batches(267, 32) == [30] * 6 + [29] * 3
    assert batches(1, 32) == [1]
    for count in range(1, 200):
        sizes = batches(count, 7)
        assert sum(sizes) == count
        assert max(sizes) <= 7
        assert max(sizes) - min(sizes) <= 1


def test_what_is_prepared_ahead_comes_in_order_and_its_errors_come_out():
    assert list(ahead(range(20), lambda i: i * i)) == [i * i for i in range(20)]

    def fails(i: int) -> int:
        if i == 3:
            raise ValueError("three")
        return i

    with pytest.raises(ValueError, match="three"):
        list(ahead(range(10), fails))


@pytest.mark.parametrize(("samples_per_iteration", "iterations"), [(0, 3), (-1, 3), (-2, 1), (32, 26), (1000, 1)])
def test_iterations_of_three_epochs_of_267_rows(frame, samples_per_iteration, iterations):
    model = trained(frame[:267, :], epochs=3, train_samples_per_iteration=samples_per_iteration, stopping_rounds=0)
    assert model._model.output["iterations"] == iterations
    assert model._model.output["samples"] == 801


def naive_steps(kind: str, w: np.ndarray, gradients: list[np.ndarray], p: DeepWaterParams, size: int, total: int):
    w, v = w.astype(np.float64), np.zeros_like(w, np.float64)
    m1, m2 = np.zeros_like(v), np.zeros_like(v)
    for i, g in enumerate(gradients):
        n = i * size
        lr = p.learning_rate / (1 + p.learning_rate_annealing * n)
        if p.schedule == "cosine":
            lr = p.learning_rate * (1 + np.cos(np.pi * n / total)) / 2
        g = np.clip(g, -p.clip_gradient, p.clip_gradient)
        if kind == "sgd":
            share = min(1.0, n / p.momentum_ramp)
            m = p.momentum_start + (p.momentum_stable - p.momentum_start) * share
            v = m * v - lr * (g + p.weight_decay * w)
            w = w + v
        else:
            w = w * (1 - lr * p.weight_decay)
            m1, m2 = 0.9 * m1 + 0.1 * g, 0.999 * m2 + 0.001 * g * g
            w = w - lr * (m1 / (1 - 0.9 ** (i + 1))) / (np.sqrt(m2 / (1 - 0.999 ** (i + 1))) + 1e-8)
    return w


@pytest.mark.parametrize("schedule", ["annealing", "cosine"])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_steps_against_a_naive_twin(kind, schedule):
    import torch

    random = np.random.default_rng(1)
    gradients = [random.normal(scale=3, size=(4, 3)).astype(np.float32) for _ in range(12)]
    p = DeepWaterParams(
        optimizer=kind, schedule=schedule, learning_rate=0.1, learning_rate_annealing=0.01, momentum_start=0.2,
        momentum_ramp=60, momentum_stable=0.9, clip_gradient=2.0, weight_decay=0.05,
    )  # fmt: skip
    w = random.normal(size=(4, 3)).astype(np.float32)
    weight = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimiser = Optimiser(torch, {"w": weight}, p, 120)
    for i, g in enumerate(gradients):
        weight.grad = torch.from_numpy(g.copy())
        optimiser.step(i * 10)
    assert np.allclose(weight.detach().numpy(), naive_steps(kind, w, gradients, p, 10, 120), atol=1e-5)


def test_schedules_at_their_ends():
    p = DeepWaterParams(learning_rate=0.5, learning_rate_annealing=1e-3, momentum_start=0.1, momentum_ramp=100)
    assert rate(p, 0, 10) == 0.5
    assert rate(p, 1000, 10) == 0.25
    assert momentum(p, 0) == 0.1
    assert momentum(p, 50) == pytest.approx(0.5)
    assert momentum(p, 100) == momentum(p, 10**9) == 0.9
    p.schedule = "cosine"
    assert rate(p, 5, 10) == pytest.approx(0.25)
    assert rate(p, 10, 10) == pytest.approx(0)


def test_a_step_of_a_linear_network_is_the_one_worked_out_by_hand(frame):
    model = trained(frame, "number", ["x0", "x1"], hidden=[3], activation="Tanh", epochs=0, ignore_const_cols=False)
    w = dict(model._model.net.arrays())
    x = np.stack([frame._frame().numeric(n) for n in ("x0", "x1")], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    y = frame._frame().numeric("number")
    y = (y - y.mean()) / y.std(ddof=1)
    hidden = np.tanh(x @ w["fc1_w"].T + w["fc1_b"])
    out = hidden @ w["fc2_w"].T + w["fc2_b"]
    error = (out[:, 0] - y)[:, None] / len(y)
    step = 0.01 * (error.T @ hidden + 1e-6 * w["fc2_w"])
    once = trained(
        frame, "number", ["x0", "x1"], hidden=[3], activation="Tanh", epochs=1, mini_batch_size=300, learning_rate=0.01,
        overwrite_with_best_model=False,
    )  # fmt: skip
    assert np.allclose(once._model.net.arrays()["fc2_w"], w["fc2_w"] - step, atol=1e-6)


def test_the_scoring_history_has_h2os_columns(frame):
    model = H2ODeepWaterEstimator(**FAST, epochs=3, stopping_rounds=0, score_each_iteration=True)
    model.train(x=X, y="class", training_frame=frame, validation_frame=frame)
    table = model._model.table("scoring_history")
    assert table.col_header[:6] == ["timestamp", "duration", "training_speed", "epochs", "iterations", "samples"]
    wanted = {f"{b}_{m}" for b in ("training", "validation") for m in ("rmse", "logloss", "classification_error")}
    assert wanted <= set(table.col_header)
    assert [r[3] for r in table.cell_values] == [0.0, 1.0, 2.0, 3.0]
    assert np.isnan(table.cell_values[0][table.col_header.index("training_rmse")])
    summary = model._model.table("model_summary")
    assert summary.col_header == ["input_neurons", "rate", "momentum"]
    assert "3-class classification" in summary.description
    assert model._model.output["why_stopped"] == "all 3 epochs were trained"


def test_early_stopping_and_the_best_model(frame):
    model = trained(
        frame, epochs=200, learning_rate=0.0, stopping_rounds=2, stopping_metric="misclassification", score_interval=0,
        score_each_iteration=True,
    )  # fmt: skip
    assert "early stopping" in model._model.output["why_stopped"]
    assert model._model.output["epochs"] < 10
    wild = trained(frame, epochs=30, learning_rate=1.0, stopping_rounds=0, score_each_iteration=True)
    table = wild._model.table("scoring_history")
    losses = [r[table.col_header.index("training_logloss")] for r in table.cell_values[1:]]
    assert losses[-1] == min(losses)
    last = trained(
        frame,
        epochs=30,
        learning_rate=1.0,
        stopping_rounds=0,
        score_each_iteration=True,
        overwrite_with_best_model=False,
    )
    assert last.logloss() > wild.logloss()


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_steps_in_one_pass_are_those_operation_by_operation(kind):
    import torch

    random = torch.Generator().manual_seed(1)
    p = DeepWaterParams(
        optimizer=kind, learning_rate=0.1, momentum_start=0.2, momentum_ramp=20, clip_gradient=0.5, weight_decay=0.03
    )
    first = [torch.randn(s, generator=random) for s in ((4, 3, 3, 3), (7,), (5, 2))]
    first[0] = first[0].to(memory_format=torch.channels_last)
    sides = []
    for one_pass in (True, False):
        weights = {str(i): w.clone().requires_grad_() for i, w in enumerate(first)}
        optimiser = Optimiser(torch, weights, p, 100)
        assert optimiser._one_pass
        optimiser._one_pass = one_pass
        sides.append((weights, optimiser))
    for step in range(4):
        gradients = [torch.randn(w.shape, generator=random) for w in first]  # the first in another order of memory
        for weights, optimiser in sides:
            for w, g in zip(weights.values(), gradients):
                w.grad = g.clone()
            if step == 2:
                weights["1"].grad = None
            optimiser.step(step * 10)
    (one, a), (other, b) = sides
    for n in one:
        assert torch.allclose(one[n], other[n], rtol=1e-6, atol=1e-7)
    for n, array in a.arrays().items():
        assert np.allclose(array, b.arrays()[n], rtol=1e-6, atol=1e-7)


def test_weights_that_are_not_plain_float32_are_stepped_operation_by_operation():
    import torch

    p = DeepWaterParams(weight_decay=0.0)
    assert not Optimiser(torch, {"w": torch.zeros(3, dtype=torch.float64)}, p, 1)._one_pass
    assert not Optimiser(torch, {"w": torch.zeros(6, 4)[:, :2]}, p, 1)._one_pass


def test_the_targets_of_stopping(frame):
    settings = {"epochs": 300, "learning_rate": 0.05, "stopping_rounds": 0, "score_each_iteration": True}
    assert (
        "classification_stop"
        in trained(frame, "sign", classification_stop=0.2, **settings)._model.output["why_stopped"]
    )
    model = trained(frame, "number", regression_stop=1e6, **settings)
    assert "regression_stop" in model._model.output["why_stopped"]


def test_time_limit_and_cancelling(frame):
    model = trained(frame, epochs=1e6, max_runtime_secs=0.5, stopping_rounds=0, classification_stop=-1)
    assert "max_runtime_secs" in model._model.output["why_stopped"]
    assert model.logloss() > 0
    from heavywater.training.fit import fit, prepare

    stop = Stop()
    values = {**FAST, "epochs": 1e6, "stopping_rounds": 0, "classification_stop": -1}
    ctx = prepare("deepwater", values, key="k", x=X, y="class", train=frame._frame(), warn=lambda t: None)
    ctx.stop = stop
    ctx.progress = lambda fraction, text: stop.set() if fraction > 1e-6 else None
    found = fit(ctx, "deepwater", lambda key, value: None)
    assert found.output["why_stopped"].startswith("stopped by the user after")
    assert found.output["samples"] > 0


def test_weights_choose_rows(frame):
    model = trained(frame, weights_column="keep", epochs=1)
    assert model._model.output["samples"] == frame._frame().numeric("keep").sum()
    only = trained(frame[frame["keep"] == 1, :], epochs=1, shuffle_training_data=False)
    same = trained(frame, weights_column="keep", epochs=1, shuffle_training_data=False)
    assert np.allclose(only._model.net.arrays()["fc1_w"], same._model.net.arrays()["fc1_w"], atol=1e-6)
    with pytest.raises(InvalidParams, match="weights_column 'x0'"):
        trained(frame, weights_column="x0", x=["x1"])
    frame["half"] = frame["keep"] * 0.5
    with pytest.raises(InvalidParams, match="may only hold 0 and 1"):
        trained(frame, weights_column="half")


def test_balanced_classes_and_corrected_probabilities(table):
    rows = [i for i, c in enumerate(table["sign"]) if c == "no" or i % 10 == 0]
    frame = h2o.H2OFrame({k: [v[i] for i in rows] for k, v in table.items()})
    settings = {"x": ["x2", "x3"], "y": "sign", "epochs": 20, "learning_rate": 0.01}
    balanced = trained(frame, **settings, balance_classes=True, max_after_balance_size=3.0)
    share = sum(table["sign"][i] == "yes" for i in rows) / len(rows)
    assert balanced._model.output["model_class_distrib"] == pytest.approx([0.5, 0.5], abs=0.05)
    assert balanced.predict(frame)._frame().numeric("yes").mean() == pytest.approx(share, abs=0.1)  # 0.5 without
    factors = trained(frame, **settings, balance_classes=True, class_sampling_factors=[1.0, 2.0])
    assert factors._model.output["model_class_distrib"] != balanced._model.output["model_class_distrib"]


def test_a_model_is_continued_with_its_counters_history_and_momentum(frame):
    settings = {
        "learning_rate": 0.01,
        "stopping_rounds": 0,
        "overwrite_with_best_model": False,
        "hidden_dropout_ratios": [0.2],
    }
    whole = trained(frame, epochs=4, **settings)
    half = trained(frame, epochs=2, **settings)
    rest = trained(frame, epochs=4, checkpoint=half, **settings)
    assert rest._model.output["samples"] == 1200
    assert [r[3] for r in rest._model.table("scoring_history").cell_values] == [0.0, 1.0, 2.0, 3.0, 4.0]
    for name, w in whole._model.net.arrays().items():
        assert np.array_equal(w, rest._model.net.arrays()[name]), name


def test_a_continued_model_is_never_worse_than_its_beginning(frame):
    half = trained(frame, epochs=10, learning_rate=0.01, stopping_rounds=0)
    worse = trained(frame, epochs=12, learning_rate=10.0, clip_gradient=100.0, checkpoint=half, stopping_rounds=0)
    assert worse.logloss() <= half.logloss() + 1e-6


def test_what_a_continued_model_may_not_change(frame):
    half = trained(frame, epochs=2)
    for change in ({"hidden": [9]}, {"activation": "Tanh"}, {"standardize": False}):
        with pytest.raises(InvalidParams, match=f"Cannot change parameter: '_{next(iter(change))}'"):
            trained(frame, epochs=4, checkpoint=half, **change)
    with pytest.raises(InvalidParams, match="must exceed the 2 epochs"):
        trained(frame, epochs=2, checkpoint=half)
    with pytest.raises(InvalidParams, match="checkpoint predicts 'class'"):
        trained(frame, "sign", epochs=4, checkpoint=half)
    with pytest.raises(InvalidParams, match="cross-validation"):
        trained(frame, epochs=4, checkpoint=half, nfolds=3)


def test_cross_validation(frame):
    model = trained(
        frame, epochs=5, nfolds=3, learning_rate=0.01, keep_cross_validation_predictions=True,
        keep_cross_validation_fold_assignment=True, fold_assignment="Modulo",
    )  # fmt: skip
    assert model.logloss(xval=True) > 0
    assert len(model.cross_validation_models()) == 3
    assert model.cross_validation_holdout_predictions().nrow == 300
    by_column = trained(frame, epochs=5, fold_column="fold", learning_rate=0.01)
    assert by_column.logloss(xval=True) == pytest.approx(model.logloss(xval=True))
    with pytest.raises(InvalidParams, match="nfolds"):
        trained(frame, nfolds=1)


def test_a_grid_of_networks(frame):
    grid = H2OGridSearch(H2ODeepWaterEstimator, hyper_params={"hidden": [[4], [4, 4]], "learning_rate": [0.01, 0.001]})
    settings = {k: v for k, v in FAST.items() if k != "hidden"}
    grid.train(x=X, y="class", training_frame=frame, epochs=2, **settings)
    assert len(grid) == 4
    clash = H2OGridSearch(H2ODeepWaterEstimator, hyper_params={"hidden": [[4], [4, 4]]})
    clash.train(x=X, y="class", training_frame=frame, epochs=1, hidden_dropout_ratios=[0.5], **settings)
    assert len(clash) == 1
    assert [f["hidden"] for f in clash.failed_params] == [[4, 4]]


def test_saved_and_loaded_models_answer_the_same(frame, tmp_path):
    for y in ("class", "sign", "number"):
        model = trained(frame, y, epochs=2, categorical_encoding="Binary" if y == "sign" else "AUTO")
        again = h2o.load_model(h2o.save_model(model, str(tmp_path / y)))
        assert np.array_equal(model._model.answers(frame._frame()), again._model.answers(frame._frame()))
        assert again.deepfeatures(frame, "fc1_output").shape == (300, 8)


def test_deepfeatures_by_name_and_number(frame):
    model = trained(frame, epochs=1, hidden=[8, 5])
    assert model.layers() == [
        "fc1_output",
        "relu1_output",
        "fc2_output",
        "relu2_output",
        "fc3_output",
        "softmax_output",
    ]
    found = model.deepfeatures(frame, "relu2_output")
    assert found.shape == (300, 5)
    assert found.names[0] == "DF.relu2_output.C1"
    assert np.array_equal(found._frame().data.to_numpy(), model.deepfeatures(frame, 1)._frame().data.to_numpy())
    with pytest.raises(NotFound, match="relu1_output\nfc2_output"):
        model.deepfeatures(frame, "relu9_output")
    with pytest.raises(H2OValueError, match="between 0 and 1"):
        model.deepfeatures(frame, 2)


def test_features_are_those_worked_out_by_hand(frame):
    model = trained(frame, x=["x0", "x1"], epochs=1)
    w = model._model.net.arrays()
    x = np.stack([frame._frame().numeric(n) for n in ("x0", "x1")], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    wanted = np.maximum(x @ w["fc1_w"].T + w["fc1_b"], 0)
    assert np.allclose(model.deepfeatures(frame, "relu1_output")._frame().data.to_numpy(), wanted, atol=1e-5)


def test_a_table_as_images(frame, table):
    random = np.random.default_rng(1)
    pixels = {f"p{i}": random.integers(0, 255, 300).tolist() for i in range(16 * 16)}
    wide = h2o.H2OFrame(pixels | {"class": table["class"]})
    settings = {"network": "lenet", "image_shape": [16, 16], "channels": 1, "gpu": False, "seed": 1, "epochs": 1}
    model = H2ODeepWaterEstimator(**settings).train(y="class", training_frame=wide)
    design = model._model.columns.design
    assert len(set(design.sub)) == len(set(design.mul)) == 1
    values = np.array(list(pixels.values()))
    assert design.sub[0] == pytest.approx(values.mean())
    assert 1 / design.mul[0] == pytest.approx(values.std(), rel=1e-2)
    assert model._model.columns.shape == (1, 16, 16)
    bare = H2ODeepWaterEstimator(**settings, standardize=False).train(y="class", training_frame=wide)
    assert bare._model.columns.design.mul is None
    with pytest.raises(H2OValueError, match="16 x 16 x 3 pixels make 768 inputs.*make 256"):
        H2ODeepWaterEstimator(**{**settings, "channels": 3}).train(y="class", training_frame=wide)


def test_divergence_is_reported_and_what_was_learned_is_kept(frame):
    with pytest.raises(UnstableModel, match="learning_rate"):
        trained(frame, "number", epochs=3, learning_rate=1e30, clip_gradient=1e30)
    half = trained(frame, "number", epochs=2)
    with pytest.warns(UserWarning, match="What was learned before is kept"):
        kept = trained(frame, "number", epochs=5, learning_rate=1e30, clip_gradient=1e30, checkpoint=half)
    assert kept.mse() == pytest.approx(half.mse())


def test_bfloat16_and_snapshots(frame, tmp_path):
    plain = trained(frame, epochs=2)
    short = trained(frame, epochs=2, autocast=True)
    assert plain._model.checksum != short._model.checksum
    assert short.logloss() == pytest.approx(plain.logloss(), rel=0.1)
    trained(frame, epochs=2, export_checkpoints_dir=str(tmp_path), model_id="snap")
    assert (tmp_path / "snap").exists()


def test_metrics_of_ones_own(frame):
    def half(actual, predicted, weights):
        return 0.5

    model = trained(frame, epochs=1, custom_metric_func=half)
    assert model._model.metrics("train").custom_metric_value() == 0.5


def test_notices_of_gpu_and_backend(frame, monkeypatch):
    from heavywater.algos.deepwater import build

    monkeypatch.setattr(build, "_said", set())
    with pytest.warns(UserWarning, match="finds no GPU here: the CPU is used"):
        trained(frame, epochs=0, gpu=True)
    trained(frame, epochs=0, gpu=True)  # said once
    for name in ("mxnet", "caffe"):  # and tensorflow: test_backends.py
        with pytest.warns(UserWarning, match=f"backend='{name}': the network runs in PyTorch"):
            trained(frame, epochs=0, backend=name)
    assert trained(frame, epochs=0, backend="torch").actual_params["backend"] == "pytorch"
    assert H2ODeepWaterEstimator.available()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"hidden\\":8', b'"hidden\\":9'),
        (b'"fullyconnected\\"', b'"fullydisconnect\\"'),
        (b'"shape\\":[8]', b'"shape\\":[9]'),
        (b'"image\\":null', b'"image\\":true'),
        (b'"Multinomial\\"', b'"Regressions\\"'),
    ],
)
def test_a_changed_model_file_is_refused(frame, tmp_path, old, new):
    data = Path(h2o.save_model(trained(frame, epochs=1), str(tmp_path))).read_bytes()
    assert old in data
    (tmp_path / "changed").write_bytes(data.replace(old, new))
    with pytest.raises(ModelFileError):
        h2o.load_model(str(tmp_path / "changed"))
    (tmp_path / "short").write_bytes(data[:-8])
    with pytest.raises(ModelFileError):
        h2o.load_model(str(tmp_path / "short"))
