"""Records the programs of default_programs.py anew: ``python tests/device/record.py [NAME ...]``, best on an idle
machine. What the diagnosis says of the recordings is in test_recorded.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from goldens import regenerate  # noqa: E402

from device.default_programs import PROGRAMS  # noqa: E402
from device.simulated import environment  # noqa: E402


def record(name: str) -> None:
    program = PROGRAMS[name]
    with tempfile.TemporaryDirectory() as folder:
        script, run_dir = Path(folder) / "train.py", Path(folder) / "run"
        script.write_text(program.script)
        command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", str(run_dir), "--"]
        subprocess.run([*command, str(script)], cwd=folder, env=environment(**program.settings), check=True)
        regenerate.pack(run_dir, HERE / "recorded" / f"{name}.tar.gz", folder, simulated=True)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PROGRAMS:
        record(chosen)
