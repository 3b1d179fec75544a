"""Whole runs through ``bottleneck run``, and items of a Dataset that read files."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from bottleneck_profiler import detectors, signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.etl.stages import Etl
from bottleneck_profiler.diagnosis.findings import Finding
from bottleneck_profiler.enrich import probe
from bottleneck_profiler.recording.read import load

DATA = """
import shutil
import numpy as np, pandas as pd
def make():
    rows = 120_000
    # Few distinct values: Parquet is written in a fraction of the time that parsing takes, on any machine.
    table = {f"c{i:02d}": np.random.default_rng(i).integers(0, 50, rows) / 7 for i in range(12)}
    return pd.DataFrame(table)
"""
CSV = """
def load(path):
    frame = pd.read_csv(path)
    return frame.to_numpy().sum()
make().head(60_000).to_csv("part0.csv", index=False)
for number in range(1, 25):
    shutil.copy("part0.csv", f"part{number}.csv")
print(sum(load(f"part{number}.csv") for number in range(25)))
"""
PROJECTION = """
def load(path):
    frame = pd.read_csv(path)
    return frame["c01"].sum() + frame.c05.mean()
make().head(60_000).to_csv("part0.csv", index=False)
for number in range(1, 25):
    shutil.copy("part0.csv", f"part{number}.csv")
print(sum(load(f"part{number}.csv") for number in range(25)))
"""
ROWS = """
def score(frame):
    total = 0.0
    for _, row in frame.iterrows():
        total += row["c01"] * row["c02"]
    return total
print(score(make()))
"""
QUIET = """
make().head(100).to_csv("small.csv", index=False)
print(pd.read_csv("small.csv").to_numpy().sum())
print((make()["c01"] * make()["c02"]).sum())
"""


def outcomes(tmp_path: Path, code: str):
    script = tmp_path / "job.py"
    script.write_text(DATA + textwrap.dedent(code))
    command = Path(sys.executable).with_name("bottleneck")
    if not command.exists():
        pytest.skip("the bottleneck command is not installed beside this Python")
    done = subprocess.run(
        [str(command), "run", "--run-dir", str(tmp_path / "run"), "job.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    plain = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, plain.stdout), done.stderr
    recording = load(tmp_path / "run")
    probe.enrich(tmp_path / "run", recording)
    artifacts = Artifacts(recording)
    found = detectors.run_all([d for d in detectors.all_detectors() if d.stage == "etl"], artifacts)
    return script.read_text().splitlines(), artifacts.get(Etl), found


@pytest.mark.parametrize(
    "code, expected, line",
    [
        (CSV, ["csv-instead-of-parquet"], "pd.read_csv"),
        (PROJECTION, ["csv-instead-of-parquet", "unused-columns"], "pd.read_csv"),
        (ROWS, ["row-wise-python"], "iterrows"),
        (QUIET, [], ""),
    ],
    ids=["csv", "projection", "rows", "quiet"],
)
def test_a_run_is_judged(tmp_path, code, expected, line):
    source, etl, found = outcomes(tmp_path, code)
    # Both findings of the projection price the same reads by a probe; on a busy machine one may not be worth it.
    names = sorted(name for name, outcome in found.items() if isinstance(outcome, Finding))
    assert set(names) <= set(expected) and bool(names) == bool(expected), found
    for name in names:
        assert found[name].location.file.endswith("job.py")
        assert line in source[found[name].location.line - 1]
        assert 0 <= found[name].gain.low <= found[name].gain.share <= found[name].gain.high < 1
        compile(found[name].fix.snippet, "snippet", "exec")
    if expected:
        assert etl.seconds > 0


def test_columns_that_a_forked_child_uses_are_used(tmp_path):
    _, etl, found = outcomes(
        tmp_path,
        """
        import multiprocessing, sys
        def load():
            frame = pd.read_csv("big.csv")
            def visit():
                return sum(float(frame[f"c{i:02d}"].sum()) for i in range(2, 7)) and None
            child = multiprocessing.get_context("fork").Process(target=visit)
            child.start()
            child.join()
            return frame["c01"].sum() + frame["c00"].sum()
        make().head(60_000).to_csv("big.csv", index=False)
        print(sum(load() for _ in range(5)))
        """,
    )
    assert etl.seconds > 0 and not isinstance(found["unused-columns"], Finding), found


@pytest.mark.parametrize("workers", [0, 2])
def test_reads_inside_a_dataset_belong_to_its_items(program, workers):
    recorded = program(
        f"""
        import numpy as np, torch
        from PIL import Image
        Image.fromarray(np.zeros((64, 64, 3), "uint8")).save("a.png")
        np.save("a.npy", np.zeros(8))

        class Files(torch.utils.data.Dataset):
            def __len__(self):
                return 1280
            def __getitem__(self, index):
                return np.asarray(Image.open("a.png").convert("L")).sum() + np.load("a.npy").sum()

        total = sum(batch.sum().item() for batch in torch.utils.data.DataLoader(Files(), 8, num_workers={workers}))
        print(total)
        """
    )
    assert (recorded.code, recorded.output) == (0, "0.0\n"), recorded.error
    samples = recorded.count(signals.SAMPLE)
    assert samples >= 5  # of quick batches one in 32 is timed
    # Each timed item opens an image, decodes it and loads an array; the others leave nothing.
    assert recorded.count(signals.SAMPLE_DECODE) >= samples - 2 * (workers or 1)  # the decoder is found at the first
    assert recorded.count(signals.SAMPLE_READ) == 2 * samples
    assert recorded.count(signals.READ) == 0 and not recorded.of("read")
