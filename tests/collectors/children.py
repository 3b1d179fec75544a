"""Programs that run with the sampler of call stacks in them, and what they have recorded."""

from __future__ import annotations

import ast
import struct
import subprocess
import sys
from pathlib import Path

from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.run.threads import Threads
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.write import Writer

PACKAGE = Path(__file__).resolve().parents[2] / "bottleneck"
START = f"""
import sys, types
package = types.ModuleType("_bottleneck_child")
package.__path__ = [{str(PACKAGE)!r}]
sys.modules["_bottleneck_child"] = package
from _bottleneck_child.agent import bootstrap as child
import _bottleneck_child.collectors.support.pace as pace
import _bottleneck_child.collectors.support.stacks as stacks
OPTIONS = "stacks=auto"
child.start(sys.argv[1], OPTIONS)
"""
BURN = """
def burn(ticks=4):
    import time
    end = time.thread_time() + ticks * 0.01 + 0.005
    while time.thread_time() < end:
        pass
"""


class Run:
    """A finished child: its result and what it recorded."""

    def __init__(self, folder: Path, body: str, recorded: bool = True, python: str = sys.executable, flags=()) -> None:
        (folder / "live").mkdir(parents=True)
        self.folder = folder
        script = folder / "script.py"
        script.write_text((START if recorded else "import sys\n") + BURN + body)
        command = [python, *flags, str(script), str(folder)]
        self.result = subprocess.run(command, capture_output=True, text=True, timeout=60)

    def notes(self, kind: str) -> list[dict]:
        found = []
        for path in self.folder.glob("live/*.side"):
            lines = [ast.literal_eval(line) for line in path.read_text().splitlines()]
            found += [{**fields, "of": path.stem} for name, fields in lines if name == kind]
        return found

    def seconds(self, kind: int, function: str, phase: int | None = None) -> float:
        """Sampled seconds of one kind under ``function``, in all processes."""
        stacks = {(n["of"], n["id"]): [frame[0] for frame in n["frames"]] for n in self.notes("stack")}
        total = 0
        for path in self.folder.glob("live/*-3200?.ring"):
            data = path.read_bytes()
            written, capacity = struct.unpack_from("<QI", data, signals.WRITTEN_AT)
            for at in range(min(written, capacity)):
                offset = signals.DATA_AT + at * signals.RECORD_BYTES
                t0, t1, found, flags, _, arg = struct.unpack_from(signals.RECORD, data, offset)
                names = stacks.get((path.name.split("-")[0], arg), [])
                if found == kind and function in names and phase in (None, flags & 0xFF):
                    total += t1 - t0
        return total / 1e9

    def recording(self) -> Recording:
        """What a supervisor would have made of it."""
        drain = Drain(self.folder)
        drain.poll(everything=True)
        drain.retire()
        steps, tables = drain.take(final=True)
        (self.folder / "tables").mkdir()
        Writer(self.folder).append(steps, tables, [], [], drain.notes)
        run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": 2, "exit_code": 0}
        write_json(self.folder / "run.json", run)
        return load(self.folder)

    def threads(self, process: int = 0) -> Threads:
        """The threads of one process beside its main one."""
        return Threads.of(self.recording(), process)
