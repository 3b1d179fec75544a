"""The sentences shared by the terminal and HTML reports."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ...diagnosis.findings import Evidence, Finding, Fix, Gain, Location, Obtained
from ...diagnosis.model import Checked, Diagnosis, Ranked
from ...diagnosis.phases import phase_words
from . import units

_EFFORT = {1: "a one-argument change", 2: "a few lines", 4: "a new module or file format", 8: "new infrastructure"}
_RISKS = (
    (0.0, "same results"),
    (0.1, "low risk"),
    (0.2, "may change the last digits"),
    (0.4, "may change how the model converges"),
)
_PLACE = re.compile(r"(/[^:]*)(:\d+\b)")
_VISIBLY_MORE = 0.005  # of the run: a difference that shows in whole points
_MAX_LENGTH = 2000


def visible(text: str, one_line: bool = True) -> str:
    """``text`` with control and invisible characters escaped, as in ``\\x1b``.

    A program chooses its function, file and column names. They must not move the cursor, set the window title, reverse
    the text direction, or contain a byte that cannot be encoded.
    """
    kept = "" if one_line else "\n\t"
    if len(text) > _MAX_LENGTH:
        text = text[:_MAX_LENGTH] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in kept or not _steers(c) else _written(c) for c in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _written(character: str) -> str:
    return " " if character in "\n\r\t" else character.encode("unicode_escape", "backslashreplace").decode("ascii")


def headline(diagnosis: Diagnosis) -> str:
    """The headline, with paths as the reader would type them."""
    return visible(_PLACE.sub(lambda found: units.path(found[1]) + found[2], diagnosis.headline))


def facts(diagnosis: Diagnosis) -> list[str]:
    """Short facts about the run: program, time, steps, requests, ranks, cores, how it ended."""
    run = diagnosis.run
    command = " ".join(units.path(word) if word.startswith("/") else word for word in run.command.split(" "))
    found = [visible(command), units.seconds(run.wall_seconds)]
    for count, word in ((run.steps, "step"), (run.requests, "request"), (run.ranks if run.ranks > 1 else 0, "rank")):
        if count:
            found.append(f"{count:,} {word}{'' if count == 1 else 's'}")
    if run.cores:
        found.append(f"{run.cores:g} core{'' if run.cores == 1 else 's'}")
    of_a_kind = Counter(run.gpus)
    found += [f"{count} × {visible(gpu)}" if count > 1 else visible(gpu) for gpu, count in of_a_kind.items()]
    if run.exit_code:
        found.append(f"exit code {run.exit_code}")
    return found


def part(diagnosis: Diagnosis) -> str:
    """A sentence if the report covers only part of the run; empty if it covers all of it."""
    if diagnosis.run.finished:
        return ""
    return f"This report covers the first {units.seconds(diagnosis.run.wall_seconds)} of a run that had not ended."


def phase(name: str) -> str:
    """A phase of the run in words."""
    return visible(phase_words(name))


def place(location: Location) -> str:
    """``train.py:41``, or ``cell [2], line 3`` in a notebook."""
    return str(Location(visible(units.path(location.file)), location.line))


def evidence(measured: Evidence) -> str:
    """``idle cores: 2.9``, ``mean step: 33 ms``."""
    unit = "" if measured.unit == "cores" and "cores" in measured.label else measured.unit
    return f"{visible(measured.label)}: {visible(units.quantity(measured.value, unit))}"


def span(gain: Gain) -> str:
    """``48–55 %``; a single number if both ends round to the same point."""
    low, high = units.points(gain.low), units.points(gain.high)
    return f"{low} %" if low == high else f"{low}–{high} %"


def gain_text(gain: Gain) -> str:
    """A phrase with the predicted saving of the fix and its range."""
    if not math.isfinite(gain.share):
        return "the gain could not be computed"
    value = f"{units.points(gain.share)} %"
    if gain.basis == "p99":
        return f"cuts the p99 latency by {value} ({span(gain)})"
    if gain.basis == "capacity":
        return f"frees {value} of the {gain.whose}'s capacity ({span(gain)})"
    what = "the run" if gain.basis == "run" else "each step"
    saved = f", about {units.about(gain.seconds)}" if gain.seconds > 0 else ""
    text = f"saves {value} of {what} ({span(gain)}{saved})"
    if gain.basis == "run" and gain.step_share and round(gain.step_share * 100) > round(gain.share * 100):
        what = "each step" if gain.whose == "server" else "the jobs' time"
        text += f", {units.points(gain.step_share)} % of {what}"
    return text


def obtained_text(obtained: Obtained) -> str:
    """A phrase with what a trial of the fix has saved."""
    low, high = units.points(obtained.low), units.points(obtained.high)
    of = {"step": "each step", "pace": "the time per step", "run": "the run"}[obtained.basis]
    return f"`bottleneck try` obtained {units.points(obtained.share)} % of {of} ({low} to {high} %)"


def worth(finding: Finding) -> str:
    """The benefit of applying the fix, as predicted and, after a trial, as obtained."""
    predicted = _predicted(finding)
    if finding.obtained is None:
        return predicted
    return "; ".join(filter(None, (predicted, obtained_text(finding.obtained))))


def _predicted(finding: Finding) -> str:
    if finding.gain is not None:
        return gain_text(finding.gain)
    if finding.exhaustion_seconds is not None:
        return f"memory runs out in about {units.about(finding.exhaustion_seconds)}"
    if finding.headroom_share is not None:
        return f"{units.points(finding.headroom_share)} % of the memory was left at the peak"
    return ""


def effort(fix: Fix) -> str:
    """The effort and the risk: ``a few lines, same results``."""
    risk = next((words for most, words in _RISKS if fix.risk <= most), "may change what the program computes")
    return f"{_EFFORT.get(fix.effort, 'effort unknown')}, {risk}"


def after(finding: Finding) -> str:
    """The bottleneck after the fix."""
    return visible(finding.after).rstrip(".")


def order(findings: Sequence[Ranked], index: int) -> str:
    """Why a finding comes before one that gains more; empty if there is no such finding."""
    this = findings[index]
    later = [(_run_share(other), place) for place, other in enumerate(findings) if place > index]
    share, place = max(later, default=(0.0, 0))
    mine = _run_share(this)
    if not mine or share < mine + _VISIBLY_MORE:
        return ""
    stands = f"listed {'first' if not index else f'before {place + 1}'}, although {place + 1} saves more"
    return f"{stands}: {_advantage(this, findings[place], place + 1)}"


def _run_share(ranked: Ranked) -> float:
    gain = ranked.finding.gain
    return gain.share if gain is not None and gain.basis in ("run", "step") and math.isfinite(gain.share) else 0.0


def _advantage(this: Ranked, other: Ranked, number: int) -> str:
    """Why ``this`` ranks higher: the terms of the score, or the other's remaining gain after the earlier fixes."""
    if this.score < other.score:
        return f"{number} saves less once the fixes before it are applied"
    if this.finding.fix.effort < other.finding.fix.effort:
        return _EFFORT.get(this.finding.fix.effort, "less work")
    if this.finding.fix.risk < other.finding.fix.risk:
        return "less risk"
    return "its gain is surer"


def sentence(text: str) -> str:
    """``text`` with a full stop and, unless it starts with a formula, a capital letter."""
    text = text.strip()
    if text.partition(" ")[0].isalpha():
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else text + "."


def compared(row: Checked) -> tuple[str, str]:
    """The measured value and the threshold, as text."""
    measured, threshold = ("" if v is None else units.quantity(v, row.unit) for v in (row.value, row.threshold))
    return measured, threshold


def checked(diagnosis: Diagnosis) -> list[Checked]:
    """The rows to show: those of accelerator detectors only if there was an accelerator."""
    return [row for row in diagnosis.checked if diagnosis.run.gpus or diagnosis.devices or not row.needs_accelerator]


def by_reason(rows: Sequence[Checked]) -> list[tuple[str, str, list[str]]]:
    """(outcome, reason, detectors) for detectors without a verdict, the most common reason first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        reason = visible(row.reason).rstrip(".")
        reason = reason[:1].lower() + reason[1:] if reason[1:2].islower() or reason[1:2] == " " else reason
        found.setdefault((row.outcome.replace("-", " "), reason), []).append(visible(row.detector))
    grouped = [(outcome, reason, sorted(names)) for (outcome, reason), names in found.items()]
    return sorted(grouped, key=lambda group: (group[0], -len(group[2]), group[1]))


def sampled(diagnosis: Diagnosis) -> str:
    """How much of the run the call tree covers."""
    found = sum(node.seconds for node in diagnosis.view.calls)
    wall = diagnosis.run.wall_seconds
    part = (
        f"{units.seconds(found)} of {units.seconds(wall)} ({units.share(min(1.0, found / wall))})" if wall > 0 else ""
    )
    return f"samples of the main thread{f', {part}' if part else ''}; your own code is bold"


def advice(diagnosis: Diagnosis) -> str:
    """What the reader can do if the verdict is inconclusive; empty otherwise."""
    if diagnosis.verdict == "too short to judge":
        return "This is not an all-clear: run more steps to get a verdict on data loading and training."
    if diagnosis.verdict == "nothing to judge":
        return "This is not an all-clear: no check had what it judges, and no line is known to be slow."
    timed = [each for each in diagnosis.devices if each.basis == "events" and each.busy_share is not None]
    if diagnosis.verdict == "unexplained" and timed:
        busy = units.share(max(each.busy_share or 0.0 for each in timed))
        return (
            f"This is not an all-clear: the device is busy for at most {busy} of the steps, and may idle within their "
            "phases. Run again with --device-window 10 to see its kernels."
        )
    if diagnosis.verdict == "unexplained":
        return "This is not an all-clear: no check could judge much of what this program does."
    if diagnosis.verdict == "nothing recorded":
        return "This is not an all-clear: no Python process of this command reported to the recorder."
    return ""


def overhead(diagnosis: Diagnosis) -> str:
    """The overhead of the recording, and any lost data."""
    cost = diagnosis.overhead
    text = "Recording overhead was not measured"
    if cost.share is not None and cost.seconds is not None:
        text = f"Recording overhead: {units.share(cost.share)} of the run ({units.seconds(cost.seconds)} of CPU time)"
    if cost.one_step_in > 1:
        text += f"; one step in {cost.one_step_in} was recorded in full"
    lost = cost.dropped_records
    return text + (f"; {lost:,} record{'s were' if lost != 1 else ' was'} lost." if lost else "; no records lost.")


def energy(diagnosis: Diagnosis) -> str:
    """The energy of the accelerators and what the figure includes; "" if it was not measured."""
    used = diagnosis.energy
    if used.joules is None:
        return ""
    parts = [units.joules(used.joules)]
    for value, what in ((used.joules_per_step, "step"), (used.joules_per_sample, "sample")):
        parts += [f"{units.joules(value)} per {what}"] if value is not None else []
    count = len(used.gpus)
    source = "by its counter" if count == 1 else "by their counters"
    if used.basis == "power":
        source = "an estimate from samples of the power"
    text = f"Energy of {count} GPU{'' if count == 1 else 's'}: {', '.join(parts)} ({source})"
    if any(gpu.whole_gpu for gpu in used.gpus):
        text += "; the run used a MIG slice, and this is the whole GPU's"
    if any(gpu.shared for gpu in used.gpus):
        text += "; other programs used it too, and theirs is included"
    return text + "."


def attributed(diagnosis: Diagnosis) -> str:
    """How much of the wall time is attributed to a phase; "" if there are no phases."""
    return f"{units.share(diagnosis.run.named_share)} of wall time attributed." if diagnosis.breakdown else ""
