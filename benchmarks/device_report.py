"""The summary of ``device.py``: its results as Markdown, and what went wrong."""

from __future__ import annotations

import json
import time
from typing import Any

#: Program -> the findings that name what is planted in it. The first needs no device to be found.
PAIRS = {
    "starved": {"workers-zero", "starved-gpu", "cpu-bound-decode", "input-wait"},
    "sync_point": {"sync-point"},
    "launch_bound": {"launch-bound"},
    "pageable_copy": {"pageable-copy"},
    "no_copy_overlap": {"no-copy-overlap"},
    "fp32_matmul": {"fp32-matmul"},
}
SATURATED_POINTS = 3.0  # busy share that a device may differ by
POWER_SHARE = 0.15  # of the counter's joules, that those of the sampled power may differ by
PAIR_COLUMNS = ("pair", "found first", "by default", "line", "fixed finds", "predicted", "obtained", "busy slow",
                "busy fixed")  # fmt: skip


def share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def use_of(shares: dict[str, Any]) -> str:
    """``busy 97 % (96 %)``: ours and, in parentheses, that of the profiler."""
    if shares.get("busy_share") is None and shares.get("true_busy_share") is None:
        return "-"
    return f"{share(shares.get('busy_share'))} ({share(shares.get('true_busy_share'))})"


def problems(device: str, results: list[dict[str, Any]]) -> list[str]:
    """What went wrong, a line each; what only a device shows is judged there alone."""
    found = [f"{r['step']}: {r['error']}" for r in results if "error" in r]
    for r in results:
        name = r["step"]
        if name in PAIRS and "found" in r and (device == "cuda" or name == "starved"):
            if not r["right"]:
                found.append(f"{name}: first finding is {', '.join(r['found'][:1]) or 'missing'}")
            elif not r["line_right"]:
                found.append(f"{name}: another line is named")
            if r.get("found_in_fixed"):
                found.append(f"{name}: the fixed one has {', '.join(r['found_in_fixed'])}")
        if name.startswith("control:") and r.get("found"):
            found.append(f"{name}: finds {', '.join(r['found'])}")
        if name == "machine" and device == "cuda" and not r.get("gpus"):
            found.append(f"{name}: NVML shows no GPU: {'; '.join(r.get('notes', []))}")
        counter, power = (r.get("energy", {}).get(basis) for basis in ("counter", "power"))
        if counter and power and abs(power - counter) > POWER_SHARE * counter:
            found.append(f"{name}: {counter:.0f} J by the counter, {power:.0f} J by samples of the power")
        for which in ("slow", "fixed", "window"):
            ours, true = ((r.get(which) or {}).get(key) for key in ("busy_share", "true_busy_share"))
            if ours is not None and true is not None and 100 * abs(ours - true) > SATURATED_POINTS:
                found.append(f"{name} ({which}): busy {share(ours)}, the profiler says {share(true)}")
        ours, true = ((r.get("default") or {}).get(key) for key in ("idle_share", "true_idle_share"))
        if ours is not None and true is not None and ours > true + SATURATED_POINTS / 100:
            found.append(f"{name} (default): idle at least {share(ours)}, the profiler says {share(true)}")
    return found


def summary(device: str, results: list[dict[str, Any]]) -> str:
    """All results so far, as Markdown."""
    pairs = [_pair(r) for r in results if r["step"] in PAIRS and "found" in r]
    controls = [_control(r) for r in results if r["step"].startswith("control:") and "found" in r]
    others = [f"- {r['step']}: skipped, {r['skipped']}" for r in results if "skipped" in r]
    for r in results:
        if r["step"] == "cost":
            others += [f"- a step {way}: {_us(each['cpu_seconds'])} of CPU, {_us(each['wall_seconds'])} in all"
                       for way, each in r.get("ways", {}).items()]  # fmt: skip
        elif r["step"] == "machine":
            others.append(f"- {json.dumps(r)}")
    wrong = [f"- {line}" for line in problems(device, results)] or ["None."]
    parts = [
        f"# bottleneck on the device `{device}`, {time.strftime('%Y-%m-%d')}",
        "In parentheses: busy share that the second reader saw in the same trace.",
        "\n".join([*_head(*PAIR_COLUMNS), *pairs]),
        "\n".join([*_head("control", "found", "busy", "joules by counter", "by power"), *controls]),
        "\n".join(others),
        "## Problems",
        "\n".join(wrong),
    ]
    return "\n\n".join(parts) + "\n"


def _pair(r: dict[str, Any]) -> str:
    first, by_default = (", ".join(r.get(key, ["-"])[:1]) or "nothing" for key in ("found", "found_by_default"))
    line, fixed = "yes" if r["line_right"] else "no", ", ".join(r.get("found_in_fixed", ["-"])) or "nothing"
    busy = [use_of(r.get("slow", {})), use_of(r.get("fixed", {}))]
    return _row(r["step"], first, by_default, line, fixed, share(r["predicted"]), share(r.get("obtained")), *busy)


def _control(r: dict[str, Any]) -> str:
    energy = r.get("energy", {})
    joules = ["-" if energy.get(basis) is None else f"{energy[basis]:.0f}" for basis in ("counter", "power")]
    return _row(r["step"][8:], ", ".join(r["found"]) or "nothing", use_of(r.get("window", {})), *joules)


def _head(*names: str) -> list[str]:
    return [_row(*names), "|" + " --- |" * len(names)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us"
