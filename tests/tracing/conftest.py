"""Recordings made in memory, and receivers of OTLP that somebody else wrote."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.recording.model import RECORD_DTYPE, STEP_PHASES, Facts, Process, Recording, Site, empty_steps

MS = 1_000_000
WALL_NS = 1_700_000_000_000_000_000


def make_recording(steps=(), epoch_size=50, requests=(), calls=(), events=(), ranks=1, exit_code=0, trained=True):
    """``steps``: one {phase: microseconds, "gap": of other} each. ``requests``: (start ms, end ms, text).

    ``events``: (kind, start ms, end ms, arg). Times of these from the start of the run.
    """
    started = 5_000 * MS
    processes = [
        Process(index=i, pid=1000 + i, hello_ns=started + 20 * MS, python="3.11.7", rank=i if ranks > 1 else None)
        for i in range(ranks)
    ]
    rows = {name: [] for name in empty_steps()}
    end = started + 100 * MS
    for process in range(ranks):
        at = started + 100 * MS
        for number, step in enumerate(steps):
            length = sum(step.values()) * 1000
            for name in rows:
                rows[name].append(step.get("gap", 0) if name == "other" else step.get(name, 0))
            rows["process"][-1], rows["loader"][-1], rows["loop"][-1] = process, 1, number // epoch_size
            rows["t0"][-1], rows["t1"][-1], rows["trained"][-1] = at, at + length, trained
            at += length
            end = max(end, at)
    table = {name: np.array(values, empty_steps()[name].dtype) for name, values in rows.items()}
    facts = Facts(processes=processes)
    served = []
    for number, (start, finish, text) in enumerate(requests):
        facts.strings[0, number + 1] = text
        served.append((0, 1, signals.REQUEST, 1, started + start * MS, started + finish * MS, number + 1))
    served += [(0, 1, signals.MODEL_CALL, 1, started + a * MS, started + b * MS, size) for a, b, size in calls]
    facts.sites[0, 7] = Site("train.py", 12, "save")
    kept = [(0, 1, kind, 0, started + a * MS, started + b * MS, arg) for kind, a, b, arg in events]
    ends = [record[5] for record in served + kept]
    empty = np.empty(0, RECORD_DTYPE)
    return Recording(
        run={
            "name": "train", "pid": 1000, "started_wall_ns": WALL_NS, "command": "train.py", "exit_code": exit_code,
            "machine": {"hostname": "box", "cores": 2},
        },
        facts=facts, steps=table, events=np.array(kept, RECORD_DTYPE) if kept else empty, samples=empty, stacks=empty,
        requests=np.array(served, RECORD_DTYPE) if served else empty, host={}, gpu={}, started_ns=started,
        ended_ns=max([end, *ends]) + 50 * MS,
    )  # fmt: skip


def usual_steps(count, wait=1000):
    step = dict.fromkeys(STEP_PHASES[1:], 0)
    return [{**step, "data_wait": wait, "forward": 2000, "backward": 3000, "gap": 100} for _ in range(count)]


@pytest.fixture
def make():
    return make_recording


@pytest.fixture
def usual():
    return usual_steps


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


class Tap:
    """oteltap, an OTLP/HTTP receiver with a Rust core, collecting spans in a thread of its own."""

    def __init__(self):
        self.spans, self.port = [], free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(20)

    async def _serve(self):
        import oteltap

        settings = oteltap.OtelTapHttpProtobufReceiverSettings(http_port=self.port)
        async with oteltap.OtelTapHttpProtobufReceiver(settings) as receiver:

            async def take():
                async for span in receiver.stream_traces():
                    self.spans.append(span)

            task = asyncio.ensure_future(take())
            await asyncio.sleep(0.05)
            self._ready.set()
            while not self._over.is_set():
                await asyncio.sleep(0.02)
            task.cancel()

    def wait(self, count):
        """The spans, once ``count`` have come, or what has come after a while."""
        for _ in range(300):
            if len(self.spans) >= count:
                break
            time.sleep(0.05)
        return self.spans

    def close(self):
        self._over.set()
        self._thread.join()


@pytest.fixture
def tap():
    pytest.importorskip("oteltap")
    receiver = Tap()
    yield receiver
    receiver.close()
