"""What detectors of several topics share: places, changes of the user's code as data, and what then limits."""

from __future__ import annotations

from ..artifacts.loading.loader import Loader
from ..artifacts.loading.loading import Loading
from ..artifacts.run.stacks import Hot
from ..artifacts.run.user_lines import UserLine, UserLines
from ..artifacts.training.steps import Steps
from ..diagnosis.findings import Arguments, Cadence, Evidence, Location
from ..diagnosis.laws import changed, less_work, step_model
from ..recording.model import Frame, Site

#: How much rarer a fix may make anything: beyond it little is gained and the cadence loses its point.
MAX_TIMES_RARER = 20
_SHARDS = "# each worker iterates the whole IterableDataset: give it its part, by torch.utils.data.get_worker_info()"


def location(place: Site | Frame | Hot | None) -> Location | None:
    """A call site, a sampled frame or the hottest line, as the place of a finding."""
    return None if place is None else Location(place.file, place.line, place.function)


def cause_of_wait(line: UserLine) -> tuple[Evidence, ...]:
    """What a line that mostly waits was seen to wait for, if that is known."""
    return (Evidence("cause of the wait", str(line.waits_for)),) if line.waits_for and line.blocked_share > 0.5 else ()


def cause_of_wait_at(lines: UserLines | None, place: Site | Frame | None) -> tuple[Evidence, ...]:
    """The same for the line at a place."""
    if lines is None or place is None:
        return ()
    found = (line for line in lines.lines if (line.file, line.line) == (place.file, place.line))
    return next(map(cause_of_wait, found), ())


def loader_snippet(loader: Loader, workers: int) -> str:
    """The DataLoader arguments to paste."""
    extra = "" if loader.facts.persistent_workers else ", persistent_workers=True"
    text = f"DataLoader(..., num_workers={workers}{extra})"
    return f"{text}\n{_SHARDS}" if _unshared(loader) and workers > 1 else text


def loader_edit(site: Site | None, **values: object) -> Arguments | None:
    """These arguments for the user's own call of DataLoader at ``site``; None where nobody knows its line."""
    if site is None:
        return None
    return Arguments(site.file, site.line, "torch.utils.data.DataLoader", {k: repr(v) for k, v in values.items()})


def workers_edit(loader: Loader, workers: int, **more: object) -> Arguments | None:
    """What ``loader_snippet`` says, as data; None where the dataset has to be changed too."""
    if _unshared(loader) and workers > 1:
        return None
    return loader_edit(loader.site, num_workers=workers, persistent_workers=True, **more)


def rarer_edit(site: Site | None, steps: Steps, loading: Loading | None, factor: int) -> Cadence | None:
    """What happens at a line, so many times rarer. None without a loader, which tells how long an epoch is.

    A count that begins again in each epoch must still come to the new number.
    """
    if site is None or loading is None or steps.kind != "loader":
        return None
    return Cadence(site.file, site.line, factor, steps.all_count // max(1, loading.epochs))


def limit_after(steps: Steps, loading: Loading | None, seconds_per_step: float, otherwise: str) -> str:
    """What limits once each step does so much less."""
    if loading is not None:
        batch = loading.load_seconds / max(loading.workers, 1)
        if batch > work_seconds_after(steps, loading, seconds_per_step, 1.0):
            return f"data loading becomes the bottleneck ({batch * 1e3:.1f} ms per step)"
    return f"{otherwise} becomes the bottleneck"


def work_seconds_after(steps: Steps, loading: Loading, seconds: float, cpu_share: float) -> float:
    """Seconds of work that a step holds once it does so many seconds less."""
    return changed(step_model(loading, steps), less_work(steps, loading, seconds, cpu_share)).work_seconds


def _unshared(loader: Loader) -> bool:
    """Whether nothing shows that each worker gets a part of its own: a stream, read by one worker or none."""
    return loader.facts.iterable and loader.num_workers < 2
