"""``bottleneck explain``: the documentation page of one detector."""

from __future__ import annotations

import difflib
import inspect
import sys

import click


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("detector_id", metavar="ID")
def command(detector_id: str) -> None:
    """Explain the detector ID (see `bottleneck detectors`)."""
    from ..detectors import all_detectors, thresholds

    found = {detector.id: detector for detector in all_detectors()}
    if detector_id not in found:
        near = difflib.get_close_matches(detector_id, found, 1)
        hint = f"; did you mean {near[0]}?" if near else "; see `bottleneck detectors`"
        click.echo(f"bottleneck: no detector {detector_id!r}{hint}", err=True)
        sys.exit(2)
    detector = found[detector_id]
    click.echo(f"{detector.id}: {detector.title}\n")
    click.echo(inspect.getdoc(type(detector)) or "")
    values = thresholds(detector)
    if values:
        click.echo("\nThresholds")
    for name, value in values.items():
        click.echo(f"    {name} = {value}")
