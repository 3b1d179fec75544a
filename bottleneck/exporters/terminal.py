"""The report on a terminal: the first screen answers where, what limits, which line, what it gains, what then."""

from __future__ import annotations

import math
import os
from pathlib import Path
from urllib.parse import quote

from rich.console import Console, OverflowMethod, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..diagnosis.model import Checked, Diagnosis, PhaseShare, Ranked
from .support import units, words

name, after = "terminal", ()
MAX_FINDINGS = 5
_MAX_PHASES = 6
_FULL = 2  # findings told in full on the first screen; the later ones in three lines
_MIN_PHASE_SHARE = 0.01
_SEVERITY = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
_EIGHTHS = " ▏▎▍▌▋▊▉"
#: Phases by what they are: waiting for input, computing, reading and writing, Python in between.
_PHASES = {
    "red": ("data_wait", "loader_start", "serve.blocked"),
    "cyan": ("forward", "loss", "backward", "optimizer", "eval", "serve.handler", "etl.transform"),
    "yellow": ("checkpoint", "h2d", "sync", "etl.read", "etl.write"),
    "magenta": ("python",),
}
_ASCII = str.maketrans({"·": "-", "–": "-", "→": ">", "…": "~", "●": "*", "µ": "u", "█": "#", "─": "-", "✓": "+"})
_ASCII.update(dict.fromkeys(map(ord, _EIGHTHS[1:]), "|"))


def write(
    recording: object, diagnosis: Diagnosis, folder: Path, console: Console | None = None, verbose: bool = False
) -> list[str]:
    """The report on ``console``, where there is one."""
    if console is not None:
        render(diagnosis, console, verbose)
    return []


def render(diagnosis: Diagnosis, console: Console, verbose: bool = False) -> None:
    """Print the report. ``verbose`` adds every phase, how each gain was predicted, and all that was checked."""
    screen = _Screen(console)
    _head(screen, diagnosis)
    _phases(screen, diagnosis, verbose)
    shown = diagnosis.findings if verbose else diagnosis.findings[:MAX_FINDINGS]
    for number, ranked in enumerate(shown, 1):
        _finding(screen, number, ranked, full=verbose or number <= _FULL)
    left_out = len(diagnosis.findings) - len(shown)
    if left_out > 0:
        screen.print((f"{left_out} more in report.html and with --verbose.", "dim"))
        screen.print()
    for number, ranked in enumerate(shown, 1):
        _details(screen, number, ranked, verbose)
    _plan(screen, diagnosis)
    _also(screen, diagnosis, verbose)
    _checked(screen, diagnosis, verbose)
    _foot(screen, diagnosis)


Part = str | tuple[str, str | Style]


class _Screen:
    """A console that writes ASCII where the terminal cannot show more, and never reads markup in what it is given."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._ascii = not console.encoding.lower().startswith("utf")
        self.overflow: OverflowMethod = "crop" if self._ascii else "ellipsis"

    def text(self, *parts: Part) -> Text:
        text = Text()
        for part in parts:
            words_, style = part if isinstance(part, tuple) else (part, "")
            text.append(self.plain(words_), style)
        return text

    def plain(self, text: str) -> str:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self._ascii else text

    def print(self, *parts: Part) -> None:
        self.show(self.text(*parts))

    def show(self, item: RenderableType, indent: int = 0) -> None:
        self.console.print(
            Padding(item, (0, 0, 0, indent), expand=False) if indent else item, highlight=False, soft_wrap=False
        )

    def place(self, ranked: Ranked) -> Part:
        """``train.py:41``, to be clicked on."""
        shown = words.place(ranked.finding)
        # These two turn "file:line" into a link of their own that opens at the line; ours would only hide it.
        own = {"vscode", "JetBrains-JediTerm"} & {os.environ.get(n, "") for n in ("TERM_PROGRAM", "TERMINAL_EMULATOR")}
        file = ranked.finding.location.file if ranked.finding.location else ""
        if own or not os.path.isabs(file) or not file.isprintable():
            return shown, "bold"
        return shown, Style(bold=True, link="file://" + quote(file))


def _head(screen: _Screen, diagnosis: Diagnosis) -> None:
    screen.print()
    screen.print(("bottleneck", "bold"), ("  " + " · ".join(words.facts(diagnosis)), "dim"))
    style = "bold" if diagnosis.findings else "bold green" if diagnosis.verdict == "fine" else "bold yellow"
    screen.print((words.headline(diagnosis), style))
    advice = words.advice(diagnosis)
    if advice:
        screen.print(advice)
    screen.print()


def _phases(screen: _Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    rows = diagnosis.breakdown
    if not rows:
        return
    shown = [row for i, row in enumerate(rows) if verbose or (i < _MAX_PHASES and row.share >= _MIN_PHASE_SHARE)]
    rest = [row for row in rows if row not in shown]
    if len(rest) == 1:
        shown, rest = list(rows), []
    names = [words.visible(row.phase) for row in shown]
    cells = max(10, min(44, screen.console.width - 2 - min(30, max(map(len, names), default=0)) - 21))
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=30, no_wrap=True, overflow=screen.overflow)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(no_wrap=True, overflow=screen.overflow)
    for name, row in zip(names, shown, strict=True):
        bar = _bar(row.share, cells)
        numbers = (units.seconds(row.seconds), units.share(row.share))
        table.add_row(screen.text(name), *map(screen.text, numbers), screen.text((bar, _phase_style(row))))
    if rest:
        text = (
            f"{len(rest)} more",
            units.seconds(sum(r.seconds for r in rest)),
            units.share(sum(r.share for r in rest)),
        )
        table.add_row(*(screen.text((part, "dim")) for part in text), "")
    screen.show(table, 2)
    screen.print()


def _bar(share: float, cells: int) -> str:
    """A bar of eighths of a cell; whatever has a share has a mark."""
    if not math.isfinite(share):
        return ""
    eighths = max(1, round(max(0.0, min(1.0, share)) * cells * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _phase_style(row: PhaseShare) -> str:
    kind = row.phase.partition(":")[0]
    return next((style for style, names in _PHASES.items() if kind in names), "dim")


def _finding(screen: _Screen, number: int, ranked: Ranked, full: bool) -> None:
    finding, style = ranked.finding, _SEVERITY[ranked.severity]
    table = Table.grid(padding=(0, 1))
    table.add_column(width=2, justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(width=10, no_wrap=True, overflow=screen.overflow)
    table.add_column(overflow="fold")
    severity = screen.text((f"● {ranked.severity}", style))
    title = screen.text((words.visible(finding.title), "bold"))
    table.add_row(screen.text((str(number), "bold")), severity, title)
    worth = words.worth(finding)
    function = finding.location.function if finding.location else ""
    where: list[Part] = [screen.place(ranked)] if finding.location else []
    if full:
        if where:
            where += [(f"  in {words.visible(function)}", "dim")] if function else []
            table.add_row("", screen.text(("where", "dim")), screen.text(*where))
        if worth:
            table.add_row("", screen.text(("gain", "dim")), screen.text(worth))
    elif where or worth:
        join = " · " if where and worth else ""
        table.add_row("", "", screen.text(*where, join + worth))
    table.add_row("", screen.text(("change" if full else "", "dim")), screen.text(words.visible(finding.fix.summary)))
    if full and finding.after:
        table.add_row("", screen.text(("then", "dim")), screen.text(words.after(finding)))
    screen.show(table)
    screen.print()


def _details(screen: _Screen, number: int, ranked: Ranked, verbose: bool) -> None:
    finding = ranked.finding
    head = f"{number}  {words.visible(finding.detector)}"
    screen.print((head, "bold"), ("  " + words.effort(finding.fix), "dim"))
    snippet = words.visible(finding.fix.snippet.strip("\n"), one_line=False)
    if snippet:
        for line in snippet.split("\n"):  # never wrapped: it is there to be copied
            screen.console.print(screen.text("     ", (line, "green")), highlight=False, soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    table.add_column(width=8, no_wrap=True, overflow=screen.overflow)
    table.add_column(overflow="fold")
    shown = [f"{words.visible(e.label)} {words.visible(units.quantity(e.value, e.unit))}" for e in finding.evidence]
    rows = [("because", " · ".join(shown))]
    if finding.location and verbose:
        rows.append(("file", f"{words.visible(finding.location.file)}:{finding.location.line}"))
    if finding.gain and (verbose or not finding.gain.share):
        rows.append(("law", words.visible(finding.gain.method)))
    if ranked.explains:
        rows.append(("explains", ", ".join(map(words.visible, ranked.explains))))
    if verbose:
        rows.append(("sure", f"{units.share(ranked.confidence)}, score {units.number(ranked.score)}"))
    for name, text in rows:
        if text:
            table.add_row(screen.text((name, "dim")), screen.text(text))
    screen.show(table, 3)
    screen.print()


def _plan(screen: _Screen, diagnosis: Diagnosis) -> None:
    if len(diagnosis.plan) < 2:
        return
    parts = [f"now {units.seconds(diagnosis.run.wall_seconds)}"]
    parts += [f"{words.visible(step.detector)} {units.seconds(step.wall_seconds_after)}" for step in diagnosis.plan]
    screen.print(("In this order  ", "bold"), " → ".join(parts))
    screen.print()


def _also(screen: _Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    shown = [ranked for ranked in diagnosis.also_noticed if verbose or ranked.finding.hint]
    for ranked in shown:
        finding = ranked.finding
        text = [words.visible(finding.title), words.worth(finding), words.visible(finding.fix.summary) * finding.hint]
        place: list[Part] = [" · ", screen.place(ranked)] if finding.location else []
        screen.print(("also noticed  ", "dim"), " · ".join(filter(None, text)), *place)
        if finding.hint:
            snippet = words.visible(finding.fix.snippet, one_line=False)
            screen.console.print(screen.text("     ", (snippet, "green")), highlight=False, soft_wrap=True)
    if shown:
        screen.print()


def _checked(screen: _Screen, diagnosis: Diagnosis, verbose: bool) -> None:
    fine = [row for row in words.checked(diagnosis) if row.outcome == "fine"]
    missing = [row for row in words.checked(diagnosis) if row.outcome != "fine"]
    if fine and (verbose or not diagnosis.findings):
        _fine_table(screen, fine)
        fine = []
    if missing and verbose:
        table = Table.grid(padding=(0, 2))
        for _ in range(3):
            table.add_column(overflow="fold")
        for row in missing:
            table.add_row(
                screen.text(("not measured", "dim")),
                screen.text(words.visible(row.detector)),
                screen.text((words.visible(row.reason), "dim")),
            )
        screen.show(table, 2)
        screen.print()
        missing = []
    counts = [f"{len(rows)} {word}" for rows, word in ((fine, "fine"), (missing, "not measured")) if rows]
    if counts:
        screen.print((f"Also checked: {', '.join(counts)} (--verbose lists them).", "dim"))


def _fine_table(screen: _Screen, rows: list[Checked]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow=screen.overflow)
    table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_column(overflow="fold")
    heads = ("checked and fine", "measured", "threshold", "")
    table.add_row(*(screen.text((head, "dim")) for head in heads))
    for row in rows:
        measured, threshold = words.compared(row)
        table.add_row(
            screen.text(("✓ ", "green"), words.visible(row.detector)),
            screen.text(measured),
            screen.text(threshold),
            screen.text((words.visible(row.reason), "dim")),
        )
    screen.show(table, 2)
    screen.print()


def _foot(screen: _Screen, diagnosis: Diagnosis) -> None:
    for note in diagnosis.run.notes:
        screen.print((words.visible(note), "yellow"))
    screen.print((words.overhead(diagnosis), "dim"))
