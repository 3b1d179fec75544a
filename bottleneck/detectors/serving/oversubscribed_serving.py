"""Requests that are computed at once, each with several threads: more in all than there are cores."""

from __future__ import annotations

from ...artifacts.serving.operation_threads import OperationThreads
from ...artifacts.serving.processes import ServerProcesses
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Location, NotMeasured, Outcome
from .. import Detector
from .._common import location

_SNIPPET = """\
# in each worker, before the model is called (gunicorn: in post_fork)
torch.set_num_threads({threads})
# or for all libraries, in the environment of the server
export OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads}"""


class OversubscribedServing(Detector):
    """Server processes compute requests at once, with several threads each: more in all than there are cores.

    Why it matters
        torch, ONNX Runtime, OpenMP and BLAS split an operation over as many threads as the machine has cores, in every
        worker process, and do not see the limit of a container. The threads of one operation wait for each other, and
        those of other requests hold the cores: they spin, and each request takes longer than with one thread.
    How it is measured
        CPU time and run-queue wait of all threads of the program, from the kernel: the mean number of runnable threads
        per core, and the CPU time of the processes that answer outside of the threads that run Python. The load of
        other programs is measured separately. torch is asked how many threads an operation may use. How much of the CPU
        time is spent waiting is not measured: the gain is a first estimate.
    How to fix it
        Workers times threads for each operation should not exceed the cores: ``torch.set_num_threads`` in each worker,
        or ``OMP_NUM_THREADS``, ``MKL_NUM_THREADS`` and ``OPENBLAS_NUM_THREADS`` before the server starts; or fewer
        workers, of which each operation uses more cores.
    When to ignore it
        When one request comes at a time, and its latency matters more than how many can be served.
    """

    id = "oversubscribed-serving"
    title = "Requests are computed with more threads than there are cores"
    stage = "serving"
    judges_work = False  # that the threads do not crowd the cores says nothing of what they do
    per_core_threshold = 1.5  # threads that want to run (own)
    delay_threshold = 0.2  # run-queue wait relative to their CPU time (own)
    native_threshold = 0.2  # of the processes' CPU time, in threads without Python; below, operations have one thread
    max_others_share = 0.5  # of the cores used by other programs, above which they may cause the delay

    #: Of the processes' CPU time, that is work with one thread for each caller: expected, least and most.
    real_share, least_real_share, most_real_share = 0.3, 0.03, 0.9

    def detect(self, threads: OperationThreads, served: ServerProcesses) -> Outcome:
        fine = self._fine(threads)
        if fine is not None:
            return fine
        fitting, processes = threads.fitting, threads.processes
        known = () if threads.threads is None else (Evidence("threads per operation", threads.threads, "count"),)
        share = 1.0 - self.real_share
        place = location(threads.site) or location(served.started)
        busiest = served.busiest
        if place is None and busiest is not None:
            place = Location(busiest.file, busiest.line, busiest.function)
        each = "1 thread" if fitting == 1 else f"{fitting} threads"
        return self.finding(
            location=place,
            evidence=(
                Evidence("server processes", processes, "count"),
                *known,
                Evidence("operations at once", round(threads.callers, 1), "count"),
                Evidence("runnable threads (run queue)", round(threads.runnable_threads, 1), "count"),
                Evidence("cores", threads.cores, "cores"),
                Evidence("run-queue wait relative to CPU time", threads.delay_share, "share"),
                Evidence("CPU of the server outside of Python's threads", threads.native_share, "share"),
                Evidence("cores in use by other programs", round(threads.others_cores, 1), "cores"),
            ),
            gain=Gain(
                share,
                1.0 - self.most_real_share,
                1.0 - self.least_real_share,
                0.0,
                f"a first estimate, to be measured: with {each} for each operation, {self.real_share:.0%} of the CPU "
                f"time of a request is work ({self.least_real_share:.0%} to {self.most_real_share:.0%})",
                "capacity",
                confidence=0.2,
            ),
            fix=Fix(
                f"Give each operation {each}: {max(processes, round(threads.callers))} at once share "
                f"{threads.cores:g} cores",
                _SNIPPET.format(threads=fitting),
                effort=1,
                risk=0.1,  # the order of sums changes, and with it the last digits
            ),
            after="the computation itself becomes the bottleneck, on all cores",
        )

    def _fine(self, threads: OperationThreads) -> Outcome | None:
        """Why operations do not crowd the cores; None if they do."""
        if threads.threads is not None and threads.threads <= threads.fitting:
            return Fine(threads.threads, threads.fitting, "count", "threads per operation; threshold: each one's cores")
        if threads.threads_per_core < self.per_core_threshold:
            return Fine(threads.threads_per_core, self.per_core_threshold, "", "runnable threads per core")
        if threads.delay_share < self.delay_threshold:
            return Fine(threads.delay_share, self.delay_threshold, "share", "run-queue wait relative to CPU time")
        if threads.native_share < self.native_threshold:
            what = "CPU of the server outside of Python's threads"
            return Fine(threads.native_share, self.native_threshold, "share", what)
        if threads.others_cores > self.max_others_share * threads.cores:
            others = f"Other programs used {threads.others_cores:.1f} of {threads.cores:g} cores"
            return NotMeasured(f"{others}: the wait for cores may be theirs.")
        return None
