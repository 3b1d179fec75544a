"""Training programs on a fake clock: records as the hooks write them, folded into a recording in memory."""

from __future__ import annotations

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.capture.steps import StepBuilder
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Site
from typed import add

MS = 1_000_000
FILE = "/user/train.py"


def at(line, function="train"):
    """A frame of the user's."""
    return Frame(function, FILE, line, True)


class Program:
    """Phases one after another on the main thread; ``stack`` samples the phase that was written last."""

    def __init__(self):
        self.now = 1_000 * MS
        self.rows = []
        self.samples = []
        self.facts = Facts(processes=[Process(0, 77)])
        self.facts.attached.update({"stacks", "training"})
        self.facts.sites.update({(0, 1): Site(FILE, 10, "train"), (0, 2): Site(FILE, 30, "evaluate")})

    def loader(self, number, **facts):
        add(self.facts, "loader", id=number, **{"iter_site": 1, "site": 1, "batch_size": 8, **facts})

    def phase(self, kind, ms, *frames, outer=0, flags=0, arg=0):
        t0 = self.now
        self.now += int(ms * MS)
        if kind:
            self.rows.append((0, 1, kind, flags | outer, t0, self.now, arg))
        if frames:
            known = {value: key for key, value in self.facts.stacks.items()}
            key = known.get(frames, (0, len(known) + 1))
            self.facts.stacks[key] = frames
            self.samples.append((0, 1, signals.STACK_CPU, kind, t0, self.now, key[1]))

    def train_step(self):
        self.phase(signals.FORWARD, 3, at(50, "Net.forward"), at(12))
        self.phase(signals.BACKWARD, 4, at(13))
        self.phase(signals.OPTIMIZER, 2, at(14))

    def epoch(self, steps, loader=1, wait=2, after=lambda step: None):
        """One pass that trains; ``after`` runs at the end of each step."""
        began = self.now
        self.phase(signals.LOADER_START, 1, arg=loader)
        self.phase(signals.DATA_WAIT, wait, flags=signals.FIRST, arg=loader)
        for step in range(1, steps + 1):
            self.train_step()
            after(step)
            self.phase(signals.DATA_WAIT, wait, flags=signals.END if step == steps else 0, arg=loader)
        self.rows.append((0, 1, signals.LOOP, 1, began, self.now, loader))

    def evaluation(self, loader=0, batches=3, ms=6, ends=True, line=16):
        """Forwards without gradients, over a loader (left by a break unless it ``ends``) or over tensors."""
        began = self.now
        if loader:
            self.phase(signals.LOADER_START, 1, arg=loader)
            self.phase(signals.DATA_WAIT, 2, flags=signals.FIRST, arg=loader)
        for batch in range(1, batches + 1):
            self.phase(signals.EVAL, ms, at(50, "Net.forward"), at(31, "evaluate"), at(line))
            if loader:
                over = ends and batch == batches
                self.phase(signals.DATA_WAIT, 2, flags=signals.END if over else 0, arg=loader)
        if loader and ends:
            self.rows.append((0, 1, signals.LOOP, 0, began, self.now, loader))

    def recording(self, host=None):
        """``host``: column -> cumulative value at a time in ns, sampled every 100 ms."""
        builder = StepBuilder(0)
        builder.add(np.array(self.rows, RECORD_DTYPE))
        steps, events = builder.flush(final=True)
        times = np.arange(0, self.now + 1_000 * MS, 100 * MS)
        table = {name: np.array([value(int(time)) for time in times], float) for name, value in (host or {}).items()}
        return Recording(
            run={"pid": 77, "machine": {"cores": 2, "memory_bytes": 32 << 30}},
            facts=self.facts,
            steps=steps,
            events=events,
            samples=np.empty(0, RECORD_DTYPE),
            stacks=np.array(self.samples, RECORD_DTYPE),
            requests=np.empty(0, RECORD_DTYPE),
            host={"time_ns": times, **table} if host else {},
            gpu={},
            started_ns=0,
            ended_ns=self.now + 100 * MS,
        )
