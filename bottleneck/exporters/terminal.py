"""The terminal report. It says each thing once: the headline, where the time went, then one block per finding."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..diagnosis.model import Checked, Diagnosis, PhaseShare, Ranked
from .support import cost_words, device_words, server_words, units, words
from .support.screen import Screen, bar

name, after = "terminal", ()
MAX_FINDINGS = 5
_MAX_PHASES = 6
_MAX_SERVERS = 12
_MIN_PHASE_SHARE = 0.01
_NAME_COLUMNS = 30
_SEVERITY = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
#: Phases by what they are: waiting for input, computing, reading and writing, Python in between.
_PHASES = {
    "red": ("data_wait", "loader_start", "serve.blocked", "spark.waiting"),
    "cyan": ("forward", "loss", "backward", "optimizer", "eval", "serve.handler", "etl.transform", "stage"),
    "yellow": ("checkpoint", "h2d", "sync", "etl.read", "etl.write"),
    "magenta": ("python", "spark.driver"),
}
_PARTS = {"c-forward": "cyan", "c-wait": "red", "c-checkpoint": "yellow"}  # of a device


def write(
    recording: object,
    diagnosis: Diagnosis,
    folder: Path,
    console: Console | None = None,
    verbose: bool = False,
    command: str = "",
) -> list[str]:
    """Print the report on ``console``, if there is one. ``command``: that was run, as it would be typed; it is not in
    the recording, because arguments may be secrets."""
    if console is not None:
        try:
            render(diagnosis, console, verbose, command)
        except SystemExit:  # rich's answer to a closed pipe, as of `| head`; the other exporters still have to write
            pass
    return []


def render(diagnosis: Diagnosis, console: Console, verbose: bool = False, command: str = "") -> None:
    """Print the report. ``verbose`` adds all phases, the method behind each gain, and every check."""
    screen = Screen(console)
    _head(screen, diagnosis)
    _phases(screen, diagnosis, verbose)
    _devices(screen, diagnosis, command)
    _servers(screen, diagnosis)
    shown = diagnosis.findings if verbose else diagnosis.findings[:MAX_FINDINGS]
    for index in range(len(shown)):
        _finding(screen, diagnosis, index, verbose)
    left_out = len(diagnosis.findings) - len(shown)
    if left_out > 0:
        screen.print((f"{left_out} more in report.html and with --verbose.", "dim"))
        screen.gap()
    _plan(screen, diagnosis)
    _cost(screen, diagnosis, verbose)
    _also(screen, diagnosis, verbose)
    _checked(screen, diagnosis, verbose)
    _foot(screen, diagnosis)


def _head(screen: Screen, diagnosis: Diagnosis) -> None:
    screen.gap()
    facts = [screen.text((fact, "dim")) for fact in words.facts(diagnosis)]
    screen.items(facts, indent=12, head=("bottleneck  ", "bold"))
    style = "bold" if diagnosis.findings else "bold green" if diagnosis.verdict == "fine" else "bold yellow"
    screen.print((words.headline(diagnosis), style))
    part = words.part(diagnosis)
    if part:
        screen.print((part, "yellow"))
    advice = words.advice(diagnosis)
    if advice:
        screen.print(advice)
    screen.gap()


def _phases(screen: Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    rows = diagnosis.breakdown
    if not rows:
        return
    shown = [row for i, row in enumerate(rows) if verbose or (i < _MAX_PHASES and row.share >= _MIN_PHASE_SHARE)]
    rest = [row for row in rows if row not in shown]
    if len(rest) == 1:
        shown, rest = list(rows), []
    names = [words.phase(row.phase) for row in shown]
    longest = min(_NAME_COLUMNS, max(map(len, names), default=0))
    cells = max(10, min(44, screen.console.width - 2 - longest - 21))
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=_NAME_COLUMNS, no_wrap=True, overflow=screen.overflow)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(no_wrap=True, overflow=screen.overflow)
    for name, row in zip(names, shown, strict=True):
        numbers = (units.seconds(row.seconds), units.share(row.share))
        meter = screen.text((bar(row.share, cells), _phase_style(row)))
        table.add_row(screen.text(name), *map(screen.text, numbers), meter)
    if rest:
        seconds, share = sum(r.seconds for r in rest), sum(r.share for r in rest)
        text = (f"{len(rest)} more", units.seconds(seconds), units.share(share))
        table.add_row(*(screen.text((part, "dim")) for part in text), "")
    screen.table(table)
    screen.gap()


def _devices(screen: Screen, diagnosis: Diagnosis, command: str) -> None:
    for device in device_words.devices(diagnosis):
        screen.print(device.sentence)
        if device.parts:
            _device_bar(screen, device.parts)
        screen.gap()
    if device_words.window_would_tell(diagnosis):
        screen.code(f"bottleneck run --device-window 10 {words.visible(command) or '...'}")
        screen.gap()


def _servers(screen: Screen, diagnosis: Diagnosis) -> None:
    for sheet in server_words.sheets(diagnosis, _MAX_SERVERS):
        columns = sheet.fitting(screen.console.width - 2, _NAME_COLUMNS)
        screen.print((sheet.title, "dim"))
        table = Table.grid(padding=(0, 2))
        table.add_column(max_width=_NAME_COLUMNS, overflow="fold")
        for _ in range(1, columns):
            table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
        table.add_row(*(screen.text((head, "dim")) for head in sheet.heads[:columns]))
        for row in sheet.rows:
            table.add_row(*map(screen.text, row[:columns]))
        screen.table(table)
        left_out = ", ".join(sheet.heads[columns:])
        for note in filter(None, (sheet.note, f"In report.html also: {left_out}." if left_out else "")):
            screen.print((note, "dim"))
        screen.gap()


def _device_bar(screen: Screen, parts: tuple[device_words.Part, ...]) -> None:
    cells = max(10, min(44, screen.console.width - 58))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow=screen.overflow)
    table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(no_wrap=True, overflow=screen.overflow)
    for part in parts:
        meter = screen.text((bar(part.share, cells), _PARTS.get(part.colour, "dim")))
        table.add_row(screen.text(part.label), screen.text(units.share(part.share)), meter)
    screen.table(table)


def _phase_style(row: PhaseShare) -> str:
    kind = row.phase.partition(":")[0]
    return next((style for style, names in _PHASES.items() if kind in names), "dim")


def _finding(screen: Screen, diagnosis: Diagnosis, index: int, verbose: bool) -> None:
    ranked = diagnosis.findings[index]
    finding = ranked.finding
    mark, name = (f"● {ranked.severity}", _SEVERITY[ranked.severity]), (f" [{words.visible(finding.detector)}]", "dim")
    title = screen.text(mark, "  ", (words.visible(finding.title), "bold"), name)
    screen.items([title], indent=4, head=(f"{index + 1:>2}  ", "bold"))
    if finding.location:
        function = words.visible(finding.location.function)
        place = screen.place(finding.location, screen.console.width - 12)
        screen.row("where", [screen.text(place, (f" in {function}" if function else "", "dim"))])
    if finding.evidence:
        screen.row("evidence", map(words.evidence, finding.evidence))
    gain = words.worth(finding)
    if gain:
        screen.row("gain", [gain])
    cost = cost_words.of_finding(diagnosis, finding)
    if cost:
        screen.row("cost", [cost])
    screen.row("change", [f"{words.visible(finding.fix.summary)} ({words.effort(finding.fix)})"])
    snippet = words.visible(finding.fix.snippet.strip("\n"), one_line=False)
    if snippet:
        screen.code(snippet)
    for label, text in (("then", words.after(finding)), ("order", words.order(diagnosis.findings, index))):
        if text:
            screen.row(label, [text])
    for label, text in _method(ranked) if verbose or not (finding.gain and finding.gain.share) else ():
        if text:
            screen.row(label, [screen.text((text, "dim"))])
    screen.gap()


def _method(ranked: Ranked) -> list[tuple[str, str]]:
    """How the gain was predicted, and with what confidence."""
    gain = ranked.finding.gain
    return [
        ("method", words.visible(gain.method) if gain else ""),
        ("covers", ", ".join(map(words.visible, ranked.explains))),
        ("confidence", f"{units.share(ranked.confidence)} (score {units.number(ranked.score)})"),
    ]


def _plan(screen: Screen, diagnosis: Diagnosis) -> None:
    if len(diagnosis.plan) < 2:
        return
    steps = [f"{units.seconds(diagnosis.run.wall_seconds)} now"]
    steps += [f"→ {units.seconds(s.wall_seconds_after)} after {words.visible(s.detector)}" for s in diagnosis.plan]
    screen.items(steps, " ", indent=6, head=("Plan  ", "bold"))
    screen.gap()


def _cost(screen: Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    rows = cost_words.rows(diagnosis)
    if not rows and verbose:  # without a price, the size of the machine is for those who ask for everything
        rows = [("size", texts)] if (texts := cost_words.size(diagnosis)) else []
    for index, (label, texts) in enumerate(rows):
        if not index:
            screen.print(("Cost" if diagnosis.cost else "Size of the machine", "bold"))
        screen.row(label, texts)
    if rows:
        screen.gap()


def _also(screen: Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    shown = [ranked.finding for ranked in diagnosis.also_noticed if verbose or ranked.finding.hint]
    for finding in shown:
        parts: list[Text | str] = [words.visible(finding.title)]
        parts += [screen.text(screen.place(finding.location, screen.console.width - 14))] if finding.location else []
        parts += filter(None, (words.worth(finding), words.visible(finding.fix.summary) * finding.hint))
        screen.items(parts, indent=14, head=("Also noticed  ", "dim"))
        if finding.hint:
            screen.code(words.visible(finding.fix.snippet, one_line=False))
    if shown:
        screen.gap()


def _checked(screen: Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    rows = words.checked(diagnosis)
    fine = [row for row in rows if row.outcome == "fine"]
    others = [row for row in rows if row.outcome != "fine"]
    if fine and (verbose or not diagnosis.findings):
        _fine_table(screen, fine)
        fine = []
    if others and verbose:
        for outcome, reason, names in words.by_reason(others):
            count = f" ({len(names)})" if len(names) > 1 else ""
            head = f"{outcome.capitalize()}: {reason}{count}: "
            screen.items([screen.text((head, "dim"), ", ".join(names))], indent=4)
        screen.gap()
        others = []
    outcomes = sorted(row.outcome for row in (*fine, *others))
    counts = [f"{len(list(same))} {outcome.replace('-', ' ')}" for outcome, same in groupby(outcomes)]
    if counts:
        screen.print((f"Also checked: {', '.join(counts)} (--verbose lists them).", "dim"))


def _fine_table(screen: Screen, rows: list[Checked]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow=screen.overflow)
    table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(no_wrap=True, overflow=screen.overflow)
    table.add_row(*(screen.text((head, "dim")) for head in ("fine", "measured", "threshold", "")))
    for row in rows:
        measured, threshold = words.compared(row)
        table.add_row(
            screen.text(("✓ ", "green"), words.visible(row.detector)),
            screen.text(measured),
            screen.text(threshold),
            screen.text((words.visible(row.reason), "dim")),
        )
    screen.table(table)
    screen.gap()


def _foot(screen: Screen, diagnosis: Diagnosis) -> None:
    for note in diagnosis.run.notes:
        screen.print((words.visible(note), "yellow"))
    for line in filter(None, (words.energy(diagnosis), words.overhead(diagnosis), words.attributed(diagnosis))):
        screen.print((line, "dim"))
