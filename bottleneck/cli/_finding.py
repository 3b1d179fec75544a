"""Which finding of a run a command means, and how a command ends that cannot do it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from ..diagnosis.model import Diagnosis, Ranked


def chosen(diagnosis: Diagnosis, finding_id: str | None) -> Ranked:
    """The finding called ``finding_id``, else the first one; the program ends if there is none."""
    found = {ranked.finding.detector: ranked for ranked in (*diagnosis.findings, *diagnosis.also_noticed)}
    if finding_id in found:
        return found[finding_id]
    if finding_id is not None:
        fail(f"this run has no finding {finding_id}; its findings: {', '.join(found) or 'none'}", 2)
    if not diagnosis.findings:
        fail("this run has no findings", 1)
    return diagnosis.findings[0]


def fail(message: str, code: int) -> NoReturn:
    """One line on stderr, and the end."""
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(code)
