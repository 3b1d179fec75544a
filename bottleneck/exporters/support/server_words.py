"""Tables of watched servers and of load tests, for the terminal and HTML reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.cells import cell_len

from ...diagnosis.load_tests import LoadTested, LoadUse
from ...diagnosis.model import Diagnosis, RouteUse, ServedUse, ServerUse, WhatIf, WhatIfUse
from . import load_words, units, words

_MAX_CACHES = 3  # that are told of
_MAX_TESTS = 3  # of `bottleneck load`, the newest ones
Shown = Callable[[float], str]


def watts(value: float) -> str:
    """250 W."""
    return f"{value:.0f} W"


#: Head of a column, the signal in it, and how it is shown; a column that nobody fills is left out.
_SERVERS: tuple[tuple[str, str, Shown], ...] = (
    ("requests", "requests", units.number), ("per second", "requests_per_second", units.number),
    ("failed/s", "failures_per_second", units.number), ("running", "running_requests", units.number),
    ("waiting", "waiting_requests", units.number), ("mean", "latency_seconds", units.seconds),
    ("p50", "latency_p50_seconds", units.seconds), ("p99", "latency_p99_seconds", units.seconds),
    ("in queue", "queue_seconds", units.seconds), ("first token", "first_token_seconds", units.seconds),
    ("tokens/s", "output_tokens_per_second", units.number), ("batch", "batch_size", units.number),
    ("KV cache", "kv_cache_share", units.share),
)  # fmt: skip
_DEVICES: tuple[tuple[str, str, Shown], ...] = (
    ("GPU busy", "gpu_utilization_share", units.share), ("GPU memory", "gpu_memory_used_bytes", units.size),
    ("power", "gpu_power_watts", watts), ("CPU busy", "host_cpu_share", units.share),
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A table in words: the first column is text, the others are numbers. ``note``: what is left out."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    note: str = ""

    def fitting(self, width: int, most: int) -> int:
        """How many of the columns fit into ``width``; the first one takes at most ``most``, and there are two."""
        used, count = 0, 0
        for column in zip(self.heads, *self.rows, strict=True):
            wide = max(map(cell_len, column))
            used += (min(wide, most) if not count else wide) + 2
            if used > width + 2 and count >= 2:
                break
            count += 1
        return count


def sheets(diagnosis: Diagnosis, most: int) -> list[Sheet]:
    """What was watched and what load tests measured, at most so many rows each."""
    found = [] if diagnosis.served is None else [_served(diagnosis.served, most)]
    found += [] if diagnosis.what_ifs is None else [_what_ifs(diagnosis.what_ifs)]
    if diagnosis.load:
        found.append(_load(f"Load test by {words.visible(diagnosis.load[0].tool)}", diagnosis.load, most))
    found += [_tested(test, most) for test in diagnosis.load_tests[-_MAX_TESTS:]]
    for title, columns in (("Servers", _SERVERS), ("Devices and machines", _DEVICES)):
        shown = [each for each in diagnosis.servers if any(name in each.signals for _, name, _ in columns)]
        if shown:
            found.append(_servers(title, shown, columns, most))
    return found


def _servers(title: str, shown: Sequence[ServerUse], columns: tuple[tuple[str, str, Shown], ...], most: int) -> Sheet:
    filled = [column for column in columns if any(column[1] in each.signals for each in shown)]
    several = len({each.url for each in shown}) > 1
    rows = [
        [
            words.visible(f"{each.server} {each.model}".strip() + (f" at {each.url}" if several else "")),
            *(show(each.signals[key]) if key in each.signals else units.NOTHING for _, key, show in filled),
        ]
        for each in shown[:most]
    ]
    first = "one page, since the server's start" if all(each.looks < 2 for each in shown) else "means of the watch"
    return Sheet(f"{title} ({first})", ["", *(head for head, _, _ in filled)], rows, _left(len(shown) - most))


def _served(served: ServedUse, most: int) -> Sheet:
    columns: list[tuple[str, Callable[[RouteUse], Any], Shown]] = [
        ("requests", lambda use: use.requests, units.number),
        ("failed", lambda use: use.failures or None, units.number),
        ("per second", lambda use: use.per_second, units.number),
        ("mean", lambda use: use.latency["mean"], units.seconds),
        *((name, partial(_latency, name), units.seconds) for name in ("p50", "p95", "p99")),
        ("waited before", lambda use: use.queue_seconds, units.seconds),
        ("size", lambda use: use.answer_bytes, units.size),
    ]
    shown = served.routes[: most + 1] if len(served.routes) != 2 else served.routes[1:]
    heads, rows = _filled(columns, shown, lambda use: words.visible(use.route) or "all requests")
    return Sheet(f"Requests of {_several(served.processes, 'process', 'processes')}", heads, rows, _rest(served))


def _latency(name: str, use: RouteUse) -> float | None:
    return use.latency.get(name)


def _rest(served: ServedUse) -> str:
    """What else is known of the service, in sentences."""
    said = [
        f"Requests at once: {units.number(served.at_once)} when one arrives, {units.number(served.at_once_by_law)} by "
        "rate and latency."
    ]
    if served.batch_rows is not None and served.batch_share is not None:
        said.append(
            f"Rows per call of the model: {units.number(served.batch_rows)}, "
            f"{units.share(min(1.0, served.batch_share))} of the requests inside."
        )
    if served.repeat_share is not None:
        said.append(f"Repeated requests: {units.share(served.repeat_share)}.")
    for cache in served.caches[:_MAX_CACHES]:
        ratio = cache.hits / max(cache.hits + cache.misses, 1)
        said.append(f"lru_cache of {words.visible(cache.function)}: {units.share(ratio)} hits.")
    return " ".join(said)


def _what_ifs(use: WhatIfUse) -> Sheet:
    """All of them: there are a dozen or two."""
    columns: list[tuple[str, Callable[[WhatIf], Any], Shown]] = [
        ("rows", lambda each: each.rows or None, units.number),
        ("threads", lambda each: each.threads, units.number),
        ("per call", lambda each: each.seconds, units.seconds),
        ("per row", lambda each: each.seconds / each.rows if each.rows else None, units.seconds),
        ("of now", lambda each: each.ratio, units.share),
        ("weights", lambda each: each.size_bytes, units.size),
        ("same answer", lambda each: each.agreement, units.share),
        ("drift", lambda each: each.relative_drift, precise_share),
        ("most", lambda each: each.max_drift, units.number),
    ]
    now = WhatIf(
        f"as it is ({use.dtype})", use.threads, use.rows, use.seconds, 1.0, 1.0, 1.0, use.size_bytes,
        None, None, None, "", None,
    )  # fmt: skip
    heads, rows = _filled(columns, [now, *use.variants], lambda each: words.visible(each.name))
    where = f", called at {words.visible(units.path(use.file))}:{use.line}" if use.file else ""
    title = f"{words.visible(use.model)} in other ways{where} (a copy, on {_several(use.inputs, 'input', 'inputs')})"
    return Sheet(title, heads, rows, _left_out(use))


def _left_out(use: WhatIfUse) -> str:
    """What was not measured, and why, in sentences."""
    names: dict[str, list[str]] = {}
    for name, reason in use.left_out.items():
        names.setdefault(reason, []).append(name)
    said = [f"Without {', '.join(each)}: {words.visible(reason)}." for reason, each in names.items()]
    if not use.repeatable:
        said.append("It draws random numbers, so that no drift is known.")
    return " ".join(said)


def precise_share(share: float) -> str:
    """0.021 %: of two significant digits where it is small."""
    return units.share(share) if share >= 0.01 or not share else f"{100 * share:.1g} %"


def _tested(test: LoadTested, most: int) -> Sheet:
    sheet = _load(f"`bottleneck load` of {words.visible(test.url)}", test.levels, most)
    said = [load_words.verdict(test), *(load_words.behind(test.behind) if test.behind else ())]
    said += [*(load_words.after(test.after) if test.after else ()), sheet.note]
    return replace(sheet, note=" ".join(words.sentence(words.visible(each)) for each in said if each))


def _load(title: str, load: Sequence[LoadUse], most: int) -> Sheet:
    columns: list[tuple[str, Callable[[LoadUse], Any], Shown]] = [
        ("requests", lambda use: use.requests, units.number),
        ("failed", lambda use: use.failures or None, units.number),
        ("per second", lambda use: use.per_second, units.number),
        ("tokens/s", lambda use: use.tokens_per_second, units.number),
        ("mean", lambda use: use.latency.get("mean"), units.seconds),
        ("p50", lambda use: use.latency.get("p50"), units.seconds),
        ("p95", lambda use: use.latency.get("p95"), units.seconds),
        ("p99", lambda use: use.latency.get("p99"), units.seconds),
        ("first token p50", lambda use: use.first_token.get("p50"), units.seconds),
    ]
    heads, rows = _filled(columns, load[:most], lambda use: _load_name(use) + (" (knee)" if use.knee else ""))
    return Sheet(title, heads, rows, _left(len(load) - most))


def _filled(
    columns: Sequence[Any], shown: Sequence[Any], name: Callable[[Any], str]
) -> tuple[list[str], list[list[str]]]:
    """The heads of the columns that somebody fills, and a row for each use."""
    filled = [column for column in columns if any(column[1](use) is not None for use in shown)]
    rows = []
    for use in shown:
        values = [(get(use), show) for _, get, show in filled]
        rows.append([name(use), *(units.NOTHING if value is None else show(value) for value, show in values)])
    return ["", *(head for head, _, _ in filled)], rows


def _several(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _load_name(use: LoadUse) -> str:
    if use.route:
        return words.visible(use.route)
    if use.clients:
        return f"{use.clients} client{'' if use.clients == 1 else 's'}"
    return f"{units.number(use.asked_per_second)} per second" if use.asked_per_second else "all requests"


def _left(count: int) -> str:
    return f"{count} more in diagnosis.json." if count > 0 else ""
