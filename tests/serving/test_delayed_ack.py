"""``delayed-ack``: by the kernel's evidence alone, at the line that writes the second part."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.serving.delayed_ack import DelayedAck
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.enrich.source.held_lines import enrich, find_handler_writes, find_second_sends
from bottleneck_profiler.recording.facts.source import HeldLine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording

MS = 1_000_000
PID = 100


def recording(held=90, delay_ms=40.0, in_use=2, within=True, cores=0.1, every=100, line=None, **columns):
    """10 s in which ``held`` of 100 looks see both connections hold data back."""
    looks = np.arange(every)
    holds = (looks < held) * in_use
    held_ns = np.cumsum(holds * 100.0 * MS)
    host = {
        "time_ns": looks * 100 * MS,
        "busy_cores": np.full(every, cores),
        "connections": np.full(every, 2.0),
        "connections_in_use": np.full(every, float(in_use)),
        "connections_held": holds.astype(float),
        "connections_held_within": holds * float(within),
        "connections_held_pid": np.where(holds, PID, np.nan),
        "held_ns_total": held_ns,
        "held_packets_total": np.floor(2 * held_ns / (delay_ms * MS)),
    }
    facts = Facts(processes=[Process(0, PID)])
    if line is not None:
        facts.add(0, line)
    nothing = np.zeros(0, RECORD_DTYPE)
    host = {name: value for name, value in {**host, **columns}.items() if value is not None}
    return Recording({"pid": PID}, facts, {}, nothing, nothing, nothing, nothing, host, {}, 0, 10_000 * MS)


def judge(**how):
    return run_all([DelayedAck()], Artifacts(recording(**how)))["delayed-ack"]


def test_gain_is_the_time_that_connections_are_held():
    found = judge(line=HeldLine("app.py", 12, "Tides.do_GET", True))
    assert isinstance(found, Finding) and found.gain is not None
    assert (found.location.file, found.location.line) == ("app.py", 12)
    assert found.gain.basis == "run" and found.gain.share == pytest.approx(0.9, abs=0.02)
    assert found.gain.low < found.gain.share < found.gain.high
    assert "class Tides" in found.fix.snippet and "disable_nagle_algorithm = True" in found.fix.snippet
    assert found.evidence[0].value == pytest.approx(0.04, rel=0.02)


def test_gain_stops_at_what_the_process_computes():
    more, less = judge(cores=0.1), judge(cores=0.9)
    assert less.gain.low < more.gain.low


def test_clients_outside_the_run_gain_latency():
    found = judge(within=False)
    assert isinstance(found, Finding)
    assert found.gain.basis == "p99" and found.gain.seconds == 0


def test_without_a_line_the_process_is_named():
    found = judge()
    assert isinstance(found, Finding) and found.location is None
    assert f"pid {PID}" in [evidence.value for evidence in found.evidence]
    assert "TCP_NODELAY" in found.fix.snippet


@pytest.mark.parametrize("how", [dict(held=0), dict(held=9), dict(delay_ms=9.0), dict(held=7, every=20)])
def test_just_below_each_threshold_is_fine(how):
    assert isinstance(judge(**how), Fine)


@pytest.mark.parametrize("how", [dict(held=11), dict(delay_ms=11.0), dict(held=8, every=20)])
def test_just_above_each_threshold_is_found(how):
    assert isinstance(judge(**how), Finding)


def test_absent_is_not_zero():
    unknown = np.full(100, np.nan)
    assert isinstance(judge(connections_in_use=None), NotMeasured)
    refused = dict.fromkeys(("connections_in_use", "connections_held", "connections_held_within"), unknown)
    assert isinstance(judge(**refused), NotMeasured)
    assert isinstance(judge(connections_in_use=np.zeros(100)), NotApplicable)


def test_looks_that_were_left_out_count_as_the_one_before():
    holes = np.where(np.arange(100) % 2, np.nan, 2.0)
    names = ("connections_in_use", "connections_held", "connections_held_within")
    found = judge(held=100, **dict.fromkeys(names, holes))
    assert isinstance(found, Finding) and found.gain.share == pytest.approx(0.99, abs=0.02)


SERVER = """
from http.server import BaseHTTPRequestHandler
class Base(BaseHTTPRequestHandler):
    {settings}
class Tides(Base):
    {own}
    def do_GET(self):
        {body}
"""
TWO = "self.send_response(200); self.end_headers()\n        self.wfile.write(b'body')"


def lines(settings='protocol_version = "HTTP/1.1"', own="pass", body=TWO, after=""):
    return find_handler_writes(ast.parse(SERVER.format(settings=settings, own=own, body=body) + after))


@pytest.mark.parametrize(
    "how",
    [
        {},
        dict(settings="pass", own="protocol_version: str = 'HTTP/1.1'"),
        dict(settings="pass", after="Tides.protocol_version = 'HTTP/1.1'\n"),
        dict(body=TWO.replace("self.wfile.write(b'body')", "json.dump({}, self.wfile)")),
        dict(body="self.head()\n        self.wfile.write(b'')\n    def head(self): self.end_headers()"),
        dict(own="disable_nagle_algorithm = False"),
    ],
)
def test_write_after_the_headers_is_the_line(how):
    found = lines(**how)
    assert [function for _, function in found] == ["Tides.do_GET"]
    source = SERVER.format(**{"settings": "pass", "own": "pass", "body": TWO} | how).splitlines()
    assert "self.wfile" in source[found[0][0] - 1]


@pytest.mark.parametrize(
    "how",
    [
        dict(settings="pass"),  # HTTP/1.0
        dict(own="disable_nagle_algorithm = True"),
        dict(own="wbufsize = -1"),
        dict(after="Base.wbufsize = 65536\n"),
        dict(body="self.wfile.write(b'head and body')"),
        dict(body="self.end_headers()"),
    ],
)
def test_handlers_that_write_once_or_at_once_have_no_line(how):
    assert lines(**how) == []


def test_second_send_on_one_socket_is_the_line():
    twice = "def answer(peer, body):\n    peer.sendall(head(body))\n    peer.sendall(body)\n"
    assert find_second_sends(ast.parse(twice)) == [(3, "answer")]
    once = "def answer(peer, other, body):\n    peer.sendall(body)\n    other.sendall(body)\n"
    assert find_second_sends(ast.parse(once)) == []
    assert find_second_sends(ast.parse(twice + "peer.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)\n")) == []


def test_source_is_read_only_with_the_kernels_evidence(tmp_path: Path):
    file = tmp_path / "app.py"
    file.write_text(SERVER.format(settings="protocol_version = 'HTTP/1.1'", own="pass", body=TWO))
    for held, found in ((0, []), (50, [HeldLine(str(file), 9, "Tides.do_GET", True)])):
        made = recording(held=held)
        made.facts.stacks[0, 1] = (Frame("Tides.do_GET", str(file), 7, True),)
        enrich(tmp_path, made)
        assert [fact for _, fact in made.facts.of(HeldLine)] == found
