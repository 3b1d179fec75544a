"""Workers whose operations start threads of their own, more in all than there are cores."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.run.cpu_contention import CpuContention
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import location


class Oversubscribed(Detector):
    """Worker processes, or ranks, each use several threads, and together they need far more cores than there are.

    Why it matters
        NumPy's matrix products, OpenCV and torch split each operation over as many threads as there are cores, in
        every process. The threads of one operation spin while they wait for each other, and those of other processes
        hold the cores: most CPU time is spent there.
    How it is measured
        CPU time and run-queue wait of all threads of the program, from the kernel: the mean number of runnable threads
        per core, and the CPU time of the worker processes against that of their main threads. The load of other
        programs is measured separately. What remains with one thread per worker is a first guess: at most what the
        main threads use now, and they spin too.
    How to fix it
        Use one thread per worker: ``OMP_NUM_THREADS=1`` (``OPENBLAS_NUM_THREADS``, ``MKL_NUM_THREADS``) before NumPy
        is imported, ``cv2.setNumThreads(0)``, or ``torch.set_num_threads(cores // ranks)``.
    When to ignore it
        When the workers compute one after another, so that each has all cores while it does.
    """

    id = "oversubscribed"
    title = "Dataloader workers start more threads than there are cores"
    stage = "data loading"
    explains = ("input-wait", "cpu-bound-decode", "too-few-workers", "shallow-prefetch", "starved-gpu")
    per_core_threshold = 1.5  # threads that want to run (own; the rule itself is in artifacts/run/cpu_contention.py)
    min_gain_share = 0.10  # of the step: it is a guess, and a small one is worth nobody's time
    real_share, least_real_share = 0.5, 0.1  # of the first threads' CPU, that is work and not a wait; see the docstring

    def detect(self, steps: Steps, contention: CpuContention, loader: Loader | None) -> Outcome:
        if not contention.oversubscribed:
            return self._fine(contention)
        ranks = len(steps.ranks) if len(steps.ranks) > 1 else 0
        processes = max(1, ranks or (loader.num_workers if loader is not None else 0))
        step = steps.total_seconds / steps.count

        def new_step(real: float) -> float:
            work = contention.first_cpu_seconds * real
            own = 0.0 if ranks else contention.main_cpu_seconds
            return min(step, max(own, work / processes, (work + own) / max(contention.cores, 1.0)))

        saved = (step - new_step(self.real_share)) * steps.count
        share = saved / steps.total_seconds
        if share < self.min_gain_share:
            return Fine(share, self.min_gain_share, "share", "step time that one thread per worker would save")
        return self.finding(
            location=location(loader.site if loader is not None else None),
            evidence=(
                Evidence("mean step time", step, "s"),
                Evidence("ranks" if ranks else "dataloader workers", processes, "count"),
                Evidence("runnable threads (run queue)", round(contention.runnable_threads, 1), "count"),
                Evidence("cores", contention.cores, "cores"),
                Evidence("run-queue wait relative to CPU time", contention.delay_share, "share"),
                Evidence("worker CPU outside their main threads", contention.extra_share, "share"),
                Evidence("cores in use by other programs", round(contention.others_cores, 1), "cores"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"a first estimate, to be measured: with one thread per worker, {self.real_share:.0%} of the CPU time "
                f"of their main threads is work, and a step takes {new_step(self.real_share) * 1e3:.1f} ms",
                low_seconds=0.5 * (step - new_step(1.0)) * steps.count,  # the other threads may do some of the work
                high_seconds=(step - new_step(self.least_real_share)) * steps.count,
                step_share=share,
                confidence=0.2,
            ),
            fix=Fix(
                "Limit each rank to its share of the cores" if ranks else "Limit each worker to one thread",
                f"torch.set_num_threads({max(1, int(contention.cores / ranks))})  # or OMP_NUM_THREADS"
                if ranks
                else "# before numpy, cv2 or torch is imported\n"
                "os.environ['OMP_NUM_THREADS'] = '1'\n"
                "# or, in each worker:\n"
                "# threadpoolctl.threadpool_limits(1); cv2.setNumThreads(0)",
                effort=1,
                risk=0.1,
            ),
            after="the training work becomes the bottleneck, or loading with one thread per worker",
            removes={"forward" if ranks else "data_wait": saved},
        )

    def _fine(self, contention: CpuContention) -> Fine:
        if contention.threads_per_core < self.per_core_threshold:
            return Fine(contention.threads_per_core, self.per_core_threshold, "", "runnable threads per core")
        if contention.neighbours:
            return Fine(
                contention.others_cores, None, "cores", "cores in use by other programs: the delay may be theirs"
            )
        return Fine(contention.extra_share, None, "share", "worker CPU outside their main threads")
