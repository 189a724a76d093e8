"""Parameters of Deep Learning: H2O-3 3.46's, in its order and with its defaults, and a few of our own at the end.

Sources: Deep Learning booklet, appendix A; documentation page "Deep Learning (Neural Networks)".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.algos.deeplearning.rules import rules
from heavywater.params import Message, common, param, parameters
from heavywater.params.common import AucType, CategoricalEncoding, CommonParams, Distribution, StoppingMetric

Activation = Literal[
    "Tanh", "TanhWithDropout", "Rectifier", "RectifierWithDropout", "Maxout", "MaxoutWithDropout",
    "ExpRectifier", "ExpRectifierWithDropout",
]  # fmt: skip
Loss = Literal["Automatic", "CrossEntropy", "Quadratic", "Huber", "Absolute", "Quantile"]

_ONLY_ADAPTIVE = "Only with `adaptive_rate`."
_ONLY_PLAIN = "Only when `adaptive_rate` is off; otherwise a warning is given."
_ONE_NODE = "There is one node, so this changes nothing."


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class DeepLearningParams(CommonParams):
    """Parameters of Deep Learning; each is described in the reference pages."""

    removed: ClassVar[Mapping[str, str]] = {
        "override_with_best_model": "it is called overwrite_with_best_model since H2O 3.8",
        "n_folds": "it is called nfolds",
        "classification": "whether a model classifies follows from the response: make it categorical with asfactor()",
        "drop_na20_cols": "H2O has removed it; leave such columns out of x",
    }

    # -- class balance ------------------------------------------------------------------------------------------------

    balance_classes: bool = param(
        False, "Balance the classes by drawing rare ones more often and frequent ones less often.", gridable=True,
        note="For classification. The predicted probabilities are corrected for it.",
    )  # fmt: skip
    class_sampling_factors: Sequence[float] | None = param(
        None, "How often rows of each class are drawn, relative to their number.", level="expert", gridable=True,
        wire="float[]", ge=0, note="One number per class, in the order of the levels; needs `balance_classes`. None: "
        "equal shares.",
    )  # fmt: skip
    max_after_balance_size: float = param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", wire="float", gt=0,
        note="May be less than 1. Needs `balance_classes`.",
    )  # fmt: skip
    max_confusion_matrix_size: int = param(
        20, "Deprecated: it changes nothing.", note="In H2O: the most classes for which confusion matrices are logged."
    )

    # -- starting point and result ------------------------------------------------------------------------------------

    checkpoint: Any = param(
        None, "Model to continue.", wire="Key<Model>", note="A model, an estimator or a model's name. `epochs` then "
        "counts from the very beginning and must exceed what was trained already.",
    )  # fmt: skip
    pretrained_autoencoder: Any = param(
        None, "Autoencoder whose hidden layers are the starting point.", level="expert", wire="Key<Model>"
    )
    overwrite_with_best_model: bool = param(
        True, "Return the best model met during training instead of the last one.", level="expert", gridable=True,
        note="Best by `stopping_metric`, on the validation frame if there is one. Off during cross-validation.",
    )  # fmt: skip

    # -- inputs -------------------------------------------------------------------------------------------------------

    use_all_factor_levels: bool = param(
        True, "Give every level of a categorical column an input; otherwise the first level has none.", gridable=True,
        note="Always on for autoencoders.",
    )  # fmt: skip
    standardize: bool = param(
        True, "Bring numeric inputs (and a numeric response) to mean 0 and standard deviation 1.", gridable=True,
        note="If off, the data should be of that size already.",
    )  # fmt: skip

    # -- network ------------------------------------------------------------------------------------------------------

    activation: Activation = param(
        "Rectifier", "Activation function of the hidden units.", level="critical", gridable=True,
        listed=("Tanh", "TanhWithDropout", "Rectifier", "RectifierWithDropout", "Maxout", "MaxoutWithDropout"),
        note="Maxout and MaxoutWithDropout are not for autoencoders. ExpRectifier is accepted, though H2O's own Python "
        "package refuses it.",
    )  # fmt: skip
    hidden: Sequence[int] = param(
        (200, 200), "Units of each hidden layer, for example [100, 100].", level="critical", gridable=True, ge=1,
        note="An empty list gives a linear model.",
    )  # fmt: skip
    epochs: float = param(
        10.0, "Passes over the training data; may be a fraction.", level="critical", gridable=True, ge=0,
        note="0 gives the initial network.",
    )  # fmt: skip
    train_samples_per_iteration: int = param(
        -2, "Rows to train on between two looks at clock, scoring and stopping rules.", gridable=True, wire="long",
        ge=-2, note="0: one pass over the data; -1: all data available, which on one node is one pass too; -2: chosen "
        "automatically.",
    )  # fmt: skip
    target_ratio_comm_to_comp: float = param(
        0.05, "Share of the time to spend on communication between nodes, when the length of an iteration is "
        "automatic.", level="expert", gridable=True, gt=0, note=_ONE_NODE,
    )  # fmt: skip
    seed: int = param(
        -1, "Seed of all random draws.", level="expert", gridable=True, wire="long", note="-1: a different one each "
        "time; the model reports which. With several threads equal seeds give equal draws but not equal weights; see "
        "`reproducible`.",
    )  # fmt: skip

    # -- learning rate ------------------------------------------------------------------------------------------------

    adaptive_rate: bool = param(
        True, "Let every weight have its own learning rate (ADADELTA).", gridable=True, note="Zeiler 2012. When on, "
        "`rho` and `epsilon` matter; when off, `rate` and momentum and their companions.",
    )  # fmt: skip
    rho: float = param(
        0.99, "Memory of ADADELTA: how much of the past stays in its averages.", level="expert", gridable=True, ge=0,
        le=1, note=_ONLY_ADAPTIVE + " More than 0; typically 0.9 to 0.999.",
    )  # fmt: skip
    epsilon: float = param(
        1e-8, "Smoothing term of ADADELTA: keeps learning going and divisions sane.", level="expert", gridable=True,
        ge=0, note=_ONLY_ADAPTIVE + " More than 0; typically 1e-10 to 1e-4.",
    )  # fmt: skip
    rate: float = param(
        0.005, "Learning rate.", level="expert", gridable=True, ge=0,
        note=_ONLY_PLAIN + " Large ones are unstable, small ones slow.",
    )  # fmt: skip
    rate_annealing: float = param(
        1e-6, "How fast the learning rate falls: rate / (1 + rate_annealing * rows trained).", level="expert",
        gridable=True, ge=0, note=_ONLY_PLAIN,
    )  # fmt: skip
    rate_decay: float = param(
        1.0, "Factor of the learning rate from one layer to the next: rate * rate_decay ^ (layer - 1).", level="expert",
        gridable=True, ge=0, note=_ONLY_PLAIN,
    )  # fmt: skip
    momentum_start: float = param(
        0.0, "Momentum at the beginning.", level="expert", gridable=True, ge=0, lt=1, note=_ONLY_PLAIN + " Try 0.5."
    )
    momentum_ramp: float = param(
        1e6, "Rows over which momentum goes from its first to its last value.", level="expert", gridable=True, ge=0,
        note=_ONLY_PLAIN,
    )  # fmt: skip
    momentum_stable: float = param(
        0.0, "Momentum after the ramp.", level="expert", gridable=True, ge=0, lt=1, note=_ONLY_PLAIN + " Try 0.99."
    )
    nesterov_accelerated_gradient: bool = param(
        True, "Use Nesterov's accelerated gradient for momentum.", level="expert", gridable=True,
        note=_ONLY_PLAIN.split(";")[0] + ".",
    )  # fmt: skip

    # -- regularisation -----------------------------------------------------------------------------------------------

    input_dropout_ratio: float = param(
        0.0, "Share of the inputs left out at random for each training row.", gridable=True, ge=0, lt=1,
        note="Try 0.1 or 0.2.",
    )  # fmt: skip
    hidden_dropout_ratios: Sequence[float] | None = param(
        None, "Share of each hidden layer's units left out at random for each training row.", gridable=True, ge=0, lt=1,
        note="One number per hidden layer; needs an activation that ends in WithDropout. None: 0.5 each.",
    )  # fmt: skip
    l1: float = param(0.0, "L1 penalty; drives many weights to 0.", gridable=True, ge=0)
    l2: float = param(0.0, "L2 penalty; keeps weights small.", gridable=True, ge=0)
    max_w2: float = param(
        3.4028235e38, "Largest sum of squared weights into a unit.", level="expert", gridable=True, wire="float", gt=0,
        infinite=True, note="Useful with Rectifier; 10 is a common choice. The default means no limit.",
    )  # fmt: skip

    # -- initial weights ----------------------------------------------------------------------------------------------

    initial_weight_distribution: Literal["UniformAdaptive", "Uniform", "Normal"] = param(
        "UniformAdaptive", "Distribution of the initial weights.", level="expert", gridable=True,
        note="UniformAdaptive follows the number of units on both sides (Glorot and Bengio 2010).",
    )  # fmt: skip
    initial_weight_scale: float = param(
        1.0, "Half-width of the distribution Uniform, standard deviation of Normal.", level="expert", gridable=True,
        ge=0, note="UniformAdaptive does not look at it.",
    )  # fmt: skip
    initial_weights: Sequence[Any] | None = param(
        None, "Frames with the initial weights of every layer.", level="expert", gridable=True, wire="Key<Frame>[]",
        note="One per hidden layer and one for the output layer; None in the list means random.",
    )  # fmt: skip
    initial_biases: Sequence[Any] | None = param(
        None, "Frames with the initial biases of every layer.", level="expert", gridable=True, wire="Key<Frame>[]",
        note="One per hidden layer and one for the output layer; None in the list means the usual start.",
    )  # fmt: skip

    # -- loss ---------------------------------------------------------------------------------------------------------

    loss: Loss = param(
        "Automatic", "Loss function.", gridable=True, note="Automatic follows the distribution. Classification takes "
        "CrossEntropy or Quadratic, regression the others; for regression `distribution` decides when it is not AUTO.",
    )  # fmt: skip
    distribution: Distribution = common.distribution()
    quantile_alpha: float = common.quantile_alpha()
    tweedie_power: float = common.tweedie_power()
    huber_alpha: float = common.huber_alpha()

    # -- scoring and stopping -----------------------------------------------------------------------------------------

    score_interval: float = param(5.0, "Shortest time between two scorings, in seconds.", gridable=True, ge=0)
    score_training_samples: int = param(
        10000, "Training rows to score on.", gridable=True, wire="long", ge=0, note="0 means all; otherwise a random "
        "sample.",
    )  # fmt: skip
    score_validation_samples: int = param(
        0, "Validation rows to score on.", gridable=True, wire="long", ge=0, note="0 means all; otherwise a random "
        "sample.",
    )  # fmt: skip
    score_duty_cycle: float = param(0.1, "Largest share of the time to spend on scoring.", gridable=True, ge=0, le=1)
    classification_stop: float = param(
        0.0, "Stop when the share of misclassified training rows is no larger than this.", level="expert",
        gridable=True, ge=-1, le=1, note="-1 turns it off.",
    )  # fmt: skip
    regression_stop: float = param(
        1e-6, "Stop when the mean squared error on the training rows is no larger than this.", level="expert",
        gridable=True, ge=-1, note="-1 turns it off.",
    )  # fmt: skip
    stopping_rounds: int = common.stopping_rounds(5)
    stopping_metric: StoppingMetric = common.stopping_metric()
    stopping_tolerance: float = common.stopping_tolerance(0.0)
    max_runtime_secs: float = common.max_runtime_secs()
    score_validation_sampling: Literal["Uniform", "Stratified"] = param(
        "Uniform",
        "How the scored validation rows are drawn.",
        level="expert",
        gridable=True,
        note="Stratified, for classification: every class keeps its share of the rows, and none is left out. Needs "
        "`score_validation_samples`.",
    )
    diagnostics: bool = param(
        True, "Deprecated: statistics of the hidden layers are always in the report.", level="expert",
        note="False gives a warning.",
    )  # fmt: skip

    # -- running ------------------------------------------------------------------------------------------------------

    fast_mode: bool = param(
        True, "Skip updates that would hardly change anything during back-propagation.", level="expert", gridable=True
    )
    force_load_balance: bool = param(
        True, "Use all threads for small data too.", level="expert", gridable=True, note="If off, one thread trains."
    )
    variable_importances: bool = param(
        True, "Work out which inputs matter (Gedeon's method).", level="critical", gridable=True,
        note="Gedeon 1997. Takes a while for large networks.",
    )  # fmt: skip
    replicate_training_data: bool = param(True, "Give every node all the data.", gridable=True, note=_ONE_NODE)
    single_node_mode: bool = param(False, "Train on one node of many.", level="expert", gridable=True, note=_ONE_NODE)
    shuffle_training_data: bool = param(False, "Go through the rows in random order.", level="expert", gridable=True)
    missing_values_handling: Literal["MeanImputation", "Skip"] = param(
        "MeanImputation", "What to do with missing predictors: take the mean, or skip the row.", level="expert",
        gridable=True, note="Rows without response teach nothing in either case.",
    )  # fmt: skip
    quiet_mode: bool = param(False, "Print less.", level="expert", gridable=True)
    autoencoder: bool = param(
        False, "Learn to reproduce the inputs instead of predicting a response.", note="Takes no response. Not with "
        "`nfolds`.",
    )  # fmt: skip
    sparse: bool = param(
        False, "Treat the data as mostly zeros: inputs are scaled but not centred.", level="expert", gridable=True
    )
    col_major: bool = param(
        False, "Deprecated and refused.", level="expert", gridable=True, note="H2O has given up this memory layout; so "
        "it is here.",
    )  # fmt: skip
    average_activation: float = param(
        0.0, "Average activation of hidden units that a sparse autoencoder aims at.", level="expert", gridable=True,
        note="Used with `sparsity_beta`. Between -1 and 1 for Tanh and ExpRectifier, more than 0 for Rectifier.",
    )  # fmt: skip
    sparsity_beta: float = param(
        0.0, "Weight of the sparsity penalty of autoencoders.", level="expert", gridable=True, ge=0
    )
    max_categorical_features: int = param(
        2147483647, "Most inputs that one categorical column may become; levels are hashed beyond that.",
        level="expert", gridable=True, ge=1,
    )  # fmt: skip
    reproducible: bool = param(
        False, "Make equal seeds give equal models: one thread, in a fixed order.", level="expert", gridable=True,
        note="Slower. The bits are those of H2O-3 3.46 wherever H2O does what its documents say; see `compat`.",
    )  # fmt: skip
    export_weights_and_biases: bool = param(
        False, "Let `weights()` and `biases()` of the model return frames.", level="expert"
    )
    mini_batch_size: int = param(
        1, "Rows whose mean gradient makes one step of the weights.", level="expert", ge=0,
        note="0 lets heavywater choose from the number of rows and weights.",
    )  # fmt: skip
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()
    elastic_averaging: bool = param(
        False, "Pull the nodes' networks towards a common one instead of averaging them.", level="expert",
        gridable=True, note=f"Not with `sparse`. {_ONE_NODE} A warning says so.",
    )  # fmt: skip
    elastic_averaging_moving_rate: float = param(
        0.9, "How fast the common network moves.", level="expert", gridable=True,
        note=f"0 to 1, with `elastic_averaging`. {_ONE_NODE}",
    )  # fmt: skip
    elastic_averaging_regularization: float = param(
        1e-3, "How strongly networks are pulled to the common one.", level="expert", gridable=True,
        note=f"Not negative, with `elastic_averaging`. {_ONE_NODE}",
    )  # fmt: skip
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    auc_type: AucType = common.auc_type()
    custom_metric_func: Any = common.custom_metric_func()
    gainslift_bins: int = common.gainslift_bins()

    # -- not in H2O's list --------------------------------------------------------------------------------------------

    max_hit_ratio_k: int = param(
        10, "Most predictions per row that the hit ratios look at.", ge=0, ours=True, note="For more than two classes; "
        "0 leaves hit ratios out. In H2O's documents, no longer in its program.",
    )  # fmt: skip
    compat: Literal["booklet", "h2o-3.46"] = param(
        "booklet", "What to do where H2O-3 3.46 departs from its documents: as the documents say, or as the program "
        "does.", level="expert", ours=True, note="See the page \"Differences from H2O\".",
    )  # fmt: skip

    def check(self) -> Iterator[Message]:
        """Rules of Deep Learning that need no data (specification 1.3)."""
        yield from super().check()
        yield from rules(self)
