"""A long import of a module that the run did not use."""

from __future__ import annotations

from ...artifacts.run.breakdown import Breakdown
from ...artifacts.run.imports import Imports
from ...diagnosis.findings import Evidence, Fine, Fix, Location, Outcome
from ...diagnosis.laws import gain
from .. import Detector


class SlowImports(Detector):
    """A large part of a short run goes into importing a module at the top of the file, and the run did not use it.

    Why it matters
        Command-line tools, scheduled jobs and serverless functions pay for it at every start, whichever path they take.
    How it is measured
        Sampled stacks while modules are imported, by the line of the script that imports them, without packages that
        its other imports need too. The script's source says which of its paths use a module: only an import that no
        path uses in every case is judged, and only if no sampled stack is in a branch or function that uses it, or in
        the package. Only the file that is run is looked at, not the modules of yours that it imports.
    How to fix it
        Import the module inside the function that uses it. If nothing uses it, remove the import.
    When to ignore it
        When the path that uses the module is the usual one, or the import is there for what it does by itself, such as
        registering a plugin. A use of a few milliseconds can be missed by the samples.
    """

    id = "slow-imports"
    title = "A slow import is not used in this run"
    stage = "training"
    judges_work = False  # every program imports something
    share_threshold = 0.25  # of the run (own): long runs start once, and nobody waits for that
    min_seconds = 2.0  # of one import (own): less is not worth an import away from the top of the file
    surely_saved_share = 0.7  # of the import; the rest may be modules that the program imports elsewhere (a guess)

    def detect(self, imports: Imports, breakdown: Breakdown) -> Outcome:
        seconds, unneeded = imports.unneeded_seconds, imports.unneeded
        if seconds < self.min_seconds or unneeded is None:
            return Fine(seconds, self.min_seconds, "s", "import time of a module that the run did not use")
        share = seconds / max(breakdown.wall_seconds, 1e-9)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time importing a module that the run did not use")
        # Modules that were never loaded are not torn down at the end either.
        shutdown = breakdown.seconds.get("shutdown", 0.0)
        teardown = shutdown * min(1.0, seconds / max(imports.seconds, 1e-9))
        return self.finding(
            location=Location(imports.file, unneeded.line, "<module>"),
            evidence=(
                Evidence("import time of the unused module", seconds, "s"),
                Evidence("share of the run", share, "share"),
                Evidence("import time of all modules", imports.seconds, "s"),
            ),
            gain=gain(
                seconds + teardown,
                breakdown.wall_seconds,
                f"T' = T - {seconds:.1f} s for the import - {teardown:.1f} s for its part of the shutdown, as long as "
                "the path that needs it is not taken",
                low_seconds=self.surely_saved_share * seconds,
                high_seconds=seconds + shutdown,
                confidence=0.4,
            ),
            fix=self._fix(unneeded.statement, unneeded.package, bool(unneeded.lines)),
            after="the program's own work becomes the bottleneck",
            removes={"import": seconds, "shutdown": teardown},
        )

    @staticmethod
    def _fix(statement: str, package: str, is_used: bool) -> Fix:
        if not is_used:
            return Fix(
                f"Remove the import of {package}, which this file does not use",
                f"# {statement}",
                effort=2,
                risk=0.3,  # it may be there for what it does by itself
            )
        return Fix(
            f"Import {package} inside the function that uses it",
            f"def function_that_uses_it(...):\n    {statement}  # instead of at the top of the file\n    ...",
            effort=2,
            risk=0.05,  # a missing package is noticed later
        )
