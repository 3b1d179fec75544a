"""Diagnoses that a report must bear: hostile text, numbers that are none, and the largest one allowed."""

from __future__ import annotations

import math
from dataclasses import replace

from bottleneck_profiler.diagnosis.findings import Evidence, Finding, Fix, Gain, Location
from bottleneck_profiler.diagnosis.model import (
    Bar,
    Checked,
    Diagnosis,
    Overhead,
    PhaseShare,
    PlanStep,
    Ranked,
    Series,
    StackNode,
    ThreadCalls,
    View,
)

from .samples import ATTACK, CHECKED, run_facts, slow_training, workers_zero


def hostile() -> Diagnosis:
    """Every text that the program could choose is an attack on the page or on the terminal."""
    text = ATTACK + "\x1b[2J\x1b]0;owned\x07 [bold red]markup[/] \u202e reversed \udcff"
    finding = Finding(
        detector=text,
        title=text,
        stage="training",
        evidence=(Evidence(text, text, text), Evidence("number", math.nan, "s")),
        fix=Fix(text, text + "\n" + text, effort=1, patch=text),
        location=Location(f"/tmp/{text}.py", 3, text),
        gain=Gain(0.5, 0.4, 0.6, 1.0, text),
        after=text,
        removes={text: 1.0},
    )
    node = StackNode(text, f"/tmp/{text}.py", 1, 1.0, (StackNode(text, text, 2, 0.5),))
    return Diagnosis(
        run=run_facts(
            command=text, host=text, started=text, python=text, versions={text: text}, gpus=(text,), notes=(text,)
        ),
        breakdown=(PhaseShare(text, 11.7, 0.5), PhaseShare(f"python:{text}", 11.7, 0.5)),
        headline=text,
        findings=(Ranked(finding, "critical", 0.8, 40.0, (text,)),),
        also_noticed=(Ranked(finding, "info", 0.8, 40.0),),
        checked=(Checked(text, "fine", 1.0, 2.0, text, text), Checked(text, "not-measured", reason=text)),
        plan=(PlanStep(text, 11.0), PlanStep(text, 10.0)),
        overhead=Overhead(0.1, 0.001, 1.0, 0.001, 5),
        view=View(
            (Bar(text, text, 0.0, 5.0),),
            (node,),
            (Series(text, text, (0.0, 1.0, 2.0), (0.0, math.nan, 2.0)),),
            (ThreadCalls(text, text, (node,)),),
        ),
        verdict="findings",
    )


def largest() -> Diagnosis:
    """As much as a recording can give: 2,000 bars, wide and deep call trees, long names, five long findings."""

    def tree(depth: int, seconds: float) -> tuple[StackNode, ...]:
        if not depth:
            return ()
        name = "SomeQuiteLongClassName.method_with_a_long_name"
        return tuple(
            StackNode(
                f"{name}_{i}",
                f"/opt/environments/science/lib/python3.12/site-packages/pack_{i}/module.py",
                i,
                seconds / 4,
                tree(depth - 1, seconds / 4),
            )
            for i in range(4)
        )

    phases = [f"python:function_number_{i}" for i in range(120)]
    bars = tuple(Bar(f"worker {i % 64}", phases[i % 120], i * 0.0117, 0.01) for i in range(2000))
    points = tuple(i * 0.04 for i in range(599))
    base = slow_training()
    finding = replace(
        workers_zero(), evidence=tuple(Evidence(f"measured value number {i}", i / 7, "s") for i in range(12))
    )
    return replace(
        base,
        breakdown=tuple(PhaseShare(name, 0.195, 1 / 120) for name in phases),
        findings=tuple(Ranked(finding, "critical", 0.8, 30.0) for _ in range(9)),
        checked=CHECKED * 10,
        view=View(
            bars,
            tree(6, 20.0),
            tuple(Series(f"curve {i}", "B", points, points) for i in range(6)),
            tuple(ThreadCalls(f"worker {i} (pid {4000 + i})", "main thread", tree(2, 5.0)) for i in range(12)),
            52,
        ),
    )


def unfinite() -> Diagnosis:
    """Numbers that a division by nothing left behind."""
    base = slow_training()
    gain = Gain(math.nan, math.nan, math.inf, math.nan, "", step_share=math.nan)
    return replace(
        base,
        run=replace(base.run, wall_seconds=0.0, exit_code=None),
        breakdown=(PhaseShare("forward", math.nan, math.nan),),
        findings=(Ranked(replace(workers_zero(), gain=gain), "info", 0.8, math.nan),),
        view=View(
            (Bar("steps", "forward", math.nan, math.inf),),
            (StackNode("f", "f.py", 1, math.nan),),
            (Series("s", "B", (0.0, math.nan), (math.nan, 1.0)),),
        ),
    )
