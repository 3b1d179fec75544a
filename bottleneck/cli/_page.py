"""A detector's documentation page: its docstring, and the numbers that it judges by with what stands beside them.

``bottleneck explain`` prints it, and ``docs/build.py`` makes a page of the site of it.
"""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

from ..detectors import HEADINGS, Detector, thresholds


class Threshold(NamedTuple):
    """One number, and the comment in the source that says what it is of and where it comes from."""

    name: str
    value: str
    meaning: str


class Page(NamedTuple):
    """``summary``: the docstring above its headings. ``sections``: (heading, text). ``topic``: its folder."""

    id: str
    title: str
    stage: str
    topic: str
    summary: str
    sections: list[tuple[str, str]]
    thresholds: list[Threshold]
    explains: tuple[str, ...]


def page(detector: Detector) -> Page:
    """The page of ``detector``."""
    summary, sections = _parts(inspect.getdoc(type(detector)) or "")
    comments = _comments(inspect.getsource(type(detector)))
    return Page(
        detector.id,
        detector.title,
        detector.stage,
        type(detector).__module__.split(".")[-2],
        summary,
        sections,
        [Threshold(name, _shown(value), comments.get(name, "")) for name, value in thresholds(detector).items()],
        detector.explains,
    )


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _parts(text: str) -> tuple[str, list[tuple[str, str]]]:
    """(what comes first, [(heading, text)]) of a docstring whose headings are those that every detector has."""
    first, *rest = re.split(rf"^({'|'.join(HEADINGS)})$", text, flags=re.MULTILINE)
    return first.strip(), [(head, inspect.cleandoc(body)) for head, body in zip(rest[::2], rest[1::2], strict=True)]


def _comments(source: str) -> dict[str, str]:
    """{class attribute: its comment}, which stands beside it, or in the lines above."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        if alone := re.fullmatch(r"    #:? ?(.*)", line):
            above.append(alone[1])
            continue
        if assigned := re.match(r"    (\w+(?:, \w+)*)(?:: [\w.\[\], ]+)? = [^#]*(?:#:? (.*))?", line):
            meaning = assigned[2] or " ".join(above)
            found.update(dict.fromkeys(assigned[1].split(", "), meaning))
        above = []
    return found
