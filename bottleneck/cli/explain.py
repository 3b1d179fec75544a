"""``bottleneck explain``: the documentation page of one detector."""

from __future__ import annotations

import difflib
import sys
import textwrap

import click


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("detector_id", metavar="ID")
def command(detector_id: str) -> None:
    """Explain the detector ID (see `bottleneck detectors`)."""
    from ..detectors import all_detectors, current_id
    from ._page import page

    found = {detector.id: detector for detector in all_detectors()}
    current = current_id(detector_id)
    if current != detector_id:
        click.echo(f"bottleneck: {detector_id} is now called {current}", err=True)
    if current not in found:
        near = difflib.get_close_matches(detector_id, found, 1)
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
