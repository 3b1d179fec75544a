"""``bottleneck runs``: list runs, or delete old ones."""

from __future__ import annotations

import click


@click.command("runs", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--prune", is_flag=True, help="Delete all but the newest runs.")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of the newest runs --prune keeps.",
)
def command(prune: bool, keep: int) -> None:
    """List the runs recorded in this folder, newest first."""
    from ..recording.folder import all_runs, in_progress, remove, summary

    runs = all_runs()
    if prune:
        left = [folder for folder in runs[keep:] if not remove(folder)]
        deleted = max(0, len(runs) - keep) - len(left)
        click.echo(f"Deleted {deleted} runs, kept {len(runs) - deleted}.")
        for folder in left:
            why = "is still being recorded" if in_progress(folder) else "could not be deleted"
            click.echo(f"bottleneck: {folder.name} {why}", err=True)
        return
    if not runs:
        click.echo("No runs in .bottleneck/runs. Record one with: bottleneck run train.py")
    for folder in runs:
        click.echo(summary(folder))
