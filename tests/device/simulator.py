"""A host and a device as torch.profiler traces them: Chrome events in Kineto's shape, from a made-up program.

``Simulator`` plays what the program does: the host launches, copies and waits, the device works off its streams. The
same program with its fault removed says what a fix would have saved. Times are microseconds. Nothing here is measured.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

LAUNCH, LATENCY = 4.0, 2.0  # a call of the driver, and from its end to the kernel
QUEUE = 128  # kernels that may wait for the device; then the next launch does (a real one holds a thousand)
SGEMM = "ampere_sgemm_128x64_nn"
TENSOR_GEMM = "ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_32x6_tn"
RELU = (
    "void at::native::vectorized_elementwise_kernel<4, at::native::(anonymous namespace)::clamp_min_scalar"
    "(at::TensorIteratorBase&, float)::{lambda(float)#1}, std::array<char*, 2ul> >(int, ...)"
)
ADAM = "void at::native::(anonymous namespace)::multi_tensor_apply_kernel<FusedAdamMath<float, 4> >(...)"
HOST, BACKWARD = 4242, 4243  # threads
PROPERTIES = {"id": 0, "name": "Simulated accelerator", "computeMajor": 8, "computeMinor": 0, "numSms": 108}


class Simulator:
    """``host``: where the program is; ``free``: when each stream has done what it was given."""

    def __init__(self, start: float = 0.0, thread: int = HOST) -> None:
        self.events: list[dict[str, Any]] = []
        self.host = start
        self.free: dict[int, float] = {}
        self.thread = thread
        self._correlation = 0
        self._ends: deque[float] = deque(maxlen=QUEUE)

    def python(self, time: float) -> None:
        """The host does something of its own."""
        self.host += time

    def kernel(self, name: str, time: float, op: str = "aten::mm", dispatch: float = 8.0, stream: int = 7) -> None:
        """One operation that launches one kernel; ``dispatch`` is what the host needs for it."""
        begun = self.host
        call = self.host + max(0.0, dispatch - LAUNCH)
        room = self._ends[0] if len(self._ends) == QUEUE else 0.0
        self.host = max(call + LAUNCH, room)
        self._call("cudaLaunchKernel", call, self.host - call)
        ended = self._device("kernel", name, stream, time, {"grid": [1, 1, 1], "block": [128, 1, 1]})
        self._ends.append(ended)
        self._operation(op, begun)

    def copy(
        self, size: int, rate: float, pageable: bool = False, blocking: bool = True, stream: int = 7, after: int = 7
    ) -> None:
        """``tensor.to(device)``: ``rate`` in bytes per microsecond; ``after``: a later kernel's stream waits for it."""
        begun, time = self.host, size / rate
        call = self.host + 3.0
        self.host = call + LAUNCH
        source = "Pageable" if pageable else "Pinned"
        ended = self._device("gpu_memcpy", f"Memcpy HtoD ({source} -> Device)", stream, time, {"bytes": size})
        self.host = max(self.host, ended) if pageable else self.host  # staged by the driver
        self._call("cudaMemcpyAsync", call, self.host - call)
        self.free[after] = max(self.free.get(after, 0.0), ended)
        if blocking:
            self._wait("cudaStreamSynchronize", ended)
        self._operation("aten::to", begun)

    def item(self) -> None:
        """``tensor.item()``: a copy back, and a wait for all before it."""
        begun = self.host
        call = self.host + 2.0
        self.host = call + LAUNCH
        ended = self._device("gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", 7, 1.5, {"bytes": 4})
        self._call("cudaMemcpyAsync", call, LAUNCH)
        self._wait("cudaStreamSynchronize", ended)
        self._operation("aten::item", begun)

    def synchronize(self) -> None:
        """``torch.cuda.synchronize()``."""
        self._wait("cudaDeviceSynchronize", max(self.free.values(), default=self.host))

    def allocate(self) -> None:
        """Memory from the driver."""
        self._call("cudaMalloc", self.host, 120.0, follows=False)
        self.host += 120.0

    def free_memory(self) -> None:
        """Memory back to the driver, which waits for all work of the device first."""
        begun = self.host
        self.host = max(self.host, *self.free.values(), 0.0) + 60.0
        self._call("cudaFree", begun, self.host - begun, follows=False)

    def _wait(self, name: str, until: float) -> None:
        begun, self.host = self.host, max(self.host + 1.0, until)
        self._call(name, begun, self.host - begun, follows=False)

    def _call(self, name: str, at: float, time: float, follows: bool = True) -> None:
        number = self._correlation if follows else 0
        if name == "cudaLaunchKernel":
            number = self._correlation + 1  # its kernel is made right after
        self._add("cuda_runtime", name, self.thread, at, time, {"External id": 1, "cbid": 211, "correlation": number})

    def _device(self, category: str, name: str, stream: int, time: float, more: dict[str, Any]) -> float:
        self._correlation += 1
        start = max(self.free.get(stream, 0.0), self.host + LATENCY)
        self.free[stream] = start + time
        arguments = {"External id": 1, "device": 0, "context": 1, "stream": stream, "correlation": self._correlation}
        self._add(category, name, stream, start, time, {**arguments, **more})
        return start + time

    def _operation(self, name: str, begun: float) -> None:
        self._add("cpu_op", name, self.thread, begun, self.host - begun, {"External id": 1, "Ev Idx": 1})
        inner = {"aten::to": "aten::_to_copy", "aten::item": "aten::_local_scalar_dense"}.get(name)
        if inner is not None:
            self._add("cpu_op", inner, self.thread, begun + 0.5, self.host - begun - 1.0, {"External id": 2})

    def _add(self, category: str, name: str, lane: int, at: float, time: float, arguments: dict[str, Any]) -> None:
        place = 0 if category in ("kernel", "gpu_memcpy") else self.thread
        event = {"ph": "X", "cat": category, "name": name, "pid": place, "tid": lane, "ts": at, "dur": time}
        self.events.append({**event, "args": arguments})


Program = Callable[[Simulator], None]  # one step


def play(program: Program, steps: int, start: float = 1000.0) -> tuple[Simulator, list[float]]:
    """The program's steps, and when the host begins each of them, its end as well."""
    simulator, begins = Simulator(start), [start]
    for _ in range(steps):
        program(simulator)
        begins.append(simulator.host)
    return simulator, begins


@cache
def step_time(program: Program, steps: int = 16) -> float:
    """Microseconds from step to step on the side that is later: the device, as far as the host is ahead of it."""
    simulator, half, begun = Simulator(), steps // 2, 0.0
    for step in range(steps):
        if step == half:
            begun = max(simulator.host, *simulator.free.values())
        program(simulator)
    return (max(simulator.host, *simulator.free.values()) - begun) / (steps - half)


def as_json(events: Iterable[dict[str, Any]], clocks: Sequence[float], properties: Any = (PROPERTIES,)) -> str:
    """A trace as ``export_chrome_trace`` writes it, with the marks of the clock at these times."""
    marks = [
        {"ph": "X", "cat": "user_annotation", "name": "bottleneck.clock", "pid": HOST, "tid": HOST, "ts": t, "dur": 2.0}
        for t in clocks
    ]
    metadata = {"name": "process_name", "ph": "M", "ts": 0.0, "pid": HOST, "tid": 0, "args": {"name": "python"}}
    flow = {"ph": "s", "id": 5, "pid": HOST, "tid": HOST, "ts": clocks[0], "cat": "ac2g", "name": "ac2g"}
    span = {"ph": "X", "cat": "Trace", "ts": 0.0, "dur": 9e9, "pid": "Spans", "tid": "PyTorch Profiler", "name": "all"}
    return json.dumps(
        {
            "schemaVersion": 1,
            "deviceProperties": list(properties),
            "displayTimeUnit": "ms",
            "baseTimeNanoseconds": 1790857026000000000,
            "traceEvents": [metadata, span, *events, flow, *marks],
        }
    )
