"""Attributes of the spans for the run, its processes and its findings."""

from __future__ import annotations

import numpy as np

from ...diagnosis.model import Diagnosis, Ranked
from ...recording.model import Recording
from . import names
from .tree import Attributes


def of_process(recording: Recording, key: int, host: str, run_id: str) -> Attributes:
    found: Attributes = {names.HOST_NAME: host} if host else {}
    if run_id:
        found[names.RUN_ID] = run_id
    if key < len(recording.facts.processes):
        process = recording.facts.processes[key]
        found[names.PROCESS_PID] = process.pid
        found[names.SERVICE_INSTANCE] = f"{run_id}/{process.pid}" if run_id else str(process.pid)
        if process.python:
            found[names.PROCESS_RUNTIME] = process.python
        if process.rank is not None:
            found[names.RANK] = process.rank
    elif recording.run.get("pid") is not None:
        found[names.PROCESS_PID] = int(recording.run["pid"])
    return found


def of_run(recording: Recording, diagnosis: Diagnosis) -> Attributes:
    found: Attributes = {
        names.COMMAND: diagnosis.run.command,
        names.VERDICT: diagnosis.verdict,
        names.HEADLINE: diagnosis.headline,
        names.DROPPED_RECORDS: int(recording.dropped_records),
    }
    if diagnosis.overhead.share is not None:
        found[names.OVERHEAD_SHARE] = float(diagnosis.overhead.share)
    if diagnosis.run.exit_code is not None:
        found[names.EXIT_CODE] = diagnosis.run.exit_code
    for share in diagnosis.breakdown:
        found[names.BREAKDOWN_SECONDS + share.phase] = float(share.seconds)
    memory = recording.host.get("rss_bytes")
    if memory is not None and len(memory):
        largest = float(np.nanmax(memory)) if not np.isnan(memory.astype(float)).all() else 0.0
        if largest > 0:
            found[names.MEMORY_USAGE] = int(largest)
    usage = recording.gpu.get("utilization")
    if usage is not None and len(usage) and not np.isnan(usage.astype(float)).all():
        found[names.GPU_UTILIZATION] = float(np.nanmean(usage.astype(float)))
    if diagnosis.run.gpus:
        found[names.HARDWARE_NAME] = ", ".join(diagnosis.run.gpus)
    return found


def of_finding(ranked: Ranked) -> Attributes:
    finding = ranked.finding
    found: Attributes = {
        names.DETECTOR: finding.detector,
        names.TITLE: finding.title,
        names.SEVERITY: ranked.severity,
        names.CONFIDENCE: float(ranked.confidence),
        names.SCORE: float(ranked.score),
        names.FIX: finding.fix.summary,
        names.EFFORT: int(finding.fix.effort),
    }
    if finding.location is not None:
        found[names.CODE_FILE] = finding.location.file
        found[names.CODE_LINE] = int(finding.location.line)
        if finding.location.function:
            found[names.CODE_FUNCTION] = finding.location.function
    if finding.gain is not None:
        gain = finding.gain
        found[names.GAIN_BASIS] = gain.basis
        found[names.GAIN_SHARE], found[names.GAIN_SECONDS] = float(gain.share), float(gain.seconds)
        found[names.GAIN_LOW], found[names.GAIN_HIGH] = float(gain.low), float(gain.high)
    return found
