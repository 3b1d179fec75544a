"""Record kinds, units and the binary layout shared by the recorded program and the supervisor.

This file is a leaf and is loaded inside the user's process: builtins only, syntax of Python 3.9.

A *ring* is one file per recording thread, ``<pid>-<thread number>.ring``:

======================  ===============================================================
bytes                   content
======================  ===============================================================
0 .. 64                 header, ``HEADER``
64 .. ``HIST_AT``       totals: (count, inclusive nanoseconds) per (phase, enclosing phase), u64;
                        (NONE, NONE): how often the sampler ran, and its CPU nanoseconds;
                        (NONE, IMPORT): steps that were not recorded in full, and their nanoseconds
``HIST_AT`` .. DATA_AT  per phase 64 buckets of u64; bucket b counts durations with b bits (ns)
``DATA_AT`` ..          capacity records of ``RECORD``, written round and round
======================  ===============================================================

Record: ``t0`` and ``t1`` are ``time.monotonic_ns``; ``kind`` a phase (< 64) or an event (>= 64);
``flags`` and ``arg`` as the table of kinds says; ``thread`` the number in the ring's file name.
"""

LAYOUT_VERSION = 1
MAGIC = b"BTLNECK\x01"
RECORD = "<QQIHHQ"
RECORD_BYTES = 32
# magic, layout version, pid, written (records ever), capacity, thread number,
# monotonic ns and wall ns read together when the ring was made
HEADER = "<8sIIQIIQQ"
WRITTEN_AT = 16
PHASE_COUNT = 24
TOTALS_AT = 64
HIST_AT = TOTALS_AT + PHASE_COUNT * PHASE_COUNT * 16
DATA_AT = 24576
MAIN_CAPACITY = 16384
THREAD_CAPACITY = 1024

# Phases: exclusive, an instant belongs to the innermost open one. flags: low byte = enclosing phase.
NONE = 0
IMPORT = 1
LOADER_START = 2  # arg: loader id
DATA_WAIT = 3  # arg: loader id
H2D = 4
FORWARD = 5  # arg, while serving: size of the leading dimension of the first tensor, 0 unknown
BACKWARD = 6
OPTIMIZER = 7
EVAL = 8  # forward with gradients off; whole evaluation loops once the timeline has seen them
CHECKPOINT = 9  # arg: call-site id
SYNC = 10
READ = 11  # etl.read; arg: read id (the note "read" carries the rest)
TRANSFORM = 12  # etl.transform; arg: call-site id
WRITE = 13  # etl.write; arg: call-site id
HANDLER = 14  # serve.handler
IDLE = 15  # serve.idle
PHASES = (
    "other",
    "import",
    "loader_start",
    "data_wait",
    "h2d",
    "forward",
    "backward",
    "optimizer",
    "eval",
    "checkpoint",
    "sync",
    "etl.read",
    "etl.transform",
    "etl.write",
    "serve.handler",
    "serve.idle",
)

# Flags of a phase record above the low byte.
FIRST = 1 << 8  # first next() of a loader's iterator
END = 1 << 9  # this next() ended the loop (StopIteration)
RAISED = 1 << 10

# Events: no time of their own in the partition.
LOOP = 64  # one pass over a loader; arg: loader id; flags bit 0: a backward or optimizer step happened
SAMPLE = 65  # one __getitem__ (1 in 16); arg: thread CPU ns; flags: number of samples covered
BATCH = 66  # one batch made (first sample to end of collate); arg: thread CPU ns; flags: samples
COLLATE = 67  # arg: thread CPU ns
SAMPLE_READ = 68  # part of a sampled item; t1 - t0 is wall, arg: thread CPU ns
SAMPLE_DECODE = 69
SAMPLE_TRANSFORM = 70
# The look-out for blocked time woke late: another thread held the GIL. t1 - t0 as of the STACK_BLOCKED beside it; arg:
# stack id of a thread that wants the GIL; flags: open phase of the main thread | number of such threads << 8.
GIL_HELD = 71
# t1 - t0 is the thread CPU time since the last sample; arg: stack id; flags: open phase | delay of the sample in ms of
# CPU time << 8, at most 255: the thread was in one native call, and the interpreter looked for no signals.
STACK_CPU = 72
# t1 - t0 is the time blocked; arg: stack id; flags: open phase | tasks of the event loop that waited at that time << 8
# (the stack is that of one of them; 0 when it is the thread's own).
STACK_BLOCKED = 73
STAGE = 74  # user's stage; arg: string id
STEP = 75  # user's step; arg: string id of its name
MARK = 76  # user's mark, t0 == t1; arg: string id
PICKLED = 77  # one batch made ready for a worker's queue (1 in 16); arg: bytes for the pipe; flags: CPU in 0.1 ms
SAMPLE_KEY = 78  # what a timed item gave; arg: its index << 32 | checksum of the output; flags: KiB of that, rounded up
# Served request; flags: requests in flight at arrival; arg: string id of "METHOD route status" | 1 + milliseconds that
# it waited for the server (0 unknown) << 32 | 1 + bytes of the answer (0 unknown) << 48, as its highest 11 bits and,
# above them, the number of those left out.
REQUEST = 80
LAG = 81  # event loop late: due at t0, ran at t1; arg: stack id of the frame that blocked, 0 unknown
MODEL_CALL = 82  # outermost forward while serving; arg: batch size; flags: requests in flight
POOL = 83  # thread-pool sample; arg: borrowed << 32 | limit; flags: tasks waiting
# Another thread than the main one: t1 - t0 is its time on a CPU, or off, since the looking thread last handed out that
# thread's time; arg: stack id | index of the thread << 32 (0: one of those that are no longer told apart); flags: open
# phase, always 0 | looks that the record stands for << 8 (0 when another record of the same look counts it).
THREAD_CPU = 84
THREAD_BLOCKED = 85
# Written by the supervisor: what it saw a thread wait for, first at t0 and last at t1; arg: id of the note "wait" |
# native id of the thread << 32; flags: cores that the process used meanwhile, in hundredths.
WAIT = 86
# The looking thread found the main thread running, or waiting for a core, at t1, having waited for the GIL since t0;
# arg: stack id; flags: open phase | 1 << 8 if it ran on while we held the GIL, so in a native call that needs none.
MAIN_RUNS = 87
# A stretch of steps that were not recorded in full, from the end of the step before to the end of its last one; arg:
# loader id, 0 for a loop without one | number of steps << 32; flags: END if the loop was left.
SKIPPED = 88
# A border between phases on the host, at t0, and when the device had done all that was queued before (t1, on a clock
# that runs like ours, but may be ahead); flags: the phase that begins there, or that ends there | DEVICE_END; arg:
# number of the stretch, in which no border is missing | us after t0 when the device was last seen not to be there yet
# << WAITED_AT | us that it took to put the mark into the queue << TOOK_AT.
DEVICE_MARK = 89
DEVICE_END = 1 << 8
WAITED_AT, MOST_WAITED = 28, (1 << 24) - 1
TOOK_AT, MOST_TOOK = 52, (1 << 12) - 1
# Sample of a ThreadPoolExecutor, t0 == t1, while tasks wait in its queue and once after; arg: id of the note "executor"
# << 32 | its threads; flags: tasks waiting.
EXECUTOR = 90
# Tasks of an event loop that queue at one line for a lock, a semaphore or a connection of a pool, at a look (t0 == t1);
# arg: stack id of one of them | tasks that wait for something outside << 32; flags: tasks in the queue.
QUEUED = 91
# A request (t0, t1 as in its REQUEST) whose answer was 200 and took a while; arg: keyed hash of what was asked << 32 |
# that of the answer; flags: 1 if the request or the answer is one user's (a cookie, an authorization).
LIKENESS = 92
STACK_MASK = (1 << 32) - 1  # the part of such a record's argument that is the stack; the thread's index is above it
EVENTS = {
    LOOP: "loop", SAMPLE: "sample", BATCH: "batch", COLLATE: "collate", SAMPLE_READ: "sample.read",
    SAMPLE_DECODE: "sample.decode", SAMPLE_TRANSFORM: "sample.transform", SAMPLE_KEY: "sample.key", PICKLED: "pickled",
    GIL_HELD: "gil.held", STACK_CPU: "stack.cpu",
    STACK_BLOCKED: "stack.blocked", STAGE: "stage", STEP: "step", MARK: "mark", REQUEST: "request",
    LAG: "lag", MODEL_CALL: "model_call", POOL: "pool", THREAD_CPU: "thread.cpu", THREAD_BLOCKED: "thread.blocked",
    WAIT: "wait", MAIN_RUNS: "main.runs", SKIPPED: "skipped",
    DEVICE_MARK: "device.mark", EXECUTOR: "executor", QUEUED: "queued",
    LIKENESS: "likeness",
}  # fmt: skip

# Environment of the recorded program.
RUN_DIR_VARIABLE = "BOTTLENECK_RUN_DIR"  # the run folder; rings and side files go to its live/
# "key=value,...": stacks=auto|pyinstrument|off, window=STEPS, supervisor=PID, until=NS (of time.monotonic_ns: when the
# recording ends, though the program may go on; processes that start later record nothing), own=PATH:... (prefixes in
# site-packages whose files are the user's), model=1 (copy the served model)
OPTIONS_VARIABLE = "BOTTLENECK_OPTIONS"
INFERRED = -1  # in a note "batch", in the place of a loader: what a model was given without gradients
LIVE = "live"  # rings and side files, deleted once drained
# In live/ while the program runs, <magic number of .pyc files>.code: the modules that processes begin with, marshalled.
START_CODE_SUFFIX = ".code"

# Trace of the device window: <pid>.trace.json in live/, as torch.profiler writes it. CLOCK is an annotation in it whose
# time by our clock is in the note "device_window".
TRACE_SUFFIX = ".trace.json"
CLOCK = "bottleneck.clock"

# With --probe-model, a folder in live/: a copy of a model, some of its inputs, and what a process needs to load them
# (a dictionary, as repr() writes it). Deleted after the run.
MODEL = "model"
MODEL_FILE = "model.pt"
MODEL_INPUT = "input-%d.pt"
MODEL_ABOUT = "about.txt"

# Cells of a notebook: <pid>.cells in live/, one line per cell, repr((name, text)), "" for those that no place is in.
# Deleted as soon as the source has been asked: a recording holds no source.
CELLS_SUFFIX = ".cells"

# Side file <pid>.side: one line per fact, repr((kind, fields)) read with ast.literal_eval.
# hello {pid, ppid, time_ns, wall_ns, python, rank, world_size, program}   bye {time_ns}
# string {id, text}    site {id, file, line, function}    stack {id, frames [[function, file, line]...]}
# loader {id, site, iter_site, num_workers, batch_size, dataset, dataset_site, ...}
# thread {index, name, native_id}
# read {id, ...}   attached {collector}   failed {collector, where, error}   worker {loader, worker}
MAIN, WORKER, FORKED = "main", "worker", "forked"
