"""An environment that answers a policy neither makes batches ahead nor is Python on the side."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.training.environments import answers
from bottleneck_profiler.artifacts.training.loop_samples import LoopSamples
from bottleneck_profiler.recording.model import Frame
from typed import add

from training.test_residual import BACKWARD, FILE, FORWARD, at, loop_of

SOURCE = 0.4, signals.NONE, signals.STACK_CPU


def samples(*frames, asks=None):
    """What LoopSamples makes of a part of each step that ends in these frames; ``asks``: who asks a model there."""
    made = loop_of(FORWARD, BACKWARD, (*SOURCE, *frames))
    add(made.facts, "flow_lines", file=FILE, lines=[11, 12], zeroing=[])
    if asks:
        add(made.facts, "forward", frames=[(asks, FILE, 31), ("train", FILE, 11)], grad=False)
    found = Artifacts(made).get(LoopSamples)
    return len(found.feeding), len(found.aside)


@pytest.mark.parametrize(
    ("frames", "asks"),
    [
        ((at(40, "CartPoleEnv.step"), at(11)), None),
        ((at(41, "helper"), at(40, "GridWorld._step"), at(30, "gather"), at(11)), None),
        ((at(40, "step_env"), at(11)), None),
        ((Frame("CartPole.step", "/lib/gymnasium/envs/cartpole.py", 9, False), at(11)), None),
        ((at(35, "rollout"), at(11)), "rollout"),
    ],
    ids=["a method", "a helper below it", "a function", "a library", "where a policy asks"],
)
def test_an_environment_neither_feeds_the_loop_nor_stands_aside(frames, asks):
    assert samples(*frames, asks=asks) == (0, 0)


@pytest.mark.parametrize("name", ["make_batch", "Sampler.step", "rollout", "Environment.__init__", "load_env"])
def test_other_lines_before_the_forward_still_feed_it(name):
    feeding, _ = samples(at(40, name), at(11))
    assert feeding > 100


def test_a_step_of_anything_else_is_no_answer():
    names = ("Adam.step", "Trainer.training_step", "Env.render", "step", "World.load")
    assert not any(answers(at(1, name)) for name in names)
    assert answers(at(1, "Env.reset")) and answers(at(1, "env_step"))
