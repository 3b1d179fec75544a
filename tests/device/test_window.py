"""The device window in a real program: asked for, it traces some steps and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler.cli.run import WINDOW_STEPS, command
from bottleneck_profiler.recording.facts import BatchParts, DeviceTrace, DeviceWindow
from bottleneck_profiler.recording.model import DEVICE_KINDS
from bottleneck_profiler.recording.read import load
from helpers import bottleneck

TRAIN = """
import os, sys, torch
torch.manual_seed(0)
data = torch.utils.data.TensorDataset(torch.randint(0, 256, ({steps} * 4, 1, 32, 32)) / 255)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
total = 0.0
{before}
for step, (batch,) in enumerate(torch.utils.data.DataLoader(data, batch_size=4)):
    optimizer.zero_grad()
    loss = model(batch).square().mean()
    loss.backward()
    optimizer.step()
    total += loss.item()
    {inside}
print(total, torch.rand(1).item(), sys.argv[1:])
{after}
"""


def train(tmp_path: Path, *words: str, steps=40, options=("--device-window", "5"), **parts: str):
    script = tmp_path / "train.py"
    parts = {"before": "", "inside": "", "after": "", **parts}
    script.write_text(TRAIN.format(steps=steps, **parts))
    return bottleneck(tmp_path, script, *words, options=options)


def other(folder: Path) -> Path:
    made = folder / "other"
    made.mkdir()
    return made


def notes(ran, kind):
    return [fields for _, fields in load(ran.folder).facts.of(kind)]


def test_a_window_of_a_program_without_a_device(tmp_path):
    ran = train(tmp_path, "--device-window", "x")
    plain = train(other(tmp_path), "--device-window", "x", options=())
    assert ran.code == 0, ran.err
    assert ran.out == plain.out and "['--device-window', 'x']" in ran.out
    recording = load(ran.folder)
    window, table = notes(ran, DeviceWindow)[0], recording.device
    assert window.problem == "" and len(window.clocks) == 5
    assert set(table["kind"]) == {DEVICE_KINDS.index("cpu_op")}
    assert (table["t0"] >= window.began).all() and (table["t1"] <= window.ended).all()
    # The trace's clock is ours: what the steps call forward holds the products of the layers.
    names = np.array(notes(ran, DeviceTrace)[0].names)[table["name"]]
    inside = recording.steps["t0"][:, None] <= table["t0"][names == "aten::linear"]
    assert inside.any(axis=0).all() and (names == "aten::linear").sum() == 5
    assert not list((ran.folder / "live").glob("*.json"))
    (part,) = notes(ran, BatchParts)[0].parts
    assert (part.bytes, part.item_bytes) == (4 * 1024 * 4, 4) and 200 < part.levels <= 256
    assert "GPU" not in ran.err and "accelerator" not in ran.err
    assert {row["detector"]: row for row in ran.diagnosis["checked"]}["sync-point"]["outcome"] == "not-measured"
    # Nothing of it without the option.
    assert not load(plain.folder).device["kind"].size
    assert not notes(plain, DeviceWindow) + notes(plain, BatchParts)


OWN = """
with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as own:
    (torch.ones(3) * 2).sum()
print("own", sum(event.count for event in own.key_averages() if event.key == "aten::mul"))
"""
FORKED = """if step == 11:
        pid = os.fork()
        if pid == 0:
            optimizer.step()
            os._exit(3)
        print("own", os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize(
    ("parts", "code", "printed", "problem"),
    [
        ({"before": OWN, "inside": FORKED}, 0, "own 1 own 768", ""),  # its own is long over when the window begins
        ({"inside": "if step == 11:" + OWN.replace("\n", "\n        ")}, 0, "own 1", "The program profiles itself."),
        (
            {"before": "own = torch.profiler.profile(); own.start()", "after": "own.stop(); print('own')"},
            0,
            "own",
            "A profiler of the program's own was running.",
        ),
        ({"inside": "if step == 11: raise ValueError('mine')"}, 1, "", "The program ended inside the window."),
    ],
    ids=["before", "inside", "all the time", "raised"],
)
def test_the_programs_own_profiler_and_its_end_come_first(tmp_path, parts, code, printed, problem):
    ran = train(tmp_path, **parts)
    assert ran.code == code, ran.err
    assert " ".join(line for line in ran.out.splitlines() if line.startswith("own")) == printed
    assert ("ValueError: mine" in ran.err) == (code == 1)
    assert [window.problem for window in notes(ran, DeviceWindow)] == [problem]
    assert load(ran.folder).facts.failed == {}


@pytest.mark.parametrize(
    ("words", "window", "rest"),
    [
        (["--device-window", "train.py"], WINDOW_STEPS, ("train.py",)),
        (["--device-window", "7", "train.py", "--lr", "1"], 7, ("train.py", "--lr", "1")),
        (["--device-window=7", "-q", "train.py"], 7, ("train.py",)),
        (["--name", "x", "--device-window", "-m", "job"], WINDOW_STEPS, ("-m", "job")),
        (["train.py", "--device-window"], None, ("train.py", "--device-window")),
        (["--name", "--device-window", "train.py"], None, ("train.py",)),
        (["--device-window", "--", "7.py"], WINDOW_STEPS, ("7.py",)),
    ],
)
def test_the_number_of_steps_may_be_left_out(words, window, rest):
    context = command.make_context("run", list(words))
    assert context.params["device_window"] == window
    assert context.params["words"] == rest
