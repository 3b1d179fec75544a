"""The report on a terminal: the first screen answers where, what limits, which line, what it gains, what then."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..diagnosis import Diagnosis, Ranked
from ..findings import Gain
from . import units

MAX_FINDINGS = 5
_BAR_CELLS = 24
_MIN_PHASE_SHARE = 0.01
_COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def render(diagnosis: Diagnosis, console: Console, verbose: bool = False) -> None:
    """Print the report."""
    _head(diagnosis, console)
    _phases(diagnosis, console, verbose)
    for number, ranked in enumerate(diagnosis.findings[:MAX_FINDINGS], 1):
        _finding(number, ranked, diagnosis, console)
    left_out = len(diagnosis.findings) - MAX_FINDINGS
    if left_out > 0:
        console.print(f"[dim]{left_out} more in report.html[/]")
    _plan(diagnosis, console)
    _checked(diagnosis, console, verbose)
    _foot(diagnosis, console)


def _head(diagnosis: Diagnosis, console: Console) -> None:
    run = diagnosis.run
    console.print()
    facts = [escape(run.command), units.seconds(run.wall_seconds)]
    if run.steps:
        facts.append(f"{run.steps:,} steps")
    if run.requests:
        facts.append(f"{run.requests:,} requests")
    if run.ranks > 1:
        facts.append(f"{run.ranks} ranks")
    facts.append(f"{run.cores:g} cores")
    if run.exit_code:
        facts.append(f"exit code {run.exit_code}")
    console.print("[bold]bottleneck[/]  [dim]" + " · ".join(facts) + "[/]", highlight=False)
    style = "bold" if diagnosis.findings else "bold green" if diagnosis.verdict == "fine" else "bold yellow"
    console.print(Text(_short(diagnosis), style=style))
    console.print()


def _short(diagnosis: Diagnosis) -> str:
    """The headline with paths as the reader would type them."""
    text = diagnosis.headline
    for ranked in diagnosis.findings[:1]:
        if ranked.finding.location:
            text = text.replace(ranked.finding.location.file, units.path(ranked.finding.location.file))
    return text


def _phases(diagnosis: Diagnosis, console: Console, verbose: bool) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=34, overflow="ellipsis", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    rest = 0.0
    for index, row in enumerate(diagnosis.breakdown):
        if (row.share < _MIN_PHASE_SHARE or index >= 8) and not verbose:
            rest += row.seconds
            continue
        bar = "█" * round(row.share * _BAR_CELLS) or "▏"
        table.add_row(escape(row.phase), units.seconds(row.seconds), units.share(row.share), f"[blue]{bar}[/]")
    if rest > 0:
        total = max(diagnosis.run.wall_seconds, 1e-9)
        table.add_row("[dim]the rest[/]", units.seconds(rest), units.share(rest / total), "")
    console.print(table)
    console.print()


def gain_text(gain: Gain) -> str:
    """One phrase: what the fix saves, with its range."""
    span = f"{gain.low * 100:.0f}-{gain.high * 100:.0f} %"
    if gain.basis == "p99":
        return f"cuts the p99 latency by {units.share(gain.share)} ({span})"
    if gain.basis == "capacity":
        return f"frees {units.share(gain.share)} of the server's capacity ({span})"
    what = "the run" if gain.basis == "run" else "the step"
    return f"saves {units.share(gain.share)} of {what} ({span}, about {units.seconds(gain.seconds)})"


def _finding(number: int, ranked: Ranked, diagnosis: Diagnosis, console: Console) -> None:
    finding = ranked.finding
    colour = _COLOURS[ranked.severity]
    console.print(
        f"[{colour}]{number}  {ranked.severity}[/]  [bold]{escape(finding.title)}[/]  [dim]{finding.detector}[/]",
        highlight=False,
    )
    lines: list[tuple[str, str]] = []
    if finding.location:
        place = f"{units.path(finding.location.file)}:{finding.location.line}"
        function = f"  in {finding.location.function}" if finding.location.function else ""
        lines.append(("where", f"[bold]{escape(place)}[/]{escape(function)}"))
    if finding.gain:
        lines.append(("gain", escape(gain_text(finding.gain))))
    elif finding.exhaustion_seconds is not None:
        lines.append(("limit", f"memory runs out in about {units.seconds(finding.exhaustion_seconds)}"))
    lines.append(("fix", escape(finding.fix.summary)))
    table = Table.grid(padding=(0, 2))
    table.add_column(width=8, style="dim", justify="right")
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(name, text)
    snippet = Text("\n".join("  " + line for line in finding.fix.snippet.splitlines()), style="green")
    table.add_row("", snippet)
    shown = [f"{e.label} {units.quantity(e.value, e.unit)}" for e in finding.evidence]
    table.add_row("because", escape(" · ".join(shown)))
    if finding.after:
        table.add_row("then", "the limit becomes " + escape(finding.after))
    console.print(table)
    console.print()


def _plan(diagnosis: Diagnosis, console: Console) -> None:
    if len(diagnosis.plan) < 2:
        return
    parts = [units.seconds(diagnosis.run.wall_seconds)]
    parts += [f"{step.detector} → {units.seconds(step.wall_seconds_after)}" for step in diagnosis.plan]
    console.print("[bold]In this order[/]  " + " · ".join(parts), highlight=False)
    console.print()


def _checked(diagnosis: Diagnosis, console: Console, verbose: bool) -> None:
    fine = [row for row in diagnosis.checked if row.outcome == "fine"]
    missing = [row for row in diagnosis.checked if row.outcome != "fine"]
    if not verbose and diagnosis.findings:
        console.print(f"[dim]Also checked: {len(fine)} fine, {len(missing)} not measured (--verbose lists them).[/]")
        return
    if fine:
        table = Table.grid(padding=(0, 2))
        for row in fine:
            measured = units.quantity(row.value, row.unit)
            limit = units.quantity(row.threshold, row.unit)
            table.add_row(
                "[green]fine[/]",
                row.detector,
                f"{measured} [dim](threshold {limit})[/]",
                f"[dim]{escape(row.reason)}[/]",
            )
        console.print(table)
    if missing and verbose:
        for row in missing:
            console.print(Padding(f"[dim]not measured  {row.detector}: {escape(row.reason)}[/]", (0, 0)))
    elif missing:
        console.print(f"[dim]{len(missing)} not measured (--verbose says why).[/]")


def _foot(diagnosis: Diagnosis, console: Console) -> None:
    for note in diagnosis.run.notes:
        console.print(f"[yellow]{escape(note)}[/]")
    cost = diagnosis.overhead
    text = f"Recording cost {units.share(cost.share)} of the run ({units.seconds(cost.seconds)} of CPU)"
    text += f", {cost.dropped_records:,} records lost." if cost.dropped_records else ", nothing was lost."
    if diagnosis.breakdown:
        text += f" {units.share(diagnosis.run.named_share)} of the time has a name."
    console.print(f"[dim]{text}[/]", highlight=False)
