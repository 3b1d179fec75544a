"""What is looked up once, right after a run: the user's source, the files that were read, traces.

Each module in this folder and its subfolders is an enrichment. ``enrich(run_dir, recording)`` adds facts that the
recording does not have yet, and may return sentences about anything it missed. ``after`` may name enrichments that must
come first. It may raise: then only its own facts are lost. Names of helper modules begin with ``_``.
"""

from __future__ import annotations

from pathlib import Path

from ..files import write_json
from ..listing import modules
from ..recording.folder import RunError, read_run
from ..recording.model import Recording
from ..recording.notes import append_facts
from ._cells import readable_cells


def enrich_all(run_dir: Path, recording: Recording) -> None:
    """Run every enrichment, saving the facts of each before the next one begins. Raises nothing."""
    facts, failures = recording.facts, list[str]()
    with readable_cells(run_dir):
        for module in modules(__name__, nested=True):
            known = len(facts.notes)
            try:
                missed = module.enrich(run_dir, recording) or []
                append_facts(run_dir, facts.notes[known:])
                failures += missed
            except Exception as error:
                del facts.notes[known:]
                name = module.__name__.rpartition(".")[2]
                failures.append(f"The {name} enrichment failed ({why(error)}).")
    if failures:
        _say(run_dir, failures)


def why(error: Exception) -> str:
    """An error as one line of text."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _say(run_dir: Path, failures: list[str]) -> None:
    try:
        run = read_run(run_dir)
        write_json(run_dir / "run.json", {**run, "notes": [*run.get("notes", []), *failures]})
    except (OSError, RunError):
        pass  # the disk is full or the folder is gone: the report says less
