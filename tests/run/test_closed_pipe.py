"""``bottleneck run ... 2>&1 | head``: who reads the report may leave, and the run is written all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_closed_pipe_costs_neither_the_files_nor_the_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text("import sys\nsys.exit(7)\n")
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(tmp_path / "run"), str(script)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(120) == 7
    assert {"diagnosis.json", "report.html", "trace.jaeger.json"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
