"""Lines that have Dask graphs computed in a loop, and whether its passes need each other, found after a run.

Detectors read no files, so each becomes a fact, ``DaskLine``.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from ...patterns.independence import independent_above
from ...patterns.model import Hot, Sighting
from ...patterns.syntax import last_name
from ...recording.facts import Site
from ...recording.facts.dask import DaskGraph, DaskLine
from ...recording.model import Recording
from ._code import MAX_FILES, source_of

_LEAST = 3  # graphs of a line: fewer are no loop
_CALLS = ("compute", "persist")


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add a ``DaskLine`` for each line of several graphs whose source is there. Reads source files."""
    facts = recording.facts
    if facts.of(DaskLine):
        return
    times: Counter[tuple[int, int, int]] = Counter()
    for owner, graph in facts.of(DaskGraph):
        times[owner, graph.site, graph.caller] += graph.count
    done: set[Site] = set()
    for (owner, number, above), count in times.most_common(MAX_FILES):
        site, caller = facts.site(owner, number), facts.site(owner, above)
        if count >= _LEAST and site is not None and site not in done:
            done.add(site)
            found = _independent(site, caller)
            if found is not None:
                facts.add(owner, DaskLine(site.file, site.line, site.function, found))


def _independent(site: Site, caller: Site | None) -> bool | None:
    """None if the source is missing, or does not hold such a call there."""
    source = source_of(site.file)
    if source is None:
        return None
    outer = source_of(caller.file) if caller is not None else None
    callers = ((outer, caller.line),) if outer is not None and caller is not None else ()
    nodes = [
        node
        for node in source.by_line.get(site.line, [])
        if isinstance(node, ast.Call) and last_name(node.func) in _CALLS
    ]
    seen = Sighting(source, site.line, site.function, callers=callers)
    return any(independent_above()(Hot(seen, node)) for node in nodes) if nodes else None
