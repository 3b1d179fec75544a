"""The user's program with and without us: output, exit code, random streams; and what a failing hook does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import ROOT, bottleneck, started
from pyinstrument.session import Session

TRAIN = """
import os, random, sys, time
import numpy as np, torch
from torch.utils.data import DataLoader, Dataset

class Noise(Dataset):
    def __len__(self): return 96
    def __getitem__(self, i):
        return torch.tensor([random.random(), float(np.random.rand()), float(torch.rand(1)), float(i)]), i % 2

def main(workers):
    random.seed(1); np.random.seed(1); torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(2):
        for x, y in DataLoader(Noise(), batch_size=4, shuffle=True, num_workers=workers):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    print(f"{loss.item():.9f} {random.random():.9f} {torch.rand(1).item():.9f} {np.random.rand():.9f}")

if __name__ == "__main__":
    main(int(sys.argv[1]))
"""


def plain(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, cwd=folder, timeout=200, check=False
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """How ``TRAIN`` ends without us, by its number of workers."""
    script = tmp_path_factory.mktemp("alone") / "train.py"
    script.write_text(TRAIN)
    return {workers: plain(script.parent, script, workers) for workers in ("0", "2")}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_same_output_and_random_streams(tmp_path: Path, alone, workers: str):
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    expected = alone[workers]
    ran = bottleneck(tmp_path, script, workers)
    assert (ran.code, ran.out) == (expected.returncode, expected.stdout)
    assert ran.diagnosis["run"]["steps"] == 48


LIGHTNING = """
import warnings; warnings.filterwarnings("ignore")
import logging; logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import random, numpy as np, torch, lightning as L
from torch.utils.data import DataLoader, Dataset
L.seed_everything(3, workers=True, verbose=False)

class Noise(Dataset):
    def __len__(self): return 48
    def __getitem__(self, i):
        return torch.tensor([random.random(), float(np.random.rand()), float(torch.rand(1))])

class Net(L.LightningModule):
    def __init__(self):
        super().__init__(); self.net = torch.nn.Linear(3, 1); self.seen = []
    def training_step(self, batch, _):
        self.seen.append(batch.sum().item()); return self.net(batch).square().mean()
    def configure_optimizers(self): return torch.optim.SGD(self.parameters(), 0.1)

if __name__ == "__main__":
    net = Net()
    L.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
              enable_model_summary=False, accelerator="cpu").fit(net, DataLoader(Noise(), batch_size=2, num_workers=2))
    print(net.seen)
"""
ACCELERATE = """
import random, numpy as np, torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, Dataset

class Noise(Dataset):
    def __len__(self): return 48
    def __getitem__(self, i):
        return torch.tensor([random.random(), float(np.random.rand()), float(torch.rand(1))])

if __name__ == "__main__":
    set_seed(5)
    accelerator = Accelerator(cpu=True)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model, optimizer, loader = accelerator.prepare(model, optimizer, DataLoader(Noise(), batch_size=2, num_workers=2))
    seen = []
    for epoch in range(2):
        for batch in loader:
            seen.append(batch.sum().item())
            loss = model(batch).square().mean(); accelerator.backward(loss); optimizer.step(); optimizer.zero_grad()
    print(seen)
"""
TRAINER = """
import random, tempfile, numpy as np, torch, transformers
from torch.utils.data import Dataset
transformers.logging.set_verbosity_error()

class Noise(Dataset):
    def __len__(self): return 48
    def __getitem__(self, i):
        x = torch.tensor([random.random(), float(np.random.rand()), float(torch.rand(1))])
        return {"x": x, "labels": torch.tensor(0.0)}

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__(); self.net = torch.nn.Linear(3, 1); self.seen = []
    def forward(self, x, labels=None):
        self.seen.append(x.sum().item()); return {"loss": self.net(x).square().mean()}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(folder, num_train_epochs=2, per_device_train_batch_size=2,
            dataloader_num_workers=2, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
            use_cpu=True, seed=7)
        net = Net()
        transformers.Trainer(net, arguments, train_dataset=Noise()).train()
    print(net.seen)
"""


@pytest.mark.parametrize("text", [LIGHTNING, ACCELERATE, TRAINER], ids=["lightning", "accelerate", "trainer"])
def test_same_random_streams_under_the_trainers(tmp_path: Path, text: str):
    script = tmp_path / "train.py"
    script.write_text(text)
    expected = plain(tmp_path, script)
    assert expected.returncode == 0, expected.stderr
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, expected.stdout.splitlines()[-1]), ran.err
    assert ran.diagnosis["run"]["steps"] == 48


EXITS = {
    "return": ("pass", 0),
    "exit": ("import sys; sys.exit(3)", 3),
    "exception": ("raise ValueError('boom')", 1),
    "os._exit": ("import os; os._exit(7)", 7),
    "sigterm": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143),
    "sigkill": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    "exec": ("import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])", 5),
}


@pytest.mark.parametrize("how", EXITS)
def test_exit_code_is_kept_and_the_report_still_comes(tmp_path: Path, how: str):
    text, code = EXITS[how]
    script = tmp_path / "x.py"
    script.write_text(f"t = 0\nfor i in range(2_000_000): t += i\nprint('before', flush=True)\n{text}\n")
    ran = bottleneck(tmp_path, script)
    assert ran.code == code and ran.out == "before\n"
    assert ran.diagnosis["run"]["exit_code"] == code


def test_nothing_of_ours_raises_when_a_loader_is_still_in_use_at_exit(tmp_path: Path):
    script = tmp_path / "x.py"
    script.write_text(
        "import builtins, sys, torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "batches = iter(DataLoader(TensorDataset(torch.zeros(600, 1))))\n"
        "for _ in range(500): next(batches)\n"
        "ours = [module for name, module in sys.modules.items() if 'bottleneck' in name]\n"
        "builtins.last = batches, ours  # Python clears a module that is still in use, and builtins at the very end\n"
    )
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and "Exception ignored" not in ran.err


def test_kill_9_in_mid_training_keeps_every_step(tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(
        TRAIN.replace("range(2)", "range(1000)").replace(
            "            optimizer.step()\n",
            "            optimizer.step()\n            os.write(9, b's')\n            time.sleep(0.002)\n",
        )
    )
    read, write = os.pipe()
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(tmp_path / "run"), str(script)]
    shell_words = ["bash", "-c", f'exec 9>&{write}; exec "$@"', "-", *command, "0"]
    with started(shell_words, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as shell:
        os.close(write)
        steps = 0
        while steps < 150:
            steps += len(os.read(read, 1))
        child = int(subprocess.check_output(["pgrep", "-P", str(shell.pid)]).split()[0])
        os.kill(child, signal.SIGKILL)
        _, error = shell.communicate(timeout=60)
    while data := os.read(read, 65536):
        steps += len(data)
    assert shell.returncode == 137
    import json

    diagnosis = json.loads((tmp_path / "run" / "diagnosis.json").read_text())
    assert abs(diagnosis["run"]["steps"] - steps) <= 1, error


HOOKS = {
    "dataloader:attach": "torch__utils__data.Collector.hook = lambda self, module: 1 / 0",
    "dataloader:before": "torch__utils__data.Collector._start = lambda self, loader: 1 / 0",
    "dataloader:after": "torch__utils__data.Collector._began = lambda self, iterator, token: 1 / 0",
    "training:attach": "torch.Collector.hook = lambda self, module: 1 / 0",
    "samples:worker": "support.samples.WorkerInit._join = lambda self, worker: 1 / 0",
    "dataloader:growth": "support.growth.Growth.look = lambda self, frame: 1 / 0",
    "training:learn": "support.forward.RootForward._found = lambda self, owner, frame: 1 / 0",
    "training:before": "support.forward.now = lambda: 1 / 0",
    "stacks:tick": "support.stack_table.StackTable.id_of = lambda self, frame: 1 / 0",
    "samples:before": "support.samples._State.begin = lambda self: 1 / 0",
    "samples:after": "support.samples._State.finish = lambda *all_of_it: 1 / 0",
}


@pytest.mark.parametrize("kind", ["ZeroDivisionError", "BaseException"])
@pytest.mark.parametrize(
    "places",
    [
        ("dataloader:attach", "training:attach"),
        ("dataloader:before", "training:before"),
        ("dataloader:after", "training:learn"),
        ("dataloader:growth", "stacks:tick"),
        ("samples:worker",),
        ("samples:before",),
        ("samples:after",),
    ],
    ids=" ".join,
)
def test_failing_hooks_harm_nobody_and_are_reported(tmp_path: Path, alone, places: tuple[str, ...], kind: str):
    """Hooks are broken, one of a collector, from a sitecustomize of the user's that ours runs before torch."""
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    expected = alone["2"]
    plant = "import importlib, sys\ndef _raise(): raise BaseException('planted')\n"
    for place in places:
        broken = HOOKS[place] if kind == "ZeroDivisionError" else HOOKS[place].replace("1 / 0", "_raise()")
        target = broken.removeprefix("support.").split(".")[0]
        module = "support." + target if broken.startswith("support.") else target
        plant += f"""
if "_bottleneck_child" in sys.modules:
    {target} = importlib.import_module("_bottleneck_child.collectors.{module}")
    {broken.removeprefix("support.")}
"""
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "sitecustomize.py").write_text(plant)
    ran = bottleneck(tmp_path, script, "2", hooks_may_fail=True, env={"PYTHONPATH": str(tmp_path / "plant")})
    assert (ran.code, ran.out) == (expected.returncode, expected.stdout), ran.err
    for place in places:
        collector = place.partition(":")[0]
        assert any(collector in note for note in ran.failed_hooks), (collector, ran.failed_hooks, ran.err)


def test_nothing_attached_is_said_with_its_reason(tmp_path: Path):
    script = tmp_path / "x.py"
    script.write_text("print(1)\n")
    ran = bottleneck(tmp_path, sys.executable, "-I", script)
    assert ran.code == 0 and ran.out == "1\n"
    assert "-I" in ran.err and "nothing was recorded" in ran.err


def test_warnings_as_errors_with_the_array_library(tmp_path: Path):
    script = tmp_path / "x.py"
    script.write_text(
        "import numpy as np, pandas as pd, xarray as xr, bottleneck\n"
        "assert bottleneck.nanmean(np.array([1.0, 3.0])) == 2\n"
        "print(pd.Series([1.0, None]).mean(), xr.DataArray([1.0, np.nan], dims='x').ffill('x').values)\n"
    )
    ran = bottleneck(tmp_path, sys.executable, "-W", "error", script, cwd=ROOT)
    assert ran.code == 0 and ran.out == "1.0 [1. 1.]\n", ran.err


def test_bad_input_is_one_line_before_anything_runs(tmp_path: Path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    mark = tmp_path / "mark.py"
    mark.write_text("open('ran', 'w')\n")
    cases: list[tuple[str, list[str]]] = [
        ("command", ["run"]),
        ("missing.py", ["run", "missing.py"]),
        ("not empty", ["run", "--run-dir", str(full), str(mark)]),
        ("run.json", ["report", str(full)]),
        ("no run", ["report", "nothing-like-it"]),
        ("no detector", ["explain", "nothing-like-it"]),
        ("is not a folder", ["run", "--run-dir", str(mark), str(mark)]),
    ]
    for text, words in cases:
        done = subprocess.run(
            [sys.executable, "-m", "bottleneck_profiler.cli", *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        lines = done.stderr.strip().splitlines()
        assert done.returncode != 0 and len(lines) == 1 and text in lines[0], (words, done.stderr)
    assert not (tmp_path / "ran").exists()


def test_an_old_run_reads_again_and_damage_is_named(tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    ran = bottleneck(tmp_path, script, "0")

    def report(option: str = "--json") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bottleneck_profiler.cli", "report", option, str(ran.folder)],
            capture_output=True,
            text=True,
            check=False,
        )

    again = report()
    assert again.returncode == 0 and '"steps": 48' in again.stdout, again.stderr
    calls = report("--calls")
    assert calls.returncode == 0 and f"<module>  {script}" in calls.stdout, calls.stdout
    assert Session.load(ran.folder / "calls.pyisession").sample_count > 0
    part = next((ran.folder / "tables").glob("steps-*.parquet"))
    part.write_bytes(part.read_bytes()[:100])
    damaged = report()
    assert damaged.returncode == 2 and part.name in damaged.stderr and len(damaged.stderr.splitlines()) == 1
    run_json = ran.folder / "run.json"
    run_json.write_text(run_json.read_text().replace('"version": 1', '"version": 99'))
    newer = report()
    assert newer.returncode == 2 and "newer" in newer.stderr


def test_wall_time_and_overhead_are_in_the_report(tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    began = time.monotonic()
    ran = bottleneck(tmp_path, script, "0")
    assert ran.diagnosis["run"]["wall_seconds"] <= time.monotonic() - began
    overhead = ran.diagnosis["overhead"]
    assert overhead["dropped_records"] == 0
    assert 0 < overhead["phases_us"] < 1000 and 0 < overhead["sampler_share"] < 1
    assert overhead["share"] == pytest.approx(overhead["seconds"] / ran.diagnosis["run"]["wall_seconds"])


METHODS = """
from functools import lru_cache, singledispatchmethod
from torch.utils.data import DataLoader, Dataset

class Cached(Dataset):
    def __len__(self): return 8
    @lru_cache(maxsize=None)
    def __getitem__(self, i): return i * 2

class ByType(Dataset):
    def __len__(self): return 4
    @singledispatchmethod
    def __getitem__(self, i): raise TypeError(f"no {type(i).__name__} index")
    @__getitem__.register
    def _(self, i: int): return f"int {i}"
    @__getitem__.register
    def _(self, i: str): return f"str {i}"

print(list(DataLoader(Cached(), batch_size=4)), Cached.__getitem__.cache_info())
data = ByType()
print(list(DataLoader(data, batch_size=2)), data["a"])
"""


def test_methods_that_are_no_plain_functions_are_left_alone(tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(METHODS)
    without = plain(tmp_path, script)
    ran = bottleneck(tmp_path, script)
    assert without.returncode == 0, without.stderr
    assert (ran.code, ran.out) == (0, without.stdout)
