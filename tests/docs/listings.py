"""The Python listings of the Deep Learning booklets, one by one, as printed.

The texts come from scanned pages; spaces, line breaks and confused letters (``l1`` read as ``11``) are put right,
nothing else.  Listings of one edition build on the ones before them and run in this order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REMOTE = "https://h2o-public-test-data.s3.amazonaws.com"


@dataclass(frozen=True)
class Listing:
    """One listing.

    Attributes
    ----------
    edition, section, title : str
        Where it stands.
    code : str
        The text.
    error : str
        What its error must say where a listing asks for a server that is not there; empty when it runs.
    quick : dict of str to str
        Replacements for the quick run: fewer epochs and shorter intervals where a listing is about full-size data, a
        port of this machine where it is about another one.
    keeps_model : bool
        Whether `model` means the same after the listing as before: the next ones go on with the model of section 6.2.
    """

    edition: str
    section: str
    title: str
    code: str
    error: str = ""
    quick: dict[str, str] = field(default_factory=dict)
    keeps_model: bool = False

    @property
    def name(self) -> str:
        return f"{self.edition}-{self.section}-{self.title.replace(' ', '-')}"


_NETWORK = """        distribution="multinomial",
        activation="RectifierWithDropout",
        hidden=[32,32,32],
        input_dropout_ratio=0.2,
        sparse=True,
        l1=1e-5,
        epochs=10"""
_OLD_NETWORK = """        distribution="multinomial",
        activation="RectifierWithDropout",
        hidden=[200,200,200],
        input_dropout_ratio=0.2,
        l1=1e-5,
        epochs=10"""
_RESULTS = """# View specified parameters of the Deep Learning model
model.params

# Examine the performance of the trained model
model  # display all performance metrics

model.model_performance(train=True)  # training metrics
model.model_performance(valid=True)  # validation metrics

# Get MSE only
model.mse(valid=True)

# Cross-validated MSE
model_cv.mse(xval=True)
"""
_PREDICTIONS = """# Classify the test set (predict class labels)
# This also returns the probability for each class
pred = model.predict(test)

# Take a look at the predictions
pred.head()
"""
_LOAD = """# Load model from disk
saved_model = h2o.load_model(model_path)
"""
_GET = """# Retrieve model by H2O key
model = h2o.get_model(model_id=model_chkp._id)
"""
_REMOTE = "http://127.0.0.2:9 does not answer"
_NOBODY = {'"123.45.67.89", port = 54321': '"127.0.0.2", port = 9'}
_FEWER = {"epochs=10)": "epochs=2)", "epochs=10,": "epochs=2,", "epochs=20)": "epochs=4)"}
_SEARCH = {"epochs=1000": "epochs=3", "score_interval=2": "score_interval=0.05"}

OF_2024 = [
    Listing("2024", "3.2", "start", "import h2o\n\n# Start H2O on your local machine\nh2o.init()\n"),
    Listing("2024", "3.2", "help glm", "help(h2o.estimators.glm.H2OGeneralizedLinearEstimator)\n"),
    Listing("2024", "3.2", "help gbm", "help(h2o.estimators.gbm.H2OGradientBoostingEstimator)\n"),
    Listing("2024", "3.2", "help", "help(h2o.estimators.deeplearning.H2ODeepLearningEstimator)\n"),
    Listing("2024", "3.2", "demo glm", 'h2o.demo("glm")\n'),
    Listing("2024", "3.2", "demo gbm", 'h2o.demo("gbm")\n'),
    Listing("2024", "3.2", "demo", 'h2o.demo("deeplearning")\n'),
    Listing("2024", "3.3", "remote", 'h2o.init(ip = "123.45.67.89", port = 54321)\n', _REMOTE, _NOBODY),
    Listing("2024", "5.2.2", "quantile regression", f'''import h2o
from h2o.estimators.deeplearning import H2ODeepLearningEstimator
h2o.init()
train = h2o.import_file("{REMOTE}/smalldata/iris/iris_wheader.csv")
splits = train.split_frame(ratios=[0.75], seed=1234)
dl = H2ODeepLearningEstimator(distribution="quantile", quantile_alpha=0.8)
dl.train(x=list(range(0,2)), y="petal_len", training_frame=splits[0])
print(dl.predict(splits[1]))
'''),
    Listing("2024", "6.1", "import", f'''import h2o

# Start H2O cluster with all available cores (default)
h2o.init()

train = h2o.import_file("{REMOTE}/bigdata/laptop/mnist/train.csv.gz")
test = h2o.import_file("{REMOTE}/bigdata/laptop/mnist/test.csv.gz")

# Get a brief summary of the data
train.describe()
test.describe()
'''),
    Listing("2024", "6.2", "trial run", f'''from h2o.estimators.deeplearning import H2ODeepLearningEstimator

# Specify the response and predictor columns
y = "C785"
x = train.names[0:784]

# Encode the response column as categorical for multinomial classification
train[y] = train[y].asfactor()
test[y] = test[y].asfactor()

# Train Deep Learning model and validate on test set
model = H2ODeepLearningEstimator(
{_NETWORK})
model.train(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test)
'''),
    Listing("2024", "6.2.1", "cross-validation", f'''# Perform 5-fold cross-validation on training_frame
model_cv = H2ODeepLearningEstimator(
{_NETWORK},
        nfolds=5)
model_cv.train(
        x=x,
        y=y,
        training_frame=train)
''', quick=_FEWER),
    Listing("2024", "6.2.2", "results", _RESULTS),
    Listing("2024", "6.2.2", "predictions", _PREDICTIONS),
    Listing("2024", "6.3.1", "variable importances", f'''# Train Deep Learning model and validate on test set
# and save the variable importances
model_vi = H2ODeepLearningEstimator(
{_NETWORK},
        variable_importances=True)

model_vi.train(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test)

# Retrieve the variable importance
model_vi.varimp()
''', quick=_FEWER),
    Listing("2024", "6.4.1", "cartesian grid", '''hidden_opt = [[32,32],[32,16,8],[100]]
l1_opt = [1e-4,1e-3]
hyper_parameters = {"hidden":hidden_opt, "l1":l1_opt}

from h2o.grid.grid_search import H2OGridSearch
model_grid = H2OGridSearch(H2ODeepLearningEstimator,
    hyper_params=hyper_parameters)
model_grid.train(x=x, y=y,
    distribution="multinomial", epochs=1000,
    training_frame=train, validation_frame=test,
    score_interval=2, stopping_rounds=3,
    stopping_tolerance=0.05,
    stopping_metric="misclassification")
''', quick=_SEARCH),
    Listing("2024", "6.4.1", "grid results", '''# print model grid search results
model_grid

for model in model_grid:
    print(model.model_id + " mse: " + str(model.mse()))
''', keeps_model=True),
    Listing("2024", "6.4.2", "random grid", '''hidden_opt = [[17,32],[8,19],[32,16,8],[100],[10,10,10,10]]
l1_opt = [s/1e6 for s in range(1,1001)]
hyper_parameters = {"hidden":hidden_opt, "l1":l1_opt}
search_criteria = {"strategy":"RandomDiscrete",
    "max_models":10, "max_runtime_secs":100,
    "seed":123456}

from h2o.grid.grid_search import H2OGridSearch
model_grid = H2OGridSearch(H2ODeepLearningEstimator,
    hyper_params=hyper_parameters,
    search_criteria=search_criteria)
model_grid.train(x=x, y=y,
    distribution="multinomial", epochs=1000,
    training_frame=train, validation_frame=test,
    score_interval=2, stopping_rounds=3,
    stopping_tolerance=0.05,
    stopping_metric="misclassification")
''', quick=_SEARCH),
    Listing("2024", "6.5", "checkpoint", '''# Re-start the training process on a saved DL model
# using the 'checkpoint' argument
model_chkp = H2ODeepLearningEstimator(
        checkpoint=model,
        activation="RectifierWithDropout",
        distribution="multinomial",
        hidden=[32,32,32],
        input_dropout_ratio=0.2,
        sparse=True,
        l1=1e-5,
        epochs=20)

model_chkp.train(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test)
'''),
    Listing("2024", "6.5", "save", '''# Specify a model and the file path where it is to be
# saved. If no path is specified, the model will be
# saved to the current working directory
model_path = h2o.save_model(
        model = model,
        #path = "/tmp/mymodel",
        force = True)

print(model_path)
# /tmp/mymodel/DeepLearning_model_python_1441838096933
'''),
    Listing("2024", "6.5", "load", _LOAD),
    Listing("2024", "6.5", "get", _GET),
    Listing("2024", "7.2", "anomaly detection", f'''# Import ECG train and test data into the H2O cluster
from h2o.estimators.deeplearning import H2OAutoEncoderEstimator

train_ecg = h2o.import_file("{REMOTE}/smalldata/anomaly/ecg_discord_train.csv")
test_ecg = h2o.import_file("{REMOTE}/smalldata/anomaly/ecg_discord_test.csv")

# Train deep autoencoder learning model on "normal"
# training data, y ignored
anomaly_model = H2OAutoEncoderEstimator(
        activation="Tanh",
        hidden=[50,50,50],
        sparse=True,
        l1=1e-4,
        epochs=100)
anomaly_model.train(
        x=train_ecg.names,
        training_frame=train_ecg)

# Compute reconstruction error with the Anomaly
# detection app (MSE between output and input layers)
recon_error = anomaly_model.anomaly(test_ecg)

# Note: Testing = Reconstructing the test dataset
test_recon = anomaly_model.predict(test_ecg)
test_recon
'''),
]  # fmt: skip
"""Sixth edition; the printings of March and November 2024 have the same listings."""

OF_2015 = [
    Listing("2015", "3.2", "start", "import h2o\n\n# Start H2O on your local machine\nh2o.init()\n"),
    Listing("2015", "3.2", "help glm", "help(h2o.glm)\n"),
    Listing("2015", "3.2", "help gbm", "help(h2o.gbm)\n"),
    Listing("2015", "3.2", "demo glm", 'h2o.demo("glm")\n'),
    Listing("2015", "3.2", "demo gbm", 'h2o.demo("gbm")\n'),
    Listing("2015", "3.3", "remote", 'h2o.init(ip = "123.45.67.89", port = 54321)\n', _REMOTE, _NOBODY),
    Listing("2015", "6.1", "import", f'''import h2o

h2o.init()  # Will set up H2O cluster using all available cores

train_file = "{REMOTE}/bigdata/laptop/mnist/train.csv.gz"
test_file = "{REMOTE}/bigdata/laptop/mnist/test.csv.gz"

train = h2o.import_file(train_file)
test = h2o.import_file(test_file)

# To see a brief summary of the data, run the following command
train.describe()
test.describe()
'''),
    Listing("2015", "6.2", "trial run", f'''# Specify the response and predictor columns
y = "C785"
x = train.names[0:784]

# We encode the response column as categorical for multinomial classification
train[y] = train[y].asfactor()
test[y] = test[y].asfactor()

# Train a Deep Learning model and validate on a test set
model = h2o.deeplearning(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test,
{_OLD_NETWORK})
''', quick=_FEWER),
    Listing("2015", "6.2.1", "cross-validation", f'''# Perform 5-fold cross-validation on the training_frame
model_cv = h2o.deeplearning(
        x=x,
        y=y,
        training_frame=train,
{_OLD_NETWORK},
        nfolds=5)
''', quick=_FEWER | {"nfolds=5": "nfolds=2"}),
    Listing("2015", "6.2.2", "results", _RESULTS),
    Listing("2015", "6.2.2", "predictions", _PREDICTIONS),
    Listing("2015", "6.3.1", "variable importances", f'''# Train a Deep Learning model and validate on a test set
# and save the variable importances
model_vi = h2o.deeplearning(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test,
{_OLD_NETWORK},
        variable_importances=True)  # added

# Retrieve the variable importance
model_vi.varimp()
''', quick=_FEWER),
    Listing("2015", "6.5", "checkpoint", '''# Re-start the training process on a saved DL model
# using the 'checkpoint' argument
model_chkp = h2o.deeplearning(
        x=x,
        y=y,
        training_frame=train,
        validation_frame=test,
        checkpoint=model,
        distribution="multinomial",
        activation="RectifierWithDropout",
        hidden=[200,200,200],
        epochs=10)
''', quick={"epochs=10": "epochs=4"}),
    Listing("2015", "6.5", "save", '''# Specify a model and the file path where it is to be saved. If no path is
# specified, the model will be saved to the current working directory
model_path = h2o.save_model(
        model = model,
        #path = "/tmp/mymodel",
        force = True)

print(model_path)  # printed in the booklet as a statement of Python 2
'''),
    Listing("2015", "6.5", "load", _LOAD),
    Listing("2015", "6.5", "get", _GET),
    Listing("2015", "7.2", "anomaly detection", f'''# Download and import ECG train and test data into the H2O cluster
train_ecg = h2o.import_file("{REMOTE}/smalldata/anomaly/ecg_discord_train.csv")
test_ecg = h2o.import_file("{REMOTE}/smalldata/anomaly/ecg_discord_test.csv")

# Train deep autoencoder learning model on "normal"
# training data, y ignored
anomaly_model = h2o.deeplearning(
        x=train_ecg.names,
        training_frame=train_ecg,
        activation="Tanh",
        autoencoder=True,
        hidden=[50,50,50],
        l1=1e-4,
        epochs=100)

# Compute reconstruction error with the Anomaly
# detection app (MSE between output layer and input layer)
recon_error = anomaly_model.anomaly(test_ecg)
'''),
]  # fmt: skip
"""Fourth edition, whose Python interface was a function instead of an estimator.

As printed its checkpoint asks for no more epochs than the first model had, which trains nothing in any version since;
the quick run trains that model for fewer.
"""

ALL = OF_2024 + OF_2015
