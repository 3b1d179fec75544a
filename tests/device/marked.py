"""Made-up recordings of a host and its device: what each does step by step, and the marks that this leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, Records, empty_steps

US = 1_000
FORWARD, BACKWARD, OPTIMIZER, DATA_WAIT = signals.FORWARD, signals.BACKWARD, signals.OPTIMIZER, signals.DATA_WAIT


@dataclass
class Pair:
    """A host and a device; times in ms. ``ahead``: of the device's clock, which runs faster by ``drift``."""

    ahead: float = 5.0
    drift: float = 0.0
    now: float = 100.0
    done: float = 0.0  # when the device will have done all that is queued
    waited: float = 0.0  # the truth: the host waited for the device
    marks: list[tuple[float, float, int]] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)

    def host(self, ms: float, phase: str = "other") -> None:
        self.now += ms
        self.phases[phase] = self.phases.get(phase, 0.0) + ms

    def launch(self, ms: float) -> None:
        self.done = max(self.done, self.now) + ms

    def wait(self) -> None:
        """For the device, as in ``item()``: recorded as "other", like all between the phases."""
        waited = max(0.0, self.done - self.now)
        self.waited += waited
        self.host(waited)

    def mark(self, phase: int, ends: bool) -> None:
        reached = max(self.done, self.now) + 0.01
        device = reached + self.ahead + self.drift * (reached - 100.0)
        self.marks.append((self.now, device, phase | (signals.DEVICE_END if ends else 0)))
        self.now += 0.001

    def phase(self, phase: int, host_ms: float, device_ms: float) -> None:
        """A phase in which the host launches this much work."""
        self.mark(phase, False)
        self.host(host_ms / 2, signals.PHASES[phase])
        self.launch(device_ms)
        self.host(host_ms / 2, signals.PHASES[phase])
        self.mark(phase, True)

    def step(self) -> None:
        """A step begins."""
        begin = self.steps[-1]["end"] if self.steps else self.marks[-1][0]
        self.steps.append({"t0": begin, "end": self.marks[-1][0], **self.phases})
        self.phases = {}

    def recording(self) -> Recording:
        """Its steps and marks, all in one stretch."""
        steps = empty_steps()
        for name in steps:
            scale = 1e6 if name in ("t0", "t1") else 1e3
            values = [step.get("end" if name == "t1" else name, 0.0) * scale for step in self.steps]
            steps[name] = np.array(values).astype(steps[name].dtype)
        steps["loader"][:] = 1
        steps["trained"][:] = True
        return recording(steps=steps, marks=rows(self.marks))


def rows(marks: list[tuple[float, float, int]], stretch: int = 1) -> Records:
    """Records of marks: (host ms, device ms by its own clock, border)."""
    made = np.zeros(len(marks), RECORD_DTYPE)
    for row, (host, device, border) in zip(made, marks, strict=True):
        row["kind"], row["t0"], row["t1"] = signals.DEVICE_MARK, int(host * 1e6), int(device * 1e6)
        row["flags"], row["arg"] = border, stretch
    return made


def recording(**tables: object) -> Recording:
    """One process."""
    none = np.zeros(0, RECORD_DTYPE)
    known = {"steps": empty_steps(), "events": none, "samples": none, "stacks": none, "requests": none}
    facts = Facts(processes=[Process(0, 1, hello_ns=1, ready_ns=1)])
    return Recording({}, facts, host={}, gpu={}, started_ns=0, ended_ns=10**10, **{**known, **tables})  # type: ignore[arg-type]
