"""``bottleneck detectors``: the list of detectors."""

from __future__ import annotations

import click


@click.command("detectors", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List the detectors, by stage."""
    from ..detectors import all_detectors

    for detector in sorted(all_detectors(), key=lambda d: (d.stage, d.id)):
        click.echo(f"{detector.stage:<13} {detector.id:<24} {detector.title}")
