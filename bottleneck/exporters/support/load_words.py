"""Sentences on a load test: the objective, the knee, and what sets the server's capacity."""

from __future__ import annotations

from ...diagnosis.load_tests import After, Behind, LoadTested, Resource
from . import units


def verdict(test: LoadTested) -> str:
    """Whether the objective was met, or up to which rate; "" if there was none."""
    objective = f"p99 <= {milliseconds(test.slo_seconds)}"
    if test.knee is not None:
        interval = "" if test.knee_low is None or test.knee_high is None else (
            f" (90 % interval {test.knee_low:,.4g} to {test.knee_high:,.4g})"
        )  # fmt: skip
        return f"Knee: {test.knee:,.4g} requests/s keep {objective}{interval}."
    if test.why:
        return f"{'Knee' if test.searched else 'No verdict'}: {test.why}."
    return "" if test.met is None else f"Objective {'met' if test.met else 'missed'}: {objective}."


def behind(found: Behind) -> list[str]:
    """What sets the capacity of the server, and at which rate."""
    limit = found.limit
    if limit is None:
        return [f"What sets the capacity was not found: {found.why}."]
    said = [
        f"{limit.name} sets the capacity: {_place(limit.file, limit.line, limit.function)}",
        f"{limit.share:.0%} used at {found.throughput:,.4g} requests/s: all used at about {limit.capacity:,.3g}/s "
        f"({limit.samples} samples)",
    ]
    hot = found.hottest
    if hot is not None and (hot.file, hot.line) != (limit.file, limit.line):
        said.append(
            f"Most time is spent in {_place(hot.file, hot.line, hot.function)}, where {found.in_hottest:,.1f} requests "
            "are at once; it limits nothing yet."
        )
    return said if found.then is None else [*said, _next(found.then)]


def after(found: After) -> list[str]:
    """What the server takes once its first finding is fixed."""
    most = found.capacity
    said = [
        f"Once {found.finding} is fixed: about {most.value:,.3g} requests/s ({most.low:,.3g} to {most.high:,.3g}), now "
        f"{found.capacity_now:,.3g}"
    ]
    for each in found.p99:
        if each.then is not None:
            low, high = milliseconds(each.then.low), milliseconds(each.then.high)
            now = milliseconds(each.now)
            said.append(
                f"p99 at {each.rate:,.4g}/s: about {milliseconds(each.then.value)} ({low} to {high}), now {now}"
            )
    return said


def _next(then: Resource) -> str:
    place = f" ({_place(then.file, then.line, then.function)})" if then.line else ""
    return f"The next limit: {then.name}, at about {then.capacity:,.3g}/s{place}"


def _place(file: str, line: int, function: str) -> str:
    return f"{units.path(file)}:{line} ({function})" if line else "no line of the program's own"


def milliseconds(seconds: float | None) -> str:
    """12.3 ms, as load tests state latency."""
    return units.NOTHING if seconds is None else f"{seconds * 1e3:,.1f} ms"
