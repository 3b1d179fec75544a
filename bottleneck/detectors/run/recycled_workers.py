"""Worker processes of a server or a pool that end after a few requests or tasks, and start up again."""

from __future__ import annotations

from ...artifacts.run.crews import OTHER, POOL, SERVER, Crew, Crews
from ...artifacts.run.machine import Machine
from ...artifacts.serving.processes import ServerProcesses
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, Location, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.facts import LifeLine
from ...recording.model import Recording
from .. import Detector
from .._common import location

_GUNICORN = """\
# without {option}, or with a limit that hardly matters:
gunicorn app:app --workers {workers} --preload --max-requests 10000 --max-requests-jitter 1000
# --preload imports the application once, before workers are forked"""
_UVICORN = """\
# without {option}, the workers live as long as the server:
uvicorn.run("app:app", workers={workers})"""
_POOL = """\
# without {option}, the processes live as long as the pool:
multiprocessing.Pool({workers}, initializer=prepare)
concurrent.futures.ProcessPoolExecutor({workers}, initializer=prepare)"""


class RecycledWorkers(Detector):
    """Worker processes end after a few requests or tasks, and the new ones start up again.

    Why it matters
        Each new worker imports the libraries and loads the model again. Meanwhile its place is empty, and requests or
        tasks wait.
    How it is measured
        Processes of one parent that take the place of others that have ended: the time from the end of one until the
        next has done its start-up (imports, application factory, initializer), as far as requests waited meanwhile,
        divided by the number of places. It is a finding where a line or the command sets a limit
        (``--max-requests``, ``limit_max_requests``, ``maxtasksperchild``, ``max_tasks_per_child``) that the ended
        workers have reached, or where every worker of a server was replaced several times.
    How to fix it
        Remove the limit, or raise it to thousands. With gunicorn, ``--preload`` imports the application once, before
        workers are forked.
    When to ignore it
        When the limit is there because of a memory leak that nobody can fix: then raise it as far as memory allows.
    """

    id = "recycled-workers"
    title = "Server workers are replaced after a few requests, and start up again each time"
    of_a_pool = "Processes of a pool are replaced after a few tasks, and start up again each time"
    stage = "serving"
    judges_work = False
    #: What each start-up does, and the clients in the same program that wait for it.
    explains = ("file-loaded-again", "slow-imports", "repeated-read", "cold-start-serving", "serial-downloads")
    share_threshold = 0.05  # of the run, in which a place had no ready worker, divided by the places (own)
    min_rounds = 2.0  # replacements for each place, where no line sets a limit: one may be a reload by the user
    reached_share = 0.5  # of the limit: a worker that ended after fewer requests had another reason

    def detect(self, recording: Recording, crews: Crews, machine: Machine, served: ServerProcesses | None) -> Outcome:
        found = [crew for crew in crews.crews if crew.kind != OTHER and not crew.reloads]
        if not found:
            return NotApplicable("No worker processes of a server or a pool were recorded.")
        wall = max(recording.wall_seconds, 1e-9)
        crew = max(found, key=lambda crew: crew.lost_seconds)
        share = crew.lost_seconds / wall
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time in which replaced worker processes were missed")
        limit = self._limit(recording, crew)
        again = len(crew.replaced) >= self.min_rounds * crew.at_once
        if limit is None and (crew.kind == POOL or not again):
            return NotMeasured("Worker processes were replaced, but nothing tells why.")
        return self._finding(crew, limit, machine, served, wall)

    def _limit(self, recording: Recording, crew: Crew) -> LifeLine | None:
        """The limit that workers have reached; the lowest one where there are several."""
        lines = [line for _, line in recording.facts.of(LifeLine) if line.pool == (crew.kind == POOL)]
        reached = [line for line in lines if crew.tasks is None or crew.tasks >= self.reached_share * line.limit]
        return min(reached, key=lambda line: line.limit, default=None)

    def _finding(
        self, crew: Crew, limit: LifeLine | None, machine: Machine, served: ServerProcesses | None, wall: float
    ) -> Finding:
        server = crew.kind == SERVER
        what = "requests" if server else "tasks"
        at = None
        if limit is not None and limit.file:
            at = Location(limit.file, limit.line, limit.function)
        elif server and served is not None:
            at = location(served.started)
        of_limit = (Evidence(f"limit of {what} for each worker", limit.limit, "count"),) if limit is not None else ()
        answered = (Evidence("requests before a worker was replaced", crew.tasks, "count"),) if crew.tasks else ()
        return self.finding(
            title=self.title if server else self.of_a_pool,
            stage="serving" if server else "machine",
            location=at,
            evidence=(
                Evidence("worker processes started", len(crew.processes), "count"),
                Evidence("worker processes at once", crew.at_once, "count"),
                *of_limit,
                *answered,
                Evidence("start-up of a replaced worker", crew.start_seconds, "s"),
                Evidence("CPU time of the repeated start-ups", crew.start_cpu_seconds, "s"),
                Evidence("share of the run", crew.lost_seconds / wall, "share"),
            ),
            gain=_gain(crew, machine.cores, wall),
            detected_by=1.0 if limit is not None else 0.6,
            fix=_fix(crew, limit),
            after=f"the handling of the {what} becomes the bottleneck",
        )


def _fix(crew: Crew, limit: LifeLine | None) -> Fix:
    option = "the limit" if limit is None else limit.option
    summary = "Find what ends the workers, a limit or a crash" if limit is None else f"Remove {option}"
    snippet = _POOL
    if crew.kind == SERVER:
        snippet = _UVICORN if "limit" in option and limit is not None else _GUNICORN
    if snippet is _GUNICORN:
        summary += ", and import the application before workers are forked"
    risk = 0.1  # a leak that the limit hides
    return Fix(summary, snippet.format(option=option, workers=crew.at_once), effort=1, risk=risk)


def _gain(crew: Crew, cores: float, wall: float) -> Gain:
    """A place without a worker loses its part of the capacity; with more places than cores, only CPU time counts."""
    computed = crew.start_cpu_seconds / max(cores, 1.0)
    enough = crew.at_once <= cores
    expected = crew.lost_seconds if enough else min(crew.lost_seconds, computed)
    # At least the start-ups go, if not the pauses before them; nothing is sure where nobody was seen to wait.
    low = expected * crew.starting_share if crew.waits_known or crew.kind == POOL else 0.0
    counted = f"{len(crew.replaced)} times a worker was missed, {crew.lost_seconds:.1f} s for all {crew.at_once} places"
    method = counted if enough else f"{crew.start_cpu_seconds:.1f} s of CPU time on {cores:g} cores"
    return gain(
        expected,
        wall,
        method,
        low_seconds=low,
        high_seconds=max(crew.lost_seconds, expected),
        confidence=0.8 if crew.waits_known else 0.6,
    )
