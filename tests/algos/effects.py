"""Parameter of Deep Learning → the test that fails when its effect is removed.

The reference pages list the tests from here, and `test_every_parameter_has_a_test` compares this list with the
declarations.
"""

from __future__ import annotations

_NETWORK = "test_parameter_effects_network.py"
_DATA = "test_parameter_effects_data.py"
_SCORING = "test_parameter_effects_scoring.py"
_ROWS = "test_weights_offsets_balance.py"

_BY_FILE: dict[str, dict[str, str]] = {
    _NETWORK: {
        "activation": "test_activation", "hidden": "test_hidden", "epochs": "test_epochs",
        "train_samples_per_iteration": "test_train_samples_per_iteration", "seed": "test_seed",
        "reproducible": "test_reproducible", "adaptive_rate": "test_adaptive_rate", "rho": "test_adadelta_numbers",
        "epsilon": "test_adadelta_epsilon_sets_the_first_step", "rate": "test_rate",
        "rate_annealing": "test_rate_annealing",
        "rate_decay": "test_rate_decay", "momentum_start": "test_momentum_start_ramp_and_stable",
        "momentum_ramp": "test_momentum_start_ramp_and_stable",
        "momentum_stable": "test_momentum_start_ramp_and_stable",
        "nesterov_accelerated_gradient": "test_nesterov_accelerated_gradient",
        "input_dropout_ratio": "test_input_dropout_ratio", "hidden_dropout_ratios": "test_hidden_dropout_ratios",
        "l1": "test_l1_and_l2", "l2": "test_l1_and_l2", "max_w2": "test_max_w2",
        "initial_weight_distribution": "test_initial_weight_distribution_and_scale",
        "initial_weight_scale": "test_initial_weight_distribution_and_scale",
        "initial_weights": "test_initial_weights_and_biases", "initial_biases": "test_initial_weights_and_biases",
        "loss": "test_loss", "distribution": "test_distribution", "quantile_alpha": "test_quantile_alpha",
        "tweedie_power": "test_tweedie_power", "huber_alpha": "test_huber_alpha", "fast_mode": "test_fast_mode",
        "autoencoder": "test_autoencoder", "sparsity_beta": "test_sparsity_beta_and_average_activation",
        "average_activation": "test_sparsity_beta_and_average_activation",
        "pretrained_autoencoder": "test_pretrained_autoencoder",
        "export_weights_and_biases": "test_export_weights_and_biases", "compat": "test_compat",
    },
    _DATA: {
        "model_id": "test_frames_response_and_name_as_parameters",
        "training_frame": "test_frames_response_and_name_as_parameters",
        "validation_frame": "test_frames_response_and_name_as_parameters",
        "response_column": "test_frames_response_and_name_as_parameters",
        "ignored_columns": "test_frames_response_and_name_as_parameters", "ignore_const_cols": "test_ignore_const_cols",
        "standardize": "test_standardize", "sparse": "test_sparse",
        "use_all_factor_levels": "test_use_all_factor_levels",
        "missing_values_handling": "test_missing_values_handling", "categorical_encoding": "test_categorical_encoding",
        "max_categorical_features": "test_max_categorical_features",
        "fold_column": "test_fold_column_and_assignment", "fold_assignment": "test_fold_column_and_assignment",
        "keep_cross_validation_fold_assignment": "test_fold_column_and_assignment",
        "nfolds": "test_nfolds_and_what_is_kept", "keep_cross_validation_models": "test_nfolds_and_what_is_kept",
        "keep_cross_validation_predictions": "test_nfolds_and_what_is_kept",
        "shuffle_training_data": "test_shuffle_training_data", "force_load_balance": "test_force_load_balance",
        "checkpoint": "test_checkpoint",
    },
    _SCORING: {
        "score_interval": "test_score_interval_and_duty_cycle",
        "score_duty_cycle": "test_score_interval_and_duty_cycle",
        "score_each_iteration": "test_score_each_iteration", "score_training_samples": "test_score_training_samples",
        "score_validation_samples": "test_score_validation_samples",
        "score_validation_sampling": "test_score_validation_sampling",
        "classification_stop": "test_classification_stop",
        "regression_stop": "test_regression_stop", "stopping_rounds": "test_stopping_rounds_and_tolerance",
        "stopping_tolerance": "test_stopping_rounds_and_tolerance", "stopping_metric": "test_stopping_metric",
        "overwrite_with_best_model": "test_overwrite_with_best_model", "max_runtime_secs": "test_max_runtime_secs",
        "variable_importances": "test_variable_importances", "gainslift_bins": "test_gainslift_bins",
        "auc_type": "test_auc_type", "max_hit_ratio_k": "test_max_hit_ratio_k",
        "custom_metric_func": "test_custom_metric_func",
        "export_checkpoints_dir": "test_export_checkpoints_dir", "quiet_mode": "test_quiet_mode",
        "diagnostics": "test_deprecated_and_refused", "col_major": "test_deprecated_and_refused",
        "max_confusion_matrix_size": "test_deprecated_and_refused",
        "target_ratio_comm_to_comp": "test_parameters_of_several_nodes_change_nothing_on_one",
        "replicate_training_data": "test_parameters_of_several_nodes_change_nothing_on_one",
        "single_node_mode": "test_parameters_of_several_nodes_change_nothing_on_one",
        "elastic_averaging": "test_elastic_averaging", "elastic_averaging_moving_rate": "test_elastic_averaging",
        "elastic_averaging_regularization": "test_elastic_averaging", "mini_batch_size": "test_mini_batch_size",
    },
    _ROWS: {
        "weights_column": "test_a_row_of_weight_two_is_the_row_twice",
        "offset_column": "test_offsets_count_as_they_are",
        "balance_classes": "test_balanced_classes_and_corrected_probabilities",
        "class_sampling_factors": "test_class_sampling_factors",
        "max_after_balance_size": "test_max_after_balance_size",
    },
}  # fmt: skip

EFFECTS = {name: f"{file}::{test}" for file, tests in _BY_FILE.items() for name, test in tests.items()}
"""Parameter → ``file::test``, in this folder."""

WITHOUT_EFFECT = {
    "max_confusion_matrix_size": "deprecated, no effect",
    "diagnostics": "deprecated, a warning",
    "col_major": "deprecated, refused",
    "target_ratio_comm_to_comp": "no effect on one node",
    "replicate_training_data": "no effect on one node",
    "single_node_mode": "no effect on one node",
    "elastic_averaging": "no effect on one node, a warning",
    "elastic_averaging_moving_rate": "no effect on one node",
    "elastic_averaging_regularization": "no effect on one node",
}
"""Parameters that change no result, and why; their tests assert just that."""
