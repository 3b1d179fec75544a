"""Says that workers of a Dask cluster left while tasks were running: what they did is then only partly known."""

from __future__ import annotations

from pathlib import Path

from ..recording.facts.dask import DaskGraph
from ..recording.model import Recording


def enrich(run_dir: Path, recording: Recording) -> list[str]:
    """One sentence, if any worker left during a graph. Adds no facts."""
    facts = recording.facts
    graphs = [(facts.site(owner, graph.site), graph.lost) for owner, graph in facts.of(DaskGraph) if graph.lost]
    if not graphs:
        return []
    lost = max(count for _, count in graphs)  # graphs that run at the same time lose the same workers
    places = dict.fromkeys(f"{site.file.rpartition('/')[2]}:{site.line}" for site, _ in graphs if site is not None)
    where = f" ({', '.join(list(places)[:3])})" if places else ""
    who = "A Dask worker" if lost == 1 else f"{lost} Dask workers"
    return [
        f"{who} left the cluster while tasks were running{where}: these tasks ran again elsewhere or failed, and the "
        "time until then is not attributed to tasks."
    ]
