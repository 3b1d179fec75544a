"""Dask's graphs: what is recorded of them, that the program stays what it is, and what is told of them."""

from __future__ import annotations

import pytest
from bottleneck_profiler.detectors.etl.dask_compute_in_loop import DaskComputeInLoop
from bottleneck_profiler.detectors.etl.dask_computed_one_by_one import DaskComputedOneByOne
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured

from etl.test_detectors import SECOND, judge

FRAME = """
import dask, dask.dataframe as dd, pandas as pd
pd.DataFrame({"a": range(20_000), "b": range(20_000)}).to_csv("t.csv", index=False)
frame = dd.read_csv("t.csv", blocksize="64KB")
"""


def graphs(recorded):
    return recorded.of("dask_graph")


def test_a_graph_is_noted_with_its_line_its_tasks_and_what_ran_before(program):
    recorded = program(FRAME + "low = frame.a.min().compute()\nhigh = frame.b.max().compute()\nprint(low, high)")
    assert recorded.output.split() == ["0", "19999"], recorded.error
    assert not recorded.of("failed")
    first, second = graphs(recorded)
    sites = {note["id"]: note for note in recorded.of("site")}
    assert sites[second["site"]]["line"] == sites[first["site"]]["line"] + 1
    (source,) = [note for note in recorded.of("dask_source") if note["call"].endswith("read_csv")]
    assert first["sources"] == second["sources"] == [source["name"]]
    assert first["reads"] == second["reads"] == source["parts"] > 2
    # The second graph reads the same blocks, if for another column.
    assert first["again_ns"] == 0 and second["again_ns"] == second["read_ns"] > 0
    assert 0 < first["longest_ns"] <= first["chain_ns"] <= first["work_ns"]
    assert first["wall_ns"] >= first["run_ns"] + first["build_ns"]
    counts = sum(note["count"] for note in recorded.of("dask_tasks"))
    assert counts == first["tasks"] + second["tasks"]


def test_the_blocks_that_a_graph_reads_are_one_read_at_the_line_that_made_the_frame(program):
    recorded = program(FRAME + "frame.a.min().compute()\nframe.get_partition(1).a.min().compute()")
    whole, part = recorded.of("read")
    sites = {note["id"]: note for note in recorded.of("site")}
    assert whole["call"] == "dask.dataframe.read_csv" and whole["path"].endswith("t.csv") and part["path"] is None
    assert "read_csv" in FRAME.splitlines()[sites[whole["site"]]["line"] - 1 - 4]
    assert 0 < whole["wall_ns"] <= whole["t1"] - whole["t0"]


def test_frames_of_delayed_parts_and_operands_of_the_users_are_not_asked(program):
    """A part that is computed later has every name, and ``__getattr__`` is the user's code."""
    recorded = program(
        """
        import dask, dask.dataframe as dd, pandas as pd
        asked = []
        class Own:
            def __getattr__(self, name):
                asked.append(name)
                raise AttributeError(name)
        parts = [dask.delayed(pd.DataFrame)({"operands": [number]}) for number in range(2)]
        frame = dd.from_delayed(parts, meta=pd.DataFrame({"operands": [1]}))
        own = frame.map_partitions(lambda part, it: part, Own(), meta=frame._meta)
        print(own.operands.sum().compute(scheduler="sync"), "operands" in asked)
        """
    )
    assert recorded.output.split() == ["1", "False"], recorded.error
    assert not recorded.of("failed") and len(recorded.of("dask_source")) == 1
    (note,) = graphs(recorded)
    assert note["tasks"] > 2 and len(note["sources"]) == 1


def test_other_schedulers_and_nested_graphs(program):
    recorded = program(
        """
        import dask
        @dask.delayed
        def inner(x):
            return dask.delayed(abs)(x).compute(scheduler="sync")
        shared = inner(-1)
        print(shared.compute(scheduler="sync"), dask.compute(shared, inner(-2)))
        kept = shared.persist()
        print(kept.compute())
        """
    )
    assert recorded.output.split("\n")[:2] == ["1 (1, 2)", "1"], recorded.error
    assert [note["how"] for note in graphs(recorded)] == ["compute", "compute", "persist", "compute"]
    assert [bool(note["again_ns"]) for note in graphs(recorded)] == [False, True, True, False]
    assert not recorded.of("failed")


def test_errors_of_tasks_and_of_hooks_reach_nobody(program):
    recorded = program(
        """
        import dask
        from bottleneck_profiler.collectors.support.dask_graphs import Graphs
        fail = dask.delayed(lambda: 1 / 0)
        try:
            fail().compute()
        except ZeroDivisionError:
            print("theirs")
        def ours(*args):
            raise ValueError("ours")
        Graphs.prefix = ours
        print(dask.delayed(abs)(-3).compute(), dask.delayed(abs)(-4).compute())
        """
    )
    assert recorded.output.split() == ["theirs", "3", "4"], recorded.error
    assert [note["error"] for note in recorded.of("failed")] == ["ValueError: ours"]


def test_functions_are_the_same_objects_before_and_after(program):
    recorded = program(
        """
        import dask.base, dask.local, dask.dataframe as dd
        import bottleneck_profiler.agent.bootstrap as child
        functions = dask.base.compute, dask.local.execute_task, dask.local.get_async, dd.read_csv
        codes = [each.__code__.co_filename for each in functions]
        child.detach_all()
        after = [each.__code__.co_filename for each in functions]
        print(functions[0] is dd.compute, [a != b for a, b in zip(codes, after)], all("dask" in each for each in after))
        """
    )
    assert recorded.output.strip() == "True [True, True, True, True] True", recorded.error


# -- what is told -------------------------------------------------------------------------------------------------


def graph(start, wall, **more):
    times = {name: int(more.pop(name, wall) * SECOND) for name in ("run", "work", "cpu", "chain", "longest")}
    again = int(more.pop("again", 0) * SECOND)
    return "dask_graph", {
        "t0": int(start * SECOND), "t1": int((start + wall) * SECOND), "how": "compute", "count": 1, "site": 1,
        "workers": 4, "tasks": 2, "wall_ns": int(wall * SECOND), "again_ns": again, "sources": (),
        **{f"{name}_ns": value for name, value in times.items()}, **more,
    }  # fmt: skip


def line(independent=True):
    return "dask_line", {"file": "/home/me/train.py", "line": 12, "function": "load", "independent": independent}


def loop(**more):
    return [graph(1 + 0.5 * number, 0.5, **more) for number in range(10)]


def of_machine(detector, *notes, cores=4):
    from bottleneck_profiler.artifacts import Artifacts
    from bottleneck_profiler.detectors import run_all

    import etl.test_detectors as built

    made = built.recording(*notes)
    made.run["machine"] = {"cores": cores}
    return run_all([detector()], Artifacts(made))[detector.id]


def test_graphs_of_a_loop_could_run_side_by_side():
    found = of_machine(DaskComputeInLoop, *loop(cpu=0.0), line())
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert found.gain.seconds == pytest.approx(5 - 5 / 4)  # they wait, on four workers
    computing = of_machine(DaskComputeInLoop, *loop(), line())
    assert computing.gain.seconds == pytest.approx(5 - 5 / 2.5)


def test_tasks_that_hold_the_gil_gain_nothing():
    """Two at a time took one core in this run: the work of the loop does not spread."""
    locked = graph(8, 1, work=2.0, cpu=1.0, site=0)
    assert isinstance(of_machine(DaskComputeInLoop, *loop(), locked, line()), Fine)


def test_no_gain_is_told_of_loops_that_are_none():
    assert isinstance(judge(DaskComputeInLoop, *loop(), line(False)), Fine)
    assert isinstance(judge(DaskComputeInLoop, *loop()[:4], line()), NotApplicable)
    assert isinstance(of_machine(DaskComputeInLoop, *loop()), NotMeasured)  # no source
    full = loop(work=2.0, cpu=2.0, chain=0.1)
    assert isinstance(of_machine(DaskComputeInLoop, *full, line()), Fine)  # each graph fills the workers
    assert isinstance(judge(DaskComputeInLoop), NotApplicable)


def test_work_that_runs_again_is_another_cause():
    again = loop(again=0.45)
    assert isinstance(of_machine(DaskComputeInLoop, *again, line()), NotApplicable)
    found = judge(DaskComputedOneByOne, *again, line())
    assert isinstance(found, Finding) and found.gain.seconds == pytest.approx(4.5)
    assert found.gain.low < found.gain.share < found.gain.high
    assert isinstance(judge(DaskComputedOneByOne, *again[:2]), NotApplicable)
    assert isinstance(judge(DaskComputedOneByOne, *loop(again=0.04)), Fine)


def test_tasks_of_a_pool_of_processes_are_counted_where_they_run(program):
    recorded = program(
        """
        import dask
        def work(number):
            return sum(range(20_000)) + number
        if __name__ == "__main__":
            with dask.config.set(scheduler="processes", num_workers=2):
                print(len(dask.compute(*[dask.delayed(work)(number) for number in range(20)])))
            dask.delayed(work)(0).compute(scheduler="threads")
        """
    )
    assert recorded.output.split() == ["20"], recorded.error
    assert not recorded.of("failed")
    first, second = recorded.of("dask_graph")
    assert (first["scheduler"], first["tasks"], first["workers"], first["work_ns"]) == ("processes", 20, 2, 0)
    assert second["tasks"] == 1 and second["work_ns"] > 0
    tasks = [note for note in recorded.of("dask_tasks") if note["prefix"] == "work"]
    counts = {kind: sum(note["count"] for note in tasks if note["scheduler"] == kind) for kind in ("processes", "")}
    assert counts == {"processes": 20, "": 1}


def of_processes(count, **more):
    made = [graph(1 + number, 1.0, work=0, cpu=0, chain=0, longest=0, **more) for number in range(count)]
    for _, fields in made:
        fields["scheduler"] = "processes"
    return made


def test_a_loop_that_starts_a_pool_for_each_graph_saves_all_but_one_start():
    ran = "dask_tasks", {"prefix": "work", "count": 20, "wall_ns": 4 * SECOND, "cpu_ns": 4 * SECOND}
    ran[1].update(scheduler="processes", longest_ns=SECOND // 5)
    found = of_machine(DaskComputeInLoop, *of_processes(10), ran, line())
    assert isinstance(found, Finding)
    # Ten seconds; 0.4 s of work in each graph on four workers, so 0.9 s of its second is the start of the pool.
    assert found.gain.seconds == pytest.approx(10 - 0.9 - 4 / 2.5)


def test_nothing_is_said_of_processes_whose_tasks_nobody_counted():
    assert isinstance(of_machine(DaskComputeInLoop, *of_processes(10), line()), NotApplicable)
