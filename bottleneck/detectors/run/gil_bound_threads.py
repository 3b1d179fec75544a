"""Threads that compute in Python take turns at one core."""

from __future__ import annotations

from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.run.threads import Threads
from ...artifacts.run.user_lines import UserLine, UserLines
from ...diagnosis.findings import Evidence, Fine, Fix, Location, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector


class GilBoundThreads(Detector):
    """Several threads run Python code at once, and the interpreter lets one of them run at a time.

    Why it matters
        A pool of threads for work in pure Python uses one core, whatever its size.
    How it is measured
        The CPU clock of each thread beside the main one, and its call stacks: threads that are in the user's code at
        the same moments, each with a part of the CPU time, and together no more than one core. Threads that mostly
        wait for a network or a disk use far less together, and native code that frees the lock uses more.
    How to fix it
        Use processes (ProcessPoolExecutor, multiprocessing.Pool), or calls that free the lock (numpy, polars, pyarrow).
    When to ignore it
        When the threads share data that is too large to send to processes, or Python is built without the lock.
    """

    id = "gil-bound-threads"
    title = "Threads that compute in Python share one core, because of the GIL"
    stage = "etl"
    explains = ("residual-python", "threads-run-python")
    general = True
    judges_work = False
    share_threshold = 0.15  # of the run, in which the threads compute
    min_thread_share = 0.15  # of the CPU time, for a thread to count
    max_cores = 1.15  # together, else the lock is not what limits them
    min_cores = 0.75  # together, else they wait for something else
    max_idle_cores = 0.3  # of a crowded machine: there they may wait for a core
    min_cpu_seconds = 0.5
    copies_cost = 0.6  # of the ideal saving, at least: what is sent between processes costs time

    def detect(
        self, recording: Recording, lines: UserLines, threads: Threads | None, machine: Machine, host: Host | None
    ) -> Outcome:
        if threads is None:
            if "stacks" not in recording.facts.attached or "threads" in recording.facts.failed:
                return NotMeasured("The threads beside the main one were not sampled.")
            return Fine(0, 2, "count", "threads that compute at once")
        total = sum(thread.cpu_seconds for thread in threads.threads)
        busy = [t for t in threads.threads if t.cpu_seconds >= self.min_thread_share * max(total, self.min_cpu_seconds)]
        line = _line_of(lines, threads.process)
        wall = max(recording.wall_seconds, 1e-9)
        if len(busy) < 2 or line is None or total < self.min_cpu_seconds:
            return Fine(len(busy), 2, "count", "threads that compute at once")
        at_once = max((thread.cpu_seconds + thread.blocked_seconds for thread in busy), default=0.0)
        cores = sum(thread.cpu_seconds for thread in busy) / max(at_once, 1e-9)
        share = sum(thread.cpu_seconds for thread in busy) / wall
        idle = None if host is None else host.mean("idle_cores", recording.started_ns, recording.ended_ns)
        if cores < self.min_cores and idle is not None and idle < self.max_idle_cores:
            return NotMeasured("Other programs used the cores, so what the threads waited for cannot be told.")
        if not self.min_cores <= cores <= self.max_cores:
            return Fine(cores, self.min_cores, "cores", "cores that the threads use together")
        if share < self.share_threshold or machine.cores < 2:
            return Fine(share, self.share_threshold, "share", "run time in which the threads compute")
        processes = min(len(busy), int(machine.cores))
        seconds = share * wall * (1.0 - 1.0 / processes)
        return self.finding(
            location=Location(line.file, line.line, line.function),
            evidence=(
                Evidence("threads that compute", len(busy), "count"),
                Evidence("cores used by these threads", cores, "cores"),
                Evidence("CPU time of these threads", share * wall, "s"),
                Evidence("share of the run", share, "share"),
            ),
            gain=gain(
                0.85 * seconds,
                wall,
                f"{share * wall:.1f} s on one core, on {processes} of {machine.cores:.0f} instead",
                low_seconds=self.copies_cost * seconds,
                high_seconds=seconds,
                confidence=0.6,
            ),
            fix=Fix(
                "Use processes for Python code (ProcessPoolExecutor, multiprocessing.Pool), or calls that free the GIL",
                "with ProcessPoolExecutor() as pool:\n    results = list(pool.map(work, items, chunksize=20))",
                effort=2,
                risk=0.1,
            ),
            after="the rest of the program becomes the bottleneck",
        )


def _line_of(lines: UserLines, process: int) -> UserLine | None:
    """The line of the user's that the threads beside the main one spend most time in."""
    found = [line for line in lines.lines if process in line.processes and line.beside and line.own_share >= 0.5]
    return max(found, key=lambda line: line.thread_seconds - line.blocked_seconds, default=None)
