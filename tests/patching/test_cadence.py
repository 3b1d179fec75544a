"""The number of steps between saves or evaluations is changed where it stands, and only where it is that alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bottleneck_profiler import patching
from bottleneck_profiler.diagnosis.findings import Cadence, Fix
from helpers import PIPELINES, bottleneck

from .files import RUN, written
from .test_fix_command import fix


def after(folder: Path, text: str, mark: str = "HERE", factor: int = 4, most: int = 1000) -> str:
    """The program once what the marked line does is ``factor`` times rarer."""
    path = written(folder, text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if mark in row)
    return patching.make(Fix("", "", effort=1, edit=Cadence(str(path), line, factor, most)), RUN).after.decode()


LOOP = """\
import torch
EVERY = 10  # steps
for step, (x, y) in enumerate(loader):
    loss = model(x)
    loss.backward()
    optimizer.step()
    if {}:
        print(step)
        torch.save(model, path)  # HERE
"""

CONDITIONS = {
    "step % 10 == 0": "step % 40 == 0",
    "(step + 1) % 10 == 0": "(step + 1) % 40 == 0",
    "step%10==0": "step%40==0",
    "not step % 10": "not step % 40",
    "step > 0 and step % 10 == 0": "step > 0 and step % 40 == 0",
    "step == last or (rank == 0 and step % 10 == 0)": "step == last or (rank == 0 and step % 40 == 0)",
}


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_literal(tmp_path: Path, condition: str, end: str):
    text = LOOP.format(condition).replace("\n", end)
    assert after(tmp_path, text) == LOOP.format(CONDITIONS[condition]).replace("\n", end)


def test_a_constant_is_changed_where_it_is_set(tmp_path: Path):
    text = LOOP.format("step % EVERY == 0")
    assert after(tmp_path, text) == text.replace("EVERY = 10 ", "EVERY = 40 ")


def test_the_innermost_condition_counts_and_others_between_are_kept(tmp_path: Path):
    text = (
        "if epoch % 2 == 0:\n  if step % 5 == 0:\n    if rank == 0:\n      for x in valid:\n        model(x)  # HERE\n"
    )
    assert after(tmp_path, text) == text.replace("% 5", "% 20")


FUNCTIONS = """\
import torch
class Trainer:
    def write(self):
        with open("x", "wb") as file:
            torch.save(self.state, file)  # HERE
    def keep(self):
        self.write()
    def run(self):
        for step in range(100):
            self.optimizer.step()
            if step % 10 == 0: self.keep()
def save(model):
    torch.save(model, "x")  # THERE
def main():
    if step % 7 == 0:
        save(model)
"""


def test_through_the_functions_between(tmp_path: Path):
    assert after(tmp_path, FUNCTIONS) == FUNCTIONS.replace("% 10", "% 40")
    assert after(tmp_path, FUNCTIONS, "THERE") == FUNCTIONS.replace("% 7", "% 28")


REFUSED = {
    "step % args.every == 0": "train.py:7 takes its number from args.every: make that 4 times as much",
    "step % 10 == 3": "waits for no",
    "not step % 10 == 0": "waits for no",
    "step % 10 != 0": "waits for no",
    "step % 10": "waits for no",
    "step % 10 == 0 and epoch % 2 == 0": "waits for no",
    "step % 10.0 == 0": "takes its number from 10.0",
    "step % EVERY == 0 and EVERY": "takes its number from EVERY",
    "step % 300 == 0": "train.py:7: every 1200 may be never, where the count begins again in each epoch",
    "late": "train.py:9 waits for no `step % N == 0` that can be found",
}


@pytest.mark.parametrize("condition", REFUSED)
def test_what_is_not_certain_is_left_alone(tmp_path: Path, condition: str):
    with pytest.raises(patching.NoPatch) as refused:
        after(tmp_path, LOOP.format(condition))
    assert REFUSED[condition] in str(refused.value)


def test_what_trains_under_the_same_condition_is_left_alone(tmp_path: Path):
    text = LOOP.format("step % 10 == 0").replace("print(step)", "optimizer.step()")
    with pytest.raises(patching.NoPatch, match=r"train\.py:8 trains under the same condition"):
        after(tmp_path, text)
    for called in ("fit_epoch()", "train_one_epoch(model)", "self.fit_epoch()"):
        other = f"def fit_epoch():\n    loss.backward()\nif i % 2 == 0:\n    {called}\n    save()  # HERE\n"
        with pytest.raises(patching.NoPatch, match=r"train\.py:[24] trains under the same condition"):
            after(tmp_path, other)
    quiet = "if i % 2 == 0:\n    model.train(False)\n    save()  # HERE\n    model.train()\n"
    assert after(tmp_path, quiet) == quiet.replace("% 2", "% 8")
    inside = "def epoch():\n    loss.backward()\n    save()  # HERE\nif i % 2 == 0:\n    epoch()\n"
    with pytest.raises(patching.NoPatch, match=r"train\.py:2 trains under the same condition"):
        after(tmp_path, inside)


@pytest.mark.parametrize("more", ["save(other)\n", "hook(save)\n", ""])
def test_a_function_that_is_called_elsewhere_too_is_left_alone(tmp_path: Path, more: str):
    text = "def save(m):\n    m.dump()  # HERE\n" + more
    text += "if step % 7 == 0:\n    save(model)\n" if more else ""
    with pytest.raises(patching.NoPatch, match="waits for no"):
        after(tmp_path, text)


def test_the_saves_of_a_real_run_become_rarer(tmp_path: Path):
    script = Path(shutil.copy(PIPELINES / "sync-checkpoint" / "slow.py", tmp_path / "slow.py"))
    text = script.read_text()
    first = bottleneck(tmp_path, script)
    assert "sync-checkpoint" in first.found, first.err
    applied = fix(tmp_path, first.folder, "sync-checkpoint", "--apply")
    assert applied.returncode == 0, applied.stderr
    both = zip(text.splitlines(), script.read_text().splitlines(), strict=True)
    ((old, new),) = ((old, new) for old, new in both if old != new)
    assert old == "SAVE_EVERY = 5" and 5 < int(new.removeprefix("SAVE_EVERY = ")) <= 375  # steps of an epoch
    (tmp_path / "again").mkdir()
    again = bottleneck(tmp_path / "again", script)
    assert (again.code, again.out) == (0, first.out)
