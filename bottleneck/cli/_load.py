"""How ``bottleneck load`` shows its figures."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..diagnosis.load_tests import LoadTested
from ..exporters.support import load_words, units
from ..load.run import Plan, Result
from ..load.samples import OUTCOMES
from ..load.summary import Latency, Summary
from ..load.versus import Ratio


def drawn(plan: Plan, result: Result, console: Console) -> RenderableType:
    """The figures, the verdict, and how the generator itself did."""
    parts: list[RenderableType] = [Text(f"{plan.requests.method} {'  vs  '.join(t.url for t in plan.targets)}", "bold")]
    total = result.total
    if result.interrupted:
        parts.append(Text("Interrupted; these are the requests until then.", "yellow"))
    if result.stopped:
        parts.append(Text(f"Stopped: {result.stopped}.", "red"))
    if result.capped:
        parts.append(Text("The test ended with --max-requests, before its time.", "yellow"))
    if total is None:
        return Group(*parts, Text("Nothing was measured."))
    if result.versus is not None:
        a, b = result.versus.a, result.versus.b
        parts.append(_table([("A", a), ("B", b)]))
        ratios = (("mean", result.versus.mean), ("p50", result.versus.p50), ("p99", result.versus.p99))
        parts += [Text(f"B / A  {name:4}  {_ratio(each)}") for name, each in ratios]
    elif result.parts:
        parts.append(_table([(f"{rate:,.4g}/s", part) for rate, part in result.parts]))
    else:
        name = "closed loop" if plan.clients else "at the knee" if result.knee and result.knee.rate else "all"
        parts.append(_table([(name, total)]))
    parts += _verdict(result.tested(plan))
    parts += _cost(result)
    parts += _behind(result)
    parts += _tokens(total)
    parts += _problems(total)
    p50, p99 = map(load_words.milliseconds, (total.lag_p50, total.lag_p99))
    parts.append(
        Text(
            f"Generator: send lag p50 {p50}, p99 {p99}; {total.unsent} not sent; "
            f"{result.per_cpu_second:,.0f} requests per CPU second",
            "dim",
        )
    )
    return Group(*parts)


def _table(rows: list[tuple[str, Summary]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("ms", "requests", "sent/s", "good/s", "p50", "p95", "p99", "(95 %)", "most", "failed"):
        table.add_column(name, justify="left" if name == "ms" else "right", no_wrap=True)
    for name, each in rows:
        latency = each.latency
        rate = "" if each.rate is None else f"{each.rate:,.1f}"
        table.add_row(name, f"{each.planned:,}", rate, f"{each.throughput:,.1f}", _number(latency.p50),
                      _number(latency.p95), *_p99(latency), _number(latency.most), f"{each.failed:,}")  # fmt: skip
    return table


def _p99(latency: Latency) -> tuple[str, str]:
    if latency.p99 is None:
        return "too few", ""
    high = ">" if latency.p99_high is None else f"-{_number(latency.p99_high)}"
    return _number(latency.p99), f"{_number(latency.p99_low)}{high}"


def _number(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:,.1f}"


def _ratio(ratio: Ratio) -> str:
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return "too few requests"
    words = "" if ratio.differs else "  (no difference shown)"
    return f"{ratio.value:.3f}  ({ratio.low:.3f} to {ratio.high:.3f}){words}"


def _verdict(test: LoadTested | None) -> list[Text]:
    said = "" if test is None else load_words.verdict(test)
    if test is None or not said:
        return []
    return [Text(said, "yellow" if test.met is None else "bold green" if test.met else "bold red")]


def _cost(result: Result) -> list[Text]:
    found = result.cost
    if found is None:
        return []
    each, price = (units.money(value, found.currency) for value in (found.per_1000_requests, found.per_hour))
    where = "at the knee" if found.at_knee else f"at {found.requests_per_second:,.4g}/s"
    return [Text(f"Cost: {each} per 1,000 requests {where}, with the server's machine at {price} per hour.")]


def _behind(result: Result) -> list[Text]:
    """What sets the server's capacity, if it was recorded."""
    if result.behind is None:
        return [Text(f"The server's recording cannot be read: {result.unjoined}.", "yellow")] if result.unjoined else []
    said = load_words.behind(result.behind)
    if result.behind.limit is None:
        return [Text(line, "yellow") for line in said]
    if result.after is not None:
        said = [*said, *load_words.after(result.after)]
    return [Text("Behind the knee", "bold"), *(Text(f"  {line}") for line in said)]


def _tokens(total: Summary) -> list[Text]:
    tokens = total.tokens
    if tokens is None:
        return []
    first = tokens.first_seconds
    p99 = "" if first.p99 is None else f", p99 {load_words.milliseconds(first.p99)}"
    return [
        Text(f"First token: p50 {load_words.milliseconds(first.p50)}, p95 {load_words.milliseconds(first.p95)}{p99}."),
        Text(
            f"Tokens per second: {tokens.per_second_p50:,.1f} in one response (slowest tenth below "
            f"{tokens.per_second_p10:,.1f}), {tokens.total_per_second:,.1f} in all."
        ),
    ]


def _problems(total: Summary) -> list[Text]:
    """Failed requests by kind."""
    if not total.failed and not total.stopped:
        return []
    kinds = [f"{count:,} {kind}" for kind, count in total.outcomes.items() if kind != OUTCOMES[0]]
    kinds += [f"{count:,} HTTP {status}" for status, count in total.statuses.items() if int(status) >= 400]
    return [Text(f"Without a good response: {', '.join(kinds)}.", "red" if total.failed else "yellow")]
