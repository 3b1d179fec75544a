"""The cores and memory a process may use: cores by affinity and cgroup quota, memory by RAM and cgroup limit.

Every function takes ``root``, the folder that contains ``proc`` and ``sys``, so that tests can pass a fake one.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator

#: cgroup v1 writes "no limit" as the largest page-aligned signed number; anything near it is no limit.
_NO_LIMIT = 1 << 60
#: cpu.stat of cgroup v2 and v1 -> nanoseconds.
_THROTTLED_UNITS = {"throttled_usec": 1000, "throttled_time": 1}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _groups(root: str, pid: int | str) -> tuple[str, dict[str, str]]:
    """(path in the unified v2 hierarchy, {v1 controller: path}) of a process."""
    unified, controllers = "", {}
    for line in _text(f"{root}/proc/{pid}/cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            unified = path
        for name in names.split(","):
            if name:
                controllers[name] = path
    return unified, controllers


def _folders(base: str, path: str) -> Iterator[str]:
    """The group's folder and all its ancestors: a limit on any of them applies.

    In a container, the path of the group may be the host's while the mounted tree starts at the container's group.
    Missing folders read as empty, and the root of the mount comes last.
    """
    parts = [part for part in path.split("/") if part and part != ".."]
    for count in range(len(parts), -1, -1):
        yield "/".join([base, *parts[:count]])


def _v2_bases(root: str) -> tuple[str, str]:
    return f"{root}/sys/fs/cgroup", f"{root}/sys/fs/cgroup/unified"


def _quotas(pid: int | str, root: str) -> list[tuple[float, str]]:
    """(cores, folder) for the group and each ancestor with a quota."""
    unified, controllers = _groups(root, pid)
    found: list[tuple[float, str]] = []
    for base in _v2_bases(root):
        for folder in _folders(base, unified):
            words = _text(f"{folder}/cpu.max").split()
            if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
                found.append((int(words[0]) / int(words[1]), folder))
    for name in ("cpu", "cpu,cpuacct"):
        for folder in _folders(f"{root}/sys/fs/cgroup/{name}", controllers.get("cpu", "")):
            quota = _text(f"{folder}/cpu.cfs_quota_us").strip()
            period = _text(f"{folder}/cpu.cfs_period_us").strip()
            if quota.isdigit() and period.isdigit() and int(period):  # unlimited is "-1", which is not a digit
                found.append((int(quota) / int(period), folder))
    return found


def cpu_quota(pid: int | str = "self", root: str = "") -> float | None:
    """Cores allowed by the cgroup quota, the smallest of the group and its ancestors; None if unlimited."""
    return min((cores for cores, _ in _quotas(pid, root)), default=None)


class Throttling:
    """Time that a process was throttled by the smallest CPU quota among its groups."""

    def __init__(self, pid: int | str = "self", root: str = "") -> None:
        self._file: int | None = None
        quotas = _quotas(pid, root)
        self._limited = bool(quotas)
        if quotas:
            try:
                self._file = os.open(f"{min(quotas)[1]}/cpu.stat", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                pass

    def nanoseconds(self) -> int | None:
        """Throttled time in ns, summed over cores; 0 without a quota, None if the kernel does not count it."""
        if not self._limited:
            return 0
        if self._file is None:
            return None
        try:
            text = os.pread(self._file, 4096, 0).decode()
        except OSError:  # the group is gone, and the process with it
            return None
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name in _THROTTLED_UNITS and value.strip().isdigit():
                return int(value) * _THROTTLED_UNITS[name]
        return None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def memory_group(pid: int | str = "self", root: str = "") -> tuple[int, str] | None:
    """(bytes allowed by the cgroup, folder of that limit), the smallest among the ancestors; None if unlimited."""
    unified, controllers = _groups(root, pid)
    files = [(folder, "memory.max") for base in _v2_bases(root) for folder in _folders(base, unified)]
    v1 = _folders(f"{root}/sys/fs/cgroup/memory", controllers.get("memory", ""))
    files += [(folder, "memory.limit_in_bytes") for folder in v1]
    texts = [(_text(f"{folder}/{name}").strip(), folder) for folder, name in files]
    limits = [(int(text), folder) for text, folder in texts if text.isdigit()]
    return min((limit for limit in limits if limit[0] < _NO_LIMIT), default=None)


def memory_limit(pid: int | str = "self", root: str = "") -> int | None:
    """Bytes allowed by the cgroup, the smallest of the group and its ancestors; None if unlimited."""
    group = memory_group(pid, root)
    return None if group is None else group[0]


def affinity(pid: int = 0) -> list[int]:
    """Numbers of the cores that a process may run on; all cores if the system does not report it."""
    ask: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    if ask is not None:
        try:
            return sorted(ask(pid))
        except OSError:
            pass
    return list(range(os.cpu_count() or 1))


def total_memory(root: str = "") -> int:
    """Bytes of RAM; 0 if the system does not report it."""
    for line in _text(f"{root}/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    try:
        import psutil

        return int(psutil.virtual_memory().total)
    except Exception:
        return 0


def _cpu_model(root: str) -> str:
    for line in _text(f"{root}/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return platform.processor() or platform.machine()


def machine_facts(pid: int = 0, root: str = "") -> dict[str, str | int | float]:
    """The resources of process ``pid`` (0: this process).

    ``cores``: the smaller of affinity mask and cgroup quota, which may be a fraction. ``memory_bytes``: the smaller
    of RAM and the cgroup's limit, 0 if unknown. Also ``cpu_model``, ``os``, ``kernel``, ``hostname``.
    """
    group = pid or "self"
    mask = len(affinity(pid))
    quota = cpu_quota(group, root)
    memory, limit = total_memory(root), memory_limit(group, root)
    return {
        "cores": float(mask if quota is None else min(mask, quota)),
        "memory_bytes": memory if limit is None else min(memory or limit, limit),
        "cpu_model": _cpu_model(root),
        "os": sys.platform,
        "kernel": platform.release(),
        "hostname": platform.node(),
    }
