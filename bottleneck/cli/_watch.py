"""How ``bottleneck watch`` draws one look: a table of servers and one of devices and machines."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..capture.servers.watch import Look, ServerNow
from ..exporters.support import units
from ..exporters.support.screen import Screen
from ..exporters.support.words import visible

Shown = Callable[[float], str]
#: Head of a column, the value in it, and how it is shown. A column that no server fills is not there.
_SERVERS: tuple[tuple[str, str, Shown], ...] = (
    ("req/s", "requests_per_second", units.number),
    ("running", "running_requests", units.number),
    ("waiting", "waiting_requests", units.number),
    ("failed/s", "failures_per_second", units.number),
    ("latency", "latency_seconds", units.seconds),
    ("p50", "latency_p50_seconds", units.seconds),
    ("p99", "latency_p99_seconds", units.seconds),
    ("queue", "queue_seconds", units.seconds),
    ("first token", "first_token_seconds", units.seconds),
    ("tokens/s", "output_tokens_per_second", units.number),
    ("batch", "batch_size", units.number),
    ("KV cache", "kv_cache_share", units.share),
)
_DEVICES: tuple[tuple[str, str, Shown], ...] = (
    ("GPU busy", "gpu_utilization_share", units.share),
    ("GPU memory", "gpu_memory_used_bytes", units.size),
    ("power", "gpu_power_watts", lambda value: f"{value:.0f} W"),
    ("CPU busy", "host_cpu_share", units.share),
)


def drawn(look: Look, console: Console) -> RenderableType:
    """The look as rich draws it."""
    screen = Screen(console)
    parts: list[RenderableType] = [screen.text(("bottleneck watch", "bold"), f"  {time.strftime('%H:%M:%S')}")]
    for columns in (_SERVERS, _DEVICES):
        shown = [server for server in look.servers if any(name in server.values for _, name, _ in columns)]
        if shown:
            parts += [Text(), _table(screen, shown, columns)]
    if look.problems:
        parts += [Text(), *(screen.text((visible(f"{url} {problem}"), "yellow")) for url, problem in look.problems)]
    return Group(*parts)


def _table(screen: Screen, servers: list[ServerNow], columns: tuple[tuple[str, str, Shown], ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("server", overflow=screen.overflow)
    filled = [column for column in columns if any(column[1] in server.values for server in servers)]
    for head, _, _ in filled:
        table.add_column(head, justify="right", no_wrap=True, overflow=screen.overflow)
    several = len({server.url for server in servers}) > 1
    for server in servers:
        where = f" {server.url.partition('//')[2].removesuffix('/metrics')}" if several else ""
        name = visible(f"{server.server} {server.model}".strip() + where)
        cells = [shown(server.values[key]) if key in server.values else units.NOTHING for _, key, shown in filled]
        table.add_row(*map(screen.text, (name, *cells)))
    return table
