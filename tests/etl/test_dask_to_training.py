"""One small program from Dask to evaluation: one timeline, one ranked plan and one trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask.dataframe")
pytest.importorskip("torch")
PROGRAM = """
import warnings
import dask, dask.dataframe as dd, numpy as np, pandas as pd, torch
from torch.utils.data import DataLoader, Dataset
warnings.simplefilter("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)

def raw():
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"x{number}": random.normal(size=50_000).round(3) for number in range(8)})
    table["label"] = (table.sum(axis=1) > 0).astype(int)
    for number in range(4):
        table[number::4].to_csv(f"raw-{number}.csv", index=False)

def prepare():
    rows = dd.read_csv("raw-*.csv")
    rows = rows[rows.x0.abs() < 2]
    low, high = rows.x1.min().compute(), rows.x1.max().compute()
    mean, spread = rows.x2.mean().compute(), rows.x3.std().compute()
    rows.assign(x1=(rows.x1 - low) / (high - low), x2=(rows.x2 - mean) / spread).to_parquet("prepared")

class Rows(Dataset):
    def __init__(self):
        table = pd.read_parquet("prepared")
        self.label = torch.tensor(table.pop("label").to_numpy()).float()
        self.x = torch.tensor(table.to_numpy()).float()
    def __len__(self):
        return 3200
    def __getitem__(self, number):
        total = 0.0
        for step in range(1000):  # what a slow decoder does
            total += step * 0.5
        return self.x[number], self.label[number]

def train(model, loader, optimizer):
    model.train()
    for x, label in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], label)
        loss.backward()
        optimizer.step()

def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        return sum(float(((model(x)[:, 0] > 0) == label).sum()) for x, label in loader)

if __name__ == "__main__":
    raw()
    prepare()
    loader = DataLoader(Rows(), batch_size=64)
    model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for epoch in range(2):
        train(model, loader, optimizer)
        right = evaluate(model, loader)
    print(right > 2000)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "pipeline.py").write_text(PROGRAM)
    words = [str(Path(sys.executable).with_name("bottleneck")), "run", "--no-probe", "--run-dir", "r", "pipeline.py"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    return folder / "r"


@pytest.fixture(scope="module")
def diagnosis(folder):
    return json.loads((folder / "diagnosis.json").read_text())


def line(text):
    return next(number for number, each in enumerate(PROGRAM.splitlines(), 1) if text in each)


def test_one_timeline_has_the_phases_of_both(diagnosis):
    phases = {row["phase"]: row["seconds"] for row in diagnosis["breakdown"]}
    assert {"data_wait", "forward", "backward", "optimizer"} <= phases.keys(), phases
    assert any(name.startswith("etl") for name in phases), phases
    assert sum(row["share"] for row in diagnosis["breakdown"]) == pytest.approx(1.0, abs=0.02)


def test_one_plan_ranks_the_loader_above_the_preparation(diagnosis):
    found = [finding["detector"] for finding in diagnosis["findings"]]
    first = diagnosis["findings"][0]
    assert first["location"]["line"] in range(line("def __getitem__"), line("return self.x[number]") + 1), first
    seconds = [step["wall_seconds_after"] for step in diagnosis["plan"]]
    assert diagnosis["plan"][0]["detector"] == found[0]
    assert seconds == sorted(seconds, reverse=True) and 0 < seconds[0] < diagnosis["run"]["wall_seconds"]


def test_one_trace_has_graphs_and_steps_below_the_run(folder):
    (trace,) = json.loads((folder / "trace.jaeger.json").read_text())["data"]
    spans = {span["spanID"]: span for span in trace["spans"]}
    assert {span["traceID"] for span in trace["spans"]} == {trace["traceID"]}

    def above(span):
        found = []
        while span["references"]:
            span = spans[span["references"][0]["spanID"]]
            found.append(span["operationName"])
        return found

    named = {}
    for span in trace["spans"]:
        named.setdefault(span["operationName"], []).append(above(span))
    (root,) = [name for name, parents in named.items() if parents == [[]]]
    assert len(named["dask.graph"]) == 5 and all(parents[-1] == root for parents in named["dask.graph"])
    steps = [parents for name, found in named.items() if name.startswith("train.step") for parents in found]
    assert steps and all("train.epoch" in parents[0] and parents[-1] == root for parents in steps)
