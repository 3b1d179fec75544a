"""Turns a recording into a Diagnosis: artifacts, detectors, ranking, headline, and the view for the reports."""

from __future__ import annotations

import datetime
from dataclasses import replace
from inspect import signature
from typing import Any, get_args, get_type_hints

from .. import detectors, signals
from ..artifacts import Artifacts, Missing
from ..artifacts.device.gpu import Gpu
from ..artifacts.device.timed import Timed
from ..artifacts.device.window import Device
from ..artifacts.etl.reads import Reads
from ..artifacts.loading.carried import Carried
from ..artifacts.run.breakdown import Breakdown
from ..artifacts.run.crews import Crews
from ..artifacts.run.crowding import Crowding
from ..artifacts.run.host import Host
from ..artifacts.run.machine import Machine, Settings
from ..artifacts.run.main_process import main_process
from ..artifacts.run.user_lines import UserLines
from ..artifacts.serving.requests import Requests
from ..artifacts.spark.application import Spark
from ..artifacts.training.steps import MIN_STEPS, Steps
from ..detectors import Detector
from ..recording.facts.servers import LoadLevel
from ..recording.model import Recording
from . import ranking
from .cost.costs import cost_of
from .cost.size import size_of
from .devices import device_uses, largest_use, timed_devices
from .energy import energy_of
from .findings import Finding, Findings, Fine, NotApplicable, NotMeasured, Outcome
from .headline import headline_of, largest_place, verdict_of, wait_for_each_other
from .model import Checked, DeviceUse, Diagnosis, Overhead, PhaseShare, RunFacts, Series, View
from .served import served_use, what_if_use
from .serving import load_uses, served_requests, server_curves, server_uses
from .spark import holds_much, largest_part
from .tables import kernel_uses
from .view import build_view

_UNWRITTEN = 0.4  # cost of a hook that writes no record, of the cost of one that does
_MAX_KERNELS = 15  # in the reports
_ACCELERATED = {Gpu, Device, Timed}  # without an accelerator, we do not report these as missing


def diagnose(recording: Recording, settings: Settings | None = None) -> Diagnosis:
    """Diagnose one recording."""
    artifacts = Artifacts(recording)
    artifacts.put(settings or Settings())
    steps, requests, breakdown = (_get(artifacts, kind) for kind in (Steps, Requests, Breakdown))
    checks = detectors.all_detectors()
    outcomes = detectors.run_all(checks, artifacts)
    if recording.imported:  # a trace does not say what it leaves out
        outcomes = {
            name: NotMeasured("The trace does not show it.") if isinstance(outcome, NotApplicable) else outcome
            for name, outcome in outcomes.items()
        }
    explains = {check.id: check.explains for check in checks}
    findings = [finding for outcome in outcomes.values() for finding in _found(outcome)]
    short = _too_short(steps, requests)
    if short:
        findings = [finding for finding in findings if finding.stage == "etl" or finding.general]
    ranked, aside, plan = ranking.rank(findings, explains, recording.wall_seconds)
    lines = _get(artifacts, UserLines)
    place = largest_place(
        recording, lines, main_process(recording, steps), _get(artifacts, Host), _get(artifacts, Reads)
    )
    suspect = next((each.suspect for each in outcomes.values() if isinstance(each, NotMeasured) and each.suspect), "")
    queued = place is None and wait_for_each_other(lines, requests)
    spark = _get(artifacts, Spark)
    stages = spark is not None and holds_much(spark)
    crews = _get(artifacts, Crews)
    repeated = "" if crews is None else crews.repeated
    devices = _devices(recording, artifacts)
    verdict = verdict_of(
        recording,
        ranked,
        short,
        _answered(checks, outcomes),
        breakdown,
        place,
        suspect,
        queued,
        stages,
        repeated,
        _get(artifacts, Gpu) is None and any(each.basis == "events" for each in devices),
    )
    size = size_of(artifacts)
    cost, unpriced = cost_of(recording, artifacts, ranked, plan, devices, size)
    facts = _facts(recording, artifacts, steps, requests, breakdown)
    return Diagnosis(
        run=replace(facts, notes=(*facts.notes, unpriced)) if unpriced else facts,
        breakdown=_shares(breakdown, recording),
        headline=headline_of(
            verdict,
            ranked,
            breakdown,
            steps,
            requests,
            place,
            lines,
            suspect,
            artifacts.get(Machine).cores,
            _get(artifacts, Crowding),
            largest_use(devices) if recording.imported else "",
            None if spark is None else largest_part(spark),
            _unserved(recording, outcomes),
            repeated,
        ),
        findings=tuple(ranked),
        also_noticed=tuple(aside),
        checked=tuple(_checked(checks, outcomes, short)),
        plan=tuple(plan),
        overhead=_overhead(recording),
        devices=devices,
        servers=server_uses(artifacts),
        load=load_uses(artifacts),
        served=served_use(recording, artifacts),
        what_ifs=what_if_use(artifacts),
        energy=energy_of(artifacts),
        size=size,
        cost=cost,
        view=_with_kernels(build_view(recording, artifacts, steps), recording, server_curves(artifacts)),
        verdict=verdict,
    )


def _devices(recording: Recording, artifacts: Artifacts) -> tuple[DeviceUse, ...]:
    found = (_get(artifacts, kind) for kind in (Timed, Gpu, Carried))
    return device_uses(recording) or timed_devices(recording, *found)


def _unserved(recording: Recording, outcomes: dict[str, Outcome]) -> str:
    """Why nothing could be judged of servers that were watched, or of a load test."""
    outcome = outcomes.get("saturation")
    served = bool(recording.servers) or bool(recording.facts.of(LoadLevel))
    if not served or not isinstance(outcome, NotMeasured):
        return ""
    reason = outcome.reason.rstrip(".")
    return reason[:1].lower() + reason[1:]


def _with_kernels(view: View, recording: Recording, curves: tuple[Series, ...]) -> View:
    kernels = kernel_uses(recording)
    return replace(
        view,
        series=(*view.series, *curves),
        kernels=tuple(kernels[:_MAX_KERNELS]),
        more_kernels=len(kernels[_MAX_KERNELS:]),
    )


def _get(artifacts: Artifacts, kind: type[Any]) -> Any:
    try:
        return artifacts.get(kind)
    except Missing:
        return None


def _found(outcome: Outcome) -> tuple[Finding, ...]:
    return outcome.all if isinstance(outcome, Findings) else (outcome,) if isinstance(outcome, Finding) else ()


def _too_short(steps: Steps | None, requests: Requests | None) -> bool:
    return steps is not None and not steps.judgeable and requests is None


def _answered(checks: list[Detector], outcomes: dict[str, Outcome]) -> bool:
    """Whether any detector had data to judge."""
    judged = (outcomes[check.id] for check in checks if check.judges_work)
    return any(isinstance(outcome, Finding | Findings | Fine) for outcome in judged)


def _checked(checks: list[Detector], outcomes: dict[str, Outcome], short: bool) -> list[Checked]:
    """One row per detector that did not fire. A short run has too few steps; ETL detectors need no steps."""
    rows = []
    for check in checks:
        hints, parameters = get_type_hints(check.detect), signature(check.detect).parameters.values()
        # With a default, it is only looked at if it is there.
        asked = [hints[each.name] for each in parameters if each.default is each.empty]
        kinds = {kind for each in asked for kind in (each, *get_args(each))}  # of "Gpu | None", too
        outcome, device = outcomes[check.id], bool(_ACCELERATED & kinds)
        if isinstance(outcome, NotApplicable):
            rows.append(Checked(check.id, "not-applicable", reason=outcome.reason, needs_accelerator=device))
        elif isinstance(outcome, NotMeasured):
            rows.append(Checked(check.id, "not-measured", reason=outcome.reason, needs_accelerator=device))
        elif short and check.stage != "etl":
            reason = f"Fewer than {MIN_STEPS} steps."
            rows.append(Checked(check.id, "not-measured", reason=reason, needs_accelerator=device))
        elif isinstance(outcome, Fine):
            values = outcome.value, outcome.threshold, outcome.unit, outcome.reason
            rows.append(Checked(check.id, "fine", *values, needs_accelerator=device))
    return rows


def _shares(breakdown: Breakdown | None, recording: Recording) -> tuple[PhaseShare, ...]:
    if breakdown is None:
        return ()
    wall = max(recording.wall_seconds, 1e-9)
    return tuple(PhaseShare(name, seconds, seconds / wall) for name, seconds in breakdown.seconds.items())


def _facts(
    recording: Recording,
    artifacts: Artifacts,
    steps: Steps | None,
    requests: Requests | None,
    breakdown: Breakdown | None,
) -> RunFacts:
    run = recording.run
    ranks = {p.rank for p in recording.facts.processes if p.rank is not None and p.role == "main"}
    notes = [str(note) for note in run.get("notes", [])]
    crowding = _get(artifacts, Crowding)
    if crowding is not None and crowding.crowded:
        said = str(crowding)
        notes.append(f"{said[0].upper()}{said[1:]}: the times and gains here are those of a crowded machine.")
    notes += [f"The {name} hooks failed and were switched off ({why})." for name, why in recording.facts.failed.items()]
    if recording.facts.unreadable:
        notes.append(f"Lines of the recording that could not be read were skipped ({recording.facts.unreadable}).")
    notes += [f"Facts of the unknown kind {kind} were skipped ({n})." for kind, n in recording.facts.unknown.items()]
    if recording.dropped_records:
        notes.append(f"{recording.dropped_records} records were lost because a ring was full.")
    started = datetime.datetime.fromtimestamp(run.get("started_wall_ns", 0) / 1e9).astimezone()
    python = next((p.python for p in recording.facts.processes if p.python), "")
    return RunFacts(
        command=str(run.get("command", "")),
        exit_code=run.get("exit_code"),
        wall_seconds=recording.wall_seconds,
        host=str(run.get("machine", {}).get("hostname", "")),
        ranks=max(1, len(ranks)),
        steps=0 if steps is None else steps.all_count,
        requests=served_requests(artifacts) if requests is None else requests.count,
        cores=artifacts.get(Machine).cores if recording.run.get("machine") else 0.0,
        started=started.isoformat(timespec="seconds"),
        python=python,
        versions={str(k): str(v) for k, v in run.get("versions", {}).items()},
        gpus=tuple(str(gpu.get("name", "GPU")) for gpu in run.get("gpus", [])),
        notes=tuple(notes),
        named_share=0.0 if breakdown is None else breakdown.named_share,
        finished=bool(run.get("finished", True)),
    )


def _overhead(recording: Recording) -> Overhead:
    """Our CPU time in the program: the sampler measures its own; the hooks' is calls times the cost of one call."""
    wall = max(recording.wall_seconds, 1e-9)
    sampler = sum(ns for (_, phase, outer), (_, ns) in recording.totals.items() if phase == outer == signals.NONE) / 1e9
    steps = max(1, len(recording.steps["t0"]))
    full = steps if recording.full_steps is None else max(1, recording.full_steps)
    one_in = max(1, round(steps / full))
    call = recording.run.get("unit_costs", {}).get("call_seconds")
    if call is None:
        return Overhead(None, None, None, sampler / wall, recording.dropped_records, one_in)
    sampled = len(recording.stacks) + len(recording.threads) + len(recording.looks)
    hooks = max(0, recording.written_records - sampled) * float(call)
    hooks += _UNWRITTEN * hooks * max(0, steps - full) / full  # of the steps that were not recorded in full
    seconds = hooks + sampler
    return Overhead(seconds, seconds / wall, hooks / steps * 1e6, sampler / wall, recording.dropped_records, one_in)
