"""What this platform can record: Linux everything, macOS most of it, Windows nothing but reports."""

from __future__ import annotations

import sys


def platform_problem(platform: str = sys.platform) -> str | None:
    """One line why `bottleneck run` cannot work on this platform; None where it can."""
    if platform.startswith(("win32", "cygwin")):
        return "`bottleneck run` needs Linux or macOS; on Windows `bottleneck report` shows runs recorded elsewhere"
    return None


def platform_notes(platform: str = sys.platform) -> list[str]:
    """What is missing on this platform, one sentence each; empty on Linux."""
    if platform.startswith("linux"):
        return []
    notes = [
        "No per-process input/output, page faults or memory of worker processes: they are read from /proc.",
        "No idle time per core while a step waits, so gains of more workers assume the cores that are there.",
        "No GPU samples: NVML is not available.",
        "No call stacks of blocked threads by thread clock; stacks come from the slower sampler thread.",
    ]
    if platform != "darwin":
        notes.insert(0, f"Recording was never tried on {platform}.")
    return notes
