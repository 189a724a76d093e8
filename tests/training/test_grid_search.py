"""Grid search: which combinations, in which order, when it ends, what is kept, and how it is read."""

from __future__ import annotations

import _thread
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.engine import session
from heavywater.errors import (
    H2OTypeError,
    H2OValueError,
    HeavywaterError,
    ModelFileError,
    NotFound,
)
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from heavywater.grid.grid_search import H2OGridSearch
from heavywater.grid.live import LiveTable
from heavywater.training.grid import Budget, SearchCriteria, combinations

X = ["a", "b", "c"]
SMALL = {"epochs": 2, "seed": 1, "hidden": [4]}


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(3)
    x = random.normal(size=(200, 3))
    columns = {name: x[:, i] for i, name in enumerate(X)}
    return h2o.H2OFrame(columns | {"y": np.where(x[:, 0] > x[:, 1], "p", "n"), "z": x.sum(axis=1)})


@pytest.fixture
def fresh() -> Iterator[None]:
    before = session.current()
    yield
    session.use(before)


def grid_of(hyper: dict[str, list[Any]], **options: Any) -> H2OGridSearch:
    fixed = {k: v for k, v in SMALL.items() if k not in hyper}
    return H2OGridSearch(H2ODeepLearningEstimator(**fixed), hyper, **options)


# -- combinations -------------------------------------------------------------------------------------------------


def test_cartesian_tries_every_combination_in_order() -> None:
    points = list(combinations({"p": [1, 2], "q": ["u", "v", "w"]}, SearchCriteria()))
    assert [tuple(p.values()) for p in points] == [(1, "u"), (1, "v"), (1, "w"), (2, "u"), (2, "v"), (2, "w")]


def test_random_order_depends_on_the_seed_and_misses_nothing() -> None:
    space = {"p": list(range(10)), "q": list(range(10))}

    def order(seed: int) -> list[tuple[int, ...]]:
        criteria = SearchCriteria.of({"strategy": "RandomDiscrete", "seed": seed})
        return [tuple(p.values()) for p in combinations(space, criteria)]

    assert order(5) == order(5) != order(6)
    assert sorted(order(5)) == [(p, q) for p in range(10) for q in range(10)]
    assert order(5) != sorted(order(5))


def test_a_huge_random_space_needs_no_list() -> None:
    space = {"p": range(10_000), "q": range(10_000)}
    found = combinations(space, SearchCriteria.of({"strategy": "RandomDiscrete", "seed": 1}))
    assert len({tuple(next(found).values()) for _ in range(100)}) == 100


def test_sequential_takes_the_lists_in_step() -> None:
    criteria = SearchCriteria.of({"strategy": "Sequential"})
    assert list(combinations({"p": [1, 2], "q": [3, 4]}, criteria)) == [{"p": 1, "q": 3}, {"p": 2, "q": 4}]
    with pytest.raises(H2OValueError, match=r"lists of the same length; they have \[2, 1\]"):
        list(combinations({"p": [1, 2], "q": [3]}, criteria))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stratgy": "Cartesian"}, "no search criterion 'stratgy' .did you mean 'strategy'"),
        ({"strategy": "Bayes"}, "strategy must be one of Cartesian, RandomDiscrete, Sequential; got 'Bayes'"),
        ({"strategy": "RandomDiscrete", "max_models": -1}, "max_models must be a number >= 0; got -1"),
        ({"strategy": "RandomDiscrete", "max_runtime_secs": "x", "max_modles": 1}, "max_modles.*max_runtime_secs"),
    ],
)
def test_bad_criteria(given: dict[str, Any], message: str) -> None:
    with pytest.raises(H2OValueError, match=message):
        grid_of({"l1": [0, 1e-5]}, search_criteria=given)


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"hiden": [[3]]}, "there is no parameter 'hiden' .did you mean 'hidden'"),
        ({"hidden": 5, "l3": [1]}, "hidden needs a list of at least one value; got 5; there is no parameter 'l3'"),
        ({"l1": []}, "l1 needs a list of at least one value"),
        ({"activation": "Tanh"}, "activation needs a list"),
        ({"model_id": ["m"]}, "model_id cannot vary in a grid; set it on the estimator"),
        ({}, "no hyper-parameter is given"),
    ],
)
def test_bad_hyper_parameters_are_all_reported(hyper: dict[str, Any], message: str) -> None:
    with pytest.raises(H2OValueError, match=message):
        H2OGridSearch(H2ODeepLearningEstimator, hyper)


def test_other_bad_arguments(frame: h2o.H2OFrame) -> None:
    with pytest.raises(H2OTypeError, match="model must be an estimator or its class; got str"):
        H2OGridSearch("deeplearning", {"l1": [0]})  # type: ignore[arg-type]
    with pytest.raises(H2OTypeError, match="hyper_params must map names to lists"):
        H2OGridSearch(H2ODeepLearningEstimator, [1])  # type: ignore[arg-type]
    with pytest.raises(H2OValueError, match="parallelism must be"):
        grid_of({"l1": [0]}, parallelism=-2)
    with pytest.raises(H2OValueError, match=r"no parameter 'epoch' .did you mean 'epochs'.*; l1 is given both"):
        grid_of({"l1": [0]}).train(x=X, y="y", training_frame=frame, epoch=3, l1=0.1)


# -- training -----------------------------------------------------------------------------------------------------


def test_cartesian_search_and_its_table(frame: h2o.H2OFrame) -> None:
    grid = grid_of({"hidden": [[4], [8, 8]], "l1": [0.0, 1e-4]}).train(
        x=X, y="y", training_frame=frame, validation_frame=frame, epochs=3
    )
    assert len(grid) == 4
    assert [(m.hidden, m.l1) for m in grid] == [([4], 0.0), ([4], 1e-4), ([8, 8], 0.0), ([8, 8], 1e-4)]
    assert [m.epochs for m in grid] == [3] * 4
    assert [m.actual_params["l1"] for m in grid] == [0.0, 1e-4, 0.0, 1e-4]
    table = grid.sorted_metric_table()
    assert list(table.columns) == ["hidden", "l1", "model_ids", "logloss"]
    assert table["logloss"].is_monotonic_increasing
    assert set(table["model_ids"]) == set(grid.model_ids)
    best = table.iloc[0]
    assert h2o.get_model(best["model_ids"]).logloss(valid=True) == best["logloss"]
    assert str(h2o.get_model(best["model_ids"]).hidden) == best["hidden"]
    for text in (repr(grid), grid._repr_html_()):
        assert "Hyper-Parameter Search Summary" in text
        assert all(k in text for k in grid.model_ids)
    assert "not trained yet" in repr(grid_of({"l1": [0]}))


def test_sorting(frame: h2o.H2OFrame) -> None:
    grid = grid_of({"epochs": [0, 1, 20]}, grid_id="sorting").train(x=X, y="y", training_frame=frame)
    assert h2o.get_grid("sorting") is grid
    by_auc = h2o.get_grid("sorting").get_grid("auc", decreasing=True)
    values = [m.auc() for m in by_auc]
    assert values == sorted(values, reverse=True)
    assert [m.auc() for m in grid.get_grid("AUC", decreasing=False)] == values[::-1]
    assert by_auc.model_ids[0] == "sorting_model_3"
    assert [m.epochs for m in grid] == [0, 1, 20], "the grid itself keeps its order"
    assert by_auc.sorted_metric_table()["AUC"].tolist() == values
    assert grid.get_grid().model_ids == grid.get_grid("logloss").model_ids
    with pytest.raises(H2OValueError, match="cannot sort by 'auk' .did you mean 'AUC'"):
        grid.get_grid("auk")
    with pytest.raises(NotFound, match="no object with the key 'sortin' .did you mean 'sorting'"):
        h2o.get_grid("sortin")
    with pytest.raises(H2OTypeError, match="is a DeepLearningModel, not a grid"):
        h2o.get_grid("sorting_model_1")


def test_default_metrics_by_kind_of_model(frame: h2o.H2OFrame) -> None:
    grid = grid_of({"l2": [0.0, 1e-3]}).train(x=X, y="z", training_frame=frame, nfolds=2)
    assert list(grid.sorted_metric_table().columns)[-1] == "deviance"
    best = grid.get_grid()[0]
    assert best.mean_residual_deviance(xval=True) == grid.sorted_metric_table()["deviance"][0]
    assert grid.get_grid("r2")[0].r2(xval=True) == max(grid.r2(xval=True).values())
    auto = H2OGridSearch(H2OAutoEncoderEstimator(hidden=[2], epochs=1), {"activation": ["Tanh", "Rectifier"]})
    assert list(auto.train(x=X, training_frame=frame).sorted_metric_table().columns)[-1] == "MSE"


def test_reading_models(frame: h2o.H2OFrame) -> None:
    grid = grid_of({"l1": [0.0, 1e-3]}, grid_id="reading")
    grid.train(x=X, y="y", training_frame=frame, validation_frame=frame)
    assert grid.mse() == {m.key: m.mse() for m in grid}
    assert grid.auc(valid=True) == {m.key: m.auc(valid=True) for m in grid}
    assert set(grid.model_performance(frame)) == set(grid.model_ids)
    assert [f.nrow for f in grid.predict(frame).values()] == [200, 200]
    assert grid[0].model_id == grid["reading_model_1"].model_id == "reading_model_1"
    assert [m.model_id for m in grid[:1]] == ["reading_model_1"]
    assert grid.get_hyperparams_dict(1) == grid.get_hyperparams_dict("reading_model_2") == {"l1": 1e-3}
    assert grid.get_hyperparams(0) == [0.0]
    assert grid.hyper_names == ["l1"]
    assert grid.summary()["why_stopped"][0]
    with pytest.raises(NotFound, match="no model 'reading_model_3' .did you mean"):
        grid["reading_model_3"]
    with pytest.raises(NotFound, match="no model 'x'"):
        grid.get_hyperparams_dict("x")
    with pytest.raises(H2OValueError, match="no model 2; the grid has 2"):
        grid.get_hyperparams_dict(2)
    with pytest.raises(AttributeError, match="no attribute 'mze'"):
        grid.mze()
    with pytest.raises(IndexError):
        grid[7]


def test_a_key_of_its_own_for_every_model_even_of_one_estimator(frame: h2o.H2OFrame) -> None:
    model = H2ODeepLearningEstimator(**SMALL).train(x=X, y="y", training_frame=frame)
    first = model.model_id
    assert model.train(x=X, y="y", training_frame=frame).model_id != first
    named = H2ODeepLearningEstimator(model_id="mine", **SMALL)
    assert named.model_id == "mine"
    assert named.train(x=X, y="y", training_frame=frame).model_id == "mine" == named.key
    grid = H2OGridSearch(named, {"l1": [0.0]}, grid_id="own").train(x=X, y="y", training_frame=frame)
    assert grid.model_ids == ["own_model_1"]


def test_failures_are_recorded_and_shown(frame: h2o.H2OFrame) -> None:
    hyper = {"activation": ["Tanh", "Maxuot"], "rate": [0.005, 1e30]}
    shared = {"adaptive_rate": False, "score_each_iteration": True, "epochs": 20}
    grid = grid_of(hyper).train(x=X, y="z", training_frame=frame, **shared)
    assert 1 <= len(grid) <= 2
    assert {"activation": "Maxuot", "rate": 0.005} in grid.failed_params
    assert len(grid.failed_params) == len(grid.failure_details) == 4 - len(grid)
    assert any("did you mean" in d and "Maxout" in d for d in grid.failure_details)
    assert {f["type"] for f in grid.failures} >= {"InvalidParams"}
    text = repr(grid)
    assert "Failed combinations" in text
    assert f"{4 - len(grid)} failed" in text
    assert "Failed combinations" in grid._repr_html_()


def test_a_grid_in_which_everything_fails_says_so_and_can_be_tried_again(frame: h2o.H2OFrame) -> None:
    grid = grid_of({"l1": [0.0, 1e-3]}, grid_id="allfail")
    with pytest.raises(HeavywaterError, match="all 2 models of the grid failed; the first: .*no column 'nope'"):
        grid.train(x=X, y="nope", training_frame=frame)
    assert len(h2o.get_grid("allfail").failures) == 2
    assert len(grid.train(x=X, y="y", training_frame=frame)) == 2
    assert grid.failures == []


def test_equal_combinations_are_trained_once(frame: h2o.H2OFrame) -> None:
    assert len(grid_of({"l1": [0.0, 0.0, 1e-3]}).train(x=X, y="y", training_frame=frame)) == 2


# -- ends ---------------------------------------------------------------------------------------------------------


def random_search(**criteria: Any) -> H2OGridSearch:
    hyper = {"hidden": [[3], [4], [5]], "l1": [s / 1e6 for s in range(1, 101)]}
    return grid_of(hyper, search_criteria={"strategy": "RandomDiscrete", "seed": 7, **criteria})


def test_max_models_and_seed(frame: h2o.H2OFrame) -> None:
    one = random_search(max_models=4).train(x=X, y="y", training_frame=frame)
    two = random_search(max_models=4).train(x=X, y="y", training_frame=frame)
    assert len(one) == 4
    assert list(one.points.values()) == list(two.points.values())
    assert one.why_stopped == "max_models (4) models were trained"
    assert "max_models (4)" in repr(one)


def test_max_runtime_ends_the_search_and_the_model_in_training(frame: h2o.H2OFrame) -> None:
    grid_of({"l1": [0.0]}).train(x=X, y="y", training_frame=frame)
    began = time.monotonic()
    grid = random_search(max_runtime_secs=1).train(
        x=X, y="y", training_frame=frame, epochs=1e9, stopping_rounds=0, classification_stop=-1
    )
    assert time.monotonic() - began < 5
    assert len(grid) >= 1
    assert "max_runtime_secs (1 s)" in grid.why_stopped
    assert "max_runtime_secs" in grid.summary()["why_stopped"][-1]


def test_search_stops_when_the_best_models_no_longer_improve(frame: h2o.H2OFrame) -> None:
    grid = random_search(stopping_rounds=2, stopping_tolerance=0.5, stopping_metric="logloss", max_models=40).train(
        x=X, y="y", training_frame=frame
    )
    assert 4 <= len(grid) < 40
    assert grid.why_stopped == "the best models no longer improve (stopping_rounds=2)"


@pytest.mark.parametrize("more", [False, True])
def test_budget_looks_at_the_best_models_whatever_their_order(more: bool) -> None:
    """The search is over when the best models hardly differ; H2O sorts before it compares."""
    criteria = SearchCriteria.of({"strategy": "RandomDiscrete", "stopping_rounds": 1, "stopping_tolerance": 0.01})

    def over(values: list[float]) -> bool:
        budget = Budget(criteria)
        for v in values:
            budget.add(v, more_is_better=more, bounded_by_zero=True)
        return budget.spent(len(values)) == "the best models no longer improve (stopping_rounds=1)"

    best, close, worse = (0.9, 0.899, 0.5) if more else (0.5, 0.501, 0.9)
    assert not over([best])
    assert not over([worse, best])
    assert not over([best, worse])
    assert over([close, worse, best]) == over([best, worse, close]) == over([best, close, worse]) is True


def test_a_cartesian_search_has_no_budget() -> None:
    budget = Budget(SearchCriteria.of({"max_models": 1, "max_runtime_secs": 1e-9, "stopping_rounds": 1}))
    assert budget.spent(5) == ""
    assert budget.remaining_secs() == 0


def test_interrupt_keeps_the_models_and_train_goes_on(frame: h2o.H2OFrame) -> None:
    endless = {"epochs": 1e9, "stopping_rounds": 0, "classification_stop": -1}
    grid_of({"l1": [0.0]}).train(x=X, y="y", training_frame=frame)
    grid = H2OGridSearch(H2ODeepLearningEstimator(seed=1, **endless), {"hidden": [[3], [4], [5]]}, grid_id="halted")
    threading.Timer(0.7, _thread.interrupt_main).start()
    began = time.monotonic()
    grid.train(x=X, y="y", training_frame=frame)
    assert time.monotonic() - began < 5
    assert grid.why_stopped == "it was stopped by the user"
    assert [m.hidden for m in grid] == [[3]]
    assert "1 of them stopped by the user and trained anew" in repr(grid)
    assert grid[0].predict(frame).nrow == 200
    grid.model.epochs = 1
    grid.train(x=X, y="y", training_frame=frame)
    assert grid.why_stopped == ""
    assert [m.hidden for m in grid] == [[3], [4], [5]]
    assert sorted(grid.model_ids) == ["halted_model_1", "halted_model_2", "halted_model_3"]
    assert all("stopped by the user" not in m._model.output["why_stopped"] for m in grid)


def test_going_on_trains_only_what_is_missing(frame: h2o.H2OFrame) -> None:
    grid = random_search(max_models=2).train(x=X, y="y", training_frame=frame)
    before = dict(grid.points)
    sums = [m._model.checksum for m in grid]
    grid.search_criteria = SearchCriteria.of({"strategy": "RandomDiscrete", "seed": 7, "max_models": 5})
    grid.train(x=X, y="y", training_frame=frame)
    assert list(grid.points.items())[:2] == list(before.items())
    assert [m._model.checksum for m in grid][:2] == sums
    assert len({json.dumps(p) for p in grid.points.values()}) == len(grid) == 5


def test_models_train_side_by_side(frame: h2o.H2OFrame, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from heavywater.engine import session as engine_module

    seen: list[tuple[int, int]] = []
    alive = [0]
    real = engine_module.fit

    def fit(ctx: Any, *args: Any) -> Any:
        alive[0] += 1
        time.sleep(0.1)
        seen.append((alive[0], ctx.threads))
        try:
            return real(ctx, *args)
        finally:
            alive[0] -= 1

    monkeypatch.setattr(engine_module, "fit", fit)
    four = engine_module.LocalSession(4)
    four.store = session.current().store
    session.use(four)
    for parallelism, most, threads in ((1, 1, 4), (2, 2, 2), (0, 4, 1)):
        seen.clear()
        grid = grid_of({"l1": [0.0, 1e-5, 1e-4, 1e-3]}, parallelism=parallelism).train(x=X, y="y", training_frame=frame)
        assert max(n for n, _ in seen) == most
        assert {t for _, t in seen} == {threads}
        assert len(grid) == 4


# -- looks --------------------------------------------------------------------------------------------------------


def test_no_live_table_without_a_terminal(frame: h2o.H2OFrame, capfd: pytest.CaptureFixture[str]) -> None:
    grid_of({"l1": [0.0, 1e-5]}).train(x=X, y="y", training_frame=frame)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_live_table_shows_every_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    table = LiveTable("grid g", ["l1"], "logloss")
    with table:
        for n in range(1, 15):
            table.show(n, {"l1": n / 10}, "done" if n < 14 else "50%", f"{n / 7:.3g}" if n < 14 else "")
    console = Console(width=100, record=True, file=None)
    with console.capture() as shown:
        console.print(table.render())
    text = shown.get()
    assert "grid g" in text
    assert "and 2 before these" in text
    assert "0.3" in text
    assert "50%" in text
    assert capsys.readouterr().err == ""


# -- files --------------------------------------------------------------------------------------------------------


def test_save_and_load_round_trip(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    grid = grid_of({"hidden": [[3], [4]], "l1": [0.0, -1.0]}, grid_id="stored", parallelism=2)
    grid.train(x=X, y="y", training_frame=frame, l2=1e-4)
    path = h2o.save_grid(str(tmp_path), "stored")
    table, points = grid.sorted_metric_table(), grid.points
    h2o.remove_all(retained=[frame])
    back = h2o.load_grid(path)
    assert back is h2o.get_grid("stored")
    assert back.sorted_metric_table().equals(table)
    assert back.points == points
    assert back.failures == grid.failures
    assert [type(m) for m in back] == [H2ODeepLearningEstimator] * 2
    assert sorted((m.hidden, m.l2, m.epochs) for m in back) == [([3], 1e-4, 2), ([4], 1e-4, 2)]
    assert back[0].predict(frame).nrow == 200
    back.hyper_params["l1"] = [0.0, 1e-5]
    back.train(x=X, y="y", training_frame=frame)
    assert [m.l1 for m in back] == [0.0, 0.0, 1e-5, 1e-5]
    assert [m.actual_params["l2"] for m in back] == [1e-4] * 4
    assert h2o.save_grid(tmp_path, back) == path


def test_loading_an_autoencoder_grid(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    grid = H2OGridSearch(H2OAutoEncoderEstimator(hidden=[2], epochs=1), {"l1": [0.0, 1e-4]}, grid_id="auto")
    grid.train(x=X, training_frame=frame)
    back = h2o.load_grid(h2o.save_grid(tmp_path, "auto"))
    assert [type(m) for m in back] == [H2OAutoEncoderEstimator] * 2
    assert back[0].anomaly(frame).nrow == 200
    assert back.model.autoencoder


def test_a_grid_with_a_folder_saves_itself_after_every_model(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    grid_of({"l1": [0.0, 1e-4]}, grid_id="safe", recovery_dir=tmp_path).train(x=X, y="y", training_frame=frame)
    assert sorted(p.name for p in (tmp_path / "safe").iterdir()) == ["grid.json", "safe_model_1", "safe_model_2"]
    h2o.remove_all(retained=[frame])
    assert len(h2o.load_grid(tmp_path / "safe")) == 2


def spoil(folder: Path, **changes: Any) -> None:
    d = json.loads((folder / "grid.json").read_text())
    for k, v in changes.items():
        if v is ...:
            del d[k]
        else:
            d[k] = v
    (folder / "grid.json").write_text(json.dumps(d))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "does not describe a grid"),
        ({"version": 2}, "has version 2; this program reads version 1"),
        ({"version": True}, "version"),
        ({"points": ...}, "'points' is missing"),
        ({"points": {"../../outside": {"l1": 0.0}}}, "names the model '../../outside', which is not a file"),
        ({"points": {"..": {"l1": 0.0}}}, "not a file of its folder"),
        ({"points": {"/etc/passwd": {"l1": 0.0}}}, "not a file of its folder"),
        ({"points": {"bad_model_1": {"l2": 0.0}}}, "do not fit the grid's parameters"),
        ({"points": {"bad_model_1": 3}}, "'points' does not hold"),
        ({"points": {"grid.json": {"l1": 0.0}}}, "grid.json"),
        ({"failures": ["x"]}, "'failures' does not hold"),
        ({"failures": [{"params": {}, "error": 1, "type": "x"}]}, "'failures' does not hold"),
        ({"algo": "os.system"}, "there is no algorithm 'os.system'"),
        ({"params": {"__class__": "x"}}, "__class__"),
        ({"hyper_params": {"l1": "abc"}}, "l1 needs a list"),
        ({"hyper_params": {"no": [1]}}, "no parameter 'no'"),
        ({"search_criteria": {"strategy": "Evil"}}, "strategy must be one of"),
        ({"parallelism": -5}, "parallelism"),
        ({"more": 1}, "'more' is missing, unknown or of the wrong type"),
        ({"grid_id": "a\x00b"}, "key"),
    ],
)
def test_hostile_manifests_are_refused(
    changes: dict[str, Any], message: str, frame: h2o.H2OFrame, tmp_path: Path
) -> None:
    grid = grid_of({"l1": [0.0]}, grid_id="bad").train(x=X, y="y", training_frame=frame, epochs=0)
    path = Path(h2o.save_grid(tmp_path, grid))
    (tmp_path / "outside").write_bytes((path / "bad_model_1").read_bytes())
    spoil(path, **changes)
    with pytest.raises(HeavywaterError, match=message):
        h2o.load_grid(path)


def test_other_files_are_no_grids(tmp_path: Path, frame: h2o.H2OFrame) -> None:
    with pytest.raises(ModelFileError, match="there is no grid.json"):
        h2o.load_grid(tmp_path)
    twice = b'{"format": "heavywater-grid", "format": 1}'
    for content in (b"", b"\xff\xfe\x00", b"[1, 2", b"[" * 100_000, twice, b"null", b"3"):
        (tmp_path / "grid.json").write_bytes(content)
        with pytest.raises(ModelFileError, match=r"grid\.json"):
            h2o.load_grid(tmp_path)
    model = H2ODeepLearningEstimator(model_id="other", **SMALL).train(x=X, y="y", training_frame=frame)
    grid = grid_of({"l1": [0.0]}, grid_id="swapped").train(x=X, y="y", training_frame=frame)
    path = Path(h2o.save_grid(tmp_path, grid))
    h2o.save_model(model, path, force=True, filename="swapped_model_1")
    with pytest.raises(ModelFileError, match="holds a model with another name, 'other'"):
        h2o.load_grid(path)


def test_names_that_are_no_file_names(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    grid = grid_of({"l1": [0.0]}, grid_id="../up").train(x=X, y="y", training_frame=frame)
    with pytest.raises(H2OValueError, match="is no file name"):
        h2o.save_grid(tmp_path / "in", grid)
