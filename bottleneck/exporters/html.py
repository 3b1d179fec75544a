"""report.html: one self-contained file that makes no network requests.

The template engine escapes everything that comes from the run, including the timeline's data. A content security
policy allows only the page's own script, identified by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ..diagnosis.model import Diagnosis, View
from ..files import write_text
from .support import cost_words, device_page, device_words, drawing, server_words, units, words
from .support.flames import flames

name, after = "html", ("json",)
REPORT_FILE = "report.html"

_MAX_FINDINGS = 25


def write(recording: object, diagnosis: Diagnosis, folder: Path) -> list[str]:
    """Write report.html."""
    write_text(folder / REPORT_FILE, render(diagnosis))
    return []


def inline(diagnosis: Diagnosis, file: str) -> str:
    """The report for a notebook cell: the page without the parts that are better viewed in ``file``, the full report.

    It is in an iframe, which isolates styles; the page is the value of an attribute, and no script runs there.
    """
    page = render(replace(diagnosis, view=View()), scripted=False)
    return (
        '<iframe sandbox="" style="width:100%;height:32em;border:0;resize:vertical" '
        f'srcdoc="{escape(page)}"></iframe>'
        f"<p>Timeline, flame graphs and call tree: <code>{escape(units.path(file))}</code></p>"
    )


def render(diagnosis: Diagnosis, scripted: bool = True) -> str:
    """The full page; ``scripted``: include the script for zooming and copying."""
    environment = templates()
    style, script = source(environment, "report.css"), source(environment, "report.js") if scripted else ""
    drawn = drawing.tracks(diagnosis)
    wall = diagnosis.run.wall_seconds
    page = environment.get_template("report.html").render(
        d=diagnosis,
        findings=diagnosis.findings[:_MAX_FINDINGS],
        tracks=drawn,
        ticks=drawing.ticks(wall),
        legend=list(dict.fromkeys(bar.phase for track in drawn for lane in track.lanes for bar in lane))[:24],
        traced=device_page.traced_devices(diagnosis),
        device_page=device_page,
        charts=drawing.charts(diagnosis),
        calls=drawing.calls(diagnosis.view.calls),
        flames=flames(diagnosis),
        data=_embedded(drawing.plain_data(drawn, wall) if drawn else {}),
        style=Markup(style),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        width=drawing.WIDTH,
        chart_height=drawing.CHART_HEIGHT,
    )
    return page


@cache
def templates() -> Environment:
    """The environment of the pages: it escapes what it is given, and fails on a name that it does not know."""
    environment = Environment(
        loader=PackageLoader(__package__ or "bottleneck_profiler.exporters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(seconds=units.seconds, share=units.share, path=units.path, colour=drawing.colour)
    environment.globals.update(
        quantity=units.quantity,
        words=words,
        cost_words=cost_words,
        device_words=device_words,
        percent=percent,
        points=units.points,
        server_words=server_words,
    )
    return environment


def source(environment: Environment, name: str) -> str:
    """The text of a file beside the templates."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _shown(value: Any) -> Any:
    return words.visible(value, one_line=False) if isinstance(value, str) and not isinstance(value, Markup) else value


def percent(share: float) -> str:
    """A CSS percentage, clamped to 0 to 100 %."""
    return f"{max(0.0, min(1.0, share)) * 100:.2f}%" if math.isfinite(share) else "0%"


def _embedded(value: object) -> Markup:
    """JSON for a script element, escaped so that nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
