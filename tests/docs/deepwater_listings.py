"""The Python listings of the booklet "Deep Learning with Deep Water" (June 2017), one by one, as printed.

The text comes from scanned pages; spaces, line breaks and confused letters are put right, nothing else. Listings build on
the ones before them and run in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

CUTS = {
    "epochs=100": "epochs=1.5",
    "epochs=20": "epochs=1",
    "epochs=10": "epochs=3",
    "epochs=3": "epochs=1",
    "nfolds=5": "nfolds=2",
    "nfolds = 5": "nfolds = 2",
    "ntrees=100": "ntrees=10",
}
"""What the quick run makes smaller, besides rows (see `ROWS`); everything else is as printed."""

ROWS = {"train": 1200, "test": 300, "images": 60}
"""Rows of MNIST as a table, and images of digits, in the quick run."""

DATA = {
    "bigdata/laptop/mnist/train.csv.gz": "train.csv.gz",
    "bigdata/laptop/mnist/test.csv.gz": "test.csv.gz",
    "bigdata/laptop/deepwater/imagenet/cat_dog_mouse.csv": "images/train.csv",
    "/path/to/train-odd.csv.gz": "train-odd.csv.gz",
    "/path/to/test-odd.csv.gz": "test-odd.csv.gz",
    "lenet-100epochs-params.txt": "model_mnist_lenet_mx_params",
    '"lenet.json"': '"model_mnist_lenet_mx.json"',
}
"""Data that are not at hand, and what stands in: handwritten digits for cats, dogs and mice, the stored LeNet for theirs."""


@dataclass(frozen=True)
class Listing:
    """One listing: where it stands, and its text."""

    section: str
    title: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.section}-{self.title.replace(' ', '-')}"


_MLP = """activation="Rectifier", hidden=[200,200], ignore_const_cols=False, mini_batch_size=256,
    input_dropout_ratio=0.1, hidden_dropout_ratios=[0.5,0.5], stopping_rounds=3, stopping_tolerance=0.05,
    stopping_metric="misclassification", score_interval=2, score_duty_cycle=0.5, score_training_samples=1000,
    score_validation_samples=1000"""
_TRAIN = """
# Import data and transform data
train = h2o.import_file("bigdata/laptop/mnist/train.csv.gz")
# Specify a subset of features to include in the model
features = list(range(0,784))
target = 784
train[target] = train[target].asfactor()
"""
_START = """
import h2o
from h2o.estimators.deepwater import H2ODeepWaterEstimator

# Start or connect to H2O
h2o.init()
"""

ALL = [
    Listing("5", "quick start", f"""{_START}{_TRAIN}
# Build model
model = H2ODeepWaterEstimator(epochs=100, {_MLP}, nfolds=5, gpu=True, seed=1234)
model.train(x=features, y=target, training_frame=train)

# Evaluate model
model.show()
print(model.scoring_history())
"""),
    Listing("5.1", "backends", f"""
model = H2ODeepWaterEstimator(epochs=100, {_MLP}, nfolds=5, gpu=True, seed=1234, backend="tensorflow")
model.train(x=features, y=target, training_frame=train)
"""),
    Listing("5.2", "gpu and cpu", f"""
model = H2ODeepWaterEstimator(epochs=100, {_MLP}, nfolds=5, gpu=False, seed=1234)
model.train(x=features, y=target, training_frame=train)
"""),
    Listing("6.2", "images", f"""{_START}
# Import data and transform data
train = h2o.import_file("bigdata/laptop/deepwater/imagenet/cat_dog_mouse.csv")

# Build model
model = H2ODeepWaterEstimator(epochs=10, network="lenet", problem_type="image", image_shape=[28,28], channels=3)
model.train(x=[0], y=1, training_frame=train)

# Evaluate model
model.show()
"""),
    Listing("6.5.1", "mxnet", """
model = H2ODeepWaterEstimator(epochs=3, network="user", network_definition_file="lenet.json",
    network_parameters_file="lenet-100epochs-params.txt", image_shape=[28,28], channels=3)
model.train(x=[0], y=1, training_frame=train)
model.show()
"""),
    Listing("6.5.2", "tensorflow", """
model = H2ODeepWaterEstimator(epochs=3, backend="tensorflow", network="user",
    network_definition_file="lenet_28x28x3_3.meta", image_shape=[28,28], channels=3)
model.train(x=[0], y=1, training_frame=train)
model.show()
"""),
    Listing("8.1", "cartesian search", f"""{_TRAIN}
# Set up grid
hidden_opt = [[200, 200], [1024, 1024]]
learn_rate_opt = [1e-6, 1e-5]
hyper_parameters = {{"hidden": hidden_opt, "learning_rate":learn_rate_opt}}

# Build model and train model grid
from h2o.grid.grid_search import H2OGridSearch
model_grid = H2OGridSearch(H2ODeepWaterEstimator, hyper_params=hyper_parameters)
model_grid.train(x=features, y=target, training_frame=train, epochs=100, activation="Rectifier",
    ignore_const_cols=False, mini_batch_size=256, input_dropout_ratio=0.1, hidden_dropout_ratios=[0.5,0.5],
    stopping_rounds=3, stopping_tolerance=0.05, stopping_metric="misclassification", score_interval=2,
    score_duty_cycle=0.5, score_training_samples=1000, score_validation_samples=1000, nfolds=5, gpu=True, seed=1234)

# Evaluate model
print(model_grid)
"""),
    Listing("8.2", "random search", """
# Set up grid
hidden_opt = [[200, 200], [1024, 1024], [1024, 1024, 2048], [200, 200, 200], [300, 300]]
learn_rate_opt = [1e-6, 1e-5, 1e-3, 5e-3]
in_drop_opt = [0.1, 0.2, 0.3]
hyper_parameters = {"hidden": hidden_opt, "learning_rate":learn_rate_opt, "input_dropout_ratio": in_drop_opt}
search_criteria = {"strategy": "RandomDiscrete", "max_models": 10, "max_runtime_secs": 300, "seed": 1234}

# Build model and train model grid
from h2o.grid.grid_search import H2OGridSearch
model_grid = H2OGridSearch(H2ODeepWaterEstimator, hyper_params=hyper_parameters, search_criteria=search_criteria)
model_grid.train(x=features, y=target, training_frame=train, epochs=100, activation="Rectifier",
    ignore_const_cols=False, mini_batch_size=256, hidden_dropout_ratios=[0.5, 0.5], stopping_rounds=3,
    stopping_tolerance=0.05, stopping_metric="misclassification", score_interval=2, score_duty_cycle=0.5,
    score_training_samples=1000, score_validation_samples=1000, nfolds=5, gpu=True, seed=1234)

# Evaluate model
print(model_grid)
"""),
    Listing("9", "checkpoint", f"""
# Import data and transform data
train = h2o.import_file("bigdata/laptop/mnist/train.csv.gz")
valid = h2o.import_file("bigdata/laptop/mnist/test.csv.gz")
features = list(range(0,784))
target = 784
train[target] = train[target].asfactor()
valid[target] = valid[target].asfactor()

# Build model
model = H2ODeepWaterEstimator(epochs=20, {_MLP}, gpu=True, seed=1234)
model.train(x=features, y=target, training_frame=train, validation_frame=valid)

# Evaluate model
model.show()
print(model.scoring_history())

# Checkpoint model
model_path = h2o.save_model(model=model, force=True)

# Load model
model_ckpt = h2o.load_model(model_path)

# Start training from checkpoint
model_warm = H2ODeepWaterEstimator(checkpoint=model_ckpt.model_id, epochs=100, {_MLP}, gpu=True, seed=1234)
model_warm.train(x=features, y=target, training_frame=train, validation_frame=valid)

# Evaluate checkpointed model
model_warm.show()
print(model_warm.scoring_history())
"""),
    Listing("10", "ensemble", """
import h2o
from h2o.estimators.deepwater import H2ODeepWaterEstimator
from h2o.estimators.gbm import H2OGradientBoostingEstimator
from h2o.estimators.glm import H2OGeneralizedLinearEstimator
from h2o.estimators.stackedensemble import H2OStackedEnsembleEstimator

# Import data and transform data
train = h2o.import_file("/path/to/train-odd.csv.gz", destination_frame="train.hex")
valid = h2o.import_file("/path/to/test-odd.csv.gz", destination_frame="valid.hex")
features = list(range(0,784))
target = 784
train[features] = train[features]/255
train[target] = train[target].asfactor()
valid[features] = valid[features]/255
valid[target] = valid[target].asfactor()
nfolds = 5

# GBM Model
gbm_model = H2OGradientBoostingEstimator(distribution="bernoulli", ntrees=100, nfolds=nfolds,
    ignore_const_cols=False, keep_cross_validation_predictions=True, fold_assignment="Modulo")
gbm_model.train(x=features, y=target, training_frame=train, model_id="gbm_model")
gbm_model.show()

# GLM Model
glm_model = H2OGeneralizedLinearEstimator(family="binomial", lambda_=0.0001, alpha=0.5, nfolds=nfolds,
    ignore_const_cols=False, keep_cross_validation_predictions=True, fold_assignment="Modulo")
glm_model.train(x=features, y=target, training_frame=train, model_id="glm_model")
glm_model.show()

# Deep Water Model
dw_model = H2ODeepWaterEstimator(epochs=3, network="lenet", ignore_const_cols=False, image_shape=[28,28],
    channels=1, standardize=False, seed=1234, nfolds=nfolds, keep_cross_validation_predictions=True,
    fold_assignment="Modulo")
dw_model.train(x=features, y=target, training_frame=train, model_id="dw_model")
dw_model.show()

# Stacked Ensemble
stack_all = H2OStackedEnsembleEstimator(base_models=[gbm_model.model_id, glm_model.model_id, dw_model.model_id])
stack_all.train(x=features, y=target, training_frame=train, validation_frame=valid, model_id="stack_all")
stack_all.model_performance()
"""),
    Listing("11", "deep features", """
train = h2o.import_file("bigdata/laptop/deepwater/imagenet/cat_dog_mouse.csv")

# Load network
network_model = H2ODeepWaterEstimator(epochs=0, mini_batch_size=32, network="user",
    network_definition_file="Inception_BN-symbol.json", network_parameters_file="Inception_BN-0039.params",
    mean_image_file="mean_224.nd", image_shape=[224,224], channels=3)
network_model.train(x=[0], y=1, training_frame=train)

# Extract deep features
extracted_features = network_model.deepfeatures(train, "global_pool_output")
print("shape: " + str(extracted_features.shape))
print(extracted_features[:5,:3])

# Merge deep features with target and split frame
extracted_features["target"] = train[1]
features = [x for x in extracted_features.columns if x not in ["target"]]
train, valid = extracted_features.split_frame(ratios=[0.8])
"""),
    Listing("11", "glm on deep features", """
from h2o.estimators.glm import H2OGeneralizedLinearEstimator

# Build multinomial GLM
glm_model = H2OGeneralizedLinearEstimator(family="multinomial")
glm_model.train(x=features, y="target", training_frame=train, validation_frame=valid)

# Evaluate model
glm_model.show()
"""),
    Listing("11", "similarity", """
extracted_features = extracted_features[:, features]

# Separate records to a references and queries
references = extracted_features[5:,:]
queries = extracted_features[:3,:]

# Compute similarity
similarity = references.distance(queries, "cosine")

# Verify shapes
print("references: " + str(references.shape))
print("queries: " + str(queries.shape))
print("similarity: " + str(similarity.shape))

# View similarity frame
print(similarity.head())
"""),
    Listing("13.1", "mojo", """
path = model.download_mojo(path=".")
"""),
]  # fmt: skip
