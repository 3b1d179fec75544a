"""Loops that make what their own step works on, from made-up stacks and real source: which fire and what is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.detectors.loading.loop_waits_for_input import LoopWaitsForInput
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, Outcome
from bottleneck_profiler.enrich.source import known_lines, user_loops
from bottleneck_profiler.recording.model import Recording

from .made_up import Frames, Stood, library, recording, user

HEAD = """\
import itertools
import jax
import numpy as np
from data import load, Batches

@jax.jit
def step(state, batch):
    return state

def batches(images, order):
    for begin in order:
        yield np.stack([images[i] for i in begin])

"""
STEP = library("cache_miss", "/site-packages/jax/_src/pjit.py")
STACK = library("stack", "/site-packages/numpy/_core/shape_base.py")
FREES = library("get", "/stdlib/queue.py")


def marked(text: str, mark: str) -> int:
    return next(n for n, line in enumerate((HEAD + text).splitlines(), 1) if line.endswith(f"# {mark}"))


def judged(
    folder: Path, text: str, below: Frames, function: str = "train", passes: int = 25, making_ms: int = 120,
    rest_ms: int = 80, cores: float = 4, blocked: bool = False, does: Frames = (STEP,),
) -> tuple[Outcome, Recording]:  # fmt: skip
    """``text``: the loop, with its lines marked ``# make`` and ``# step``; ``below``: what the making calls."""
    script = folder / "train.py"
    script.write_text(HEAD + text)
    make, rest = (user(marked(text, each), function, str(script)) for each in ("make", "step"))
    outer = (user(99, "<module>", str(script)),)
    stood, at = [], 0
    for _ in range(passes):
        stood.append(Stood((*below, make, *outer), at, at + making_ms, every_ms=20, blocked=blocked))
        stood.append(Stood((*does, rest, *outer), at + making_ms, at + making_ms + rest_ms, every_ms=20))
        at += making_ms + rest_ms
    recorded = recording(*stood, wall_ms=at)
    recorded.run["machine"] = {"cores": cores}
    user_loops.enrich(folder, recorded)
    known_lines.enrich(folder, recorded)
    return Artifacts(recorded).call(LoopWaitsForInput().detect), recorded


def generator(folder: Path) -> Frames:
    return STACK, user(12, "batches", str(folder / "train.py"))


FOR = """\
def train(images, order, state):
    for batch in batches(images, order):  # make
        state = step(state, batch)  # step
"""
FIRES = {
    "generator": FOR,
    "wrapped": FOR.replace("batches(images, order)", "enumerate(itertools.islice(batches(images, order), 9))").replace(
        "for batch", "for i, batch"
    ),
    "mapped": FOR.replace("batches(images, order)", "map(load, order)"),
    "held": FOR.replace("    for", "    made = batches(images, order)\n    for").replace(
        "batches(images, order):", "made:"
    ),
    "object": FOR.replace("batches(images, order)", "Batches(images)"),
    "parameter": FOR.replace("batches(images, order)", "images"),
    "next": """\
def train(loader, state):
    it = iter(loader)
    while True:
        batch = next(it)  # make
        state = step(state, batch)  # step
""",
    "method": """\
class Trainer:
    def train(self):
        for number in range(self.steps):
            batch = self.loader.next_batch()  # make
            self.state = self.step(self.state, step(self.state, batch))  # step
            self.losses.append(number)
""",
    "inline": """\
def train(paths, state):
    for number in range(100):
        images = []
        for path in paths[number]:
            images.append(load(path))  # make
        batch = np.stack(images)
        state = step(state, batch)  # step
        print(number)
""",
    "several": """\
def train(replay, state, key):
    for number in range(100):
        key, sub = jax.random.split(key)
        seen = replay.sample(sub)  # make
        state = step(state, seen, sub)  # step
""",
}


@pytest.mark.parametrize("name", FIRES)
def test_a_loop_that_makes_its_items_is_found(tmp_path: Path, name: str):
    function = "Trainer.train" if name == "method" else "train"
    below = (user(40, "decode", str(tmp_path / "data.py")),)
    outcome, _ = judged(tmp_path, FIRES[name], below, function)
    assert isinstance(outcome, Finding), outcome
    assert outcome.location is not None and outcome.location.line == 40
    loop = str(outcome.evidence[0].value).rpartition(":")[2]
    assert f"line {loop}" in outcome.fix.summary and "process" in outcome.fix.summary


SILENT = {
    "messages": """\
def train(state):
    from kafka import KafkaConsumer
    for batch in KafkaConsumer("rows"):  # make
        state = step(state, batch)  # step
""",
    "polled": """\
def train(state):
    import redis
    client = redis.Redis()
    while True:
        batch = client.blpop("rows")  # make
        state = step(state, batch)  # step
""",
    "rollouts": """\
def train(env, policy):
    for number in range(100):
        seen = play(env, policy)  # make
        policy = step(policy, seen)  # step
""",
    "replay": """\
def train(replay, agent):
    for number in range(100):
        seen = replay.sample(64)  # make
        error = agent.update(jax.device_put(seen))  # step
        replay.reorder(error)
""",
    "own state": """\
class Trainer:
    def train(self):
        for number in range(100):
            seen = self.collected()  # make
            self.update(jax.device_put(seen))  # step
""",
    "hard cases": """\
def train(images, order, state):
    sampler = Batches(state)
    for batch in sampler:  # make
        state = step(state, batch)  # step
        sampler.harder(state)
""",
    "no step": """\
def total(records):
    for record in records:  # make
        add(record)  # step
""",
    "independent": """\
def train(images, order, state):
    for number in order:
        log(images)  # make
        state = step(state, number)  # step
""",
}


@pytest.mark.parametrize("name", SILENT)
def test_what_depends_on_the_step_or_feeds_none_is_no_input(tmp_path: Path, name: str):
    function = {"own state": "Trainer.train", "no step": "total"}.get(name, "train")
    does = () if name == "no step" else (STEP,)
    outcome, _ = judged(tmp_path, SILENT[name], (user(40, "decode", str(tmp_path / "data.py")),), function, does=does)
    assert not isinstance(outcome, Finding)


def test_who_waits_for_others_or_for_an_environment_is_not_told_to_make_ahead(tmp_path: Path):
    for below in (
        (FREES,),
        (library("_acquire", "/site-packages/gymnasium/core.py"), user(40, "episode", str(tmp_path / "data.py"))),
        (user(40, "Env.step", str(tmp_path / "data.py")),),
        (user(40, "collect_rollouts", str(tmp_path / "data.py")),),
    ):
        outcome, _ = judged(tmp_path, FOR, below)
        assert isinstance(outcome, Fine), below


def test_little_making_few_passes_or_an_index_are_fine(tmp_path: Path):
    below = (user(40, "decode", str(tmp_path / "data.py")),)
    assert isinstance(judged(tmp_path, FOR, below, making_ms=20, rest_ms=180)[0], Fine)
    assert isinstance(judged(tmp_path, FOR, below, passes=7, making_ms=240)[0], Fine)
    assert isinstance(judged(tmp_path, FOR, ())[0], Fine)


def test_without_idle_cores_there_is_nothing_to_gain_unless_it_waits(tmp_path: Path):
    below = (user(40, "decode", str(tmp_path / "data.py")),)
    assert isinstance(judged(tmp_path, FOR, below, cores=1)[0], Fine)
    outcome, _ = judged(tmp_path, FOR, below, cores=2, blocked=True)
    assert isinstance(outcome, Finding) and "thread" in outcome.fix.summary


def test_the_gain_is_what_both_can_do_at_the_same_time(tmp_path: Path):
    outcome, _ = judged(tmp_path, FOR, generator(tmp_path), making_ms=80, rest_ms=120)
    assert isinstance(outcome, Finding) and outcome.gain is not None
    assert outcome.gain.low <= outcome.gain.share <= outcome.gain.high
    assert outcome.gain.share <= 80 / 200
    assert outcome.location is not None and outcome.location.function == "batches"


def test_a_known_slow_line_in_the_making_speaks_instead(tmp_path: Path):
    (tmp_path / "data.py").write_text(
        "import pandas as pd\n\ndef rows(frame):\n    out = []\n    for i, row in frame.iterrows():\n"
        "        out.append(row['x'])\n    return out\n"
    )
    below = library("iterrows", "/site-packages/pandas/core/frame.py"), user(5, "rows", str(tmp_path / "data.py"))
    _, recorded = judged(tmp_path, FOR, below, making_ms=140, rest_ms=60)
    assert [ranked.finding.detector for ranked in diagnose(recorded).findings] == ["iterrows-loop"]
