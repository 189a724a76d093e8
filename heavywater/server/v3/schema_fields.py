"""Fields of H2O's schemas, as its clients ask for them: one paragraph per schema, headed by name, superclass and type.

A field is ``name:type``, then ``@schema`` when its values are objects, ``<`` for arguments and ``<>`` for arguments that are
answered too, and ``=value`` for a default that is not zero, false or null.
"""

from __future__ import annotations

SCHEMA_FIELDS = """
CloudV3 RequestSchemaV3 Iced
    skip_ticks:boolean< version:string branch_name:string last_commit_hash:string describe:string compiled_by:string
    compiled_on:string build_number:string build_age:string build_too_old:boolean node_idx:int cloud_name:string
    cloud_size:int cloud_uptime_millis:long cloud_internal_timezone:string datafile_parser_timezone:string
    cloud_healthy:boolean bad_nodes:int consensus:boolean locked:boolean is_client:boolean hadoop_version:string
    telemetry_enabled:boolean nodes:Iced[]@NodeV3 internal_security_enabled:boolean leader_idx:int=-1 web_ip:string
    _exclude_fields:string<=""
NodeV3 SchemaV3 Iced
    h2o:string ip_port:string healthy:boolean last_ping:long pid:int num_cpus:int cpus_allowed:int nthreads:int
    sys_load:float my_cpu_pct:int sys_cpu_pct:int mem_value_size:long pojo_mem:long free_mem:long max_mem:long
    swap_mem:long num_keys:int free_disk:long max_disk:long rpcs_active:int fjthrds:short[] fjqueue:short[]
    tcps_active:int open_fds:int gflops:double mem_bw:double
JobV3 SchemaV3 Job
    key:Key<Job>@JobKeyV3< description:string< status:string progress:float progress_msg:string start_time:long
    msec:long dest:Key<Keyed>@KeyV3<> warnings:string[] exception:string stacktrace:string auto_recoverable:boolean
    ready_for_view:boolean
FrameV3 FrameBaseV3 Frame
    row_offset:long< row_count:int<> column_offset:int<> column_count:int<> full_column_count:int<>
    total_column_count:int<> checksum:long rows:long num_columns:long default_percentiles:double[] columns:Vec[]@ColV3
    compatible_models:string[] chunk_summary:TwoDimTable@TwoDimTableV3 distribution_summary:TwoDimTable@TwoDimTableV3
    frame_id:Key<Frame>@FrameKeyV3<> byte_size:long is_text:boolean _exclude_fields:string<=""
ColV3 SchemaV3 Vec
    label:string missing_count:long zero_count:long positive_infinity_count:long negative_infinity_count:long
    mins:double[] maxs:double[] mean:double sigma:double type:string domain:string[] domain_cardinality:int
    data:double[] string_data:string[] precision:byte histogram_bins:long[] histogram_base:double
    histogram_stride:double percentiles:double[]
FramesV3 RequestSchemaV3 Frames
    frame_id:Key<Frame>@FrameKeyV3< column:string< row_offset:long<> row_count:int<>=-1 column_offset:int<>
    full_column_count:int<>=-1 column_count:int<>=-1 find_compatible_models:boolean< path:string< force:boolean<
    num_parts:int<=1 parallel:boolean< format:enum@UtilExportFileFormat< compression:string<
    write_checksum:boolean<=true tz_adjust_from_local:boolean< separator:byte<=44 header:boolean<=true
    quote_header:boolean<=true job:Job@JobV3 frames:Frame[]@FrameV3 compatible_models:Model[]@ModelSchemaV3
    domain:string[][] _exclude_fields:string<=""
ModelsV3 RequestSchemaV3 Models
    model_id:Key<Model>@ModelKeyV3< preview:boolean< find_compatible_frames:boolean< models:Model[]@ModelSchemaBaseV3
    compatible_frames:Frame[]@FrameV3 export_cross_validation_predictions:boolean< _exclude_fields:string<=""
DeepLearningModelV3 ModelSchemaV3 DeepLearningModel
    parameters:DeepLearningParameters@DeepLearningParametersV3
    output:DeepLearningModelOutput@DeepLearningModelOutputV3 compatible_frames:string[] checksum:long
    model_id:Key<Model>@ModelKeyV3<> algo:string algo_full_name:string response_column_name:string
    treatment_column_name:string data_frame:Key<Frame>@FrameKeyV3 timestamp:long have_pojo:boolean have_mojo:boolean
DeepLearningModelOutputV3 ModelOutputSchemaV3 DeepLearningModelOutput
    weights:Key<Frame>[]@FrameKeyV3< biases:Key<Frame>[]@FrameKeyV3< normmul:double[] normsub:double[]
    normrespmul:double[] normrespsub:double[] catoffsets:int[] variable_importances:TwoDimTable@TwoDimTableV3
    names:string[] original_names:string[] column_types:string[] domains:string[][]
    cross_validation_models:Key<Model>[]@ModelKeyV3 cross_validation_predictions:Key<Frame>[]@FrameKeyV3
    cross_validation_holdout_predictions_frame_id:Key<Frame>@FrameKeyV3
    cross_validation_fold_assignment_frame_id:Key<Frame>@FrameKeyV3 model_category:enum@ModelCategory
    model_summary:TwoDimTable@TwoDimTableV3 scoring_history:TwoDimTable@TwoDimTableV3
    cv_scoring_history:TwoDimTable[]@TwoDimTableV3 reproducibility_information_table:TwoDimTable[]@TwoDimTableV3
    training_metrics:ModelMetrics@ModelMetricsBaseV3 validation_metrics:ModelMetrics@ModelMetricsBaseV3
    cross_validation_metrics:ModelMetrics@ModelMetricsBaseV3
    cross_validation_metrics_summary:TwoDimTable@TwoDimTableV3 status:string start_time:long end_time:long
    run_time:long default_threshold:double help:Map<string,string>
ModelParameterSchemaV3 SchemaV3 Iced
    name:string label:string help:string required:boolean type:string default_value:Polymorphic
    actual_value:Polymorphic input_value:Polymorphic level:string values:string[] is_member_of_frames:string[]<
    is_mutually_exclusive_with:string[]< gridable:boolean
ModelMetricsBinomialV3 ModelMetricsBaseV3 ModelMetricsBinomial
    r2:double logloss:double loglikelihood:double AIC:double AUC:double pr_auc:double Gini:double
    mean_per_class_error:double domain:string[] cm:ConfusionMatrix@ConfusionMatrixV3
    thresholds_and_metric_scores:TwoDimTable@TwoDimTableV3 max_criteria_and_metric_scores:TwoDimTable@TwoDimTableV3
    gains_lift_table:TwoDimTable@TwoDimTableV3 model:Key<Model>@ModelKeyV3<> model_checksum:long<>
    frame:Key<Frame>@FrameKeyV3<> frame_checksum:long<> description:string model_category:enum@ModelCategory
    scoring_time:long predictions:Frame@FrameV3 MSE:double RMSE:double nobs:long< custom_metric_name:string
    custom_metric_value:double
ModelMetricsMultinomialV3 ModelMetricsBaseV3 ModelMetricsMultinomial
    r2:double hit_ratio_table:TwoDimTable@TwoDimTableV3 cm:ConfusionMatrix@ConfusionMatrixV3 logloss:double
    loglikelihood:double AIC:double mean_per_class_error:double AUC:double pr_auc:double
    multinomial_auc_table:TwoDimTable@TwoDimTableV3 multinomial_aucpr_table:TwoDimTable@TwoDimTableV3
    model:Key<Model>@ModelKeyV3<> model_checksum:long<> frame:Key<Frame>@FrameKeyV3<> frame_checksum:long<>
    description:string model_category:enum@ModelCategory scoring_time:long predictions:Frame@FrameV3 MSE:double
    RMSE:double nobs:long< custom_metric_name:string custom_metric_value:double
ModelMetricsRegressionV3 ModelMetricsBaseV3 ModelMetricsRegression
    r2:double mean_residual_deviance:double mae:double rmsle:double loglikelihood:double AIC:double
    model:Key<Model>@ModelKeyV3<> model_checksum:long<> frame:Key<Frame>@FrameKeyV3<> frame_checksum:long<>
    description:string model_category:enum@ModelCategory scoring_time:long predictions:Frame@FrameV3 MSE:double
    RMSE:double nobs:long< custom_metric_name:string custom_metric_value:double
ModelMetricsAutoEncoderV3 ModelMetricsBaseV3 ModelMetricsAutoEncoder
    model:Key<Model>@ModelKeyV3<> model_checksum:long<> frame:Key<Frame>@FrameKeyV3<> frame_checksum:long<>
    description:string model_category:enum@ModelCategory scoring_time:long predictions:Frame@FrameV3 MSE:double
    RMSE:double nobs:long< custom_metric_name:string custom_metric_value:double
ModelMetricsListSchemaV3 RequestSchemaV3 ModelMetricsList
    model:Key<Model>@ModelKeyV3< frame:Key<Frame>@FrameKeyV3< predictions_frame:Key<Frame>@FrameKeyV3<>
    deviances_frame:Key<Frame>@FrameKeyV3<> reconstruction_error:boolean< reconstruction_error_per_feature:boolean<
    deep_features_hidden_layer:int<=-1 deep_features_hidden_layer_name:string< reconstruct_train:boolean<
    project_archetypes:boolean< reverse_transform:boolean< leaf_node_assignment:boolean<
    leaf_node_assignment_type:enum@ModelLeafNodeAssignmentLeafNodeAssignmentType< predict_staged_proba:boolean<
    predict_contributions:boolean< row_to_tree_assignment:boolean<
    predict_contributions_output_format:enum@ModelContributionsContributionsOutputFormat< top_n:int< bottom_n:int<
    compare_abs:boolean< feature_frequencies:boolean< exemplar_index:int<=-1 deviances:boolean<
    custom_metric_func:string< auc_type:string< auuc_type:string< custom_auuc_thresholds:double[]<> auuc_nbins:int<
    background_frame:Key<Frame>@FrameKeyV3< output_space:boolean< output_per_reference:boolean<
    model_metrics:ModelMetrics[]@ModelMetricsBaseV3 _exclude_fields:string<=""
GridSchemaV99 SchemaV3 Grid
    grid_id:Key<Grid>@GridKeyV3< sort_by:string<> decreasing:boolean<> model_ids:Key<Model>[]@ModelKeyV3<
    hyper_names:string[] failed_params:Parameters[]@ModelParametersSchemaV3 warning_details:string[]
    failure_details:string[] failure_stack_traces:string[] failed_raw_params:string[][]
    training_metrics:ModelMetrics[]@ModelMetricsBaseV3 validation_metrics:ModelMetrics[]@ModelMetricsBaseV3
    cross_validation_metrics:ModelMetrics[]@ModelMetricsBaseV3
    cross_validation_metrics_summary:TwoDimTable[]@TwoDimTableV3 export_checkpoints_dir:string
    summary_table:TwoDimTable@TwoDimTableV3 scoring_history:TwoDimTable@TwoDimTableV3
TwoDimTableV3 SchemaV3 TwoDimTable
    name:string description:string columns:Iced[]@ColumnSpecsBase rowcount:int data:Polymorphic[][]
H2OErrorV3 SchemaV3 H2OError
    timestamp:long error_url:string msg:string dev_msg:string http_status:int values:Map<string,Object>
    exception_type:string exception_msg:string stacktrace:string[]
H2OModelBuilderErrorV3 H2OErrorV3 H2OModelBuilderError
    parameters:Parameters@ModelParametersSchemaV3 messages:ValidationMessage[]@ValidationMessageV3 error_count:int
    timestamp:long error_url:string msg:string dev_msg:string http_status:int values:Map<string,Object>
    exception_type:string exception_msg:string stacktrace:string[]
ValidationMessageV3 SchemaV3 ValidationMessage
    message_type:string field_name:string message:string
ParseSetupV3 RequestSchemaV3 ParseSetup
    source_frames:Key<Frame>[]@FrameKeyV3<> parse_type:enum@ApiParseTypeValuesProvider<>="GUESS" separator:byte<>
    single_quotes:boolean<> check_header:int<> column_names:string[]<> skipped_columns:int[]<> column_types:string[]<>
    na_strings:string[][]<> column_name_filter:string<> column_offset:int<> column_count:int<>
    destination_frame:string header_lines:long number_columns:int data:string[][] warnings:string[]
    chunk_size:int=4194304 total_filtered_column_count:int<> custom_non_data_line_markers:string<>
    decrypt_tool:Key<DecryptionTool>@DecryptionToolKeyV3< partition_by:string[]<> escapechar:byte<>
    force_col_types:boolean< tz_adjust_to_local:boolean< _exclude_fields:string<=""
ParseV3 RequestSchemaV3 Iced
    destination_frame:Key<Frame>@FrameKeyV3< source_frames:Key<Frame>[]@FrameKeyV3<
    parse_type:enum@ApiParseTypeValuesProvider< separator:byte< single_quotes:boolean< check_header:int<
    number_columns:int< column_names:string[]< column_types:string[]< skipped_columns:int[]<> force_col_types:boolean<
    domains:string[][]< na_strings:string[][]< chunk_size:int< delete_on_done:boolean< blocking:boolean<
    decrypt_tool:Key<DecryptionTool>@DecryptionToolKeyV3< custom_non_data_line_markers:string< partition_by:string[]<
    job:Job@JobV3 rows:long escapechar:byte<> tz_adjust_to_local:boolean< _exclude_fields:string<=""
RapidsFrameV3 RapidsSchemaV3 Iced
    key:Key<Frame>@FrameKeyV3 num_rows:long num_cols:int ast:string< session_id:string< id:string<
    _exclude_fields:string<=""
ModelSynopsisV3 ModelSchemaBaseV3 Model
    model_id:Key<Model>@ModelKeyV3<> algo:string algo_full_name:string response_column_name:string
    treatment_column_name:string data_frame:Key<Frame>@FrameKeyV3 timestamp:long have_pojo:boolean have_mojo:boolean
ModelMetricsMakerSchemaV3 SchemaV3 ModelMetricsMaker
    predictions_frame:string<> actuals_frame:string<> weights_frame:string<> treatment_frame:string<>
    domain:string[]<> distribution:enum@GenmodelutilsDistributionFamily<> auc_type:enum@MultinomialAucType<>
    auuc_type:enum@AUUCAUUCType<> auuc_nbins:int<> custom_auuc_thresholds:double[]<>
    model_metrics:ModelMetrics@ModelMetricsBaseV3
PartialDependenceV3 SchemaV3 PartialDependence
    model_id:Key<Model>@ModelKeyV3<> frame_id:Key<Frame>@FrameKeyV3<> row_index:long<> cols:string[]<>
    weight_column_index:int<> add_missing_na:boolean<> nbins:int<> user_splits:double[]<> user_cols:string[]<>
    num_user_splits:int[]<> partial_dependence_data:TwoDimTable[]@TwoDimTableV3 col_pairs_2dpdp:string[][]<>
    destination_key:Key<PartialDependence>@PartialDependenceKeyV3< targets:string[]<
InitIDV3 RequestSchemaV3 Iced
    session_key:string<> session_properties_allowed:boolean _exclude_fields:string<=""
AutoMLV99 SchemaV3 AutoML
    automl_id:Key<AutoML>@AutoMLKeyV3< verbosity:enum@LoggingLoggingLevel<> training_frame:Key<Frame>@FrameKeyV3
    validation_frame:Key<Frame>@FrameKeyV3 blending_frame:Key<Frame>@FrameKeyV3
    leaderboard_frame:Key<Frame>@FrameKeyV3 project_name:string<> leaderboard:Leaderboard@LeaderboardV99
    leaderboard_table:TwoDimTable@TwoDimTableV3 event_log:EventLog@EventLogV99
    event_log_table:TwoDimTable@TwoDimTableV3 sort_metric:string< modeling_steps:StepDefinition[]@StepDefinitionV99
LeaderboardV99 SchemaV3 Leaderboard
    project_name:string<>="<default>" models:Key<Model>[]@ModelKeyV3 leaderboard_frame:Key<Frame>@FrameKeyV3
    leaderboard_frame_checksum:long sort_metrics:double[] sort_metric:string<> sort_decreasing:boolean<>
    table:TwoDimTable@TwoDimTableV3
AutoMLBuildSpecV99 SchemaV3 AutoMLBuildSpec
    build_control:AutoMLBuildControl@AutoMLBuildControlV99< input_spec:AutoMLInput@AutoMLInputV99<
    build_models:AutoMLBuildModels@AutoMLBuildModelsV99< job:Job@JobV3
"""
