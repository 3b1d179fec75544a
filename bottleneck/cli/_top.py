"""How ``bottleneck top`` draws one look: the machine, the GPUs, then each run with its processes."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..capture.live_gpus import GpuNow, GpuUser
from ..capture.live_processes import ProcessNow
from ..capture.watch import Look, RunNow
from ..diagnosis.phases import phase_words
from ..exporters.support import units
from ..exporters.support.screen import Screen
from ..exporters.support.words import visible

START = "No run is in progress. Record one with: bottleneck run train.py"
_PHASES_SHOWN = 4
_MIN_SHARE = 0.005
_WIDE = 110  # columns of a terminal that the lines of code fit into
_SETTLED_SECONDS = 5.0  # a shorter time holds too few steps of a slow loop


def drawn(look: Look, console: Console) -> RenderableType:
    """The look as rich draws it, with its rows in the order of the look."""
    screen = Screen(console)
    parts: list[RenderableType] = [_head(screen, look)]
    if look.gpus:
        parts += [Text(), _gpus(screen, look.gpus)]
    for run in look.runs:
        parts += [
            Text(),
            _run_head(screen, run),
            Padding(_processes(screen, run, bool(look.gpus)), (0, 0, 0, 2), expand=False),
        ]
    if not look.runs:
        parts += [Text(), screen.text(START)]
    if look.notes:
        parts += [Text(), *(screen.text((visible(note), "dim")) for note in look.notes)]
    return Group(*parts)


def _head(screen: Screen, look: Look) -> Text:
    used, total = units.size(look.memory_used_bytes), units.size(look.memory_total_bytes)
    cores = f"{look.cpu_cores:.1f} of {look.cores} cores busy"
    return screen.text(("bottleneck top", "bold"), f"  {cores} · {used} of {total} in use · {look.time[11:19]}")


def _gpus(screen: Screen, gpus: list[GpuNow]) -> Table:
    table = _table(screen, ">GPU", "", ">busy", ">memory", ">power", ">clock", ">", "used by")
    for gpu in gpus:
        name = visible(gpu.name) + (" (in MIG slices)" if gpu.partitioned else "")
        celsius = gpu.temperature_celsius
        cells = [
            gpu.id,
            f"  MIG slice {gpu.uuid[:12]}" if gpu.slice_of else name,
            _known(gpu.utilization_share, units.share),
            _of(gpu.memory_used_bytes, gpu.memory_total_bytes, units.size),
            # Power, clock and temperature of a slice are the whole GPU's, in the row above.
            "" if gpu.slice_of else _of(gpu.power_watts, gpu.power_limit_watts, lambda value: f"{value:.0f} W"),
            "" if gpu.slice_of else _of(gpu.sm_clock_hz, gpu.sm_clock_max_hz, lambda value: f"{value / 1e6:.0f} MHz"),
            "" if gpu.slice_of or celsius is None else f"{celsius:.0f} °C",
            _users(gpu.users),
        ]
        table.add_row(*map(screen.text, cells))
    return table


def _users(users: list[GpuUser] | None) -> str:
    if users is None:
        return units.NOTHING
    shown = [
        f"{visible(user.name) or 'pid'} {user.pid}{' (recorded)' if user.recorded else ''}"
        + (f" {units.size(user.memory_bytes)}" if user.memory_bytes is not None else "")
        for user in users
    ]
    return (f"shared by {len(shown)}: " if len(shown) > 1 else "") + ", ".join(shown)


def _run_head(screen: Screen, run: RunNow) -> Text:
    parts = [visible(run.command) or visible(run.name), units.seconds(run.seconds), units.path(run.folder)]
    return screen.text((parts[0], "bold"), "".join(f" · {visible(part)}" for part in parts[1:]))


def _processes(screen: Screen, run: RunNow, gpus: bool) -> Table:
    wide = screen.console.width >= _WIDE
    heads = (">pid", "process", ">cores", ">memory", ">GPU"[: 4 * gpus], ">steps", ">per s", "phases", "line" * wide)
    table = _table(screen, *heads)
    for process in run.processes:
        cells = [
            f"{process.pid}",
            _who(process),
            _known(process.cpu_cores, lambda value: f"{value:.2f}"),
            _known(process.memory_bytes, units.size),
            ", ".join(process.gpus),
            _known(process.steps, units.number, ""),
            _known(process.steps_per_second, units.number, ""),
            _phases(process, _PHASES_SHOWN if wide else 2),
            visible(process.place) * wide,
        ]
        table.add_row(*map(screen.text, cells))
    return table


def _who(process: ProcessNow) -> str:
    rank = "" if process.rank is None else f"rank {visible(str(process.rank))}, "
    return rank + (process.role if process.worker is None else f"{process.role} {process.worker}")


def _phases(process: ProcessNow, most: int) -> str:
    """The largest phases of late; of all its time where it has been looked at for too short a time."""
    recent = process.recent_phases if (process.recent_seconds or 0.0) >= _SETTLED_SECONDS else None
    shares = process.phases or {} if recent is None else recent
    largest = [(name, share) for name, share in shares.items() if share >= _MIN_SHARE][:most]
    return ", ".join(f"{phase_words(name)} {share * 100:.0f} %" for name, share in largest)


def _table(screen: Screen, *heads: str) -> Table:
    """A table without lines; a head that begins with ">" is that of a column of numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        if head.startswith(">"):
            table.add_column(head[1:], justify="right", no_wrap=True, overflow=screen.overflow)
        else:
            table.add_column(head, overflow=screen.overflow)
    return table


def _known(value: float | None, shown: Callable[[float], str], absent: str = units.NOTHING) -> str:
    return absent if value is None else shown(value)


def _of(value: float | None, whole: float | None, shown: Callable[[float], str]) -> str:
    """``2.0 GiB of 8.0 GiB``."""
    if value is None:
        return units.NOTHING
    return shown(value) + (f" of {shown(whole)}" if whole is not None else "")
