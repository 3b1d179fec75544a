"""Workers whose operations start threads of their own, more in all than there are cores."""

from __future__ import annotations

from dataclasses import dataclass

from ...artifacts.loading.loader import Loader
from ...artifacts.run.cpu_contention import CpuContention
from ...artifacts.run.user_lines import UserLine, UserLines
from ...artifacts.serving.processes import ServerProcesses
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Location, NotApplicable, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location


@dataclass(frozen=True)
class _Crowd:
    """The processes that crowd the cores. ``each``: seconds of a step, of which there are ``count``; of all their work
    if there are no steps. ``own``: CPU seconds of the first process in that time, which it spends beside them."""

    name: str
    processes: int
    location: Location | None
    each: float
    count: int
    own: float
    run_seconds: float
    ranks: int = 0


class Oversubscribed(Detector):
    """Processes of a loader or a pool, or ranks, use several threads each: far more in all than there are cores.

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
        is imported, ``cv2.setNumThreads(0)``, ``POLARS_MAX_THREADS=1``, ``pyarrow.set_cpu_count(1)``, or
        ``torch.set_num_threads(cores // ranks)``.
    When to ignore it
        When the workers compute one after another, so that each has all cores while it does.
    """

    id = "oversubscribed"
    title = "Dataloader workers start more threads than there are cores"
    stage = "data loading"
    judges_work = False  # that the threads do not crowd the cores says nothing of what they do
    explains = ("input-wait", "cpu-bound-decode", "too-few-workers", "shallow-prefetch", "starved-gpu")
    per_core_threshold = 1.5  # threads that want to run (own; the rule itself is in artifacts/run/cpu_contention.py)
    min_gain_share = 0.10  # of the step: it is a guess, and a small one is worth nobody's time
    real_share, least_real_share = 0.5, 0.1  # of the first threads' CPU, that is work and not a wait; see the docstring

    def detect(
        self,
        steps: Steps | None,
        contention: CpuContention,
        loader: Loader | None,
        lines: UserLines | None,
        served: ServerProcesses | None,
        recording: Recording,
    ) -> Outcome:
        if steps is None and served is not None:
            return NotApplicable("Its processes answer requests, which oversubscribed-serving judges.")
        if not contention.oversubscribed:
            return self._fine(contention)
        if steps is not None:
            crowd = _of_steps(steps, contention, loader)
        else:
            busiest = _busiest_elsewhere(lines, recording)
            if busiest is not None and busiest.beside:
                # Threads of the program's own, such as those that answer requests: no library's setting limits them.
                return Fine(contention.extra_share, None, "share", "worker CPU in threads with the program's own code")
            crowd = _of_pool(contention, busiest, recording)

        def new_each(real: float) -> float:
            work = contention.first_cpu_seconds * real
            least = work / crowd.processes, (work + crowd.own) / max(contention.cores, 1.0)
            return min(crowd.each, max(crowd.own, *least))

        total = crowd.each * crowd.count
        saved = total - new_each(self.real_share) * crowd.count
        share = saved / total
        if share < self.min_gain_share:
            return Fine(share, self.min_gain_share, "share", "step time that one thread per worker would save")
        takes = f"{new_each(self.real_share) * 1e3:.1f} ms" if steps else f"{new_each(self.real_share):.1f} s"
        return self.finding(
            title=self.title if steps is not None else "Worker processes start more threads than there are cores",
            stage=None if steps is not None else "etl",
            location=crowd.location,
            evidence=(
                Evidence("mean step time" if steps is not None else "time in which they compute", crowd.each, "s"),
                Evidence(crowd.name, crowd.processes, "count"),
                Evidence("runnable threads (run queue)", round(contention.runnable_threads, 1), "count"),
                Evidence("cores", contention.cores, "cores"),
                Evidence("run-queue wait relative to CPU time", contention.delay_share, "share"),
                Evidence("worker CPU outside their main threads", contention.extra_share, "share"),
                Evidence("cores in use by other programs", round(contention.others_cores, 1), "cores"),
            ),
            gain=gain(
                saved,
                crowd.run_seconds,
                f"a first estimate, to be measured: with one thread per worker, {self.real_share:.0%} of the CPU time "
                f"of their main threads is work, and {'a step takes' if steps else 'they take'} {takes}",
                low_seconds=0.5 * (crowd.each - new_each(1.0)) * crowd.count,  # other threads may do some of the work
                high_seconds=(crowd.each - new_each(self.least_real_share)) * crowd.count,
                step_share=share if steps is not None else None,
                confidence=0.2,
            ),
            fix=_fix(contention, crowd),
            after="the training work becomes the bottleneck, or loading with one thread per worker"
            if steps is not None
            else "the work itself becomes the bottleneck, on all cores",
            removes={} if steps is None else {"forward" if crowd.ranks else "data_wait": saved},
        )

    def _fine(self, contention: CpuContention) -> Fine:
        if contention.threads_per_core < self.per_core_threshold:
            return Fine(contention.threads_per_core, self.per_core_threshold, "", "runnable threads per core")
        if contention.neighbours:
            return Fine(
                contention.others_cores, None, "cores", "cores in use by other programs: the delay may be theirs"
            )
        return Fine(contention.extra_share, None, "share", "worker CPU outside their main threads")


def _of_steps(steps: Steps, contention: CpuContention, loader: Loader | None) -> _Crowd:
    ranks = len(steps.ranks) if len(steps.ranks) > 1 else 0
    return _Crowd(
        "ranks" if ranks else "dataloader workers",
        max(1, ranks or (loader.num_workers if loader is not None else 0)),
        location(loader.site if loader is not None else None),
        steps.total_seconds / steps.count,
        steps.count,
        0.0 if ranks else contention.main_cpu_seconds,
        steps.run_seconds,
        ranks,
    )


def _busiest_elsewhere(lines: UserLines | None, recording: Recording) -> UserLine | None:
    """The line that holds most of the time of the processes that the first one started."""
    there = [line for line in lines.lines if not any(map(recording.is_root, line.processes))] if lines else []
    return max(there, key=lambda line: line.thread_seconds * line.own_share, default=None)


def _of_pool(contention: CpuContention, busiest: UserLine | None, recording: Recording) -> _Crowd:
    return _Crowd(
        "worker processes",
        max(1, sum(not recording.is_root(process.index) for process in recording.facts.processes)),
        None if busiest is None else Location(busiest.file, busiest.line, busiest.function),
        contention.seconds,
        1,
        contention.main_cpu_seconds,
        recording.wall_seconds,
    )


def _fix(contention: CpuContention, crowd: _Crowd) -> Fix:
    if crowd.ranks:
        threads = max(1, int(contention.cores / crowd.ranks))
        summary = "Limit each rank to its share of the cores"
        snippet = f"torch.set_num_threads({threads})  # or OMP_NUM_THREADS"
    else:
        summary = "Limit each worker to one thread"
        snippet = (
            "# before numpy, cv2 or torch is imported\n"
            "os.environ['OMP_NUM_THREADS'] = '1'\n"
            "# or, in each worker:\n"
            "# threadpoolctl.threadpool_limits(1); cv2.setNumThreads(0)"
        )
    return Fix(summary, snippet, effort=1, risk=0.1)
