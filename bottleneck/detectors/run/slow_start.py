"""A long set-up before the first step."""

from __future__ import annotations

from ...artifacts.run.start import Start
from ...artifacts.training.places import Place
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import location


class SlowStart(Detector):
    """The program computes for a long time before its first step, and would compute the same at the next start.

    Why it matters
        It is paid at every start: of each trial, each restart after a crash, each rank.
    How it is measured
        Sampled stacks before the first step: time in your code and in what it calls, or waiting for the file system.
        Imports, reading and transforming tables, creating and moving models, downloads and waits for other processes
        are not counted. A setup that writes its own file is assumed to cache its result already.
    How to fix it
        Cache the index, the token ids or whatever is computed in a file, and load that at the next start.
    When to ignore it
        When the program is started once, or the input is new at every start.
    """

    id = "slow-start"
    title = "The same setup is recomputed at every start"
    stage = "training"
    share_threshold = 0.05  # of the run (own)
    min_seconds = 5.0  # in one place: less is not worth a file that can grow stale
    short_run_seconds = 60.0  # such runs are trials and demonstrations: any set-up is a large part of them
    short_share_threshold = 0.25  # of a short run
    min_stored_bytes = 1 << 20  # written before the first step: more than messages, so a result is kept
    cached_share = 0.1  # of the time, to load what was kept (a guess)

    def detect(self, steps: Steps, start: Start) -> Outcome:
        seconds, place = start.place_seconds, start.place
        if seconds < self.min_seconds or place is None:
            return Fine(seconds, self.min_seconds, "s", "time computing in one place before the first step")
        share = seconds / max(steps.run_seconds, 1e-9)
        least = self.share_threshold if steps.run_seconds >= self.short_run_seconds else self.short_share_threshold
        if share < least:
            return Fine(share, least, "share", "run time computing in one place before the first step")
        if start.stored_bytes >= self.min_stored_bytes:
            return Fine(
                start.stored_bytes,
                self.min_stored_bytes,
                "B",
                "bytes written before the first step: the result is kept",
            )
        return self._finding(steps, start, place)

    def _finding(self, steps: Steps, start: Start, place: Place) -> Finding:
        seconds = start.place_seconds
        name = f"line {place.frame.line}" if place.function is None else place.function.removesuffix(".__init__")
        saved = seconds * (1 - self.cached_share)
        return self.finding(
            location=location(place.frame),
            evidence=(
                Evidence("time until the first step", start.seconds, "s"),
                Evidence("import time before the first step", start.import_seconds, "s"),
                Evidence("time computing at this line", seconds, "s"),
                Evidence("share of the run", seconds / max(steps.run_seconds, 1e-9), "share"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"{seconds:.1f} s once per run; loading the cached result is assumed to take "
                f"{self.cached_share:.0%} of that",
                low_seconds=0.7 * seconds,
                high_seconds=seconds,
                confidence=0.2,
            ),
            fix=_fix(place, name),
            after="the training loop itself becomes the bottleneck",
            removes={"setup": saved},
        )


def _fix(place: Place, name: str) -> Fix:
    return Fix(
        f"Cache the result of {name} in a file, and load it at the next start",
        "import pathlib, pickle\n"
        "def kept(path, make):  # a new path whenever the input changes\n"
        "    path = pathlib.Path(path)\n"
        "    if not path.exists():\n"
        "        path.write_bytes(pickle.dumps(make()))\n"
        "    return pickle.loads(path.read_bytes())\n"
        f"# in line {place.call.line}, instead of calling {name}:\n"
        '# result = kept("start.pkl", lambda: ...)',
        effort=2,
        risk=0.1,  # a file that is older than its input
    )
