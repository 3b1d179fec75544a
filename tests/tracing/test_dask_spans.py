"""Dask's graphs as spans of the run."""

from __future__ import annotations

import itertools

from artifacts.recorded import golden
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters.tracing import names, spans


def test_each_graph_is_a_span_of_the_run_at_its_line(monkeypatch):
    recording = golden("dask-compute-in-loop/fires")
    built = spans.build(recording, diagnose(recording)).spans
    graphs = [span for span in built if span.name == names.DASK_GRAPH]
    assert len(graphs) == 40 and {span.parent for span in graphs} == {built[0].span_id}
    assert all(span.trace_id == built[0].trace_id and span.attributes[names.DASK_TASKS] == 2 for span in graphs)
    assert {span.attributes[names.CODE_LINE] for span in graphs} == {38}
    assert all(a.end_ns <= b.start_ns for a, b in itertools.pairwise(graphs))
    monkeypatch.setattr(spans, "MAX_GRAPHS", 5)
    few = spans.build(recording, diagnose(recording)).spans
    assert len([span for span in few if span.name == names.DASK_GRAPH]) == 5
    assert "35 dask.graph" in few[0].attributes[names.LEFT_OUT]
