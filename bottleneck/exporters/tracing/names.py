"""All span and attribute names in one table, which docs/telemetry.md repeats.

Names from the OpenTelemetry semantic conventions are copied as text (schema 1.44), because most are still in
development and their Python module changes. There are none for training, hence ``train.*`` and ``bottleneck.*``.
"""

from __future__ import annotations

# Spans. Low cardinality: numbers go into attributes.
RUN = "run"
RANK_SPAN = "train.rank"
ETL_STAGE = "etl.stage"
SPARK_STAGE = "spark.stage"
DASK_GRAPH = "dask.graph"
STAGE = "stage"
EPOCH = "train.epoch"
EPOCHS = "train.epochs"
STEP = "train.step"
STEPS = "train.steps"
PASS = "inference.pass"
PASSES = "inference.passes"
INFERENCE_STEP = "inference.step"
INFERENCE_STEPS = "inference.steps"
STARTUP = "startup"
MODEL_CALL = "model.call"
BLOCKED = "serve.blocked"
# Events of the run span.
FINDING = "bottleneck.finding"

# Resource: one per process.
SERVICE_NAME = "service.name"
SERVICE_INSTANCE = "service.instance.id"
HOST_NAME = "host.name"
PROCESS_PID = "process.pid"
PROCESS_RUNTIME = "process.runtime.version"
RUN_ID = "bottleneck.run.id"
RANK = "train.rank"

# Span attributes from the conventions.
COMMAND = "process.command"
EXIT_CODE = "process.exit.code"
MEMORY_USAGE = "process.memory.usage"
GPU_UTILIZATION = "hw.gpu.utilization"
HARDWARE_NAME = "hw.name"
CODE_FILE = "code.file.path"
CODE_LINE = "code.line.number"
CODE_FUNCTION = "code.function.name"
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"

# Our own.
VERDICT = "bottleneck.verdict"
HEADLINE = "bottleneck.headline"
OVERHEAD_SHARE = "bottleneck.overhead.share"
DROPPED_RECORDS = "bottleneck.dropped_records"
BREAKDOWN_SECONDS = "bottleneck.breakdown_seconds."  # + phase
LEFT_OUT = "bottleneck.left_out"
STAGE_NAME = "bottleneck.stage.name"
SPARK_STAGE_ID = "bottleneck.spark.stage.id"
SPARK_TASKS = "bottleneck.spark.tasks"
DASK_TASKS = "bottleneck.dask.tasks"
DASK_WORK = "bottleneck.dask.work_seconds"
EPOCH_NUMBER = "train.epoch.number"
EPOCH_COUNT = "train.epoch.count"
STEP_NUMBER = "train.step.number"
STEP_COUNT = "train.step.count"
STEP_REASON = "bottleneck.step.reason"
WARM_UP = "bottleneck.step.warm_up"
LAID_OUT = "bottleneck.laid_out"
SUMMARY = "bottleneck.summary."  # + phase + .sum_seconds, .p50_seconds, .p95_seconds, .p99_seconds
SUMMARY_PARTS = ("sum_seconds", "p50_seconds", "p95_seconds", "p99_seconds")
READ_FORMAT = "bottleneck.read.format"
REQUEST_COUNT = "bottleneck.requests.count"
REQUEST_P50 = "bottleneck.requests.p50_seconds"
REQUEST_P99 = "bottleneck.requests.p99_seconds"
IN_FLIGHT = "bottleneck.requests.in_flight"
WAITING = "bottleneck.requests.waiting"
BATCH_SIZE = "train.batch_size"
DETECTOR = "bottleneck.finding.detector"
TITLE = "bottleneck.finding.title"
SEVERITY = "bottleneck.finding.severity"
CONFIDENCE = "bottleneck.finding.confidence"
SCORE = "bottleneck.finding.score"
GAIN_BASIS = "bottleneck.finding.gain.basis"
GAIN_SHARE = "bottleneck.finding.gain.share"
GAIN_LOW = "bottleneck.finding.gain.low"
GAIN_HIGH = "bottleneck.finding.gain.high"
GAIN_SECONDS = "bottleneck.finding.gain.seconds"
FIX = "bottleneck.finding.fix"
EFFORT = "bottleneck.finding.effort"

#: name -> (where it stands, what it means); the documentation prints exactly this.
MEANING: dict[str, tuple[str, str]] = {
    SERVICE_NAME: ("resource", "`OTEL_SERVICE_NAME`, else the name of the run"),
    SERVICE_INSTANCE: ("resource", "run id and process id"),
    HOST_NAME: ("resource", "the machine"),
    PROCESS_PID: ("resource", "process id"),
    PROCESS_RUNTIME: ("resource", "Python version of the process"),
    RUN_ID: ("resource", "name of the run folder"),
    RANK: ("resource", "rank of the process, where there are ranks"),
    COMMAND: ("run", "the command, without its arguments unless `--record-args`"),
    EXIT_CODE: ("run", "exit code of the program"),
    MEMORY_USAGE: ("run", "largest resident memory of the program, bytes"),
    GPU_UTILIZATION: ("run", "mean utilization of the accelerators, 0 to 1; absent without one"),
    HARDWARE_NAME: ("run", "names of the accelerators; absent without one"),
    VERDICT: ("run", "findings, fine, unexplained, too short to judge, nothing to judge, nothing recorded"),
    HEADLINE: ("run", "the report's first sentence"),
    OVERHEAD_SHARE: ("run", "what recording cost, share of the wall time"),
    DROPPED_RECORDS: ("run", "records lost because a ring was full"),
    BREAKDOWN_SECONDS + "*": ("run", "wall seconds of one phase of the breakdown"),
    LEFT_OUT: ("run", "what the limit of spans left out, by kind and count"),
    REQUEST_COUNT: ("run", "requests served"),
    REQUEST_P50: ("run", "median time of a request inside the application, seconds"),
    REQUEST_P99: ("run", "99th percentile of the same, seconds"),
    STAGE_NAME: ("etl.stage, stage, spark.stage", "the user's function or mark; of Spark, what the stage does"),
    SPARK_STAGE_ID: ("spark.stage", "number of the stage in the application"),
    SPARK_TASKS: ("spark.stage", "tasks that ended in it"),
    DASK_TASKS: ("dask.graph", "tasks that ran for it"),
    DASK_WORK: ("dask.graph", "seconds of its tasks, summed over workers"),
    READ_FORMAT: ("etl.read", "format of what was read"),
    EPOCH_NUMBER: ("train.epoch, train.epochs", "number of the (first) pass over the data, from 0"),
    EPOCH_COUNT: ("train.epochs", "passes in this span, when there are too many for one span each"),
    STEP_NUMBER: ("train.step", "number of the step, from 0"),
    STEP_REASON: ("train.step", "why it is shown: all, first, worst, window, or a detector's id"),
    WARM_UP: ("train.step", "whether the step counts as warm-up"),
    LAID_OUT: ("train.step", "true: its phases have their measured length, and lie one after another"),
    STEP_COUNT: ("train.steps", "steps that the limit left out here"),
    SUMMARY + "*": ("train.steps", "per phase: sum and percentiles over these steps, seconds"),
    HTTP_METHOD: ("request", "method"),
    HTTP_ROUTE: ("request", "route"),
    HTTP_STATUS: ("request", "status"),
    IN_FLIGHT: ("request, model.call", "requests inside the application at the start"),
    WAITING: ("serve.blocked", "requests that could not go on meanwhile, the one that was running included"),
    BATCH_SIZE: ("model.call", "size of the batch that the model saw"),
    DETECTOR: ("bottleneck.finding", "id of the detector"),
    TITLE: ("bottleneck.finding", "the finding in one line"),
    SEVERITY: ("bottleneck.finding", "critical, warning, info"),
    CONFIDENCE: ("bottleneck.finding", "0 to 1"),
    SCORE: ("bottleneck.finding", "what the ranking sorts by"),
    GAIN_BASIS: ("bottleneck.finding", "what the shares are of: run, step, p99, capacity"),
    GAIN_SHARE: ("bottleneck.finding", "predicted saving, 0 to 1"),
    GAIN_LOW: ("bottleneck.finding", "its 10th percentile"),
    GAIN_HIGH: ("bottleneck.finding", "its 90th percentile"),
    GAIN_SECONDS: ("bottleneck.finding", "wall seconds of this run that the fix saves"),
    FIX: ("bottleneck.finding", "what to change"),
    EFFORT: ("bottleneck.finding", "1, 2, 4 or 8"),
    CODE_FILE: ("bottleneck.finding, etl.*, dask.graph, checkpoint, serve.blocked", "file of the line"),
    CODE_LINE: ("bottleneck.finding, etl.*, dask.graph, checkpoint, serve.blocked", "its line"),
    CODE_FUNCTION: ("bottleneck.finding, etl.*, dask.graph, checkpoint, serve.blocked", "its function"),
}
