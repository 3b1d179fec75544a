"""``bottleneck run --metrics``, ``--textfile``: what a scrape sees, and that nothing of it stops the run."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.cli._metrics import AddressOption
from click import BadParameter
from helpers import bottleneck, started
from prometheus_client.parser import text_string_to_metric_families

from .replay import free_port, get, until

#: Steps, then waits for a line on stdin: the test looks meanwhile.
LOOP = """
import sys, time
import bottleneck_profiler as bp
for step in bp.steps(range(40)):
    time.sleep(0.005)
sys.stdin.readline()
print("done", file=sys.stdout)
sys.exit(3)
"""
SERVER = """
import sys, threading, urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server
class Quiet(WSGIRequestHandler):
    def log_message(self, *words): pass
def app(environ, start_response):
    status = "500 Internal Server Error" if environ["PATH_INFO"] == "/bad" else "200 OK"
    start_response(status, [("Content-Type", "text/plain")])
    return [b"answer"]
server = make_server("127.0.0.1", int(sys.argv[1]), app, handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.readline()
"""


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.py"
    path.write_text(LOOP)
    return path


def scraped(port: int) -> dict[str, float]:
    """The page: "name" or "name{first label's value besides run}" -> value."""
    found = {}
    for family in text_string_to_metric_families(get(f"http://127.0.0.1:{port}/metrics")):
        for sample in family.samples:
            assert sample.labels["run"]
            labels = [value for name, value in sample.labels.items() if name != "run"]
            found[sample.name + ("{" + ",".join(labels) + "}" if labels else "")] = sample.value
    return found


def command(folder: Path, *words: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", folder / "run", *words]


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def test_the_page_is_there_while_the_program_runs(loop: Path, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "prom"
    folder.mkdir()
    options = ("--metrics", f":{port}", "--textfile", folder, "--price-per-hour", "2.5 CHF", "--quiet", "--name=mine")
    with started(command(tmp_path, *options, loop), **PIPES) as process:

        def all_steps() -> dict[str, float]:
            found = scraped(port)
            return found if found.get("bottleneck_step_duration_seconds_count") == 40 else {}

        page = until(all_steps, "the page with every step")
        assert page["bottleneck_step_duration_seconds_sum"] >= 40 * 0.005
        assert page["bottleneck_program_resident_memory_bytes"] > 1 << 20
        assert page["bottleneck_program_cpu_seconds_total{user}"] > 0
        assert page["bottleneck_price_per_hour{CHF}"] == 2.5
        assert not [name for name in page if "gpu" in name or "verdict" in name or "exit_code" in name]
        with pytest.raises(OSError), socket.create_connection((address_of_this_machine(), port), timeout=5):
            pass  # only this machine may read it
        out, err = process.communicate("\n", timeout=120)
    assert (process.returncode, out) == (3, "done\n"), err
    assert "--metrics" not in err
    with pytest.raises(OSError):
        get(f"http://127.0.0.1:{port}/metrics")
    (file,) = folder.iterdir()
    assert file.name == "bottleneck_mine.prom"
    text = file.read_text()
    assert 'bottleneck_run_exit_code{run="mine"} 3.0' in text
    assert 'bottleneck_step_duration_seconds_count{run="mine"} 40.0' in text


def address_of_this_machine() -> str:
    """One that is not loopback; without a network, one that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "192.0.2.1"


def test_requests_are_counted_while_the_server_runs(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    port, own = free_port(), free_port()
    words = command(tmp_path, "--metrics", f"127.0.0.1:{port}", "--quiet", tmp_path / "server.py", str(own))
    with started(words, **PIPES) as process:
        until(lambda: get(f"http://127.0.0.1:{own}/"), "the server")
        for _ in range(9):
            get(f"http://127.0.0.1:{own}/")
        with pytest.raises(OSError):
            get(f"http://127.0.0.1:{own}/bad")

        def all_requests() -> dict[str, float]:
            found = scraped(port)
            return found if found.get("bottleneck_request_duration_seconds_count", 0) >= 11 else {}

        page = until(all_requests, "the page with every request")
        process.communicate("\n", timeout=120)
    routes = {name: value for name, value in page.items() if name.startswith("bottleneck_route_requests_total")}
    assert sum(routes.values()) == 11
    assert sum(value for name, value in routes.items() if "500" in name) == 1


def test_a_busy_port_costs_one_line_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "quick.py").write_text("print('out')\nraise SystemExit(5)\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = bottleneck(tmp_path, tmp_path / "quick.py", options=("--metrics", f":{port}", "--quiet"))
    assert (ran.code, ran.out) == (5, "out\n")
    lines = [line for line in ran.err.splitlines() if "--metrics" in line]
    assert lines == [
        f"bottleneck: --metrics: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "the run goes on without that page"
    ]


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine_costs_one_line(tmp_path: Path, host: str) -> None:
    (tmp_path / "quick.py").write_text("print('out')\n")
    ran = bottleneck(tmp_path, tmp_path / "quick.py", options=("--metrics", f"{host}:{free_port()}", "--quiet"))
    assert (ran.code, ran.out) == (0, "out\n")
    assert ran.err.count("--metrics: cannot listen on") == 1 and "Traceback" not in ran.err


def test_what_is_no_address_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "quick.py").write_text("print('out')\n")
    ran = bottleneck(tmp_path, tmp_path / "quick.py", options=("--metrics", ":http"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].endswith("':http' is not an address such as :9000 or 0.0.0.0:9000")
    assert not ran.folder.exists()


@pytest.mark.parametrize("text", ["", "host", "host:", ":0", ":-1", ":70000", "a:b", "u@h:80", ":80/x", "::1", "[::1"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(BadParameter, match="is not an address"):
        AddressOption().convert(text, None, None)


def test_addresses() -> None:
    convert = AddressOption().convert
    for text, shown in {"9000": "127.0.0.1:9000", ":9000": "127.0.0.1:9000", "0.0.0.0:1": "0.0.0.0:1",
                        "[::1]:9000": "[::1]:9000", "Host:9000": "host:9000"}.items():  # fmt: skip
        assert str(convert(text, None, None)) == shown


@pytest.mark.parametrize(("kind", "why"), [("missing", "does not exist"), ("file", "is not a folder")])
def test_a_textfile_folder_that_cannot_be_used_costs_one_line(tmp_path: Path, kind: str, why: str) -> None:
    (tmp_path / "quick.py").write_text("print('out')\n")
    (tmp_path / "file").write_text("")
    ran = bottleneck(tmp_path, tmp_path / "quick.py", options=("--textfile", str(tmp_path / kind), "--quiet"))
    assert (ran.code, ran.out) == (0, "out\n")
    assert ran.err.count("--textfile") == 1
    assert f"--textfile: {tmp_path / kind} {why}; the run goes on without that file" in ran.err


def test_a_textfile_folder_that_vanishes_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "prom").mkdir()
    (tmp_path / "quick.py").write_text("import os, sys\nos.rmdir(sys.argv[1])\n")
    options = ("--textfile", str(tmp_path / "prom"), "--quiet")
    ran = bottleneck(tmp_path, tmp_path / "quick.py", str(tmp_path / "prom"), options=options)
    assert ran.code == 0
    lines = [line for line in ran.err.splitlines() if str(tmp_path / "prom") in line]
    assert len(lines) == 1 and lines[0].endswith("No such file or directory")
    assert (ran.folder / "diagnosis.json").exists()
