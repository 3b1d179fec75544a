"""The supervisor's side of a recording: drains the rings, samples host and GPU, and saves the tables."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import signals
from ..recording.write import Writer
from . import resume
from .drain import Drain
from .saver import Saver
from .shares import spent

PART_SECONDS = 10.0
HOST_SECONDS = 0.1


@dataclass
class Recorder:
    """A run being recorded. ``notes``: sentences for the report; ``gpus``: one entry per device."""

    run_dir: Path
    root_pid: int
    host_rows: list[dict[str, Any]] = field(default_factory=list)
    gpu_rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gpus: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.drain = Drain(self.run_dir)
        self.saver = Saver(self.drain, Writer(self.run_dir))
        self._next_part = time.monotonic() + PART_SECONDS
        self._next_host = 0.0
        self._host = self._start_host()
        self._gpu = self._start_gpu()
        self._waits = self._start_waits()

    def _start_host(self) -> Any:
        try:
            from ..collectors.host.connections import Connections
            from ..collectors.host.proc import HostSampler
            from ..collectors.host.shared_pages import SharedPages

            self._pages, self._connections = SharedPages(), Connections()
            return HostSampler(self.root_pid)
        except Exception as error:
            self.notes.append(f"Host metrics were not measured: {error}.")
            return None

    def _start_gpu(self) -> Any:
        try:
            from ..collectors.host.nvml import GpuSampler

            sampler = GpuSampler(pids=lambda: set(self.drain.pids))
        except Exception:
            return None
        if getattr(sampler, "reason", None):
            return None
        self.gpus = [dict(fact) for fact in sampler.facts()]
        return sampler

    def _start_waits(self) -> Any:
        if not sys.platform.startswith("linux"):
            return None
        from ..collectors.host.waits import WaitSampler

        return WaitSampler()

    def tick(self) -> None:
        """Called every 50 ms while the program runs."""
        self.drain.poll()
        if self._waits is not None:
            self._waits.look(self.drain.notes, self.drain.pids)
        now = time.monotonic()
        asked = False
        if now >= self._next_host:
            self._next_host = now + HOST_SECONDS
            self._sample()
            asked = resume.is_asked(self.run_dir)
        if asked or now >= self._next_part:
            self._next_part = now + PART_SECONDS
            self.drain.retire()
            self._save()

    def shares(self, elapsed_seconds: float) -> tuple[dict[str, float], int | None]:
        """The busiest process so far: its exclusive share of the elapsed time per phase, and its optimizer steps."""
        cells = dict(self.drain.live_totals())
        busiest = max(map(spent, cells.values()), key=lambda each: each.total_seconds, default=None)
        if busiest is None:
            return {}, None
        elapsed = max(elapsed_seconds, 1e-9)
        return {signals.PHASES[phase]: each / elapsed for phase, each in busiest.seconds.items()}, busiest.steps

    def finish(self) -> str:
        """Drain the remaining records after the end. Returns what could not be written, "" if everything was.

        Processes that outlive the program keep their rings.
        """
        self.drain.poll(everything=True)
        self.drain.retire()
        self.drain.poll(everything=True)
        if self._waits is not None:
            self._waits.close()
            if self._waits.problem:
                self.notes.append(
                    f"What threads waited for could not be read ({self._waits.problem}): only their call stacks tell."
                )
        if self._host is not None:
            self._connections.close()
            if self._connections.problem:
                why = self._connections.problem
                self.notes.append(f"What TCP connections hold back could not be read ({why}).")
        self._save(final=True)
        for sampler in (self._host, self._gpu):
            close = getattr(sampler, "close", None)
            if close is not None:
                close()
        self.notes += self.drain.skipped
        if self.saver.problem:
            self.notes.append("Part of the recording could not be written and is missing.")
        return self.saver.problem

    def leave(self) -> None:
        """Unlink the rings of a program that keeps running; its mappings stay valid. Never raises OSError."""
        for ring in (self.run_dir / signals.LIVE).glob("*.ring"):
            try:
                ring.unlink(missing_ok=True)
            except OSError:
                pass

    def _sample(self) -> None:
        time_ns = time.monotonic_ns()
        if self._host is not None:
            pages = self._pages.sample(self.drain.notes, self.drain.pids)
            connections = self._connections.sample(self.drain.pids)
            self.host_rows.append({"time_ns": time_ns, **self._host.sample(), **pages, **connections})
        if self._gpu is not None:
            self.gpu_rows += [{"time_ns": time_ns, **row} for row in self._gpu.sample()]

    def _save(self, final: bool = False) -> None:
        if self._waits is not None:
            rows, notes = self._waits.take()
            self.drain.put("waits", rows)
            self.drain.notes += notes
        self.saver.save(self.host_rows, self.gpu_rows, final)
        self.host_rows, self.gpu_rows = [], []
