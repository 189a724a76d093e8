"""Functions of the official client's module and methods of its models, each called: address, token and folder."""

import contextlib
import io
import json
import os
import sys
import warnings

import h2o
from h2o.estimators import (
    H2OAutoEncoderEstimator,
    H2ODeepLearningEstimator,
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2ONaiveBayesEstimator,
    H2ORandomForestEstimator,
    H2OStackedEnsembleEstimator,
)
from h2o.grid import H2OGridSearch

url, token, folder = sys.argv[1:4]
warnings.simplefilter("ignore")
h2o.init(url=url, username="h2o", password=token)
h2o.no_progress()

people = h2o.import_file(os.path.join(folder, "people.csv"), destination_frame="people.hex")
people["sex"] = people["sex"].asfactor()
x = ["age", "group", "sex"]
model = H2ODeepLearningEstimator(hidden=[4], epochs=2, seed=1, reproducible=True, export_weights_and_biases=True, nfolds=2,
                                 keep_cross_validation_predictions=True, keep_cross_validation_fold_assignment=True)  # fmt: skip
model.train(x=x, y="y", training_frame=people, validation_frame=people)
number = H2ODeepLearningEstimator(hidden=[4], epochs=2, seed=1)
number.train(x=["group", "sex"], y="age", training_frame=people)
auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1)
auto.train(x=["age", "group"], training_frame=people)
grid = H2OGridSearch(H2ODeepLearningEstimator(epochs=0.5, seed=1), {"hidden": [[2], [3]]}, grid_id="grid")
grid.train(x=x, y="y", training_frame=people)


def path(name):
    return os.path.join(folder, name)


def parsed():
    raw = h2o.import_file(path("people.csv"), parse=False)
    setup = h2o.parse_setup(raw, destination_frame="again.hex")
    return h2o.parse_raw(setup).dim


def printed(call):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        call()
    return len(out.getvalue()) > 0


MODULE = {
    "api": lambda: h2o.api("GET /3/Ping")["cloud_healthy"],
    "as_list": lambda: h2o.as_list(people[:2, :2], use_pandas=False)[0] == ["id", "age"],
    "assign": lambda: h2o.assign(people[:3, :], "three").nrow == 3,
    "cluster": lambda: h2o.cluster().cloud_size == 1,
    "cluster_status": lambda: printed(h2o.cluster_status),
    "connect": lambda: h2o.connection().connected,
    "connection": lambda: h2o.connection().base_url == url,
    "create_frame": lambda: h2o.create_frame(frame_id="made", rows=20, cols=4, seed=1, time_fraction=0).dim == [20, 4],
    "deep_copy": lambda: h2o.deep_copy(people, "copied").dim == people.dim,
    "download_all_logs": lambda: os.path.getsize(h2o.download_all_logs(folder)) > 0,
    "download_csv": lambda: os.path.getsize(h2o.download_csv(people, path("out.csv"))) > 0,
    "download_model": lambda: os.path.getsize(h2o.download_model(model, folder)) > 0,
    "export_file": lambda: h2o.export_file(people, path("exported.csv"), force=True) or os.path.exists(path("exported.csv")),
    "init": lambda: True,
    "no_progress": lambda: h2o.no_progress() is None,
    "frames": lambda: any(f["frame_id"]["name"] == "people.hex" for f in h2o.frames()["frames"]),
    "get_frame": lambda: h2o.get_frame("people.hex").nrow == 60,
    "get_grid": lambda: len(h2o.get_grid("grid").models) == 2,
    "get_model": lambda: h2o.get_model(model.model_id).auc() == model.auc(),
    "get_timezone": lambda: h2o.get_timezone() == "UTC",
    "import_file": lambda: people.nrow == 60,
    "interaction": lambda: h2o.interaction(people, ["group", "sex"], False, 10, 1).nrow == 60,
    "list_timezones": lambda: h2o.list_timezones().nrow > 400,
    "load_frame": lambda: people.save(folder) or h2o.load_frame(people.frame_id, folder).dim == people.dim,
    "save_grid": lambda: os.path.isdir(h2o.save_grid(folder, "grid")),
    "load_grid": lambda: len(h2o.load_grid(path("grid")).models) == 2,
    "save_model": lambda: os.path.exists(h2o.save_model(model, folder, force=True)),
    "load_model": lambda: h2o.load_model(path(model.model_id)).auc() == model.auc(),
    "upload_model": lambda: h2o.upload_model(path(model.model_id)).auc() == model.auc(),
    "log_and_echo": lambda: h2o.log_and_echo("hello") is None,
    "ls": lambda: ["people.hex"] in h2o.ls(),
    "make_leaderboard": lambda: h2o.make_leaderboard([model, *grid.models], people).nrow == 3,
    "make_metrics": lambda: h2o.make_metrics(number.predict(people), people["age"]).rmse() > 0,
    "models": lambda: model.model_id in str(h2o.models()),
    "network_test": lambda: printed(h2o.network_test),
    "parse_raw": lambda: parsed() == [60, 5],
    "parse_setup": lambda: parsed() == [60, 5],
    "rapids": lambda: h2o.rapids("(+ 1 2)")["scalar"] == 3,
    "set_timezone": lambda: h2o.set_timezone("UTC") is None,
    "upload_file": lambda: h2o.upload_file(path("people.csv")).dim == [60, 5],
    "upload_mojo": lambda: h2o.upload_mojo(mojo(), model_id="of_mojo").model_id == "of_mojo",
    "import_mojo": lambda: h2o.import_mojo(mojo(), model_id="of_mojo2").model_id == "of_mojo2",
    "remove": lambda: h2o.remove("three") or h2o.get_frame("three") is None,
    "resume": lambda: h2o.resume() is None,
    "lazy_import": lambda: h2o.lazy_import(path("people.csv"))[0].endswith("people.csv"),
    "load_dataset": lambda: h2o.load_dataset("iris").dim[1] == 5,
    "cluster_info": lambda: printed(h2o.cluster_info),
    "enable_expr_optimizations": lambda: h2o.enable_expr_optimizations(False) is None and people["age"].mean()[0] > 0,
    "is_expr_optimizations_enabled": lambda: h2o.is_expr_optimizations_enabled() in (True, False),
    "estimate_cluster_mem": lambda: float(h2o.estimate_cluster_mem(people.ncol, people.nrow)) > 0,
    "show_progress": lambda: h2o.show_progress() is None and h2o.no_progress() is None,
    "telemetry_enabled": lambda: h2o.telemetry_enabled() is False,
    "flow": lambda: opened() == [url],
    "import_sql_table": lambda: refused(lambda: h2o.import_sql_table("jdbc:x:y", "t", "u", "p")),
    "import_sql_select": lambda: refused(lambda: h2o.import_sql_select("jdbc:x:y", "select 1", "u", "p")),
    "import_hive_table": lambda: refused(lambda: h2o.import_hive_table("default", "t")),
}  # fmt: skip


def refused(call):
    """Whether the server says in a sentence that it does not do this."""
    try:
        call()
    except (OSError, h2o.exceptions.H2OResponseError, h2o.exceptions.H2OServerError) as e:
        return "not" in str(e) and "Traceback" not in str(e)
    return False


def opened():
    """Addresses that the client opens in a browser for Flow."""
    import webbrowser

    seen, webbrowser.open = [], lambda address, new=0: seen.append(address)
    h2o.flow()
    return seen


def mojo():
    """The model as a MOJO, which the client refuses to ask for with its own methods."""
    return h2o.api(f"GET /3/Models/{model.model_id}/mojo", save_to=path("model.zip"))


MODEL = {
    "auc": lambda: 0 <= model.auc(xval=True) <= 1,
    "aucpr": lambda: model.aucpr() >= 0, "pr_auc": lambda: model.pr_auc() >= 0, "gini": lambda: model.gini() <= 1,
    "logloss": lambda: model.logloss(valid=True) > 0, "mse": lambda: number.mse() > 0, "rmse": lambda: number.rmse() > 0,
    "mae": lambda: number.mae() > 0, "rmsle": lambda: number.rmsle() > 0, "r2": lambda: number.r2() < 1,
    "mean_residual_deviance": lambda: number.mean_residual_deviance() > 0,
    "biases": lambda: model.biases(0).dim == [4, 1], "weights": lambda: model.weights(0).nrow == 4,
    "catoffsets": lambda: len(model.catoffsets()) > 0, "normmul": lambda: len(model.normmul()) == 1,
    "normsub": lambda: len(model.normsub()) == 1, "respmul": lambda: model.respmul() is None,
    "respsub": lambda: model.respsub() is None,
    "cross_validation_fold_assignment": lambda: model.cross_validation_fold_assignment().nrow == 60,
    "cross_validation_holdout_predictions": lambda: model.cross_validation_holdout_predictions().nrow == 60,
    "cross_validation_metrics_summary": lambda: "auc" in [r[0] for r in model.cross_validation_metrics_summary().cell_values],
    "cross_validation_models": lambda: len(model.cross_validation_models()) == 2,
    "cross_validation_predictions": lambda: len(model.cross_validation_predictions()) == 2,
    "deepfeatures": lambda: model.deepfeatures(people, 0).ncol == 4,
    "default_threshold": lambda: 0 <= model.default_threshold() <= 1,
    "is_cross_validated": lambda: model.is_cross_validated(),
    "model_performance": lambda: model.model_performance(people).auc() >= 0,
    "partial_plot": lambda: len(model.partial_plot(people, cols=["age"], plot=False, nbins=3)) == 1,
    "permutation_importance": lambda: len(model.permutation_importance(people, use_pandas=False).cell_values) == 3,
    "predict": lambda: model.predict(people).names == ["predict", "no", "yes"],
    "save_model_details": lambda: os.path.exists(model.save_model_details(folder, force=True)),
    "scoring_history": lambda: model.scoring_history() is not None, "score_history": lambda: model.score_history() is not None,
    "get_xval_models": lambda: len(model.get_xval_models()) == 2, "xval_keys": lambda: len(model.xval_keys()) == 2,
    "show": lambda: printed(model.show), "show_summary": lambda: printed(model.show_summary),
    "summary": lambda: "layer" in str(model.summary()), "to_str": lambda: len(model.to_str()) > 100,
    "to_html": lambda: len(model.to_html()) > 100, "to_pretty_str": lambda: len(model.to_pretty_str()) > 100,
    "varimp": lambda: model.varimp()[0][2] == 1.0, "get_params": lambda: model.get_params()["hidden"] == [4],
    "detach": lambda: model.detach() is None, "get_summary": lambda: model.get_summary() is not None,
    "training_model_metrics": lambda: model.training_model_metrics()["AUC"] == model.auc(),
    "anomaly": lambda: auto.anomaly(people).names == ["Reconstruction.MSE"],
}  # fmt: skip


def stacked():
    """Boosted trees, a linear model, and both together."""
    folds = {"nfolds": 2, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True, "seed": 1}
    trees = H2OGradientBoostingEstimator(ntrees=3, **folds)
    linear = H2OGeneralizedLinearEstimator(family="binomial", **folds)
    for m in (trees, linear):
        m.train(x=x, y="y", training_frame=people)
    both = H2OStackedEnsembleEstimator(base_models=[trees, linear], seed=1)
    both.train(x=x, y="y", training_frame=people)
    others = [H2ORandomForestEstimator(ntrees=3, seed=1), H2ONaiveBayesEstimator()]
    for m in others:
        m.train(x=x, y="y", training_frame=people)
    shown = [printed(m.show) for m in (trees, linear, both, *others)]
    predicted = [m.predict(people).names for m in (trees, linear, both, *others)]
    return (
        all(shown)
        and predicted == [["predict", "no", "yes"]] * 5
        and linear.null_deviance() > linear.residual_deviance() > 0
        and {"Intercept", "age"} <= set(linear.coef())
        and trees.varimp()[0][2] == 1.0
        and both.metalearner().model_id.startswith("metalearner")
    )


def outcome(calls):
    found = {}
    for name, call in calls.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found[name] = bool(call())
        except Exception as e:
            found[name] = f"{type(e).__name__}: {str(e)[:400]}"
    return found


seen = {"module": outcome(MODULE), "model": outcome(MODEL), "functions": h2o.__all__}
seen["others"] = outcome({"stacked": stacked})
h2o.remove_all()
seen["module"]["remove_all"] = h2o.get_frame("people.hex") is None
h2o.connection().close()
print("\nRESULT " + json.dumps(seen))
