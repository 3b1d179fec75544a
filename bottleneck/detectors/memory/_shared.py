"""What the detectors of memory traffic share: what page faults take of the steps, and where."""

from __future__ import annotations

from ...artifacts.memory.thrash import Thrash
from ...artifacts.training.steps import Steps
from ...recording.model import STEP_PHASES

LOST_SHARE = 0.05  # of the loop: below it nobody gains (own)
MIN_FRESH_BYTES = float(8 << 20)  # per step: interpreters and small tensors stay far below
OWN_SHARE = 0.3  # of the running time in the user's own expressions: below it the model's layers allocate
#: A fault costs at most this (bare metal 0.1 to 0.5 us, virtual machines more), and one that clears 2 MiB.
MAX_FAULT_SECONDS, MAX_HUGE_FAULT_SECONDS = 4e-6, 6e-4
ENVIRONMENT = "MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456"
_WAITS = ("import", "loader_start", "data_wait")


def fault_seconds(steps: Steps, thrash: Thrash) -> float:
    """Wall seconds of the loop in the kernel for its page faults, as far as so many can cost that CPU time."""
    huge = thrash.huge_faults_per_step
    most = (thrash.faults_per_step - huge) * MAX_FAULT_SECONDS + huge * MAX_HUGE_FAULT_SECONDS
    # What a fault costs is CPU time: where others want the cores, it takes longer than that.
    return thrash.lost_seconds * min(1.0, most * steps.count / max(thrash.system_seconds, 1e-9))


def where(steps: Steps, thrash: Thrash, lost: float) -> dict[str, float]:
    """Seconds per phase: kernel time is taken to lie where the main thread runs, else where the step's time lies."""
    shares = thrash.phase_shares or {name: steps.share(name) for name in STEP_PHASES if name not in _WAITS}
    return _part(shares, lost)


def spread(steps: Steps, lost: float) -> dict[str, float]:
    """Seconds per phase of what may happen at any moment of a step."""
    return _part({name: steps.share(name) for name in STEP_PHASES}, lost)


def _part(shares: dict[str, float], lost: float) -> dict[str, float]:
    whole = sum(shares.values())
    return {name: lost * share / whole for name, share in shares.items() if share > 0 and whole > 0}
