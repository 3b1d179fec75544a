"""Where batches of sequences were recorded: the line that pads them to a fixed length, if only one line can be it, and
a layer of the model that takes no other length."""

from __future__ import annotations

from pathlib import Path

from ...patterns.padding import bound_to_length, padding_lines
from ...patterns.source import Source
from ...recording.facts import Batch, OneLengthLine, PaddingLine
from ...recording.model import Recording
from ._code import MAX_FILES, source_of, user_files


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``PaddingLine`` and a ``OneLengthLine``. Reads the source files that appear in call stacks."""
    facts = recording.facts
    if not facts.of(Batch) or any(isinstance(fact, PaddingLine | OneLengthLine) for _, fact in facts.notes):
        return
    sources = [(file, source) for file in user_files(facts)[:MAX_FILES] if (source := source_of(file)) is not None]
    found = [(file, source, line) for file, source in sources for line in padding_lines(source)]
    if len(found) == 1:
        facts.add(0, PaddingLine(*_place(*found[0])))
    bound = [(file, source, line) for file, source in sources if (line := bound_to_length(source)) is not None]
    if bound:
        facts.add(0, OneLengthLine(*_place(*bound[0])))


def _place(file: str, source: Source, line: int) -> tuple[str, int, str]:
    function = next((source.function(node) for node in source.by_line.get(line, [])), None)
    return file, line, getattr(function, "name", "<module>")
