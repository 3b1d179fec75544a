"""Whether a sample acts in an environment: a policy asks, the environment answers, in strict alternation. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ..run.frames import Named

#: Words in the name of a function in which a policy acts.
ACTS = frozenset(("act", "action", "actions", "collect", "explore", "play", "rollout", "rollouts"))
_ENVIRONMENTS = (
    "/gym/", "/gymnasium/", "/pettingzoo/", "/dm_control/", "/dm_env/", "/ale_py/", "/stable_baselines3/",
    "/torchrl/", "/procgen/", "/minigrid/", "/envs/",
)  # fmt: skip
_WORLDS = ("env", "game", "world", "simulator", "arena")  # in a class name, together with a method in _ANSWERS
_ANSWERS = ("step", "reset", "observe", "observation", "reward")


def is_of_a_policy(frames: Iterable[Named]) -> bool:
    """Whether the name of any of the functions says that a policy acts."""
    names = {word for frame in frames for word in frame.function.rpartition(".")[2].lower().split("_")}
    return not ACTS.isdisjoint(names)


def answers(frame: Named) -> bool:
    """Whether a frame belongs to an environment that answers an action."""
    return _answers(frame.file, frame.function)


@lru_cache(4096)  # a run has many samples of few functions
def _answers(file: str, function: str) -> bool:
    if any(part in file for part in _ENVIRONMENTS):
        return True
    owner, _, name = function.rpartition(".")
    words = name.lower().strip("_").split("_")
    owners = owner.lower()
    if any(world in owners for world in _WORLDS):
        return not set(words).isdisjoint(_ANSWERS)
    return len(words) > 1 and not set(words).isdisjoint(_WORLDS) and not set(words).isdisjoint(_ANSWERS)
