"""Threads that make batches in Python: they take turns on one core."""

from __future__ import annotations

import math

from ...artifacts.loading.gil import Gil
from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Fine, Fix, NotMeasured, Outcome, StepModel
from ...diagnosis.laws import changed, gain, law_error, step_seconds
from .. import Detector
from .._common import location


class GilThreads(Detector):
    """The training thread is blocked while other threads of its process run Python; only one can run at a time.

    Why it matters
        However many threads decode, together they use one core. Whenever the training thread wants to continue after
        an operation that released the GIL, it has to wait for its turn like all of them.
    How it is measured
        The sampler, which looks at the training thread while that is blocked, wakes late: another thread holds the
        GIL. Threads that wait for input or compute in native code do not make it late. The gain is the pipeline law
        with the CPU time of those threads per step, in processes on the cores that were idle, and on a share of those
        that other programs used.
    How to fix it
        Use processes (a DataLoader with workers, a ProcessPoolExecutor), or a native function that releases the GIL,
        as those of NumPy, Pillow and zlib do for large inputs.
    When to ignore it
        When the threads have to share large objects that change.
    """

    id = "gil-threads"
    title = "Decoding threads run one at a time (GIL)"
    stage = "data loading"
    explains = ("input-wait", "workers-zero", "cpu-bound-decode", "starved-gpu")
    held_share_threshold = 0.05  # of the steps: the dead band of all that is waited for
    late_share_threshold = 0.5  # of the looks at the blocked thread that came late (own)
    max_cores = 1.4  # of the process: with more, its threads do run beside each other
    min_idle_cores = 0.5  # else processes would have no core either
    min_gain_share = 0.05  # of the step

    def detect(self, steps: Steps, gil: Gil, machine: Machine, host: Host) -> Outcome:
        if gil.held_share < self.held_share_threshold:
            return Fine(
                gil.held_share, self.held_share_threshold, "share", "step time blocked by other threads' Python"
            )
        if gil.of_blocked_share < self.late_share_threshold:
            return Fine(gil.of_blocked_share, self.late_share_threshold, "share", "share of waits due to other threads")
        step = steps.total_seconds / steps.count
        used = (gil.main_cpu_seconds + gil.threads_cpu_seconds) / step
        if used > self.max_cores:
            return Fine(used, self.max_cores, "cores", "cores in use: the threads run in parallel")
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        idle, busy = host.obtainable_cores(start, end), host.mean("busy_cores", start, end)
        if idle is None or busy is None:
            return NotMeasured("Idle cores were not sampled during the run.")
        if idle < self.min_idle_cores:
            return Fine(idle, self.min_idle_cores, "cores", "cores that processes would get: too few")
        cores = min(machine.cores, idle + busy)
        workers = max(1, min(gil.threads, math.ceil(cores)))
        model = StepModel(
            gil.main_cpu_seconds,
            gil.threads_cpu_seconds,
            gil.threads_cpu_seconds,
            gil.main_cpu_seconds,
            cores,
            steps=steps.count,
        )
        changes = Changes(model, workers=workers)
        after = changed(model, changes)
        # No more can go than the time that it is blocked.
        new_step = max(step_seconds(after), step * (1.0 - gil.held_share))
        saved = (step - new_step) * steps.count
        if saved < self.min_gain_share * steps.total_seconds:
            return Fine(
                saved / steps.total_seconds, self.min_gain_share, "share", "step time that processes would save"
            )
        error = law_error(after) * new_step * steps.count
        place = gil.place
        return self.finding(
            location=location(place),
            evidence=(
                Evidence("mean step time", step, "s"),
                Evidence("step time blocked while other threads run Python", gil.held_share, "share"),
                Evidence("share of all waits due to other threads", gil.of_blocked_share, "share"),
                Evidence("threads competing for the GIL", gil.threads, "count"),
                Evidence("CPU time of competing threads per step", gil.threads_cpu_seconds, "s"),
                Evidence("share of competing CPU time in this function", gil.place_share, "share"),
                Evidence("cores in use by the process", round(used, 1), "cores"),
                Evidence("cores that processes would get", round(idle, 1), "cores"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"T' = max(C, L/n, CPU/cores) = {new_step * 1e3:.1f} ms with n = {workers} processes, "
                f"C = {gil.main_cpu_seconds * 1e3:.1f} ms and L = {gil.threads_cpu_seconds * 1e3:.1f} ms of CPU",
                low_seconds=saved - error,
                high_seconds=saved + error,
                step_share=saved / steps.total_seconds,
            ),
            fix=Fix(
                f"Decode in {workers} process{'es' if workers > 1 else ''} instead of threads",
                f"pool = concurrent.futures.ProcessPoolExecutor({workers})  # instead of threads\n"
                f"# or: DataLoader(dataset, num_workers={workers}, persistent_workers=True)",
                effort=2,
                risk=0.1,
            ),
            after="the training work becomes the bottleneck"
            if new_step <= 1.1 * gil.main_cpu_seconds
            else "decoding remains the bottleneck, on all cores",
            removes={"data_wait": saved, "other": saved},
            changes=changes,
        )
