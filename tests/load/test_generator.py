"""The generator against real servers: what it sends, what it measures, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers import default_signals

pytest.importorskip("aiohttp")

COMMAND = [sys.executable, "-m", "bottleneck_profiler.cli", "load"]
Odd = tuple[str, list[tuple[str, str, bytes, str]]]


def load(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=cwd, capture_output=True, text=True, timeout=120)


def report(*words: str, cwd: Path, code: int | None = 0) -> dict[str, Any]:
    done = load("--json", *words, cwd=cwd)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_latency_is_the_finish_less_the_planned_send(planted: Callable[..., Any], tmp_path: Path) -> None:
    """A pause delays all requests that were planned during it, although a client would have waited to send them."""
    url, log = planted("--fixed", "--mean-ms", "1", "--pause-ms", "700", "--every-ms", "1000")
    (tmp_path / "body").write_text("{{index}}")
    found = report(url, "--rate", "60", "--duration", "3", "--arrivals", "uniform", "--template", "body", cwd=tmp_path)
    rows = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet").to_pydict()
    assert len(rows["number"]) == 180
    gaps = np.diff(rows["planned"])
    assert abs(gaps - 1e9 / 60).max() < 2  # whatever the server did
    time.sleep(0.3)  # the log is written every 0.1 s
    finished: dict[int, int] = {}
    for line in log.read_text().splitlines():
        number, at = map(int, line.split())
        finished[number] = at  # the first 0 was the probe
    late = [end - finished[number] for number, end in zip(rows["number"], rows["end"], strict=True)]
    assert min(late) > -1_000_000
    planned_in_pause = [at % 10**9 < 600_000_000 for at in rows["planned"]]
    waits = [end - at for at, end in zip(rows["planned"], rows["end"], strict=True)]
    assert sum(planned_in_pause) > 90
    for inside, wait, at in zip(planned_in_pause, waits, rows["planned"], strict=True):
        assert not inside or wait >= 700_000_000 - at % 10**9


def test_a_closed_loop_does_not_see_what_it_did_not_send(planted: Callable[..., Any], tmp_path: Path) -> None:
    url, _ = planted("--fixed", "--mean-ms", "1", "--pause-ms", "700", "--every-ms", "1000")
    found = report(url, "--concurrency", "1", "--duration", "3", cwd=tmp_path)
    assert found["arrivals"] == "closed loop" and found["summary"]["planned"] > 20
    rows = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet").to_pydict()
    slow = [end - at > 100_000_000 for at, end in zip(rows["planned"], rows["end"], strict=True)]
    assert sum(slow) <= 5


def test_what_is_sent(odd: Odd, tmp_path: Path) -> None:
    url, asked = odd
    (tmp_path / "bodies.json").write_text('[{"a": 1}, {"a": 2}]')
    words = ("--rate", "40", "--duration", "1", "-X", "put", "-H", "X-Key: k", "--body-list", "bodies.json")
    found = report(f"{url}/ok", *words, cwd=tmp_path)
    assert {(method, path, key) for method, path, _, key in asked} == {("PUT", "/ok", "k")}
    sent = [body for *_, body, _ in asked[1:]]  # the first one was the probe
    assert len(sent) == found["summary"]["planned"]
    assert abs(sent.count(b'{"a": 1}') - sent.count(b'{"a": 2}')) <= 1
    assert found["summary"]["refused"] and found["summary"]["latency"]["p99"] is None


def test_tokens_of_a_stream(odd: Odd, tmp_path: Path) -> None:
    found = report(f"{odd[0]}/events", "--rate", "30", "--duration", "1", cwd=tmp_path)
    rows = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet").to_pydict()
    assert set(rows["tokens"]) == {5}
    assert found["summary"]["tokens"]["first_seconds"]["p50"] > 0


def test_a_redirect_on_the_same_host_is_followed(odd: Odd, tmp_path: Path) -> None:
    found = report(f"{odd[0]}/hop", "--rate", "20", "--duration", "0.5", cwd=tmp_path)
    assert found["summary"]["failed"] == 0
    assert {path for _, path, *_ in odd[1]} == {"/hop", "/ok"}


@pytest.mark.parametrize("path", ["circle", "away"])
def test_redirects_in_a_circle_or_to_another_host(odd: Odd, tmp_path: Path, path: str) -> None:
    done = load(f"{odd[0]}/{path}", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "redirect" in done.stderr
    assert not list((tmp_path / ".bottleneck" / "loads").glob("*"))


def test_a_storm_of_errors_ends_the_test(odd: Odd, tmp_path: Path) -> None:
    found = report(f"{odd[0]}/503", "--rate", "200", "--duration", "60", cwd=tmp_path, code=1)
    assert "HTTP 503" in found["stopped"] and found["summary"]["planned"] < 6000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["http://127.0.0.1:9/"], "no connection"),
        (["http://192.0.2.1/"], "--allow-remote"),
        (["ftp://127.0.0.1/"], "not an http"),
        (["http://127.0.0.1:x/"], "not a URL"),
        (["http://no.such.host.invalid/"], "cannot find the host"),
        (["http://user:secret@127.0.0.1/"], "--header"),
        (["127.0.0.1:9", "--find-knee"], "--slo-p99"),
        (["127.0.0.1:9", "-H", "nonsense"], "not a header"),
        (["127.0.0.1:9", "--body-file", "missing"], "cannot read missing"),
        (["127.0.0.1:9", "--steps", "1,2", "--concurrency", "3"], "exclude"),
    ],
)
def test_bad_input_is_one_line(words: list[str], says: str, tmp_path: Path) -> None:
    done = load(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and says in done.stderr and "Traceback" not in done.stderr


def test_tls_where_there_is_none(odd: Odd, tmp_path: Path) -> None:
    done = load(odd[0].replace("http", "https"), cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "TLS" in done.stderr


def test_without_aiohttp_one_line_says_how_to_install_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['aiohttp'] = None; import bottleneck_profiler.load as l, importlib.util as u\n"
    code += "u.find_spec = lambda name: None\nfrom bottleneck_profiler.cli import main; main(['load', '127.0.0.1:9'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "pip install 'bottleneck-profiler[load]'" in done.stderr


def test_ctrl_c_keeps_what_was_measured(odd: Odd, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, f"{odd[0]}/ok", "--json", "--rate", "50", "--duration", "100"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=default_signals,
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(odd[1]) < 30 and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    found = json.loads(out)
    assert process.returncode == 130 and found["interrupted"]
    assert 20 < found["summary"]["planned"] < 4000
    assert (Path(found["folder"]) / "tables" / "load.parquet").exists()


def test_two_versions_get_the_same_requests(odd: Odd, tmp_path: Path) -> None:
    found = report(f"{odd[0]}/ok", f"{odd[0]}/hop", "--rate", "60", "--duration", "2", cwd=tmp_path)
    versions = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet")["version"].to_pylist()
    assert abs(versions.count(0) - versions.count(1)) <= 1
    assert all({one, two} == {0, 1} for one, two in zip(versions[::2], versions[1::2], strict=False))
    assert found["versus"]["mean"]["low"] <= found["versus"]["mean"]["value"] <= found["versus"]["mean"]["high"]


def test_the_search_for_the_knee_on_a_real_server(planted: Callable[..., Any], tmp_path: Path) -> None:
    """Ten seconds are too few for a figure to be checked here: `benchmarks/load_accuracy.py` does that."""
    url, _ = planted("--fixed", "--mean-ms", "20")
    found = report(url, "--body", "1", "--slo-p99", "200", "--find-knee", "--budget", "10", cwd=tmp_path, code=None)
    trials = found["knee"]["trials"]
    assert len(trials) >= 2 and all(0 <= trial["above_share"] <= 1 for trial in trials)
    assert found["knee"]["rate"] is None or found["knee"]["rate"] < 60 or found["knee"]["at_least"]
    assert found["knee"]["rate"] is not None or found["knee"]["why"]
    rows = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet").to_pydict()
    assert len(set(rows["rate"])) >= 2


def test_no_rate_meets_an_objective_below_one_response(planted: Callable[..., Any], tmp_path: Path) -> None:
    url, _ = planted("--fixed", "--mean-ms", "50")
    found = report(url, "--body", "1", "--slo-p99", "20", "--find-knee", "--budget", "10", cwd=tmp_path, code=1)
    assert found["knee"]["rate"] is None and "one request alone takes" in found["knee"]["why"]
