"""Threads that compute in Python take turns at one core."""

from __future__ import annotations

from ... import signals
from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.run.threads import Threads
from ...artifacts.run.user_lines import UserLine, UserLines
from ...artifacts.serving.processes import ServerProcesses
from ...diagnosis.findings import Evidence, Fine, Fix, Location, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector


class GilBoundThreads(Detector):
    """Several threads have Python code to run, and the interpreter runs one of them at a time.

    Why it matters
        A thread pool that runs pure Python uses one core, whatever its size.
    How it is measured
        The CPU clock and the call stacks of every thread but the main one. The finding needs several threads that are
        in your code at the same time, each with a share of the CPU time, and that use about one core together (or
        together with the main thread). Threads that mostly wait for a network or a disk use much less, and native code
        that releases the GIL uses more. On Linux, the kernel also says whether a thread that waits does so for the GIL.
    How to fix it
        Use processes (ProcessPoolExecutor, multiprocessing.Pool), or calls that release the GIL (numpy, polars,
        pyarrow).
    When to ignore it
        When the threads share data that is too large to send to processes, or Python is built without the GIL.
    """

    id = "gil-bound-threads"
    title = "Threads that compute in Python share one core, because of the GIL"
    stage = "etl"
    explains = ("residual-python", "threads-run-python", "input-wait", "gil-threads")
    general = True
    judges_work = False
    share_threshold = 0.15  # CPU time of the threads, of the run
    min_thread_share = 0.15  # of the CPU time, for a thread to count
    max_cores = 1.15  # together; if they use more, the GIL is not the limit
    min_cores = 0.75  # together; if they use less, they wait for something else
    min_cores_beside_main, min_cores_with_main = 0.4, 0.9  # the same, if the main thread runs Python too
    max_idle_cores = 0.3  # on a machine with fewer, the threads may wait for a core
    min_cpu_seconds = 0.5
    waits_share = 0.5  # of the threads' waits, for the GIL: from there on, it is the limit whatever else runs
    max_other_waits = 0.1  # of the waits, for the GIL: below this, it is not the limit
    copies_cost = 0.6  # of the ideal saving, at least; sending data between processes takes time

    def detect(
        self,
        recording: Recording,
        lines: UserLines,
        threads: Threads | None,
        machine: Machine,
        host: Host | None,
        served: ServerProcesses | None = None,
    ) -> Outcome:
        if threads is None:
            if "stacks" not in recording.facts.attached or "threads" in recording.facts.failed:
                return NotMeasured("The threads beside the main one were not sampled.")
            return Fine(0, 2, "count", "threads that compute at once")
        if served is not None and threads.process in served.processes:
            # A server has as many threads as there are requests: what helps is another process.
            return Fine(
                served.cores, None, "cores", "cores of the server's processes, which single-process-serving judges"
            )
        total = sum(thread.cpu_seconds for thread in threads.threads)
        busy = [t for t in threads.threads if t.cpu_seconds >= self.min_thread_share * max(total, self.min_cpu_seconds)]
        line = _line_of(lines, threads.process)
        wall = max(recording.wall_seconds, 1e-9)
        if len(busy) < 2 or line is None or total < self.min_cpu_seconds:
            return Fine(len(busy), 2, "count", "threads that compute at once")
        at_once = max((thread.cpu_seconds + thread.blocked_seconds for thread in busy), default=0.0)
        spent = sum(thread.cpu_seconds for thread in busy)
        main = _main_cpu_seconds(recording, threads.process)
        cores, with_main = spent / max(at_once, 1e-9), (spent + main) / max(at_once, 1e-9)
        share = spent / wall
        idle = None if host is None else host.mean("idle_cores", recording.started_ns, recording.ended_ns)
        unseen = line.gil_share is None and len(recording.waits) > 0
        other = self._other_limit(line, cores, with_main, idle, unseen)
        if other is not None:
            return other
        if share < self.share_threshold or machine.cores < 2:
            return Fine(share, self.share_threshold, "share", "run time in which the threads compute")
        processes = min(len(busy), int(machine.cores))
        seconds = spent * (1.0 - 1.0 / processes)
        if cores < self.min_cores:
            seconds = spent + main - max(main, spent / processes, (spent + main) / machine.cores)
        return self.finding(
            location=Location(line.file, line.line, line.function),
            evidence=(
                Evidence("threads that compute", len(busy), "count"),
                Evidence("cores used by these threads", cores, "cores"),
                Evidence("CPU time of these threads", spent, "s"),
                Evidence("share of the run", share, "share"),
                *_gil_waits(line),
            ),
            gain=gain(
                0.85 * seconds,
                wall,
                f"{spent:.1f} s of CPU time on {processes} of {machine.cores:.0f} cores instead of one",
                low_seconds=self.copies_cost * seconds,
                high_seconds=seconds,
                confidence=0.6,
            ),
            fix=Fix(
                "Use processes for Python code (ProcessPoolExecutor, multiprocessing.Pool), or calls that release the "
                "GIL",
                "with ProcessPoolExecutor() as pool:\n    results = list(pool.map(work, items, chunksize=20))",
                effort=2,
                risk=0.1,
            ),
            after="the rest of the program becomes the bottleneck",
        )

    def _other_limit(
        self, line: UserLine, cores: float, with_main: float, idle: float | None, unseen: bool
    ) -> Outcome | None:
        """Why the GIL is not what limits the threads, or is not known to be; None if it is.

        ``unseen``: they were watched, and hardly ever seen in a wait: they may have queued for a core.
        """
        gil = line.gil_share
        if gil is not None and gil >= self.waits_share and with_main <= self.max_cores:
            return None
        if gil is not None and gil < self.max_other_waits:
            if line.waits_for is not None and line.waits_for.what == "lock":
                return NotMeasured("The threads waited for a lock other than the GIL.")
            return Fine(gil, self.max_other_waits, "share", "share of the threads' waits due to the GIL")
        if (cores < self.min_cores or unseen) and idle is not None and idle < self.max_idle_cores:
            return NotMeasured("Other programs used the cores, so it is unknown what the threads waited for.")
        in_turns = (
            self.min_cores_beside_main <= cores < self.min_cores
            and self.min_cores_with_main <= with_main <= self.max_cores
        )
        if in_turns or self.min_cores <= cores <= self.max_cores:
            return None
        return Fine(cores, self.min_cores, "cores", "cores that the threads use together")


def _gil_waits(line: UserLine) -> tuple[Evidence, ...]:
    gil = line.gil_share
    return () if gil is None else (Evidence("share of their waits due to the GIL", gil, "share"),)


def _main_cpu_seconds(recording: Recording, process: int) -> float:
    """CPU seconds of the main thread while threads beside it were seen."""
    beside = recording.threads[recording.threads["process"] == process]
    rows = recording.stacks[(recording.stacks["process"] == process) & (recording.stacks["kind"] == signals.STACK_CPU)]
    within = (rows["t1"] > beside["t0"].min()) & (rows["t0"] < beside["t1"].max())
    return float((rows["t1"] - rows["t0"])[within].sum()) / 1e9


def _line_of(lines: UserLines, process: int) -> UserLine | None:
    """The line of the user's that the threads beside the main one spend most time in."""
    found = [line for line in lines.lines if process in line.processes and line.beside and line.own_share >= 0.5]
    return max(found, key=lambda line: line.thread_seconds - line.blocked_seconds, default=None)
