"""``bottleneck explain``: the documentation page of one detector."""

from __future__ import annotations

import difflib
import sys
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..patterns import Pattern


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("detector_id", metavar="ID")
def command(detector_id: str) -> None:
    """Explain the detector or the known slow pattern ID (see `bottleneck detectors`)."""
    from ..detectors import all_detectors, current_id
    from ..patterns.known import PATTERNS
    from ._page import page

    found = {detector.id: detector for detector in all_detectors()}
    current = current_id(detector_id)
    if current != detector_id:
        click.echo(f"bottleneck: {detector_id} is now called {current}", err=True)
    patterns = {pattern.id: pattern for pattern in PATTERNS}
    if current in patterns and current not in found:
        _explain_pattern(patterns[current])
        return
    if current not in found:
        near = difflib.get_close_matches(detector_id, [*found, *patterns], 1)
        hint = f"; did you mean {near[0]}?" if near else "; see `bottleneck detectors`"
        click.echo(f"bottleneck: no detector {detector_id!r}{hint}", err=True)
        sys.exit(2)
    shown = page(found[current])
    click.echo(f"{shown.id}: {shown.title}\n\n{shown.summary}\n")
    for heading, text in shown.sections:
        click.echo(f"{heading}\n{textwrap.indent(text, '    ')}")
    if shown.thresholds:
        click.echo("\nThresholds")
    for name, value, meaning in shown.thresholds:
        click.echo(f"    {name} = {value}{f'  # {meaning}' if meaning else ''}")


def _explain_pattern(pattern: Pattern) -> None:
    click.echo(f"{pattern.id}: {pattern.title}\n\nFound by hot-python (see `bottleneck explain hot-python`).\n")
    parts = {
        "How to fix it": f"{pattern.replacement}.\n\n{pattern.snippet}",
        "When to ignore it": pattern.leave,
        "Where it was met": pattern.source,
    }
    for heading, text in parts.items():
        click.echo(f"{heading}\n{textwrap.indent(text, '    ')}")
