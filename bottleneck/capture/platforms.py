"""What each platform supports: everything on Linux, most recording on macOS, only reports on Windows."""

from __future__ import annotations

import sys


def platform_problem(platform: str = sys.platform) -> str | None:
    """One line on why `bottleneck run` does not work on this platform; None if it does."""
    if platform.startswith(("win32", "cygwin")):
        return "`bottleneck run` needs Linux or macOS; on Windows, `bottleneck report` shows runs recorded elsewhere"
    return None


def platform_notes(platform: str = sys.platform) -> list[str]:
    """What is missing on this platform, one sentence each; empty on Linux."""
    if platform.startswith("linux"):
        return []
    notes = [
        "No I/O, page faults or memory per process: these need /proc.",
        "No idle time per core during a wait: predicted gains from more workers assume that every core is free.",
        "What threads waited for is known from their call stacks only.",
        "No GPU samples: NVML is not available.",
        "Call stacks come from a sampler thread, which is slower than the thread clocks used on Linux.",
    ]
    if platform != "darwin":
        notes.insert(0, f"Recording is untested on {platform}.")
    return notes
