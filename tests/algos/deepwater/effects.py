"""Parameter of Deep Water → the test that fails when its effect is removed; the reference page lists them."""

from __future__ import annotations

from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.params import infos

_BY_TEST = {
    "test_parameters.py::test_columns_and_names": (
        "model_id", "training_frame", "validation_frame", "response_column", "ignored_columns",
    ),
    "test_training.py::test_cross_validation": (
        "nfolds", "keep_cross_validation_models", "keep_cross_validation_predictions",
        "keep_cross_validation_fold_assignment", "fold_assignment", "fold_column",
    ),
    "test_parameters.py::test_constant_columns": ("ignore_const_cols",),
    "test_parameters.py::test_how_often_is_scored": ("score_each_iteration", "score_interval", "score_duty_cycle"),
    "test_training.py::test_weights_choose_rows": ("weights_column",),
    "test_parameters.py::test_what_is_refused": ("offset_column", "autoencoder"),
    "test_training.py::test_balanced_classes_and_corrected_probabilities": (
        "balance_classes", "class_sampling_factors", "max_after_balance_size",
    ),
    "test_parameters.py::test_distribution": ("distribution",),
    "test_training.py::test_a_model_is_continued_with_its_counters_history_and_momentum": ("checkpoint",),
    "test_training.py::test_early_stopping_and_the_best_model": (
        "overwrite_with_best_model", "stopping_rounds", "stopping_metric", "stopping_tolerance",
    ),
    "test_parameters.py::test_epochs_of_zero_build_the_network_alone": ("epochs",),
    "test_parameters.py::test_problem_type": ("problem_type",),
    "test_parameters.py::test_values_in_force": ("network",),
    "test_training.py::test_notices_of_gpu_and_backend": ("gpu",),
    "test_backends.py::test_both_learn_the_same_and_score_each_others_models": ("backend",),
    "test_networks.py::test_a_stored_network_is_read_and_goes_on_learning": (
        "network_definition_file", "network_parameters_file",
    ),
    "test_images.py::test_a_mean_image_is_subtracted_and_saved_with_the_model": ("mean_image_file",),
    "test_networks.py::test_native_files_are_written_and_read": ("export_native_parameters_prefix",),
    "test_parameters.py::test_image_shape_and_channels": ("image_shape", "channels"),
    "test_parameters.py::test_what_changes_the_weights": (
        "activation", "hidden", "input_dropout_ratio", "mini_batch_size", "learning_rate", "learning_rate_annealing",
        "momentum_start", "momentum_ramp", "momentum_stable", "clip_gradient", "shuffle_training_data", "seed",
        "optimizer", "weight_decay", "schedule", "compat",
    ),
    "test_training.py::test_dropout_changes_training_and_not_scoring": ("hidden_dropout_ratios",),
    "test_parameters.py::test_standardize_and_sparse": ("sparse", "standardize"),
    "test_parameters.py::test_categorical_encoding": ("categorical_encoding",),
    "test_training.py::test_iterations_of_three_epochs_of_267_rows": ("train_samples_per_iteration",),
    "test_parameters.py::test_what_changes_nothing": ("target_ratio_comm_to_comp",),
    "test_parameters.py::test_rows_that_are_scored": ("score_training_samples", "score_validation_samples"),
    "test_training.py::test_the_targets_of_stopping": ("classification_stop", "regression_stop"),
    "test_training.py::test_time_limit_and_cancelling": ("max_runtime_secs",),
    "test_processes.py::test_two_processes_learn_what_one_does": ("device_id",),
    "test_images.py::test_images_that_are_not_kept_give_the_same_model": ("cache_data",),
    "test_training.py::test_bfloat16_and_snapshots": ("export_checkpoints_dir", "autocast"),
    "test_parameters.py::test_options_of_metrics": ("auc_type", "gainslift_bins", "max_hit_ratio_k"),
    "test_training.py::test_metrics_of_ones_own": ("custom_metric_func",),
    "test_own_module.py::test_a_function_that_makes_a_module": ("network_module",),
    "test_parameters.py::test_compiled": ("compile",),
    "test_images.py::test_pixels_are_scaled_per_channel_unless_the_network_comes_from_a_file": ("pixel_scaling",),
    "test_images.py::test_augmentation_takes_part_in_training": ("augmentation",),
    "test_images.py::test_rows_without_image_are_skipped_or_black": ("on_missing",),
    "test_images.py::test_ambiguous_and_given_roots": ("image_root",),
    "test_parameters.py::test_legacy_gray_gamma": ("legacy_gray_gamma",),
}  # fmt: skip
_WHERE = {name: f"deepwater/{test}" for test, names in _BY_TEST.items() for name in names}

EFFECTS = {name: _WHERE[name] for name in infos(DeepWaterParams) if name in _WHERE}
"""Parameter → ``file::test``, in the folder above."""

WITHOUT_EFFECT = {
    "target_ratio_comm_to_comp": "no effect on one node",
    "offset_column": "refused",
    "autoencoder": "refused",
}
"""Parameters that change no result, and why; their tests assert just that."""
