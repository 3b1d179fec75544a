"""Programs on the simulated device of ``dist-packages/torch_sim``."""

from __future__ import annotations

import os
from pathlib import Path

from helpers import Ran, bottleneck

PACKAGES = Path(__file__).resolve().parent / "dist-packages"


def environment(**settings: str | float) -> dict[str, str]:
    """The environment in which torch has the device; settings as in ``torch_sim._timeline``, such as ``flops=1e9``.

    The host sleeps while it waits for the device, unless ``waits="spin"``: on a busy machine, who spins resumes late.
    """
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(PACKAGES)])
    named = {f"TORCH_SIM_{name.upper()}": str(value) for name, value in settings.items()}
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TORCH_SIM_WAITS": "block", **named}


def recorded(folder: Path, script: str, options: tuple[str, ...] = (), **settings: str | float) -> Ran:
    """``script`` under ``bottleneck run``."""
    (folder / "train.py").write_text(script)
    return bottleneck(folder, folder / "train.py", options=options, env=environment(**settings))
