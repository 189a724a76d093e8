"""A session of the official Python client; run with the Python that has it: address, token, folder."""

import json
import sys
import warnings

import h2o
from h2o.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from h2o.grid import H2OGridSearch

url, token, folder = sys.argv[1:4]
auth = ("h2o", token) if token else None
h2o.connect(url=url, auth=auth, strict_version_check=False, verbose=False)
h2o.no_progress()
seen = {}

frame = h2o.import_file(f"{folder}/people.csv")
seen["dim"], seen["types"] = frame.dim, frame.types
frame["sex"] = frame["sex"].asfactor()
seen["levels"] = frame["sex"].levels()
seen["mean"] = frame["age"].mean()
seen["table"] = frame["group"].table().as_data_frame(use_pandas=False)
seen["grouped"] = frame.group_by("group").mean("age").get_frame().as_data_frame(use_pandas=False)
train, test = frame.split_frame([0.75], seed=1)
seen["rows"] = train.nrow + test.nrow

model = H2ODeepLearningEstimator(hidden=[6], epochs=3, seed=1, reproducible=True, export_weights_and_biases=True)
model.train(x=["age", "group", "sex"], y="y", training_frame=train, validation_frame=test)
seen["auc"] = [model.auc(), model.auc(valid=True), model.model_performance(test).auc()]
seen["f1"] = len(model.F1())
seen["matrix"] = model.confusion_matrix().to_list()
seen["importances"] = [row[0] for row in model.varimp()]
seen["weights"] = [model.weights(0).dim, model.biases(0).dim]
seen["predicted"] = model.predict(test).names
seen["shown"] = "Status of Neuron Layers" in str(model)
made = h2o.make_metrics(model.predict(test)["yes"], test["y"], domain=["no", "yes"])
seen["made"] = made.auc()

number = H2ODeepLearningEstimator(hidden=[5], epochs=2, seed=1)
number.train(x=["group", "sex"], y="age", training_frame=train)
seen["mse"] = number.mse() > 0
auto = H2OAutoEncoderEstimator(hidden=[2], epochs=2, seed=1)
auto.train(x=["age", "group"], training_frame=train)
seen["anomaly"] = [
    auto.anomaly(test).names,
    auto.anomaly(test, per_feature=True).dim[1],
    auto.deepfeatures(test, 0).names,
]

folds = H2ODeepLearningEstimator(hidden=[5], epochs=1, seed=1, nfolds=2)
folds.train(x=["age", "group"], y="y", training_frame=train)
seen["folds"] = [len(folds.cross_validation_models()), folds.auc(xval=True) >= 0]
more = H2ODeepLearningEstimator(hidden=[6], epochs=5, seed=1, reproducible=True, checkpoint=model.model_id)
more.train(x=["age", "group", "sex"], y="y", training_frame=train, validation_frame=test)
seen["continued"] = more.model_id != model.model_id

path = h2o.save_model(model, folder, force=True)
seen["loaded"] = h2o.load_model(path).auc() == model.auc()
uploaded = h2o.upload_model(model.download_model(f"{folder}/download"))
seen["uploaded"] = uploaded.auc() == model.auc()

grid = H2OGridSearch(
    H2ODeepLearningEstimator(epochs=1, seed=1),
    {"hidden": [[3], [4, 4]], "activation": ["Rectifier", "Tanh"]},
    search_criteria={"strategy": "RandomDiscrete", "max_models": 3, "seed": 1},
)
grid.train(x=["age", "group"], y="y", training_frame=train)
ranked = grid.get_grid(sort_by="logloss", decreasing=False)
seen["grid"] = [len(grid.models), ranked.models[0].logloss() <= ranked.models[-1].logloss()]

curve = model.partial_plot(test, cols=["age"], plot=False, nbins=5)
seen["partial"] = [len(curve), curve[0].col_header[1]]

python = h2o.H2OFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
seen["python"] = python.as_data_frame(use_pandas=False)
other = python[["a"]]
other.columns = ["z"]
with warnings.catch_warnings(record=True):
    warnings.simplefilter("always")
    try:
        model.predict(other)
    except OSError as e:
        seen["failed"] = "no columns in common" in str(e)
errors = {}
for what, act in {
    "hidden": lambda: H2ODeepLearningEstimator(hidden=[0]).train(y="y", training_frame=train),
    "file": lambda: h2o.import_file("/etc/passwd"),
    "model": lambda: h2o.get_model("nothing"),
    "rapids": lambda: h2o.rapids("(nothing)"),
}.items():
    try:
        act()
    except h2o.exceptions.H2OResponseError as e:
        errors[what] = e.args[0].http_status
seen["errors"] = errors
h2o.remove_all()
seen["left"] = len(h2o.ls()) - 1
h2o.cluster().show_status()
print("\nRESULT " + json.dumps(seen))
