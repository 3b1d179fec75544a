"""Samples of node-exporter and dcgm-exporter, by the HTTP API of Prometheus (``query_range``).

``URL`` is the server's address, as in http://prometheus:9090; ``?instance=node7`` names the machine where several are
watched and none has the host name of the run, as in a container.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import numpy as np

from ..addresses import public
from ..capture.servers.fetch import NoPage
from .samples import DeviceSamples, Floats, HostSamples, NoSamples, Samples, Times

Fetch = Callable[[str], str]
Labels = dict[str, str]
Found = dict[str, tuple[Labels, Floats, Floats]]  # group -> (labels, seconds, values)

_MOST_STEPS = 2_000
_BEFORE = 120.0  # seconds before the run: a counter's rise needs the sample before
_IDLE = 'node_cpu_seconds_total{mode="idle"}'
#: Of one machine, grouped by its instance.
_NODE = {
    "time": f"max by (instance) (timestamp({_IDLE}))",
    "idle": f"sum by (instance) ({_IDLE})",
    "iowait": 'sum by (instance) (node_cpu_seconds_total{mode="iowait"})',
    "cores": f"count by (instance) ({_IDLE})",
    "memory_available_bytes": "max by (instance) (node_memory_MemAvailable_bytes)",
    "swap_in_pages": "max by (instance) (node_vmstat_pswpin)",
}
_PAGE_BYTES = 4096
#: Of one GPU: column -> (metrics, of which the first that is there counts; factor to its unit).
_DCGM = {
    "utilization": (("DCGM_FI_DEV_GPU_UTIL", 0.01), ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 1.0)),
    "memory_used_bytes": (("DCGM_FI_DEV_FB_USED", 2.0**20),),
    "free": (("DCGM_FI_DEV_FB_FREE", 2.0**20),),
    "power_watts": (("DCGM_FI_DEV_POWER_USAGE", 1.0),),
    "energy_joules_total": (("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1e-3),),
    "sm_clock_hz": (("DCGM_FI_DEV_SM_CLOCK", 1e6),),
    "temperature_celsius": (("DCGM_FI_DEV_GPU_TEMP", 1.0),),
}
_PODS, _HOSTS = ("pod", "exported_pod"), ("Hostname", "hostname", "nodename", "node", "kubernetes_node")


def address(url: str) -> tuple[str, str]:
    """(the address of the API, the instance that the user named, or ""). Raises NoSamples."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or any(character.isspace() for character in text):
        raise NoSamples("is not an address such as http://prometheus:9090")
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    named = parse_qs(parts.query).get("instance", [""])[0]
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/api/v1/query_range", "", "")), named


def shown(url: str) -> str:
    """The address without what may be secret. Raises NoSamples."""
    address(url)
    return public(url if "://" in url else f"http://{url}").rstrip("/")


def read(url: str, fetch: Fetch, host: str, start: float, end: float) -> Samples:
    """The samples between two wall-clock times, in seconds, of the machine called ``host``. Raises NoSamples."""
    base, named = address(url)
    ask = _Asker(base, fetch, start - _BEFORE, end)
    where = f"Prometheus at {shown(url)}"
    nodes = {column: ask(query) for column, query in _NODE.items()}
    names = ask("max by (instance, nodename) (node_uname_info)")
    devices = {column: _first(ask, metrics) for column, metrics in _DCGM.items()}
    stamps = ask("timestamp(DCGM_FI_DEV_GPU_UTIL)") or ask("timestamp(DCGM_FI_PROF_GR_ENGINE_ACTIVE)")
    machines = {labels.get("instance", "") for labels, _, _ in nodes["time"].values()}
    aliases = {labels.get("instance", ""): labels.get("nodename", "") for labels, _, _ in names.values()}
    gpus = _gpus(devices, stamps, where, named, host)
    if not machines and not gpus:
        raise NoSamples("has no sample of node-exporter or dcgm-exporter from the time of the run")
    instance = _instance(machines, aliases, named, host)
    return Samples(None if instance is None else _node(nodes, instance, where), gpus)


class _Asker:
    """Asks for one expression over the time of the run."""

    def __init__(self, base: str, fetch: Fetch, start: float, end: float) -> None:
        self._base, self._fetch, self._start, self._end = base, fetch, start, end
        self._step = max(1.0, math.ceil((end - start) / _MOST_STEPS))

    def __call__(self, query: str) -> Found:
        words = {"query": query, "start": f"{self._start:.3f}", "end": f"{self._end:.3f}", "step": f"{self._step:g}"}
        try:
            document = json.loads(self._fetch(f"{self._base}?{urlencode(words)}"))
        except NoPage as problem:
            raise NoSamples(str(problem)) from None
        except ValueError:
            raise NoSamples("does not answer as Prometheus does: no JSON") from None
        try:
            if document["status"] != "success" or document["data"]["resultType"] != "matrix":
                raise KeyError
            return {json.dumps(each["metric"], sort_keys=True): _series(each) for each in document["data"]["result"]}
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise NoSamples("does not answer as Prometheus does") from None


def _series(each: dict[str, Any]) -> tuple[Labels, Floats, Floats]:
    points = np.array([(float(at), float(value)) for at, value in each["values"]], float).reshape(-1, 2)
    labels = {str(key): str(value) for key, value in each["metric"].items() if key != "__name__"}
    return labels, points[:, 0], points[:, 1]


def _first(ask: _Asker, metrics: tuple[tuple[str, float], ...]) -> Found:
    for metric, factor in metrics:
        found = ask(metric)
        if found:
            return {key: (labels, at, values * factor) for key, (labels, at, values) in found.items()}
    return {}


def _host_part(instance: str) -> str:
    return instance.rsplit(":", 1)[0] if instance.rpartition(":")[2].isdigit() else instance


def _instance(machines: set[str], aliases: Labels, named: str, host: str) -> str | None:
    """The run's machine; None if there is none. Raises NoSamples if it could be any of several."""
    found = [each for each in machines if (named or host) in (each, _host_part(each), aliases.get(each))]
    if len(found) == 1:
        return found[0]
    if named and machines:
        raise NoSamples(f"watches no machine called {named}, but {', '.join(sorted(machines)[:5])}")
    if len(machines) > 1:
        raise NoSamples(f"watches {len(machines)} machines, and none is called {host}: name one, as in "
                        f"URL?instance={min(machines)}")  # fmt: skip
    return next(iter(machines), None)


def _node(nodes: dict[str, Found], instance: str, where: str) -> HostSamples:
    stamps = next(each for each in nodes["time"].values() if each[0].get("instance") == instance)
    at, times = _scrapes(stamps[1], stamps[2])

    def column(name: str) -> Floats | None:
        found = next((each for each in nodes[name].values() if each[0].get("instance") == instance), None)
        return None if found is None else _on(found[1], found[2], at)

    columns: dict[str, Floats] = {}
    passed, count = np.diff(times, prepend=times[0]) / 1e9, column("cores")
    cores = None if count is None or np.isnan(count).all() else float(np.nanmax(count))
    idle, waiting = column("idle"), column("iowait")
    if idle is not None and cores and len(times) > 1:
        columns["idle_share"] = _share(idle, passed, cores)
        waits = np.zeros(len(times)) if waiting is None else _share(waiting, passed, cores)
        columns["busy_share"] = np.clip(1.0 - columns["idle_share"] - waits, 0.0, 1.0)
        if waiting is not None:
            columns["iowait_cores"] = waits * cores
    memory, pages = column("memory_available_bytes"), column("swap_in_pages")
    if memory is not None:
        columns["memory_available_bytes"] = memory
    if pages is not None:
        columns["swap_in_bytes_total"] = pages * _PAGE_BYTES
    return HostSamples(f"node-exporter on {instance}, from {where}", times, columns, cores)


def _share(counter: Floats, passed: Floats, cores: float) -> Floats:
    """Of the cores, between one sample and the next; not known of the first, or after a restart of the machine."""
    risen = np.diff(counter, prepend=counter[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((risen >= 0) & (passed > 0), risen / passed / cores, np.nan)
    found: Floats = np.clip(share, 0.0, 1.0)
    return found


def _scrapes(at: Floats, stamps: Floats) -> tuple[Floats, Times]:
    """(the first step that shows each scrape, the times of the scrapes): in between, Prometheus repeats the last."""
    _, first = np.unique(stamps, return_index=True)
    return at[first], (stamps[first] * 1e9).astype(np.int64)


def _on(at: Floats, values: Floats, wanted: Floats) -> Floats:
    """The values at these steps; NaN where there is none."""
    if not len(at):
        return np.full(len(wanted), np.nan)
    place = np.clip(np.searchsorted(at, wanted), 0, len(at) - 1)
    found: Floats = np.where(at[place] == wanted, values[place], np.nan)
    return found


def _gpus(devices: dict[str, Found], stamps: Found, where: str, named: str, host: str) -> tuple[DeviceSamples, ...]:
    """Those of the run's pod, else of its machine, else all of the only machine. Raises NoSamples."""
    series = list(stamps.values())
    ours = [each for each in series if host and host in (each[0].get(name) for name in _PODS)]
    wanted = {named, host} - {""}
    ours = ours or [each for each in series if wanted & _machine_names(each[0])]
    if not ours and len({each[0].get("instance") for each in series}) > 1:
        raise NoSamples(f"watches GPUs of several machines, and none is called {named or host}: name one, as in "
                        "URL?instance=node7")  # fmt: skip
    found = [_gpu(devices, *each, where) for each in ours or series]
    return tuple(sorted(found, key=lambda each: each.index))


def _machine_names(labels: Labels) -> set[str]:
    instance = labels.get("instance", "")
    return {instance, _host_part(instance), *(labels.get(name, "") for name in _HOSTS)} - {""}


def _gpu(devices: dict[str, Found], labels: Labels, at: Floats, stamps: Floats, where: str) -> DeviceSamples:
    at, times = _scrapes(at, stamps)
    same = ("instance", "gpu", "UUID", "GPU_I_ID")
    columns: dict[str, Floats] = {}
    for column, found in devices.items():
        mine = next((s for s in found.values() if all(s[0].get(key) == labels.get(key) for key in same)), None)
        if mine is not None:
            columns[column] = _on(mine[1], mine[2], at)
    free = columns.pop("free", None)
    if free is not None and "memory_used_bytes" in columns:
        columns["memory_total_bytes"] = columns["memory_used_bytes"] + free
    number = labels.get("gpu", "0")
    return DeviceSamples(
        f"dcgm-exporter on {labels.get('Hostname') or labels.get('instance', '')}, from {where}",
        int(number) if number.isdigit() else 0,
        labels.get("modelName", "GPU"),
        labels.get("UUID", ""),
        times,
        columns,
    )
