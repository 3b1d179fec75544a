"""Dask's shuffles: which plans are recorded, and which of the shuffles no result needs."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler.detectors.etl.dask_missed_broadcast import DaskMissedBroadcast
from bottleneck_profiler.detectors.etl.dask_needless_shuffle import DaskNeedlessShuffle
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.enrich.source.dask_reductions import reduces

from etl.test_dask import graph, of_machine
from etl.test_detectors import SECOND

FRAMES = """
import warnings
import dask.dataframe as dd, numpy as np, pandas as pd
warnings.simplefilter("ignore")
rows = pd.DataFrame({"key": np.arange(900) % 7, "value": 1.0, "time": np.arange(900)[::-1]})
large = dd.from_pandas(rows, npartitions=9)
small = dd.from_pandas(pd.DataFrame({"key": np.arange(7), "name": 2.0}), npartitions=3)
"""


def nodes(recorded):
    return {node["kind"]: node for note in recorded.of("dask_plan") for node in note["nodes"]}


def test_a_plan_has_the_operations_the_lines_and_the_sizes_of_what_it_begins_with(program):
    recorded = program(FRAMES + "print(large.merge(small, on='key', how='left').value.sum().compute())")
    assert recorded.output.split() == ["900.0"], recorded.error
    assert not recorded.of("failed")
    merge, sites = nodes(recorded)["Merge"], {note["id"]: note for note in recorded.of("site")}
    assert merge["details"]["how"] == ["left"] and sites[merge["site"]]["line"] == FRAMES.count("\n") + 1 + 4
    assert [note["size_bytes"] > 0 for note in recorded.of("dask_source")] == [True, True]
    (note,) = recorded.of("dask_graph")
    assert 0 < note["shuffle_ns"] < note["work_ns"] and note["plan"] == 1 and note["planning_ns"] == 0


def test_the_graph_that_divides_an_index_belongs_to_the_call(program):
    recorded = program(FRAMES + "print(large.set_index('time').groupby('key').value.sum().compute().sum())")
    assert recorded.output.split() == ["900.0"], recorded.error
    (note,) = recorded.of("dask_graph")
    counts = sum(each["count"] for each in recorded.of("dask_tasks"))
    assert note["tasks"] == counts and 0 < note["planning_ns"] < note["run_ns"]
    assert note["build_ns"] + note["run_ns"] <= note["wall_ns"]
    assert nodes(recorded)["Sum"]["details"]["by"] == ["key"]


def test_frames_that_move_no_rows_have_no_plan(program):
    recorded = program(FRAMES + "print(large.value.sum().compute(), len(large.compute()))")
    assert recorded.output.split() == ["900.0", "900"], recorded.error
    assert not recorded.of("dask_plan") and not recorded.of("failed")


# -- what is told -------------------------------------------------------------------------------------------------


def node(number, kind, *needs, site=0, elemwise=False, **details):
    return {
        "id": number, "name": f"{kind}-{number}", "kind": kind, "needs": needs, "site": site, "elemwise": elemwise,
        "details": details
    }  # fmt: skip


def plan(*made):
    return "dask_plan", {"id": 1, "nodes": list(made)}


def source(number, size):
    return [
        ("string", {"id": 50 + number, "text": f"FromMap-{number}"}),
        ("dask_source", {"name": 50 + number, "call": "dask.dataframe.read_parquet", "site": 1, "size_bytes": size}),
    ]


def shuffled(**more):
    return graph(1, 4, work=8.0, plan=1, shuffle_ns=4 * SECOND, build_ns=0, **more)


def merged(how="inner", sizes=(10**9, 10**6), **details):
    made = (node(0, "FromMap"), node(1, "FromMap"), node(2, "Merge", 0, 1, site=1, how=[how], **details))
    notes = [note for number, size in enumerate(sizes) for note in source(number, size)]
    return [shuffled(), plan(*made), *notes]


def test_the_shuffle_of_a_large_frame_for_a_small_one_goes():
    found = of_machine(DaskMissedBroadcast, *merged())
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert 2.0 <= found.gain.seconds <= 2.5  # half of the work of four seconds
    assert isinstance(of_machine(DaskMissedBroadcast, *merged("left")), Finding)


@pytest.mark.parametrize(
    "notes",
    [
        merged("right"), merged("outer"), merged(sizes=(10**9, 10**9)), merged(sizes=(10**6, 10**6)),
        merged(broadcast=["True"]), [graph(1, 4), *merged()[1:]],
    ],
    ids=["must-keep-the-small", "outer", "both-large", "both-small", "asked-for", "no-shuffle"],
)  # fmt: skip
def test_other_merges_are_as_they_should_be(notes):
    assert isinstance(of_machine(DaskMissedBroadcast, *notes), Fine)


def test_sizes_that_are_not_known_are_not_guessed():
    assert isinstance(of_machine(DaskMissedBroadcast, *merged(sizes=(None, None))), NotMeasured)
    assert isinstance(of_machine(DaskMissedBroadcast, *merged(sizes=(None, 10**6))), Finding)


def ordered(*above):
    return [shuffled(), plan(node(0, "FromMap"), node(1, "SetIndex", 0, site=1, _other=["time"]), *above)]


MEAN = node(3, "Mean", 2, by=["key"])
PICKED = node(2, "Projection", 1, elemwise=True)


def test_an_order_that_only_aggregations_follow_is_needless():
    found = of_machine(DaskNeedlessShuffle, *ordered(PICKED, MEAN, node(4, "Projection", 3)))
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert 2.0 <= found.gain.seconds <= 2.5
    agg = node(3, "GroupbyAggregation", 2, by=["key"], arg=["sum", "mean"])
    assert isinstance(of_machine(DaskNeedlessShuffle, *ordered(PICKED, agg)), Finding)


@pytest.mark.parametrize(
    "above",
    [
        [], [PICKED], [node(2, "Loc", 1)], [node(2, "Index", 1, elemwise=True), node(3, "Max", 2)],
        [PICKED, node(3, "Mean", 2, by=["time"])], [PICKED, node(3, "First", 2, by=["key"])],
        [PICKED, node(3, "GroupbyAggregation", 2, by=["key"], arg=["sum", "first"])],
        [PICKED, MEAN, node(4, "MapPartitions", 1)], [node(2, "ResetIndex", 1, elemwise=True), MEAN],
    ],
    ids=["kept", "column", "loc", "index", "its-key", "first", "agg-first", "two-uses", "reset"],
)  # fmt: skip
def test_an_order_that_may_be_used_is_not_named(above):
    assert isinstance(of_machine(DaskNeedlessShuffle, *ordered(*above)), Fine)


def test_a_line_whose_order_another_graph_uses_is_not_named():
    other = plan(node(0, "FromMap"), node(1, "SetIndex", 0, site=1, _other=["time"]), node(2, "Loc", 1))
    other[1]["id"] = 2
    later = graph(5, 1, plan=2, shuffle_ns=SECOND // 2, build_ns=0)
    assert isinstance(of_machine(DaskNeedlessShuffle, *ordered(PICKED, MEAN), later, other), Fine)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("lambda g: g['a'].max() - g['a'].min()", True),
        ("def f(g):\n    'Spread.'\n    top = g.a.max()\n    return top - g.a.min()", True),
        ("def f(g):\n    return pd.Series({'n': len(g), 'mean': (g.a * g.w).sum() / g.w.sum()})", True),
        ("lambda g: (g.a - g.a.mean()).abs().max()", False),
        ("def f(g):\n    mean = g.a.mean()\n    return (g.a - mean).max()", False),
        ("lambda g: g.sort_values('t').a.diff().max()", False),
        ("lambda g: g.head(1)", False),
        ("def f(g):\n    for row in g:\n        pass\n    return g.a.max()", False),
        ("lambda g: g.a.sum() if len(g) else 0", False),
        ("lambda g: len(g)", False),
    ],
)
def test_functions_that_only_reduce(code, expected):
    tree = ast.parse(code).body[0]
    assert reduces(tree.value if isinstance(tree, ast.Expr) else tree) is expected
