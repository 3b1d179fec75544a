"""The line that pads sequences to a fixed length, if batches of sequences were recorded and only one line can be it."""

from __future__ import annotations

from pathlib import Path

from ...patterns.padding import padding_lines
from ...recording.facts import Batch, PaddingLine
from ...recording.model import Recording
from ._code import MAX_FILES, source_of, user_files


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``PaddingLine``. Reads the source files that appear in call stacks."""
    facts = recording.facts
    if not facts.of(Batch) or facts.of(PaddingLine):
        return
    found = []
    for file in user_files(facts)[:MAX_FILES]:
        source = source_of(file)
        found += [] if source is None else [(source, file, line) for line in padding_lines(source)]
    if len(found) == 1:
        source, file, line = found[0]
        function = next((source.function(node) for node in source.by_line.get(line, [])), None)
        facts.add(0, PaddingLine(file, line, getattr(function, "name", "<module>")))
