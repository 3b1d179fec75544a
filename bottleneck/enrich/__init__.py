"""What is looked up once, right after a run: the user's source, the files that were read, traces.

Each module of this folder and of those inside is an enrichment: ``enrich(run_dir, recording)`` adds facts to the
recording, only those that it does not have yet, and may return sentences that say what it missed. ``after`` may name
the enrichments whose turn comes first. It may raise: that costs it its own facts, and no other enrichment. Helpers'
names begin with ``_``.
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
    """Let every enrichment look; what it finds is kept before the next one begins. Raises nothing."""
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
    """An error in one line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _say(run_dir: Path, failures: list[str]) -> None:
    try:
        run = read_run(run_dir)
        write_json(run_dir / "run.json", {**run, "notes": [*run.get("notes", []), *failures]})
    except (OSError, RunError):
        pass  # the disk is full, or the folder gone: the report says less
