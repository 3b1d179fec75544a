"""``profile``: a block or a function recorded as a run of its own, or as a part of the run that is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .decorating import wrap
from .notebook import in_notebook, show

if TYPE_CHECKING:
    from os import PathLike

    from ..capture.inside import Run
    from ..diagnosis.model import Diagnosis, Ranked

F = TypeVar("F", bound=Callable[..., Any])
_SIDECAR = "bottleneck_profiler.sidecar"


class ProfileError(RuntimeError):
    """There is no diagnosis to read; the text says why in one sentence."""


class Profile:
    """What ``profile()`` returns: a context manager, a decorator, and the result once the block has ended.

    Blocks that overlap, nested or in several threads, are one run: it begins with the first and ends with the last,
    and all of them show its result. A block in a process that was forked from a recorded one joins it too.
    """

    def __init__(self, name: str | None, run_dir: str | PathLike[str] | None, stacks: str, quiet: bool) -> None:
        self._settings = (name, run_dir, stacks, quiet)
        self._open: list[Run] = []
        self._run: Run | None = None

    def __enter__(self) -> Profile:
        from ..capture.inside import begin

        self._run = begin(*self._settings, _SIDECAR, in_notebook())
        self._open.append(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        from ..capture.inside import end

        run = self._open.pop()
        if end(run) and run.inline:
            show(self)

    def __call__(self, function: F) -> F:
        """``function`` with each outermost call recorded as a run; ``function.result`` is the last call's Profile."""
        name, *others = self._settings
        label = name or getattr(function, "__name__", None)

        def context() -> Profile:
            made = Profile(label, *others)  # type: ignore[arg-type]
            vars(decorated)["result"] = made
            return made

        decorated: F = wrap(function, context)
        vars(decorated)["result"] = None
        return decorated

    @property
    def run_dir(self) -> str | None:
        """The run's folder; None when nothing is recorded."""
        return self._run.run_dir if self._run is not None else None

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the diagnosis is written: True when it is there, False when it is not (yet).

        Answers False at once while the block is open, under ``bottleneck run`` (which reports when the program has
        ended), and when nothing was recorded.
        """
        return self._run is not None and self._run.wait(timeout_seconds)

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis, read from diagnosis.json at first use; waits until it is written.

        Raises ProfileError when there is none to read: the block is still open, ``bottleneck run`` records and
        reports later, or nothing could be recorded.
        """
        run = self._run
        if run is None or not run.wait(None):
            raise ProfileError(run.reason() if run is not None else "the profile has not been started")
        if run.diagnosis is None:
            try:
                run.diagnosis = _read_diagnosis(run.run_dir or "")
            except (OSError, ValueError) as error:
                raise ProfileError(f"the diagnosis in {run.run_dir} cannot be read: {error}") from None
        return run.diagnosis

    @property
    def findings(self) -> tuple[Ranked, ...]:
        """The findings, best first. Raises ProfileError as ``diagnosis`` does."""
        return self.diagnosis.findings

    @property
    def tables(self) -> dict[str, Any]:
        """What each device did in its traced window: see ``read(...).tables``. Raises as ``diagnosis`` does."""
        from .results import read

        self.diagnosis  # noqa: B018 - waits until the run is written
        return read(self.run_dir or "").tables

    def report(self, verbose: bool = False) -> str:
        """The report as the terminal shows it, as plain text; the reason, in one sentence, when there is none."""
        try:
            diagnosis = self.diagnosis
        except ProfileError as error:
            return f"bottleneck: {error}."
        return as_text(diagnosis, verbose)


@overload
def profile(function: F, /) -> F: ...
@overload
def profile(
    *,
    name: str | None = None,
    run_dir: str | PathLike[str] | None = None,
    stacks: str = "auto",
    quiet: bool = False,
) -> Profile: ...
def profile(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    run_dir: str | PathLike[str] | None = None,
    stacks: str = "auto",
    quiet: bool = False,
) -> Any:
    """Record a block or a function: ``with profile() as result:``, ``@profile``, ``@profile(name="epoch")``.

    Under ``bottleneck run`` it joins that run and adds nothing to it. Otherwise the block is a run of its own, in
    ``.bottleneck/runs`` or the new or empty folder ``run_dir``: a second process copies the records meanwhile,
    prints the report to stderr afterwards (not with ``quiet``), and the program waits for it, 60 seconds at most,
    when it ends. In a notebook the block waits for its report, which appears below the cell. Libraries that are
    imported already are hooked too, and unhooked when the block ends. ``stacks``: "auto", "pyinstrument" or "off".
    Processes that the block forks are recorded; those it spawns only by ``bottleneck run``. If nothing can be recorded,
    one line on stderr says why, and the block runs as usual.

    Raises TypeError when a class is decorated; nothing else.
    """
    made = Profile(name, run_dir, stacks, quiet)
    return made if function is None else made(function)


def _read_diagnosis(run_dir: str) -> Diagnosis:
    """The Diagnosis of a finished run. Raises OSError or ValueError."""
    import json

    from ..exporters.json import from_json

    with open(f"{run_dir}/diagnosis.json", encoding="utf-8") as file:
        return from_json(json.load(file))


def as_text(diagnosis: Diagnosis, verbose: bool) -> str:
    """The terminal report as plain text, 100 columns wide."""
    from io import StringIO

    from rich.console import Console

    from ..exporters import terminal

    out = StringIO()
    # Where it sees a notebook, rich would display each line there instead of writing it.
    console = Console(file=out, width=100, color_system=None, force_terminal=False, force_jupyter=False)
    terminal.render(diagnosis, console, verbose=verbose)
    return out.getvalue()
