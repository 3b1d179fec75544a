"""``bottleneck runs``: list or prune."""

from __future__ import annotations

import click


@click.command("runs", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--prune", is_flag=True, help="Delete old runs.")
@click.option("--keep", type=click.IntRange(min=0), default=10, show_default=True, help="How many --prune keeps.")
def command(prune: bool, keep: int) -> None:
    """List the recorded runs of this folder, newest first."""
    from ..recording.folder import all_runs, remove, summary

    runs = all_runs()
    if prune:
        for folder in runs[keep:]:
            remove(folder)
        click.echo(f"{max(0, len(runs) - keep)} runs deleted, {min(len(runs), keep)} kept.")
        return
    if not runs:
        click.echo("No runs in .bottleneck/runs. Record one with: bottleneck run train.py")
    for folder in runs:
        click.echo(summary(folder))
