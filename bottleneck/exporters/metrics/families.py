"""Every metric of ours in one table, which docs/metrics.md repeats.

Names follow Prometheus' conventions: base units, at the end of the name. For OTLP, a name of the semantic conventions
(schema 1.44) is used where there is one; otherwise the same words with dots, and the unit beside them, so that a
collector which exports to Prometheus gives the names of this table again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]
_UNITS = {"seconds": "s", "bytes": "By", "joules": "J", "watts": "W", "celsius": "Cel", "ratio": "1"}


@dataclass(frozen=True, eq=False)
class Family:
    """A metric. ``labels``: besides ``run``, which all have. ``now``: of this moment, so not in a textfile.

    ``convention``: the name in OpenTelemetry's conventions, ``unit`` the unit there, ``attributes``: label -> name
    there, ``constant``: what the conventions ask for besides. ``adds_up``: it is an UpDownCounter there.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    now: bool = False
    convention: str = ""
    unit: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, str] = field(default_factory=dict)
    adds_up: bool = False

    @property
    def otlp_name(self) -> str:
        if self.convention:
            return self.convention
        words = self.name.removesuffix("_total").split("_")
        return ".".join(words[:-1] if words[-1] in _UNITS else words)

    @property
    def otlp_unit(self) -> str:
        return self.unit or _UNITS.get(self.name.removesuffix("_total").rpartition("_")[2], "")

    def attribute(self, label: str) -> str:
        """What a label is called in OTLP."""
        return self.attributes.get(label, label)


def _semantic(convention: str, unit: str = "", adds_up: bool = False, **attributes: str) -> dict[str, Any]:
    return {"convention": convention, "unit": unit, "adds_up": adds_up, "attributes": attributes}


def _hardware(convention: str, adds_up: bool = False) -> dict[str, Any]:
    return {**_semantic(convention, "", adds_up, gpu="hw.id"), "constant": {"hw.type": "gpu"}}


def _family(name: str, kind: Kind, help: str, *labels: str, now: bool = False, **otlp: Any) -> Family:
    return Family("bottleneck_" + name, kind, help, labels, now, **otlp)


RUN_INFO = _family(
    "run_info", "gauge", "Always 1; the labels describe the run.", "run_id", "command", "host", "python", "version"
)
STARTED = _family("run_start_timestamp_seconds", "gauge", "When the run started, in seconds since 1970.")
ENDED = _family("run_end_timestamp_seconds", "gauge", "When the run ended, in seconds since 1970.")
WALL = _family("run_wall_seconds", "gauge", "Wall time of the run, until now or until its end.")
EXIT_CODE = _family("run_exit_code", "gauge", "Exit code of the program, as a shell reports it.")
VERDICT = _family("run_verdict", "gauge", "Always 1; the label is the verdict of the diagnosis.", "verdict")
FINDINGS = _family("run_findings", "gauge", "Findings of the diagnosis.", "severity")
CHECKS = _family("run_checks", "gauge", "Checks without a finding, by outcome.", "outcome")
PRICE = _family("price_per_hour", "gauge", "What the machines of the run cost per hour.", "currency")
RUN_COST = _family("run_cost", "gauge", "What the run cost by that price.", "currency")
FINDING_COST = _family(
    "finding_cost", "gauge", "Part of that cost which the fix of a finding would save.", "detector", "currency"
)

PHASE = _family("phase_seconds_total", "counter", "Wall time of the main process in a phase.", "phase")
STEP = _family("step_duration_seconds", "histogram", "Wall time of the steps of the main loop.")

_FINDING = ("detector", "location")
GAIN_SECONDS = _family("finding_gain_seconds", "gauge", "Wall time of this run that the fix would save.", *_FINDING)
GAIN_RATIO = _family(
    "finding_gain_expected_ratio",
    "gauge",
    "Predicted saving, as a share of the basis (a label).",
    *_FINDING,
    "basis",
)
GAIN_LOW = _family("finding_gain_low_ratio", "gauge", "10th percentile of the predicted saving.", *_FINDING, "basis")
GAIN_HIGH = _family("finding_gain_high_ratio", "gauge", "90th percentile of the predicted saving.", *_FINDING, "basis")

REQUEST = _family("request_duration_seconds", "histogram", "Time of the requests inside the application.")
_ROUTE = ("method", "route", "status")
ROUTE_REQUESTS = _family("route_requests_total", "counter", "Requests that were answered.", *_ROUTE)
ROUTE_SECONDS = _family("route_seconds_total", "counter", "Time of these requests inside the application.", *_ROUTE)
#: By OTLP only: a page has no room for the histogram of each route.
HTTP_REQUEST = _family(
    "route_duration_seconds", "histogram", "Time of the requests inside the application.", *_ROUTE,
    **_semantic(
        "http.server.request.duration", method="http.request.method", route="http.route",
        status="http.response.status_code",
    ),
)  # fmt: skip

CPU = _family(
    "program_cpu_seconds_total", "counter", "CPU time of the program's processes.", "mode",
    **_semantic("process.cpu.time", mode="cpu.mode"),
)  # fmt: skip
MEMORY = _family(
    "program_resident_memory_bytes", "gauge", "Resident memory of the program's processes.", now=True,
    **_semantic("process.memory.usage", adds_up=True),
)  # fmt: skip
MEMORY_PEAK = _family("program_resident_memory_peak_bytes", "gauge", "Peak of the resident memory.")
DISK = _family(
    "program_disk_bytes_total", "counter", "Bytes that reached the storage, or came from it.", "direction",
    **_semantic("process.disk.io", direction="disk.io.direction"),
)  # fmt: skip
SWITCHES = _family(
    "program_context_switches_total", "counter", "Context switches of the program's threads.", "type",
    **_semantic("process.context_switches", "{context_switch}", type="process.context_switch.type"),
)  # fmt: skip
FAULTS = _family(
    "program_page_faults_total", "counter", "Page faults of the program's processes.", "type",
    **_semantic("process.paging.faults", "{fault}", type="process.paging.fault_type"),
)  # fmt: skip
THREADS = _family(
    "program_threads", "gauge", "Threads of the program's processes.", now=True,
    **_semantic("process.thread.count", "{thread}", adds_up=True),
)  # fmt: skip
PROCESSES = _family("program_processes", "gauge", "Processes of the program.", now=True)
CORES = _family("machine_cores", "gauge", "Cores that the program may use.")
IDLE_CORES = _family("machine_idle_core_seconds_total", "counter", "Idle time of the cores that the program may use.")
MEMORY_AVAILABLE = _family(
    "machine_memory_available_bytes",
    "gauge",
    "Memory left until the machine or the program's cgroup is full.",
    now=True,
)

GPU_INFO = _family("gpu_info", "gauge", "Always 1; the labels describe the GPU.", "gpu", "name", "uuid", "driver")
GPU_BUSY = _family(
    "gpu_busy_seconds_total", "counter", "Time in which a kernel of any program ran on the GPU, by NVML.", "gpu"
)
GPU_IDLE = _family(
    "gpu_idle_seconds_total", "counter", "Idle time of the GPU by cause, from the diagnosis.", "gpu", "cause"
)
GPU_USE = _family(
    "gpu_utilization_ratio", "gauge", "Share of NVML's last window with a kernel on the GPU.", "gpu", now=True,
    **_hardware("hw.gpu.utilization"),
)  # fmt: skip
GPU_MEMORY = _family(
    "gpu_memory_used_bytes", "gauge", "GPU memory in use by all programs.", "gpu", now=True,
    **_hardware("hw.gpu.memory.usage", adds_up=True),
)  # fmt: skip
GPU_MEMORY_PEAK = _family("gpu_memory_peak_bytes", "gauge", "Peak of the used memory during the run.", "gpu")
GPU_MEMORY_LIMIT = _family(
    "gpu_memory_limit_bytes", "gauge", "Memory of the GPU.", "gpu", **_hardware("hw.gpu.memory.limit", adds_up=True)
)
GPU_ENERGY = _family(
    "gpu_energy_joules_total", "counter", "Energy of the whole GPU since the run began, by its counter.", "gpu",
    **_hardware("hw.energy"),
)  # fmt: skip
GPU_POWER = _family("gpu_power_watts", "gauge", "Power of the whole GPU.", "gpu", now=True, **_hardware("hw.power"))
GPU_TEMPERATURE = _family(
    "gpu_temperature_celsius", "gauge", "Temperature of the GPU.", "gpu", now=True, **_hardware("hw.temperature")
)

OVERHEAD = _family("overhead_cpu_seconds_total", "counter", "CPU time that recording took in the program's processes.")
LEFT_OUT = _family("series_left_out", "gauge", "Series of this run beyond the limit, which are not shown.")

#: In order of importance: beyond the limit, the last ones are left out first.
FAMILIES: tuple[Family, ...] = (
    RUN_INFO, STARTED, ENDED, WALL, EXIT_CODE, VERDICT, FINDINGS, PRICE, RUN_COST, STEP, REQUEST, PHASE, CPU, MEMORY,
    MEMORY_PEAK, CORES, IDLE_CORES, MEMORY_AVAILABLE, DISK, GPU_INFO, GPU_BUSY, GPU_USE, GPU_MEMORY, GPU_MEMORY_PEAK,
    GPU_MEMORY_LIMIT, GPU_ENERGY, GPU_POWER, GPU_TEMPERATURE, GPU_IDLE, GAIN_SECONDS, GAIN_RATIO, GAIN_LOW, GAIN_HIGH,
    FINDING_COST, ROUTE_REQUESTS, ROUTE_SECONDS, CHECKS, THREADS, PROCESSES, SWITCHES, FAULTS, OVERHEAD, LEFT_OUT,
)  # fmt: skip
