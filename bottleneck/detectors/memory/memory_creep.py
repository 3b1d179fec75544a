"""Memory that grows with every step."""

from __future__ import annotations

from dataclasses import replace

from ...artifacts.memory.device_memory import DeviceMemory
from ...artifacts.memory.growth import Container, Memory
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location


class MemoryCreep(Detector):
    """The process keeps something from every step, and its memory grows until the machine has none left.

    Why it matters
        A leak costs nothing at first and then ends a long run, usually at night and without a traceback.
    How it is measured
        The slope of resident memory over the steps (Theil-Sen, without warm-up) must be steady, must persist in the
        last third, and must not be given back. Only then are containers that grew with it examined: the line is the
        statement that grows the largest one. Without such a container no line is named. On CUDA the same is done for
        the memory held by tensors, as torch's allocator reports it.
    How to fix it
        Keep numbers, not tensors (``loss.item()``, ``.detach()``), bound the log (``deque(maxlen=...)``), or write
        it out and clear it.
    When to ignore it
        When the growth is a cache with a known end, such as a data set read into memory during the only epoch.
    """

    id = "memory-creep"
    title = "Memory grows with every step"
    stage = "training"
    explains = ("memory-thrash", "memory-near-limit")
    min_growth_bytes = 64 << 20  # less is within what allocators and lazy imports do
    min_r2 = 0.9  # a line, not a staircase that has ended
    exhaustion_threshold_seconds = 24 * 3600.0  # slower growth outlasts most runs
    min_linear = 0.95  # of a container's length
    min_lost_share = 0.1  # of the free memory, lost in this run to growth that no container explains (own)
    min_explained_share = 0.2  # of the growth, by a container whose elements could be measured

    def detect(self, steps: Steps, memory: Memory, device: DeviceMemory | None) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge memory growth.")
        host = self._on_host(memory)
        if not isinstance(host, Finding) and device is not None:
            return self._on_device(memory, device) or host
        return host

    def _on_host(self, memory: Memory) -> Outcome:
        growth = memory.growth_bytes
        if growth < self.min_growth_bytes:
            return Fine(max(growth, 0.0), self.min_growth_bytes, "B", "memory growth over the steps")
        if not memory.keeps_growing:
            return Fine(max(memory.late_slope, 0.0), 0.5 * memory.slope, "B", "memory growth per step at the end")
        if memory.r2 < self.min_r2:
            return Fine(memory.r2, self.min_r2, "share", "steadiness of the memory growth (r squared)")
        left = memory.seconds_left
        if left is None:
            return NotMeasured("Memory grows, but how much of it is free was not measured.")
        if left > self.exhaustion_threshold_seconds:
            return Fine(left, self.exhaustion_threshold_seconds, "s", "time until memory runs out")
        evidence = [
            Evidence("memory growth per step", memory.slope, "B"),
            Evidence("memory growth over the steps", growth, "B"),
            Evidence("steadiness of the memory growth (r squared)", memory.r2, "share"),
            Evidence("free memory at the end", memory.headroom_bytes or 0.0, "B"),
            Evidence("steps until memory runs out", memory.steps_left or 0.0, "count"),
        ]
        container = self._culprit(memory, memory.slope)
        found = self._finding(self.title, evidence, container, left)
        # Without a container this may be larger batches, or a cache that fills: a far end is not foretold from that.
        near = growth >= self.min_lost_share * (growth + (memory.headroom_bytes or 0.0))
        return found if container is not None or near else replace(found, hint=True)

    def _on_device(self, memory: Memory, device: DeviceMemory) -> Finding | None:
        steady = device.r2 >= self.min_r2 and device.late_slope >= 0.5 * device.slope > 0
        if device.growth_bytes < self.min_growth_bytes or not steady:
            return None
        steps_left = device.free_bytes / device.slope
        left = steps_left / max(memory.steps_per_second, 1e-9)
        if left > self.exhaustion_threshold_seconds:
            return None
        evidence = [
            Evidence("growth of accelerator tensors per step", device.slope, "B"),
            Evidence("memory growth over the steps", device.growth_bytes, "B"),
            Evidence("steadiness of the memory growth (r squared)", device.r2, "share"),
            Evidence("free accelerator memory", device.free_bytes, "B"),
            Evidence("steps until memory runs out", steps_left, "count"),
        ]
        if device.simulated:
            evidence.append(Evidence("accelerator readings", "simulated"))
        title = "Accelerator memory grows with every step"
        return self._finding(title, evidence, self._culprit(memory, device.slope), left)

    def _finding(self, title: str, evidence: list[Evidence], container: Container | None, left: float) -> Finding:
        place = None
        if container is not None:
            grew = f"from {container.first_length} to {container.last_length} elements"
            text = f"{container.name} ({container.kind}), {grew}"
            evidence.append(Evidence("container that grows", text))
            if container.item:
                evidence.append(Evidence("newest element of the container", container.item))
            place = location(container.site)
        return self.finding(
            title=title,
            evidence=tuple(evidence),
            fix=_fix(container),
            location=place,
            detected_by=1.0 if place is not None else 0.6,
            exhaustion_seconds=left,
        )

    def _culprit(self, memory: Memory, slope: float) -> Container | None:
        """The container that grows in step with memory and can hold that much; None when none does."""
        for container in memory.containers:
            if container.linear_r2 < self.min_linear or container.items_per_step <= 0:
                continue
            known = container.item_bytes is not None and container.item not in ("tensor with graph", "")
            held = container.items_per_step * (container.item_bytes or 0)
            if not known or held >= self.min_explained_share * slope:
                return container
        return None


def _fix(container: Container | None) -> Fix:
    if container is None:
        return Fix(
            "Find what keeps objects of earlier steps alive",
            "import tracemalloc\n"
            "tracemalloc.start(10)\n"
            "earlier = tracemalloc.take_snapshot()  # after some steps\n"
            "# and some steps later:\n"
            "print(*tracemalloc.take_snapshot().compare_to(earlier, 'lineno')[:10], sep='\\n')",
            effort=4,
        )
    name = container.name
    if container.item == "tensor with graph":
        return Fix(
            f"Keep the number, not the tensor: each element of {name} retains the backward graph of its step",
            f"# where {name} grows: keep value.item() of the value that is kept now,\n"
            "# or value.detach().cpu() where the tensor is needed",
            effort=1,
        )
    if container.kind == "dict":
        return Fix(
            f"Bound {name} or clear it",
            f"if len({name}) > 10_000:\n    {name}.pop(next(iter({name})))   # the oldest entry",
            effort=1,
            risk=0.1,
        )
    return Fix(
        f"Keep only what you need of {name}, or write it out and clear it",
        f"from collections import deque\n{name} = deque(maxlen=1000)      # or: save, then {name}.clear()",
        effort=1,
        risk=0.1,
    )
