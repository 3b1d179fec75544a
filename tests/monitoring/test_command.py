"""`--prometheus` and `--cloudwatch` as commands take them: what fails costs one line, and never the program's run."""

from __future__ import annotations

import sys
from pathlib import Path

import bottleneck_profiler as bp
import pytest
from helpers import Ran, bottleneck, finished

COMMAND = (sys.executable, "-m", "bottleneck_profiler.cli")
NOBODY = "http://ada:secret@127.0.0.1:9"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("program")
    script = folder / "work.py"
    script.write_text("print('done')\nraise SystemExit(3)\n")
    return bottleneck(folder, script, options=("--prometheus", NOBODY))


def test_a_run_is_reported_without_a_prometheus_that_cannot_be_reached(ran: Ran) -> None:
    assert (ran.code, ran.out) == (3, "done\n") and ran.diagnosis["run"]["exit_code"] == 3
    (line,) = [line for line in ran.err.splitlines() if "127.0.0.1:9" in line]
    assert line == "bottleneck: http://127.0.0.1:9 cannot be reached: Connection refused"


def test_what_is_no_address_is_said_before_anything_runs(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text("open('ran', 'w')\n")
    done = finished([*COMMAND, "run", "--prometheus", "ftp://ada:secret@x", script], cwd=tmp_path, text=True)
    assert done.returncode == 2 and not (tmp_path / "ran").exists()
    assert done.stderr == "bottleneck: --prometheus is not an address such as http://prometheus:9090\n"


def test_a_report_says_in_one_line_what_cannot_be_used(ran: Ran, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"Datapoints": []}')
    for words, told in (
        (("--prometheus", NOBODY), "http://127.0.0.1:9 cannot be reached: Connection refused"),
        (("--cloudwatch", foreign), f"{foreign} is not what `aws cloudwatch get-metric-data` writes"),
        (("--cloudwatch", tmp_path / "none"), f"{tmp_path / 'none'} cannot be read: No such file or directory"),
    ):
        done = finished([*COMMAND, "report", ran.folder, *words], cwd=tmp_path, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"bottleneck: {told}\n")


def test_a_price_in_python(ran: Ran) -> None:
    cost = bp.read(ran.folder, price_per_hour=3.6).diagnosis.cost
    assert cost is not None and cost.run == pytest.approx(ran.diagnosis["run"]["wall_seconds"] / 1000)
    assert bp.read(ran.folder).diagnosis.cost is None
    with pytest.raises(ValueError, match="not a price"):
        bp.read(ran.folder, price_per_hour=-1)
