"""``bottleneck fix``: the change for a finding, as a patch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._finding import chosen, fail

if TYPE_CHECKING:
    from ..diagnosis.model import Diagnosis, Ranked


@click.command("fix", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", metavar="RUN")
@click.argument("finding_id", metavar="[ID]", required=False)
@click.option("--apply", is_flag=True, help="Write the change to the file.")
def command(run: str, finding_id: str | None, apply: bool) -> None:
    """Print the change for finding ID of RUN (default: the first finding) as a unified diff.

    RUN is a folder or a name from `bottleneck runs`. Pipe the diff into `git apply` or `patch -p1`, or use --apply.
    Files edited since the run are left alone, and so is code where the change would not be safe.
    """
    from ..detectors import current_id
    from ..patching import NoPatch, make, write
    from ..recording.folder import RunError, find
    from ..session import analyse

    try:
        recording, diagnosis = analyse(find(run))
    except RunError as error:
        fail(str(error), 2)
    ranked = chosen(diagnosis, finding_id and current_id(finding_id))
    try:
        patch = make(ranked.finding.fix, recording.run)
        if apply:
            write(patch)
    except NoPatch as reason:
        fail(f"no patch for {ranked.finding.detector}: {reason}{_others(diagnosis, ranked)}", 1)
    if apply:
        click.echo(f"{patch.file}: applied the fix for {ranked.finding.detector}")
        return
    click.echo(patch.diff(Path.cwd()).encode(), nl=False)  # bytes: the file's line ends as they are
    if not patch.file.is_relative_to(Path.cwd().resolve()):
        click.echo(f"bottleneck: {patch.file} is outside this folder; apply the diff with: patch -p1 -d /", err=True)


def _others(diagnosis: Diagnosis, asked: Ranked) -> str:
    """Which findings have a patch where the asked one has none."""
    names = [r.finding.detector for r in diagnosis.findings if r.finding.fix.patch and r is not asked]
    return f"; findings with a patch: {', '.join(names)}" if names else ""
