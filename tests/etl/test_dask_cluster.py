"""Dask's distributed scheduler: what the plugin counts, against Dask's own totals, and that it harms nobody."""

from __future__ import annotations

import ast
import atexit
from types import SimpleNamespace

import pytest
from bottleneck_profiler.agent.recorder import Recorder
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.collectors.support.dask_cluster import Cluster
from bottleneck_profiler.collectors.support.dask_graphs import MAX_KINDS, OTHERS, Graph, Graphs
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.etl.dask_large_graph import DaskLargeGraph
from bottleneck_profiler.detectors.etl.dask_partition_skew import DaskPartitionSkew
from bottleneck_profiler.detectors.etl.dask_spill import DaskSpill
from bottleneck_profiler.detectors.etl.dask_tiny_tasks import DaskTinyTasks
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable

from etl.test_dask import graph
from etl.test_detectors import recording

pytest.importorskip("distributed")
LOCAL = """
import dask, warnings
warnings.simplefilter("ignore")
from distributed import Client, LocalCluster
def work(number):
    return b"x" * 1000 * number
def all_of(parts):
    return len(parts)
"""


def test_tasks_are_counted_as_dask_counts_them(program):
    recorded = program(
        LOCAL
        + """
with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
    with Client(cluster) as client:
        parts = [dask.delayed(work)(number) for number in range(40)]
        print(dask.delayed(all_of)(parts).compute(), len(client.gather(client.map(work, range(40, 50)))))
        kept = dask.delayed(work)(70).persist()
        kept.compute(), kept.compute()
        theirs = {each.name: (each.state_counts["memory"] + each.state_counts["released"] + each.state_counts[
            "forgotten"], dict(each.all_durations)) for each in cluster.scheduler.task_prefixes.values()}
        print({name: [round(each.get(what, 0), 6) for what in ("compute", "transfer")] for name, (_, each) in
               theirs.items()})
"""
    )
    assert recorded.code == 0 and not recorded.of("failed"), recorded.error
    first, second = recorded.output.splitlines()
    assert first == "40 10"
    theirs = ast.literal_eval(second)
    tasks = recorded.of("dask_tasks")
    counts = {name: sum(note["count"] for note in tasks if note["prefix"] == name) for name in theirs}
    assert counts == {"work": 51, "all_of": 1}
    for name, (compute, transfer) in theirs.items():
        mine = [sum(note[what] for note in tasks if note["prefix"] == name) for what in ("wall_ns", "transfer_ns")]
        assert [each / 1e9 for each in mine] == pytest.approx([compute, transfer], abs=1e-4)
    assert max(note["most_bytes"] for note in tasks) == 70_000
    notes = recorded.of("dask_graph")
    assert sorted(note["how"] for note in notes) == ["compute", "compute", "compute", "persist", "submit"]
    (large,) = [note for note in notes if note["how"] == "compute" and note["tasks"] == 41]
    assert (large["scheduler"], large["workers"], large["processes"]) == ("cluster", 2, 2)
    assert 0 < large["chain_ns"] <= large["work_ns"] and large["again_ns"] == 0
    assert large["sent_bytes"] > 0 and large["result_bytes"] >= 780_000 and large["lost"] == 0
    sites = {note["id"]: note for note in recorded.of("site")}
    assert all(sites[note["site"]]["file"].endswith("script.py") for note in notes)


def test_a_plugin_that_fails_and_tasks_that_fail_reach_nobody(program):
    recorded = program(
        LOCAL
        + """
from bottleneck_profiler.collectors.support.dask_cluster import Cluster
def ours(*args):
    raise ValueError("ours")
with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as client:
    try:
        dask.delayed(lambda: 1 / 0)().compute()
    except ZeroDivisionError:
        print("theirs")
    Cluster.done = ours
    print(dask.delayed(all_of)([1, 2]).compute(), dask.delayed(all_of)([1]).compute())
"""
    )
    assert recorded.output.split() == ["theirs", "2", "1"], recorded.error
    assert [note["error"] for note in recorded.of("failed")] == ["ValueError: ours"]


class OfTasks:
    """A scheduler with one worker, that has got a graph of some tasks."""

    total_nthreads, workers = 1, {}

    def __init__(self, keys):
        self.tasks = {key: SimpleNamespace(key=key, state="waiting", dependencies=[]) for key in keys}


@pytest.mark.parametrize("called", [True, False], ids=["by-a-client-here", "by-another-process"])
def test_what_has_ended_is_not_kept(tmp_path, called):
    pytest.importorskip("dask.utils")
    (tmp_path / "live").mkdir()
    recorder = Recorder(str(tmp_path))
    cluster = Cluster(SimpleNamespace(recorder=recorder, id="distributed"))
    keys = [("sum-1", number) for number in range(50)]
    call = cluster.graphs.call("compute", []) if called else None
    cluster.send(keys)
    scheduler = OfTasks(keys)
    cluster.update_graph(scheduler, keys, keys)
    graph = cluster.names["sum-1"]
    for key in keys if not called else keys[:-1]:  # the last one fails with what it needs, and does not end
        cluster.done(scheduler, key, {})
    if called:
        assert len(graph.chain) == len(graph.again) == 49
        cluster.graphs.called(call)
    assert not graph.chain and not graph.again and not graph.left
    cluster.update_graph(scheduler, keys, keys)
    assert cluster.names["sum-1"] is not graph  # and its keys belong to the graph that is sent next
    atexit.unregister(cluster.close), atexit.unregister(cluster.graphs.flush)
    recorder.close_side()


def test_keys_that_all_differ_are_few_kinds(tmp_path):
    (tmp_path / "live").mkdir()
    recorder = Recorder(str(tmp_path))
    graphs = Graphs(recorder)
    atexit.unregister(graphs.flush)
    made = Graph(1, "")
    for number in range(MAX_KINDS + 10):
        graphs.add(made, 0, number, f"x{number}", 1, 1, ())
    kinds = made.threads[0].kinds
    assert len(kinds) == MAX_KINDS + 1 and kinds[OTHERS][:2] == [10, 10]


# -- what is told -------------------------------------------------------------------------------------------------


def judge(detector, *notes, cores=4):
    made = recording(*notes)
    made.run["machine"] = {"cores": cores}
    return run_all([detector()], Artifacts(made))[detector.id]


def test_the_time_of_the_scheduler_goes_with_the_tasks():
    found = judge(DaskTinyTasks, graph(1, 5, work=4.0, cpu=4.0, chain=0.01, tasks=4000, build_ns=0))
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert found.gain.low * 10 < 4 < found.gain.seconds < 5  # one second of work on four workers remains at most
    long = graph(1, 5, work=200.0, cpu=4.0, chain=0.01, tasks=1000, build_ns=0)
    few = graph(1, 5, work=4.0, cpu=4.0, chain=0.01, tasks=999, build_ns=0)
    assert isinstance(judge(DaskTinyTasks, long), Fine)
    assert isinstance(judge(DaskTinyTasks, few), Fine)
    quick = graph(1, 0.4, work=0.1, cpu=0.1, chain=0.01, tasks=4000, build_ns=0)
    assert isinstance(judge(DaskTinyTasks, quick), Fine)


def uneven(**more):
    fields = {"work": 5.0, "cpu": 5.0, "chain": 4.0, "longest": 3.9, "alike": 10, "alike_ns": 5_000_000_000}
    return graph(1, 4, **{**fields, "longest_of": "getitem", **more})


def test_one_long_task_is_skew_unless_it_has_no_like():
    found = judge(DaskPartitionSkew, uneven())
    assert isinstance(found, Finding) and found.gain.low < found.gain.share < found.gain.high
    assert 4 - 5.0 < found.gain.seconds <= 4 - 5 / 4
    alone = judge(DaskPartitionSkew, uneven(alike=1, longest_of="read-csv", reads=1))
    assert isinstance(alone, Finding) and "one partition" in alone.title
    for like in (
        uneven(alike=1, longest_of="train", reads=1),  # what ends a graph cannot be cut
        uneven(alike_ns=39_000_000_000),  # all are long
        uneven(longest=0.5),  # a small table
        uneven(chain=1.0),
    ):
        assert isinstance(judge(DaskPartitionSkew, like), Fine)
    assert isinstance(judge(DaskPartitionSkew, uneven(workers=1)), NotApplicable)


def on_cluster(**more):
    more = {"tasks": 40, "work": 1.0, "chain": 0.1, "build_ns": 0, "processes": 2, "workers": 2, **more}
    return graph(1, 4, **more)


def test_a_graph_that_carries_data_is_sent_with_every_task():
    found = judge(DaskLargeGraph, on_cluster(sent_bytes=10**8))
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert found.gain.low * 10 < 3.5 * 38 / 40 < found.gain.seconds < 4  # one copy to each of two workers remains


@pytest.mark.parametrize(
    "made",
    [
        on_cluster(sent_bytes=10**6), on_cluster(sent_bytes=2 * 10**7, tasks=20_000),
        on_cluster(sent_bytes=10**8, work=7.9), on_cluster(sent_bytes=10**8, tasks=2),
    ],
    ids=["small", "many-tasks", "workers-busy", "one-task-each"],
)  # fmt: skip
def test_other_graphs_are_not_too_large(made):
    assert isinstance(judge(DaskLargeGraph, made), Fine)


def test_threads_are_sent_nothing():
    assert isinstance(judge(DaskLargeGraph, graph(1, 4)), NotApplicable)


def test_workers_without_memory_wait_for_the_disk():
    full = on_cluster(spilled_bytes=6 * 10**8, result_bytes=10**9, memory_share=0.7, limit_bytes=4 * 10**8)
    found = judge(DaskSpill, full)
    assert isinstance(found, Finding) and 3.4 < found.gain.seconds < 4
    assert found.fix.snippet.startswith("frame = frame[[")
    large = judge(DaskSpill, on_cluster(**{**full[1], "most_bytes": 10**8, "work": 1.0, "chain": 0.1}))
    assert "repartition" in large.fix.snippet
    again = judge(DaskSpill, on_cluster(lost=2, result_bytes=10**9, memory_share=0.9))
    assert isinstance(again, Finding) and "started anew" in again.title


@pytest.mark.parametrize(
    "made",
    [
        on_cluster(spilled_bytes=10**7, result_bytes=10**9), on_cluster(memory_share=0.79, result_bytes=10**9),
        on_cluster(lost=1, memory_share=0.2), on_cluster(spilled_bytes=10**9, result_bytes=10**9, work=7.9),
    ],
    ids=["a-little", "nearly-full", "left-for-another-reason", "workers-busy"],
)  # fmt: skip
def test_other_clusters_have_enough_memory(made):
    assert isinstance(judge(DaskSpill, made), Fine)
