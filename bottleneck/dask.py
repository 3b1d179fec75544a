"""Watches a running Dask cluster from its client: ``with bottleneck_profiler.dask.watch(client) as seen:``.

Without consent no code leaves this process: the lines come from the profile that Dask's workers keep of themselves.
With ``consent=True`` a few functions are sent to the scheduler, never to a worker, and count its tasks there. They are
removed when the block ends, or when the scheduler loses this client, however it dies.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Any

__all__ = ["Line", "Tasks", "Watch", "watch"]
_LIBRARIES = ("site-packages", "dist-packages", "<frozen", "/lib/python")
_BY_VALUE = "<dynamic-code>"  # the file that cloudpickle gives to such functions
_TICK_SECONDS = 0.01  # distributed.worker.profile.interval, unless the cluster is configured otherwise


@dataclass(frozen=True)
class Line:
    """A line of the user's that tasks were seen in; seconds of all workers' threads, by samples."""

    file: str
    line: int
    function: str
    seconds: float


@dataclass(frozen=True)
class Tasks:
    """What the tasks of one kind, the beginning of their keys, took on the workers: seconds in all, and bytes."""

    prefix: str
    count: int
    compute_seconds: float
    transfer_seconds: float
    deserialize_seconds: float
    disk_seconds: float
    result_bytes: int


@dataclass
class Watch:
    """A context manager; ``lines`` and ``tasks`` are there when it has ended, heaviest first, as is ``str(watch)``.

    ``tasks`` is None without consent. ``problem``: why something is missing, in one line; "" if nothing is.
    """

    client: Any
    consent: bool = False
    lines: list[Line] = field(default_factory=list)
    tasks: list[Tasks] | None = None
    problem: str = ""

    def __enter__(self) -> Watch:
        self._began = time.time()
        self._name = f"bottleneck-{uuid.uuid4().hex}"
        if self.consent:
            self._try(self._install)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.consent and not self.problem:
            self._try(self._take)
        if not self.problem:
            self._try(self._profile)
        if self.problem:
            print(f"bottleneck: {self.problem}", file=sys.stderr)

    def __str__(self) -> str:
        told = [f"{each.file}:{each.line} in {each.function}: {each.seconds:.1f} s" for each in self.lines[:5]]
        told += [
            f"{each.prefix}: {each.count} tasks, {each.compute_seconds:.1f} s of work, {each.transfer_seconds:.1f} s "
            f"of transfer, {each.result_bytes / 1e6:.1f} MB"
            for each in (self.tasks or [])[:5]
        ]
        return "\n".join(told) or self.problem or "No task was seen."

    def _try(self, part: Any) -> None:
        """Nothing of ours may fail in the user's block."""
        try:
            if self.client.status != "running":
                raise OSError(self.client.status)  # else it would wait for a new connection first
            part()
        except Exception as error:
            gone = self.client.status != "running" or isinstance(error, OSError)
            refused = " ".join(f"the Dask cluster refused ({type(error).__name__}: {error})".split())
            what = "the Dask cluster went away" if gone else refused
            self.problem = f"{what}; what it did in this block is not known"

    def _install(self) -> None:
        with _by_value():
            self.client.run_on_scheduler(install_on_scheduler, name=self._name, watching=self.client.id)

    def _take(self) -> None:
        with _by_value():
            found = self.client.run_on_scheduler(take_from_scheduler, name=self._name)
        tasks = [Tasks(name, *each) for name, each in found.items()]
        self.tasks = sorted(tasks, key=lambda each: -each.compute_seconds)

    def _profile(self) -> None:
        whole = self.client.profile(start=self._began)
        found: Counter[tuple[str, int, str]] = Counter()
        _walk(whole, found)
        self.lines = [Line(*key, samples * _TICK_SECONDS) for key, samples in found.most_common() if samples]


def watch(client: Any, consent: bool = False) -> Watch:
    """Watch what ``client``'s cluster does in a ``with`` block; ``consent`` allows code to run on its scheduler."""
    return Watch(client, consent)


def _walk(node: dict[str, Any], found: Counter[tuple[str, int, str]], count: int | None = None) -> int:
    """Count the samples of each line of the user's that no deeper one has; those of the node, if one is at or below.

    Dask counts no samples at the innermost frame of a stack: they are what its caller has more than its other calls.
    """
    count = int(node.get("count", 0)) if count is None else count
    children = list(node.get("children", {}).values())
    left = count - sum(int(child.get("count", 0)) for child in children)
    below = 0
    for child in children:
        innermost = not child.get("count") and not child.get("children")
        below += _walk(child, found, max(0, left) if innermost else None)
        left = 0 if innermost else left
    place = node.get("description") or {}
    file, name = str(place.get("filename") or ""), str(place.get("name") or "")
    if not file or any(part in file for part in _LIBRARIES):
        return below
    if file == _BY_VALUE:
        file = _file_of(name, str(node.get("identifier", "")).rpartition(";")[2]) or file
    found[file, int(place.get("line_number") or 0), name] += max(0, count - below)
    return count


def _file_of(name: str, first_line: str) -> str:
    """The file of the function that was sent by value, by its name and first line; "" unless there is one such file."""
    files = set()
    for module in list(sys.modules.values()):
        value = vars(module).get(name) if isinstance(module, ModuleType) else None
        code = getattr(value, "__code__", None)
        if code is not None and str(code.co_firstlineno) == first_line and code.co_filename != _BY_VALUE:
            files.add(code.co_filename)
    return files.pop() if len(files) == 1 else ""


class _by_value:
    """The functions below go to the scheduler as they are: it need not have this package."""

    def __enter__(self) -> None:
        import cloudpickle  # type: ignore[import-untyped]

        self._module = sys.modules[__name__]
        cloudpickle.register_pickle_by_value(self._module)

    def __exit__(self, *error: object) -> None:
        import cloudpickle

        cloudpickle.unregister_pickle_by_value(self._module)


def install_on_scheduler(name: str, watching: str, dask_scheduler: Any = None) -> None:
    """Runs on the scheduler: count its tasks until the client ``watching`` takes the counts, or is gone."""
    from distributed.diagnostics.plugin import SchedulerPlugin

    class Count(SchedulerPlugin):  # type: ignore[misc]
        def __init__(self) -> None:
            self.name, self.client = name, watching
            self.found: dict[str, list[float]] = {}

        def transition(self, key: Any, start: str, finish: str, *args: Any, **report: Any) -> None:
            if start != "processing" or finish != "memory":
                return
            task = dask_scheduler.tasks.get(key)
            sums = self.found.setdefault(task.prefix.name if task is not None else str(key), [0, 0.0, 0.0, 0.0, 0.0, 0])
            sums[0] += 1
            for each in report.get("startstops") or ():
                at = {"compute": 1, "transfer": 2, "deserialize": 3}.get(each["action"], 4)
                sums[at] += each["stop"] - each["start"]
            sums[5] += report.get("nbytes") or 0

        def remove_client(self, scheduler: Any, client: str) -> None:
            if client == self.client:
                scheduler.plugins.pop(name, None)

    dask_scheduler.add_plugin(Count(), name=name)


def take_from_scheduler(name: str, dask_scheduler: Any = None) -> dict[str, list[float]]:
    """Runs on the scheduler: the counts, which stay there no longer."""
    plugin = dask_scheduler.plugins.pop(name, None)
    return {} if plugin is None else dict(plugin.found)
