"""What this machine lets a process use: cores by affinity and cgroup quota, memory by RAM and cgroup limit.

Every function takes ``root``, the folder where ``proc`` and ``sys`` are found, so that tests can give a made-up one.
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
    """The group's folder and all its ancestors: a limit of any of them holds.

    In a container the group's path may be that of the host, while the mounted tree begins at the container's own
    group: folders that do not exist are read as empty, and the mount's root comes last.
    """
    parts = [part for part in path.split("/") if part and part != ".."]
    for count in range(len(parts), -1, -1):
        yield "/".join([base, *parts[:count]])


def _v2_bases(root: str) -> tuple[str, str]:
    return f"{root}/sys/fs/cgroup", f"{root}/sys/fs/cgroup/unified"


def _quotas(pid: int | str, root: str) -> list[tuple[float, str]]:
    """(cores, folder) of the group and its ancestors, where a quota is set."""
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
    """Cores that the cgroup quota allows, the smallest of the group and its ancestors; None when unlimited."""
    return min((cores for cores, _ in _quotas(pid, root)), default=None)


class Throttling:
    """How long the smallest quota of a process's groups has stopped it."""

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
        """Time that run queues were stopped, summed over cores; 0 without a quota, None where nobody counts it."""
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
    """(bytes that the cgroup allows, the folder that says so), the smallest on the way up; None when unlimited."""
    unified, controllers = _groups(root, pid)
    files = [(folder, "memory.max") for base in _v2_bases(root) for folder in _folders(base, unified)]
    v1 = _folders(f"{root}/sys/fs/cgroup/memory", controllers.get("memory", ""))
    files += [(folder, "memory.limit_in_bytes") for folder in v1]
    texts = [(_text(f"{folder}/{name}").strip(), folder) for folder, name in files]
    limits = [(int(text), folder) for text, folder in texts if text.isdigit()]
    return min((limit for limit in limits if limit[0] < _NO_LIMIT), default=None)


def memory_limit(pid: int | str = "self", root: str = "") -> int | None:
    """Bytes that the cgroup allows, the smallest of the group and its ancestors; None when unlimited."""
    group = memory_group(pid, root)
    return None if group is None else group[0]


def affinity(pid: int = 0) -> list[int]:
    """Numbers of the cores that a process may run on; all of them where the system cannot say."""
    ask: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    if ask is not None:
        try:
            return sorted(ask(pid))
        except OSError:
            pass
    return list(range(os.cpu_count() or 1))


def total_memory(root: str = "") -> int:
    """Bytes of RAM; 0 when the system cannot say."""
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
    """What process ``pid`` (0: this one) can use.

    ``cores``: affinity mask and cgroup quota together, a fraction where a quota says so. ``memory_bytes``: the smaller
    of RAM and the cgroup's limit, 0 when unknown. Also ``cpu_model``, ``os``, ``kernel``, ``hostname``.
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
