"""The first line of a report where no detector knows what holds the time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from artifacts.recorded import golden
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.run.breakdown import Breakdown
from bottleneck_profiler.artifacts.run.crowding import Crowding
from bottleneck_profiler.artifacts.run.host import Host
from bottleneck_profiler.artifacts.run.machine import Machine
from bottleneck_profiler.artifacts.run.user_lines import UserLines
from bottleneck_profiler.artifacts.run.waits import Target
from bottleneck_profiler.artifacts.serving.requests import Requests
from bottleneck_profiler.diagnosis.findings import Evidence, Finding, Fix, Gain, Location
from bottleneck_profiler.diagnosis.headline import Place, headline_of, largest_place, verdict_of
from bottleneck_profiler.diagnosis.model import Ranked
from run.made_up import Frames, Stood, library, recording, user
from typed import add

APPLY = library("DataFrame.merge", "/site-packages/pandas/core/frame.py")
IMPORTS = library("_call_with_frames_removed", "<frozen importlib._bootstrap>")


def place(*stood: Stood, phase: int = signals.NONE, call: str = "") -> Place | None:
    made = recording(*stood)
    made.stacks["flags"] |= phase
    if call:
        add(made.facts, "known_line", file="/home/ada/job.py", line=3, function="work", call=call)
    return largest_place(made, UserLines.compute(made), 0)


def only(*frames: object, ms: int = 6_000, blocked: bool = False) -> Stood:
    stack: Frames = frames  # type: ignore[assignment]
    return Stood(stack, 0, ms, blocked=blocked)


def test_the_place_is_the_line_with_the_most_time_by_what_it_calls():
    named = place(only(APPLY, user(3), user(9, "main")), call="merge")
    assert str(named) == "60 % of the run is merge() at /home/ada/job.py:3"
    assert str(place(only(user(3)))) == "60 % of the run is work at /home/ada/job.py:3"
    assert str(place(only(user(3, "<module>")))) == "60 % of the run is top-level code at /home/ada/job.py:3"
    waits = place(only(user(3), blocked=True), call="recv")
    assert str(waits) == "60 % of the run waits in recv() at /home/ada/job.py:3"


def test_a_program_that_asks_its_own_server_spends_its_time_there():
    serves = library("finish_request", "/usr/lib/python3.11/http/server.py")
    reads = library("SocketIO.readinto", "/usr/lib/python3.11/socket.py")
    client = only(reads, user(3, "ask"), user(9, "main"), blocked=True)
    answers = Stood((user(5, "answer"), serves), 0, 2_000, thread=1)
    assert str(place(client, answers)) == (
        "20 % of the run is answer at /home/ada/job.py:5, in the program's own server, for which 60 % of the run waits "
        "at /home/ada/job.py:3"
    )
    library_alone = Stood((library("render", "/site-packages/jinja2/environment.py"), serves), 0, 2_000, thread=1)
    assert str(place(client, library_alone)) == (
        "60 % of the run waits for the program's own server in ask at /home/ada/job.py:3"
    )
    assert str(place(client)) == "60 % of the run waits for a socket in ask at /home/ada/job.py:3"


def test_a_client_in_a_process_of_its_own_is_no_place_beside_the_server_that_it_asks():
    serves = library("finish_request", "/usr/lib/python3.11/http/server.py")
    child = only(library("run", "/usr/lib/python3.11/subprocess.py"), user(3, "load"), blocked=True)
    stack = user(5, "answer"), serves
    assert str(place(child, Stood(stack, 0, 2_000, thread=1))) == "20 % of the run is answer at /home/ada/job.py:5"
    assert str(place(child, Stood(stack, 0, 2_000, thread=1, every_ms=100))) == (
        "20 % of the run is answer at /home/ada/job.py:5, in the program's own server, for which 60 % of the run waits "
        "at /home/ada/job.py:3"
    )
    alone = "60 % of the run waits for a child process in load at /home/ada/job.py:3"
    assert str(place(child, Stood(stack, 0, 800, thread=1))) == alone
    assert str(place(child, Stood(stack[:1], 0, 2_000, thread=1, every_ms=100))) == alone


def test_imports_are_no_place_and_neither_is_nothing():
    assert place(only(IMPORTS, user(3, "<module>"))) is None
    assert place(only(APPLY)) is None
    assert largest_place(recording(), None, 0) is None


def test_only_time_in_no_recorded_phase_is_unjudged():
    free, judged = place(only(user(3))), place(only(user(3)), phase=signals.PHASES.index("forward"))
    assert free is not None and judged is not None
    assert (free.unjudged_share, judged.unjudged_share) == (pytest.approx(0.6), 0.0)


def test_passes_without_gradients_are_unjudged_beside_a_training_only():
    predicts, trains = only(user(3)), Stood((user(7),), 6_000, 8_000)
    made = recording(predicts, trains)
    early = made.stacks["t1"] <= 6_000_000_000
    made.stacks["flags"] |= np.where(early, signals.EVAL, signals.BACKWARD).astype("u2")
    beside = largest_place(made, UserLines.compute(made), 0)
    alone = place(only(user(3)), phase=signals.EVAL)
    assert beside is not None and alone is not None
    assert (beside.line, beside.unjudged_share, alone.unjudged_share) == (3, pytest.approx(0.6), 0.0)
    parts = {"eval": 5.0, "forward": 3.0, "imports": 2.0}
    assert verdict(None, whole=Breakdown(0, 10.0, parts)) == "fine"
    assert verdict(None, whole=Breakdown(0, 10.0, {**parts, "backward": 0.5})) == "unexplained"


def verdict(
    share: float | None,
    answered: bool = True,
    short: bool = False,
    whole: Breakdown | None = None,
    suspect: str = "",
    queued: bool = False,
) -> str:
    held = None if share is None else Place("job.py", 3, "work", "", share, share, "")
    return verdict_of(recording(only(user(3))), [], short, answered, whole, held, suspect, queued)


def test_a_third_of_the_run_in_one_line_that_nobody_judges_is_no_all_clear():
    assert verdict(0.31) == "unexplained"
    assert verdict(0.29) == verdict(None) == "fine"
    assert verdict(0.9, answered=False) == "nothing to judge"
    assert verdict(0.9, short=True) == "too short to judge"


def test_requests_that_wait_for_each_other_are_no_all_clear():
    served = Breakdown(0, 10.0, {"serve.handler": 6.0, "serve.idle": 4.0})
    assert verdict(None, whole=served, queued=True) == "unexplained"
    assert verdict(None, whole=served) == "fine"
    assert verdict(None, whole=Breakdown(0, 10.0, {"serve.handler": 4.0, "serve.idle": 6.0}), queued=True) == "fine"
    sampled = recording(only(user(3)))
    blind = replace(sampled, stacks=sampled.stacks[:0])  # the sampler could not start
    assert verdict_of(blind, [], False, True, served, None) == "unexplained"


def test_what_is_suspected_on_too_few_samples_is_no_all_clear():
    assert verdict(None, suspect="Something") == verdict(None, answered=False, suspect="Something") == "unexplained"
    assert verdict(None, short=True, suspect="Something") == "too short to judge"
    assert headline_of("unexplained", [], None, None, None, None, suspect="Something") == (
        "Something; too few samples to be sure, so record a longer run."
    )


def test_half_of_the_run_outside_of_every_phase_is_no_all_clear_whichever_lines_it_stands_in():
    mostly = Breakdown(0, 10.0, {"python:clean": 3.0, "forward": 2.5, "python:main": 2.5, "imports": 2.0})
    one = Breakdown(0, 10.0, {"forward": 4.5, "setup:clean": 3.0, "imports": 2.5})
    less = Breakdown(0, 10.0, {"forward": 4.5, "python:clean": 2.5, "imports": 3.0})
    assert verdict(None, whole=mostly) == verdict(0.1, whole=mostly) == "unexplained"
    assert verdict(None, whole=one) == "unexplained"
    assert verdict(None, whole=less) == "fine"
    writes = Breakdown(0, 10.0, {"etl.write": 8.0, "etl.read": 2.0})  # which no detector looks into
    assert verdict(None, whole=writes) == "unexplained"
    assert headline_of("unexplained", [], mostly, None, None, None) == (
        "No known cause of slowness was found; most time goes to clean() (30 %)."
    )


def test_a_device_of_which_only_the_borders_of_the_phases_were_timed_is_no_all_clear():
    made = recording(only(user(3)))
    assert verdict_of(made, [], False, True, None, None) == "fine"
    assert verdict_of(made, [], False, True, None, None, device_unseen=True) == "unexplained"
    assert verdict_of(made, [], False, False, None, None, device_unseen=True) == "nothing to judge"


def test_a_run_that_mostly_imports_is_judged_by_the_rest():
    parts = {"import": 5.0, "shutdown": 1.0, "python:serve": 1.2, "forward": 0.8}
    assert verdict(0.15, whole=Breakdown(0, 8.0, parts)) == "unexplained"
    assert verdict(None, whole=Breakdown(0, 8.0, {**parts, "python:serve": 0.3, "forward": 1.7})) == "fine"
    assert verdict(0.15, whole=Breakdown(0, 8.0, {**parts, "import": 3.0, "forward": 2.8})) == "fine"
    assert verdict(0.15, whole=Breakdown(0, 0.8, {"import": 0.6, "python:serve": 0.2})) == "fine"
    held = Place("/home/ada/job.py", 3, "work", "", 0.15, 0.15, "")
    assert headline_of("unexplained", [], Breakdown(0, 8.0, parts), None, None, held) == (
        "15 % of the run is work at /home/ada/job.py:3; no faster way is known for it."
    )


def test_the_headline_of_what_is_unexplained_names_the_line():
    held = Place("/home/ada/job.py", 3, "work", "merge", 0.88, 0.88, "")
    said = headline_of("unexplained", [], None, None, None, held)
    assert said == "88 % of the run is merge() at /home/ada/job.py:3; no faster way is known for it."


@pytest.mark.parametrize(
    ("used", "cores", "words"),
    [
        (1.9, 2, ", with both cores busy"),
        (1.0, 2, ", on one of 2 cores"),
        (3.1, 8, ", with 3.1 of 8 cores busy"),
        (7.5, 8, ", with all 8 cores busy"),
        (0.3, 2, ""),
        (1.0, 1, ""),
        (None, 2, ""),
    ],
)
def test_the_headline_of_what_is_unexplained_says_how_many_cores_were_busy(used, cores, words):
    held = Place("/home/ada/job.py", 3, "work", "merge", 0.88, 0.88, "", busy_cores=used)
    said = headline_of("unexplained", [], None, None, None, held, cores=cores)
    assert said == f"88 % of the run is merge() at /home/ada/job.py:3{words}; no faster way is known for it."
    native = headline_of("unexplained", [], None, None, None, replace(held, native=True), cores=cores)
    assert ("in native code" in native) == bool(words)
    waiting = headline_of("unexplained", [], None, None, None, replace(held, waits="sleeps"), cores=cores)
    assert "busy" not in waiting and "cores" not in waiting


def test_busy_cores_are_counted_while_the_line_runs_only():
    made = recording(only(library("merge", "/site-packages/pandas/core/frame.py"), user("work", 3), ms=4_000))
    start, end = int(made.stacks["t0"].min()), int(made.stacks["t1"].max())
    second = 10**9
    host = Host(
        {"time_ns": np.array([start, end, end + second]), "cpu_ns_total": np.array([0, 2 * (end - start), 9e12])}
    )
    held = largest_place(made, UserLines.compute(made), 0, host)
    assert held is not None and held.busy_cores == pytest.approx(2.0)
    bare = largest_place(made, UserLines.compute(made), 0)
    assert bare is not None and bare.busy_cores is None


def test_the_place_stands_where_the_breakdown_names_no_phase():
    held = Place("/home/ada/job.py", 3, "work", "", 0.25, 0.25, "waits")
    assert headline_of("fine", [], None, None, None, held) == (
        "Nothing worth fixing was found; 25 % of the run waits in work at /home/ada/job.py:3."
    )
    assert headline_of("fine", [], None, None, None, None) == "Nothing worth fixing was found."


def test_the_headline_says_what_a_line_waits_for():
    held = Place("/home/ada/job.py", 3, "work", "execute", 0.74, 0.74, Target("socket", "10.0.0.4:5432").verb)
    assert headline_of("unexplained", [], None, None, None, held) == (
        "74 % of the run waits for 10.0.0.4:5432 in execute() at /home/ada/job.py:3; no faster way is known for it."
    )


def test_a_function_whose_lines_share_its_time_is_named_rather_than_one_of_them():
    held = Place("/home/ada/job.py", 3, "prepare", "", 0.08, 0.08, "")
    whole = Breakdown(0, 10.0, {"setup:prepare": 5.0, "forward": 2.0})
    assert headline_of("fine", [], whole, None, None, held) == (
        "Nothing worth fixing was found; most time goes to setup:prepare (50 %)."
    )
    held = replace(held, share=0.4)
    assert "is prepare at /home/ada/job.py:3" in headline_of("fine", [], whole, None, None, held)


def test_a_ceiling_is_said_to_be_one():
    gain = Gain(0.3, 0.1, 0.44, 3.0, "", ceiling=True)
    found = Finding("a", "Waits", "training", (), Fix("", "", 1), gain=gain)
    said = headline_of("findings", [Ranked(found, "warning", 0.4, 1.0, ())], None, None, None, None)
    assert said == "Waits; fixing it saves up to 44 % of the run."


def test_a_read_without_a_line_is_named_by_its_call_and_file():
    read = Evidence("first file", "/data/orders.csv"), Evidence("reader", "pandas.read_csv")
    found = Finding("a", "Text is parsed", "etl", read, Fix("", "", 1))
    said = headline_of("findings", [Ranked(found, "warning", 0.4, 1.0, ())], None, None, None, None)
    assert said == "Text is parsed (pandas.read_csv of orders.csv)."


def test_other_programs_that_take_the_cores_are_said_where_nothing_else_is_wrong():
    crowded = Crowding(others_cores=1.0, waiting_threads=0.9, cores=2.0)
    assert headline_of("fine", [], None, None, None, None, crowding=crowded) == (
        "Nothing worth fixing was found in the program; other programs used 1.0 of 2 cores, for which 0.9 of this "
        "program's threads waited on average."
    )
    for few in (replace(crowded, others_cores=0.4), replace(crowded, waiting_threads=0.2)):
        assert headline_of("fine", [], None, None, None, None, crowding=few) == "Nothing worth fixing was found."


def test_crowding_is_measured_over_the_run_or_not_at_all():
    second = 10**9
    columns = {"time_ns": [0, 5 * second, 10 * second], "other_cores": [1.0, 1.0, 1.0]}
    delays = {"run_delay_ns_total": [0, 4 * second, 9 * second]}
    host = Host({name: np.array(column) for name, column in {**columns, **delays}.items()})
    found = Crowding.compute(host, Machine(2.0, 0))
    assert (found.others_cores, found.waiting_threads, found.crowded) == (1.0, pytest.approx(0.9), True)
    with pytest.raises(Missing):
        Crowding.compute(Host({name: np.array(column) for name, column in columns.items()}), Machine(2.0, 0))


def test_one_host_sample_measures_no_rate():
    edges = np.array([0]), np.array([2 * 10**9])
    two = Host({"time_ns": np.array([0, 2 * 10**9]), "cpu_ns_total": np.array([0, 10**9])})
    one = Host({"time_ns": np.array([0]), "cpu_ns_total": np.array([0])})
    assert two.rate("cpu_ns_total", *edges) == pytest.approx(0.5e9)
    assert one.rate("cpu_ns_total", *edges) is None


def test_a_minor_finding_does_not_hide_the_line_that_holds_the_run():
    held = Place("/home/ada/job.py", 3, "work", "merge", 0.88, 0.88, "", busy_cores=1.9)
    gain = Gain(0.04, 0.03, 0.05, 0.4, "")
    minor = Finding(
        "d", "Rows are parsed", "etl", Location("/home/ada/job.py", 9), (), gain, Fix("x", "y", 1), "then", ()
    )

    def said(gain: Gain, line: int = 9) -> str:
        finding = replace(minor, gain=gain, location=Location("/home/ada/job.py", line))
        return headline_of("findings", [Ranked(finding, "info", 0.4, 1.0, ())], None, None, None, held, cores=2)

    first = "Rows are parsed (/home/ada/job.py:9); fixing it saves about 4 % of the run."
    assert said(gain) == (
        "88 % of the run is merge() at /home/ada/job.py:3, with both cores busy; no faster way is known for it. "
        + first
    )
    assert said(replace(gain, high=0.4)) == first
    assert said(gain, line=3).startswith("Rows are parsed"), "the fix is of this line"


def test_a_server_that_is_not_hooked_is_not_said_to_have_no_requests():
    serves = library("finish_request", "/usr/lib/python3.11/http/server.py")
    made = recording(only(user(3), serves, user(9, "main")))
    said = headline_of("nothing to judge", [], None, None, None, None, UserLines.compute(made))
    assert said == "Nothing to judge: the program runs a server whose requests are not recorded one by one."


def test_a_worker_that_imports_a_web_framework_is_no_server():
    imports = library("_call_with_frames_removed", "<frozen importlib._bootstrap>")
    made = recording(
        only(user(3)),
        Stood((library("<module>", "/aiohttp/web_protocol.py"), imports, user(1, "load")), 0, 2_000, process=1),
    )
    assert not UserLines.compute(made).serves


def test_requests_that_were_recorded_are_not_said_to_be_none():
    served = Artifacts(golden("no-batching/silent")).get(Requests)
    said = headline_of("nothing to judge", [], None, None, served, None)
    assert said == f"Nothing to judge: {served.count} requests were recorded, but no signal the checks need."
