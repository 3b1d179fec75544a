"""How right ``bottleneck load`` is, on servers whose truth is known (``planted_server.py``). Needs a quiet machine.

``python benchmarks/load_accuracy.py latency``: p50 and p99 against what the server logged on the same clock.
``... pause``: a server that stops for 1 s in every 10 has a p99 of 0.9 s; a closed loop cannot see that.
``... cost``: requests per second of the generator's CPU time.
``... knee [--seeds 10] [--only NAME] [--budget S]``: searches against the knee by an exhaustive simulated sweep.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from planted_server import Queue

HERE = Path(__file__).parent
#: name -> (options of the server, objective in ms)
SERVERS = {
    "one server, exponential": ({"servers": 1, "mean-ms": 5.0}, 100.0),
    "four servers, exponential": ({"servers": 4, "mean-ms": 20.0}, 200.0),
    "one server, pauses of 200 ms in 2 s": ({"mean-ms": 5.0, "fixed": None, "pause-ms": 200.0, "every-ms": 2000.0},
                                            250.0),
}  # fmt: skip
SWEEP_REQUESTS = 200_000


@contextmanager
def planted(folder: Path, options: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """A server's URL and log."""
    log = folder / "log"
    words = [word for name, value in options.items() for word in (f"--{name}", value) if word is not None]
    process = subprocess.Popen([sys.executable, str(HERE / "planted_server.py"), str(log), *map(str, words)],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/", log
    finally:
        process.kill()
        process.wait()


def load(folder: Path, url: str, *words: str) -> dict[str, Any]:
    """The report of one load test, whose requests carry their numbers."""
    (folder / "body").write_text("{{index}}")
    done = subprocess.run(
        [sys.executable, "-m", "bottleneck_profiler.cli", "load", url, "--json", "--template", "body", *words],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    if not done.stdout:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def latency() -> None:
    for mean in (20.0, 50.0):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with planted(folder, {"servers": 4, "mean-ms": mean}) as (url, log):
                found = load(folder, url, "--rate", str(2000 / mean), "--duration", "22")
                time.sleep(0.3)
            rows = pq.read_table(Path(found["folder"]) / "tables" / "load.parquet").to_pydict()
            planned = dict(zip(rows["number"], rows["planned"], strict=True))
            finished = dict(map(int, line.split()) for line in log.read_text().splitlines())  # number -> ns
            truth = [(finished[number] - at) / 1e9 for number, at in planned.items()]
            ours, words = found["summary"]["latency"], []
            for share in (50, 99):
                true, value = float(np.percentile(truth, share)), ours[f"p{share}"]
                words.append(f"p{share} {value * 1e3:.2f} ms, truth {true * 1e3:.2f} ({value / true - 1:+.2%})")
            print(f"service {mean:.0f} ms, {len(truth)} requests: {'; '.join(words)}; {_lag(found)}")


def pause() -> None:
    options = {"mean-ms": 1.0, "fixed": None, "pause-ms": 1000.0, "every-ms": 10_000.0}
    ways = {
        "open loop": ("--rate", "40", "--arrivals", "uniform", "--duration", "30"),
        "closed loop": ("--concurrency", "1", "--duration", "10"),
    }
    for name, words in ways.items():
        with tempfile.TemporaryDirectory() as folder, planted(Path(folder), options) as (url, _):
            found = load(Path(folder), url, *words)
            print(f"{name}: p99 {found['summary']['latency']['p99']:.4f} s, truth 0.9 s; {_lag(found)}")


def cost() -> None:
    with tempfile.TemporaryDirectory() as name, planted(Path(name), {"mean-ms": 0.001, "fixed": None}) as (url, _):
        for words in (("--rate", "1000"), ("--concurrency", "8")):
            found = load(Path(name), url, *words, "--duration", "8")
            print(f"{' '.join(words)}: {found['generator']['requests_per_cpu_second']:,.0f} requests per CPU second; "
                  f"{_lag(found)}")  # fmt: skip


def truth_of(options: dict[str, Any], slo: float) -> float:
    """The knee by halving, each rate simulated with many requests."""
    low, high = 1.0, 1e3 * options.get("servers", 1) / options["mean-ms"]
    for _ in range(14):
        rate = (low + high) / 2
        queue = Queue(options.get("servers", 1), options["mean-ms"] / 1e3, "fixed" in options,
                      options.get("pause-ms", 0.0) / 1e3, options.get("every-ms", 1000.0) / 1e3)  # fmt: skip
        arrivals = np.cumsum(np.random.default_rng(5).exponential(1 / rate, SWEEP_REQUESTS)).tolist()
        above = sum(queue.finish(at) - at > slo / 1e3 for at in arrivals[2000:])
        low, high = (low, rate) if above > 0.01 * (SWEEP_REQUESTS - 2000) else (rate, high)
    return (low + high) / 2


def knee(seeds: int, only: str, budget: float) -> None:
    for name, (options, slo) in SERVERS.items():
        if only not in name:
            continue
        truth, right = truth_of(options, slo), 0
        print(f"{name}, p99 <= {slo:.0f} ms: the knee is at {truth:.1f}/s", flush=True)
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder, planted(Path(folder), options) as (url, _):
                began = time.monotonic()
                found = load(Path(folder), url, "--slo-p99", str(slo), "--find-knee", "--seed", str(seed), "--budget",
                             str(budget))  # fmt: skip
            rate = found["knee"]["rate"]
            right += rate is not None and abs(rate / truth - 1) <= 0.1
            words = f"{rate:.1f}/s ({rate / truth - 1:+.1%})" if rate else found["knee"]["why"]
            print(f"  seed {seed}: {words} in {time.monotonic() - began:.0f} s; {_lag(found)}", flush=True)
        print(f"  within 10 %: {right} of {seeds}", flush=True)


def _lag(found: dict[str, Any]) -> str:
    return f"send lag p99 {found['summary']['lag_p99'] * 1e3:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["latency", "pause", "cost", "knee"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="")
    parser.add_argument("--budget", type=float, default=110.0)
    options = parser.parse_args()
    if options.what == "knee":
        knee(options.seeds, options.only, options.budget)
    else:
        {"latency": latency, "pause": pause, "cost": cost}[options.what]()


if __name__ == "__main__":
    main()
