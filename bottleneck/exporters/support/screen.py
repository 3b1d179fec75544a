"""Writes a report to a terminal: wraps lines between words, makes links, and falls back to ASCII."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from rich.cells import cell_len, chop_cells
from rich.console import Console, OverflowMethod, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from ...diagnosis.findings import Location
from . import words

EIGHTHS = " ▏▎▍▌▋▊▉"
SPARKS = "▁▂▃▄▅▆▇█"
_ASCII = str.maketrans({"·": "-", "–": "-", "→": ">", "…": "~", "●": "*", "µ": "u", "█": "#", "─": "-", "✓": "+"})
_ASCII.update(str.maketrans({"€": "EUR ", "£": "GBP ", "¥": "JPY ", "₹": "INR "}))
_ASCII.update(dict.fromkeys(map(ord, EIGHTHS[1:]), "|"))
_ASCII.update(zip(map(ord, SPARKS[:-1]), "_.-~=+*", strict=True))
#: A word with the spaces behind it. A unit stays on the line of its number.
_WORD = re.compile(r"\S+(?:(?<=\d) (?:%|[µm]?s|min|h|[KMGT]?i?B(?:/s)?|cores?)(?![^\s,.;:)])[^\s]*)*\s*")
_LABEL = 12  # columns of "  evidence  "
_CODE = 6

Part = str | tuple[str, str | Style]


class Screen:
    """Prints pieces of text without interpreting markup in them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._ascii = not console.encoding.lower().startswith("utf")
        self.overflow: OverflowMethod = "crop" if self._ascii else "ellipsis"

    def text(self, *parts: Part) -> Text:
        text = Text()
        for part in parts:
            plain, style = part if isinstance(part, tuple) else (part, "")
            text.append(self._plain(plain), style)
        return text

    def _plain(self, text: str) -> str:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self._ascii else text

    def print(self, *parts: Part, indent: int = 0) -> None:
        """Print a paragraph; all lines but the first are indented by ``indent`` columns."""
        self.items([self.text(*parts)], "", indent)

    def items(self, items: Iterable[Text | str], joiner: str = " · ", indent: int = 0, head: Part = "") -> None:
        """Print ``head`` and then ``items``, breaking lines between items; later lines are indented by ``indent``."""
        start = self.text(head)
        texts = [item if isinstance(item, Text) else self.text(item) for item in items]
        width = max(10, self.console.width - indent)
        lines = _filled(texts, self.text(joiner), width, width - max(0, start.cell_len - indent))
        for number, line in enumerate(lines):
            self._line(Text.assemble(" " * indent if number else start, line))

    def row(self, label: str, items: Iterable[Text | str], joiner: str = " · ") -> None:
        """Print ``items`` after a label, aligned with the block of a finding."""
        self.items(items, joiner, _LABEL, (f"  {label:<{_LABEL - 2}}", "dim"))

    def code(self, source: str) -> None:
        """Print code for the user to copy; never wraps lines."""
        for line in source.split("\n"):
            self._line(self.text(" " * _CODE, (line, "green")))

    def table(self, item: RenderableType) -> None:
        self.console.print(Padding(item, (0, 0, 0, 2), expand=False), highlight=False, soft_wrap=False)

    def gap(self) -> None:
        self.console.print()

    def _line(self, line: Text) -> None:
        line.rstrip()
        self.console.print(line, highlight=False, soft_wrap=True)

    def place(self, location: Location, space: int = 0) -> Part:
        """``train.py:41`` as a link; drops leading folders if it is longer than ``space`` columns."""
        shown = words.place(location)
        while space and cell_len(shown) > space and "/" in shown.removeprefix("…/"):
            shown = "…/" + shown.removeprefix("…/").partition("/")[2]
        # These two terminals turn "file:line" into a link that opens at the line; our link would hide it.
        own = {"vscode", "JetBrains-JediTerm"} & {os.environ.get(n, "") for n in ("TERM_PROGRAM", "TERMINAL_EMULATOR")}
        if own or not os.path.isabs(location.file) or not location.file.isprintable():
            return shown, "bold"
        return shown, Style(bold=True, link="file://" + quote(location.file))


def bar(share: float, cells: int) -> str:
    """A bar in eighths of a cell; every share above zero is visible."""
    if not math.isfinite(share):
        return ""
    eighths = max(1, round(max(0.0, min(1.0, share)) * cells * 8))
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _filled(items: Sequence[Text], joiner: Text, width: int, first_width: int) -> list[Text]:
    """Lines of whole items; an item longer than a line breaks between words."""
    lines: list[Text] = []
    for item in items:
        room = width if len(lines) > 1 else first_width
        if lines and lines[-1].cell_len + joiner.cell_len + item.cell_len <= room:
            lines[-1] = Text.assemble(lines[-1], joiner, item)
        else:
            lines += _wrapped(item, width, width if lines else first_width)
    return lines


def _wrapped(text: Text, width: int, first_width: int) -> list[Text]:
    breaks, column, room = [], 0, first_width
    for match in _WORD.finditer(text.plain):
        start = match.start()
        for piece in _fitting(match.group(), width):
            if column and column + cell_len(piece.rstrip()) > room:
                breaks.append(start)
                column, room = 0, width
            column += cell_len(piece)
            start += len(piece)
    lines = list(text.divide(breaks))
    for line in lines:
        line.rstrip()
    return lines


def _fitting(word: str, width: int) -> list[str]:
    return [word] if cell_len(word.rstrip()) <= width else chop_cells(word, width)
