"""Parameters of Deep Water: those of its booklet, with its defaults, and today's additions at the end.

Source: booklet "Deep Learning with Deep Water" (June 2017), appendix of parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from heavywater.algos.deepwater.rules import rules
from heavywater.params import Message, common, param, parameters
from heavywater.params.common import AucType, CategoricalEncoding, CommonParams, Distribution, StoppingMetric

ProblemType = Literal["auto", "image", "dataset"]
NetworkName = Literal[
    "auto", "user", "lenet", "alexnet", "vgg", "googlenet", "inception_bn", "resnet", "mlp", "resnet18", "resnet50",
    "convnext_tiny",
]  # fmt: skip
Backend = Literal["mxnet", "caffe", "tensorflow", "pytorch"]

_ONE_NODE = "There is one node, so this changes nothing."
_MLP = "For the network of `hidden` layers; the other networks bring their own."
_IMAGES = "For images; a table of numbers ignores it."


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class DeepWaterParams(CommonParams):
    """Parameters of Deep Water; each is described in the reference pages."""

    one_at_a_time: ClassVar[bool] = True
    """PyTorch's threads, or a GPU, serve one model; the folds of a cross-validation come one after the other."""

    # -- class balance and result -------------------------------------------------------------------------------------

    balance_classes: bool = param(
        False, "Balance the classes by drawing rare ones more often and frequent ones less often.", gridable=True,
        note="For classification. The predicted probabilities are corrected for it.",
    )  # fmt: skip
    class_sampling_factors: Sequence[float] | None = param(
        None, "How often rows of each class are drawn, relative to their number.", level="expert", gridable=True,
        wire="float[]", ge=0, note="One number per class, in the order of the levels; needs `balance_classes`.",
    )  # fmt: skip
    max_after_balance_size: float = param(
        5.0, "Largest size of the balanced data, relative to the original.", level="expert", wire="float", gt=0,
        note="Needs `balance_classes`.",
    )  # fmt: skip
    distribution: Distribution = param(
        "AUTO", "Assumed distribution of the response.", gridable=True, note="The output layer decides the loss: "
        "cross-entropy for classes, squared error for numbers. So bernoulli and multinomial go with classes, gaussian "
        "with numbers, and every other one is refused.",
    )  # fmt: skip
    checkpoint: Any = param(
        None, "Model to continue.", wire="Key<Model>", note="A model, an estimator or a model's name. `epochs` then "
        "counts from the very beginning and must exceed what was trained already.",
    )  # fmt: skip
    overwrite_with_best_model: bool = param(
        True, "Return the best model met during training instead of the last one.", level="expert", gridable=True,
        note="Best by `stopping_metric`, on the validation frame if there is one. Off during cross-validation.",
    )  # fmt: skip

    # -- the problem --------------------------------------------------------------------------------------------------

    epochs: float = param(
        10.0, "Passes over the training data; may be a fraction.", level="critical", gridable=True, ge=0,
        note="0 builds the network, or loads it, and trains nothing.",
    )  # fmt: skip
    problem_type: ProblemType = param(
        "auto", "What a row is: an image, or the numbers and categories of a table.", gridable=True,
        note="auto: image when the first predictor names files that are images, else dataset.",
    )  # fmt: skip
    network: NetworkName = param(
        "auto", "The network.", level="critical", gridable=True, note="auto: `user` with a `network_definition_file`, "
        "inception_bn for images, otherwise the network of `hidden` layers.",
    )  # fmt: skip
    backend: Backend = param(
        "pytorch", "The library that computes.", gridable=True, spellings={"torch": "pytorch"}, note="tensorflow: "
        "Keras 3, where it is installed. mxnet and caffe run in PyTorch and say so; their networks are read.",
    )  # fmt: skip
    network_definition_file: str | None = param(
        None, "File that defines the network, for `network='user'`.", note="MXNet symbol (.json), ONNX, TensorFlow "
        "graph (.meta) or SavedModel (folder), Caffe prototxt, Keras (.keras, .h5). Files that can run code (pickles: .pt, "
        ".pth) are refused.",
    )  # fmt: skip
    network_parameters_file: str | None = param(
        None, "File with weights to start from.", note="MXNet .params, safetensors, HDF5, caffemodel, a TensorFlow "
        "checkpoint's prefix or SavedModel, Keras, or ONNX. Arrays that do not fit are named.",
    )  # fmt: skip
    mean_image_file: str | None = param(
        None, "File with the mean image, which is subtracted.", note="MXNet NDArray (.nd) or numpy (.npy), of exactly "
        "channels x height x width numbers.",
    )  # fmt: skip
    export_native_parameters_prefix: str | None = param(
        None, "After every scoring write `<prefix>.json` (graph) and `<prefix>.<iteration>.params` (weights).",
        level="expert", note="In MXNet's formats.",
    )  # fmt: skip
    image_shape: Sequence[int] = param(
        (0, 0), "Width and height to which images are brought.", gridable=True, ge=0, le=16384,
        note="[0, 0]: the network's own size. With `problem_type='dataset'`, width x height x channels columns are one "
        "image.",
    )  # fmt: skip
    channels: int = param(
        3, "Channels of an image: 3 for colour, 1 for gray.", gridable=True, ge=1, le=4096,
        note="1 or 3 for image files.",
    )  # fmt: skip
    activation: Literal["Rectifier", "Tanh"] | None = param(
        None, "Activation function of the hidden layers.", gridable=True, note=_MLP + " None: Rectifier."
    )
    hidden: Sequence[int] | None = param(
        None, "Units of each hidden layer, for example [200, 200].", gridable=True, ge=1, wire="int[]",
        note=_MLP + " None: [200, 200].",
    )  # fmt: skip
    input_dropout_ratio: float = param(
        0.0, "Share of the inputs left out at random for each training row.", gridable=True, ge=0, lt=1, note=_MLP
    )
    hidden_dropout_ratios: Sequence[float] | None = param(
        None, "Share of each hidden layer's units left out at random for each training row.", gridable=True, ge=0, lt=1,
        wire="double[]", note=_MLP + " One number per hidden layer. None: no dropout.",
    )  # fmt: skip
    autoencoder: bool = param(False, "Refused: use H2OAutoEncoderEstimator, Deep Learning's.", level="expert")
    sparse: bool = param(
        False, "Treat the columns as mostly zeros: they are scaled but not centred.", level="expert", gridable=True
    )
    standardize: bool = param(
        True, "Bring numeric columns (and a numeric response) to mean 0 and standard deviation 1.", gridable=True,
        note="Pixels have one mean and one deviation per channel instead of per column; see `pixel_scaling`.",
    )  # fmt: skip
    categorical_encoding: CategoricalEncoding = common.categorical_encoding()

    # -- optimisation -------------------------------------------------------------------------------------------------

    mini_batch_size: int = param(32, "Rows whose mean gradient makes one step.", gridable=True, ge=1, le=2**20)
    learning_rate: float = param(1e-3, "Learning rate.", level="critical", gridable=True, ge=0)
    learning_rate_annealing: float = param(
        1e-6, "How fast the rate falls: learning_rate / (1 + learning_rate_annealing * rows trained).", gridable=True,
        ge=0, note="Not with `schedule='cosine'`.",
    )  # fmt: skip
    momentum_start: float = param(0.9, "Momentum at the beginning.", gridable=True, ge=0, lt=1, note="For sgd.")
    momentum_ramp: float = param(
        1e4, "Rows over which momentum goes from its first to its last value.", gridable=True, ge=0, note="For sgd."
    )
    momentum_stable: float = param(0.9, "Momentum after the ramp.", gridable=True, ge=0, lt=1, note="For sgd.")
    clip_gradient: float = param(
        10.0, "Largest size of each element of the mean gradient.", gridable=True, gt=0, infinite=True
    )
    train_samples_per_iteration: int = param(
        -2, "Rows to train on between two looks at scoring and stopping rules.", wire="long", ge=-2,
        note="0 and -1: one pass over the data; -2: 32 mini-batches.",
    )  # fmt: skip
    target_ratio_comm_to_comp: float = param(
        0.05, "Share of the time to spend on communication between nodes.", level="expert", gt=0, note=_ONE_NODE
    )
    shuffle_training_data: bool = param(
        True, "Go through the rows in a new random order in every pass.", level="expert"
    )
    seed: int = param(
        -1, "Seed of all random draws.", level="expert", gridable=True, wire="long", note="-1: a different one each "
        "time; the model reports which. On CPU equal seeds give equal models.",
    )  # fmt: skip

    # -- scoring and stopping -----------------------------------------------------------------------------------------

    score_interval: float = param(5.0, "Shortest time between two scorings, in seconds.", ge=0)
    score_duty_cycle: float = param(0.1, "Largest share of the time to spend on scoring.", level="expert", ge=0, le=1)
    score_training_samples: int = param(10000, "Training rows to score on.", wire="long", ge=0, note="0: all of them.")
    score_validation_samples: int = param(0, "Validation rows to score on.", wire="long", ge=0, note="0: all of them.")
    classification_stop: float = param(
        0.0, "Stop when the share of misclassified training rows is no larger than this.", level="expert", ge=-1, le=1,
        note="-1 turns it off.",
    )  # fmt: skip
    regression_stop: float = param(
        0.0, "Stop when the mean squared error on the training rows is no larger than this.", level="expert", ge=-1,
        note="-1 turns it off.",
    )  # fmt: skip
    stopping_rounds: int = common.stopping_rounds(5)
    stopping_metric: StoppingMetric = common.stopping_metric()
    stopping_tolerance: float = common.stopping_tolerance(0.0)
    max_runtime_secs: float = common.max_runtime_secs()

    # -- running ------------------------------------------------------------------------------------------------------

    gpu: bool = param(True, "Compute on a GPU if there is one.", note="Without one the CPU is used, and that is said.")
    device_id: Sequence[int] = param(
        (0,), "GPUs to use.", ge=0, note="Several share every mini-batch, each in a process of its own "
        "(DistributedDataParallel). Without a GPU the list says how many processes share the CPU.",
    )  # fmt: skip
    cache_data: bool = param(
        True, "Keep decoded images in memory.", note="As bytes, up to half of the free memory; the rest is decoded anew "
        "in every pass.",
    )  # fmt: skip
    export_checkpoints_dir: str | None = common.export_checkpoints_dir()
    auc_type: AucType = common.auc_type()
    custom_metric_func: Any = common.custom_metric_func()
    gainslift_bins: int = common.gainslift_bins()
    max_hit_ratio_k: int = param(
        10, "Most predictions per row that the hit ratios look at.", ge=0, note="For more than two classes; 0 leaves "
        "hit ratios out.",
    )  # fmt: skip

    # -- not in H2O's list --------------------------------------------------------------------------------------------

    network_module: Any = param(
        None, "A network of your own in PyTorch, for `network='user'`: a module, or 'package.module:name' of a function "
        "that makes one.", ours=True, wire="string", note="The function gets classes, channels and (width, height). A "
        "saved model keeps the weights, not the code.",
    )  # fmt: skip
    optimizer: Literal["sgd", "adamw"] = param(
        "sgd", "How steps follow from gradients: momentum, or AdamW.", gridable=True, ours=True,
        note="Loshchilov and Hutter 2019.",
    )  # fmt: skip
    weight_decay: float | None = param(
        None, "Share of each weight that a step of learning rate 1 takes away.", gridable=True, ours=True, ge=0,
        note="None: 1e-6 for sgd, as in Deep Water; 0.01 for adamw.",
    )  # fmt: skip
    schedule: Literal["annealing", "cosine"] = param(
        "annealing", "How the learning rate falls: by `learning_rate_annealing`, or along a cosine to 0 at the last "
        "epoch.", gridable=True, ours=True,
    )  # fmt: skip
    autocast: bool = param(
        False, "Compute in bfloat16 where that is safe.", gridable=True, ours=True, note="Weights stay float32."
    )
    compile: bool = param(
        False, "Compile the network with torch.compile.", ours=True, note="Needs a C++ compiler; pays for long runs."
    )
    pixel_scaling: Literal["AUTO", "none", "unit", "channel"] = param(
        "AUTO", "What is done to pixels (0 to 255) before the network: nothing, division by 255, or mean 0 and standard "
        "deviation 1 per channel.", gridable=True, ours=True, note="AUTO: channel; but none with `mean_image_file`, with "
        "weights or a network from a file, and with `compat='deepwater'`, because those were made for bare pixels. For "
        "a table as image it follows `standardize`.",
    )  # fmt: skip
    augmentation: Sequence[str] | None = param(
        None, "Random changes of training images: any of flip, crop, rotate, brightness, erase.", gridable=True,
        ours=True, wire="string[]", note=_IMAGES + " Drawn anew in every pass.",
    )  # fmt: skip
    on_missing: Literal["raise", "skip", "zeros"] = param(
        "raise", "What to do with images that cannot be read: stop, leave the row out, or take a black image.",
        ours=True, note=_IMAGES + " They are counted and named in any case. In predictions skip gives missing values.",
    )  # fmt: skip
    image_root: str | None = param(
        None, "Folder that relative paths of images start from.", ours=True, note="None: the working folder, or the "
        "folder of a file that was imported.",
    )  # fmt: skip
    legacy_gray_gamma: bool = param(
        False, "Brighten 8-bit gray images as Java does, as Deep Water did.", ours=True, note=_IMAGES
    )
    compat: Literal["none", "deepwater"] = param(
        "none", "What to do where Deep Water departs from its papers and its booklet: the right thing, or as it did.",
        level="expert", ours=True, note="deepwater: its network tables, images enlarged without interpolation, bare "
        "pixels, momentum that stays at `momentum_start`.",
    )  # fmt: skip

    def check(self) -> Iterator[Message]:
        """Rules of Deep Water that need no data."""
        yield from super().check()
        yield from rules(self)
