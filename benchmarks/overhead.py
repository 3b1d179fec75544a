"""What recording costs: CPU microseconds per step, sample, request, Dask task and library call, against the budgets.

Each figure is a difference of CPU times between child processes that differ in one thing, started in turn (alone,
recorded, alone, recorded ...); of each child the cheapest of its rounds counts, of the pairs the median. Exit code 1
when a budget is exceeded or fewer than 99 % of the steps or requests were recorded, 2 when a child failed.

    overhead.py [--pairs N] [--quick] [--loops NAME ...] [--dask] [--requests]

--quick takes less than a minute and judges steps and requests only; --loops measures steps only: of the plain loop with
0, 2 and 4 workers, of Lightning's Trainer and of the Hugging Face Trainer. The CPU time of a step is that of the
training thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import overhead_calls
import overhead_requests
import pyarrow.parquet as pq

REQUEST = 80  # the kind of a served request in the table "requests"
FULL_SHARE = 0.99

STEPS = """
import json, os, sys, time
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)
torch.manual_seed(0)
ROUNDS, STEPS, BATCH, WORKERS = 6, int(os.environ["STEPS"]), 2, int(os.environ["WORKERS"])
data = TensorDataset(torch.randn(STEPS * BATCH, 16), torch.randint(0, 4, (STEPS * BATCH,)))
model = torch.nn.Linear(16, 4)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
loss_of = torch.nn.CrossEntropyLoss()
kept = DataLoader(data, batch_size=BATCH, num_workers=WORKERS, persistent_workers=True) if WORKERS else None

def epoch():
    before = time.thread_time()
    for x, y in kept or DataLoader(data, batch_size=BATCH):
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()
    return (time.thread_time() - before) / STEPS

def epochs():
    return [epoch() for _ in range(ROUNDS)]

epoch()
if os.environ["BESIDE"] == "pyinstrument":
    import pyinstrument
    with pyinstrument.Profiler():
        found = epochs()
elif os.environ["BESIDE"] == "torch.profiler":
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]):
        found = [epoch() for _ in range(2)]
else:
    found = epochs()
print(json.dumps({"unit_seconds": min(found), "units": STEPS * (len(found) + 1)}))
"""

LIGHTNING = """
import json, logging, os, time, warnings
import lightning, torch
from torch.utils.data import DataLoader, TensorDataset
warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
lightning.seed_everything(0, verbose=False)
ROUNDS, STEPS = 4, int(os.environ["STEPS"])

class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(16, 4)
    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

class Clock(lightning.Callback):
    found = []
    def on_train_epoch_start(self, *_):
        self.before = time.thread_time()
    def on_train_epoch_end(self, *_):
        self.found.append((time.thread_time() - self.before) / STEPS)

data = TensorDataset(torch.randn(STEPS * 2, 16), torch.randint(0, 4, (STEPS * 2,)))
quiet = dict(enable_progress_bar=False, enable_model_summary=False, logger=False, enable_checkpointing=False)
trainer = lightning.Trainer(max_epochs=ROUNDS, accelerator="cpu", callbacks=[Clock()], **quiet)
trainer.fit(Net(), DataLoader(data, batch_size=2))
print(json.dumps({"unit_seconds": min(Clock.found), "units": STEPS * ROUNDS}))
"""

TRANSFORMERS = """
import json, os, tempfile, time
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments
torch.set_num_threads(1)
torch.manual_seed(0)
ROUNDS, STEPS = 4, int(os.environ["STEPS"])

class Clock(TrainerCallback):
    found = []
    def on_epoch_begin(self, *_, **__):
        self.before = time.thread_time()
    def on_epoch_end(self, *_, **__):
        self.found.append((time.thread_time() - self.before) / STEPS)

size = dict(vocab_size=50, n_positions=8, n_embd=16, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0)
data = [{"input_ids": words, "labels": words} for words in torch.randint(0, 50, (STEPS * 2, 8))]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(folder, per_device_train_batch_size=2, num_train_epochs=ROUNDS, report_to=[],
                                  save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True)
    Trainer(GPT2LMHeadModel(GPT2Config(**size)), arguments, train_dataset=data, callbacks=[Clock()]).train()
print(json.dumps({"unit_seconds": min(Clock.found), "units": STEPS * ROUNDS}))
"""

SAMPLES = """
import json, os, resource, time
import torch
from torch.utils.data import DataLoader, Dataset
torch.set_num_threads(1)
WORKERS, COUNT, BATCH = int(os.environ["WORKERS"]), 64_000, 256

class Data(Dataset):
    def __len__(self):
        return COUNT
    def __getitem__(self, index):
        return index * 0.5

def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

found = []
for _ in range(4 if WORKERS else 6):
    loader = DataLoader(Data(), batch_size=BATCH, num_workers=WORKERS)
    before = children() if WORKERS else time.thread_time()
    for batch in loader:
        pass
    del batch, loader
    found.append(((children() if WORKERS else time.thread_time()) - before) / COUNT)
print(json.dumps({"unit_seconds": min(found), "units": len(found) * COUNT // BATCH}))
"""

#: Tasks that do nothing, on a scheduler in this process and in threads; the CPU time is that of the process.
DASK = """
import json, logging, os, time
import dask
logging.disable()
COUNT, ROUNDS = {"threads": 4000, "cluster": 1000}[os.environ["SCHEDULER"]], 4

def nothing(number):
    return number

def threads():
    return lambda start: dask.compute(*[dask.delayed(nothing)(number) for number in range(start, start + COUNT)])

def cluster():
    from distributed import Client, LocalCluster
    local = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None)
    client = Client(local)
    return lambda start: client.gather(client.map(nothing, range(start, start + COUNT)))

if __name__ == "__main__":
    run = {"threads": threads, "cluster": cluster}[os.environ["SCHEDULER"]]()
    run(-COUNT)
    found = []
    for number in range(ROUNDS):
        before = time.process_time()
        run(number * COUNT)
        found.append((time.process_time() - before) / COUNT)
    print(json.dumps({"unit_seconds": min(found), "units": COUNT * (ROUNDS + 1)}))
"""


@dataclass
class Measured:
    """One child: CPU seconds a unit, units done, units recorded (None alone), the sampler's share of a core."""

    unit_seconds: float
    units: int
    recorded: int | None = None
    sampler_share: float | None = None


@dataclass
class Case:
    """``script`` prints a ``Measured``; ``kind`` says what must be found in the run folder."""

    name: str
    script: str
    kind: str
    budget_us: float
    variables: dict[str, str]


#: Training loop -> its program, steps in a round, workers.
LOOPS = {
    "plain-0": (STEPS, 1500, 0),
    "plain-2": (STEPS, 1500, 2),
    "plain-4": (STEPS, 1500, 4),
    "lightning": (LIGHTNING, 600, 0),
    "transformers": (TRANSFORMERS, 300, 0),
}


def loop(name: str, quick: bool) -> Case:
    """One step of a training loop, against the budget for a step."""
    script, steps, workers = LOOPS[name]
    variables = {"STEPS": str(steps // 3 if quick else steps), "WORKERS": str(workers)}
    return Case(f"step, {name}", script, "steps", 20.0, variables)


def requests() -> list[Case]:
    """One request: of an application that is called in a loop, and of real servers."""
    found = [Case("request", overhead_requests.CALLS, "requests", 8.0, {})]
    for name, program in overhead_requests.SERVED.items():
        found.append(Case(f"request, {name}", program, "requests", 8.0, {}))
    return found


def dask_task(scheduler: str) -> Case:
    """One task of a Dask graph that does nothing."""
    return Case(f"Dask task, {scheduler}", DASK, "dask_tasks", 5.0, {"SCHEDULER": scheduler})


class Failed(Exception):
    """A child did not do its work; the text is its standard error."""


def measure(case: Case, folder: Path, options: list[str] | None, beside: str = "") -> Measured:
    """Run one child; ``options`` of ``bottleneck run``, None for the program alone."""
    script = folder / "program.py"
    script.write_text(case.script)
    command = [sys.executable, str(script)]
    run_dir = Path(tempfile.mkdtemp(dir=folder)) / "run"
    if options is not None:
        tool = Path(sys.executable).with_name("bottleneck")
        command = [str(tool), "run", "--quiet", "--run-dir", str(run_dir), *options, "--", *command]
    environment = {**os.environ, **case.variables, "BESIDE": beside}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    try:
        found = Measured(**json.loads(done.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError) as error:
        raise Failed(f"{case.name}: {done.stderr.strip()[-2000:]}") from error
    if options is not None:
        found.recorded = recorded(run_dir, case.kind)
        found.sampler_share = sampler_share(run_dir)
    return found


def recorded(run_dir: Path, kind: str) -> int:
    """How many steps or requests the run folder holds."""
    if kind == "dask_tasks":
        return sum(fields["count"] for fields in notes(run_dir / "tables" / "facts.jsonl", kind))
    total = 0
    for path in (run_dir / "tables").glob(f"{kind}-*.parquet"):
        table = pq.read_table(path)
        if kind == "steps":  # a row may stand for several
            total += sum(max(1, each) for each in table["estimated"].to_pylist())
        else:
            total += table["kind"].to_pylist().count(REQUEST)
    return total


def sampler_share(run_dir: Path) -> float | None:
    """The sampler's own CPU time by the process's wall time, as it noted itself; None when it was off."""
    run = json.loads((run_dir / "run.json").read_text())
    costs = [
        fields["tick_cost_ns"] + fields["look_cost_ns"]
        for fields in notes(run_dir / "tables" / "facts.jsonl", "sampler")
    ]
    return sum(costs) / (run["ended_ns"] - run["started_ns"]) if costs else None


def notes(path: Path, kind: str) -> list[dict[str, int]]:
    """The fields of all notes of one kind in the facts of a run."""
    found = []
    for line in path.read_text().splitlines():
        fact = json.loads(line)
        if isinstance(fact, list) and kind in fact:
            found.append(next(part for part in fact if isinstance(part, dict)))
    return found


def compare(
    case: Case, folder: Path, pairs: int, options: list[str]
) -> tuple[list[float], list[float], list[Measured]]:
    """(CPU us a unit alone, differences in us, the recorded children) of interleaved pairs."""
    alone, differences, with_us = [], [], []
    for turn in range(pairs):
        order = (None, options) if turn % 2 == 0 else (options, None)
        by = {options is not None: measure(case, folder, options) for options in order}
        alone.append(by[False].unit_seconds * 1e6)
        differences.append((by[True].unit_seconds - by[False].unit_seconds) * 1e6)
        with_us.append(by[True])
    return alone, differences, with_us


def judge(case: Case, folder: Path, pairs: int, options: list[str]) -> bool:
    """Measure, print a row, and say whether the budget holds and nothing is lost."""
    alone, differences, children = compare(case, folder, pairs, options)
    cost = statistics.median(differences)
    share = min((child.recorded or 0) / child.units for child in children)
    fits = cost <= case.budget_us and share >= FULL_SHARE
    print(
        f"{case.name:34}{statistics.median(alone):10.2f}{cost:10.2f}{min(differences):8.2f} .. {max(differences):6.2f}"
        f"{case.budget_us:9.2f}{100 * share:9.1f} %   {'ok' if fits else 'OVER' if share >= FULL_SHARE else 'LOST'}",
        flush=True,
    )
    return fits


def traced(cases: list[Case], folder: Path, pairs: int) -> None:
    """The same requests under OpenTelemetry's instrumentation, for comparison; nothing is judged."""
    if (
        find_spec("opentelemetry.instrumentation.asgi") is None
        or find_spec("opentelemetry.instrumentation.wsgi") is None
    ):
        print("OpenTelemetry's instrumentation of ASGI and WSGI is not installed.")
        return
    for case in cases:
        found: dict[str, list[float]] = {"": [], "opentelemetry": []}
        for _ in range(pairs):
            for name, values in found.items():
                values.append(measure(case, folder, None, name).unit_seconds * 1e6)
        cost = statistics.median(b - a for a, b in zip(*found.values(), strict=True))
        print(f"{case.name + ', OpenTelemetry':34}{statistics.median(found['']):10.2f}{cost:10.2f}", flush=True)


def beside(case: Case, folder: Path, pairs: int) -> None:
    """The same steps under other profilers, for comparison; nothing is judged."""
    base = statistics.median(measure(case, folder, None).unit_seconds for _ in range(pairs)) * 1e6
    for name in ("pyinstrument", "torch.profiler"):
        cost = statistics.median(measure(case, folder, None, name).unit_seconds for _ in range(pairs)) * 1e6
        print(f"{'step, under ' + name:34}{base:10.2f}{cost - base:10.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of children a figure (default 5)")
    parser.add_argument("--quick", action="store_true", help="steps and requests only, two pairs")
    parser.add_argument("--loops", nargs="*", choices=list(LOOPS), metavar="NAME", help="steps of these (default: all)")
    parser.add_argument("--requests", action="store_true", help="requests only, and under OpenTelemetry for comparison")
    parser.add_argument("--dask", action="store_true", help="tasks of Dask only")
    arguments = parser.parse_args()
    pairs = 2 if arguments.quick else arguments.pairs
    steps = {"STEPS": "600" if arguments.quick else "1500", "WORKERS": "0"}
    step = Case("step, phases", STEPS, "steps", 20.0, steps)
    print(f"{'CPU microseconds':34}{'alone':>10}{'cost':>10}{'range':>18}{'budget':>9}{'recorded':>11}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if arguments.loops is not None:
                cases = [loop(name, arguments.quick) for name in arguments.loops or LOOPS]
                return 0 if all([judge(case, folder, pairs, ["--stacks=off"]) for case in cases]) else 1
            if arguments.dask:
                cases = [dask_task(scheduler) for scheduler in ("threads", "cluster")]
                return 0 if all([judge(case, folder, pairs, ["--stacks=off"]) for case in cases]) else 1
            if arguments.requests:
                fits = [judge(case, folder, pairs, ["--stacks=off"]) for case in requests()]
                traced(requests()[1:], folder, pairs)
                return 0 if all(fits) else 1
            cases = [step, *(requests()[:1] if arguments.quick else requests())]
            fits = [judge(case, folder, pairs, ["--stacks=off"]) for case in cases]
            if not arguments.quick:
                for workers in ("0", "2"):
                    case = Case(f"sample, {workers} workers", SAMPLES, "steps", 0.4, {"WORKERS": workers})
                    fits.append(judge(case, folder, pairs, ["--stacks=off"]))
                fits += [overhead_calls.judge(call) for call in overhead_calls.CALLS]
                for scheduler in ("threads", "cluster"):
                    fits.append(judge(dask_task(scheduler), folder, pairs, ["--stacks=off"]))
            child = measure(step, folder, ["--stacks=auto"])
            share = child.sampler_share
            # 0.30 % of a core, and twice that in the first 8 s of a process: this child lives no longer.
            fits.append(share is not None and share <= 0.006)
            shown = "not measured" if share is None else f"{100 * share:.2f} %"
            print(f"{'sampler, share of a core':34}{shown:>20}{'':18}{'0.60 %':>9}")
            beside(step, folder, 1 if arguments.quick else 3)
        except (Failed, RuntimeError) as error:
            print(error, file=sys.stderr)
            return 2
    return 0 if all(fits) else 1


if __name__ == "__main__":
    sys.exit(main())
