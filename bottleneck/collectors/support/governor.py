"""Chooses which steps of a fast loop are recorded in full: one in k, at random, so that the hooks stay cheap.

A stretch of steps that are not recorded in full becomes records SKIPPED, one for about 8 ms, so that a kill loses no
more. In these steps, the hooks of forward, backward and optimizer do next to nothing: the sampler finds the phase in
the frames. Rare phases are recorded in every step.
"""

import sys

from ... import signals
from ...agent.recorder import now

BLOCK = 128  # steps recorded in full between two looks at the step time; those of the first block are consecutive
SLOW_NS = 6_000_000  # steps that take this long are all recorded: the hooks cost about 1 % of them
MOST = 64  # steps for one that is recorded in full
HITS = 64  # backward passes since the last step: so many only if the loop was left; recording resumes
PIECE_NS = 8_000_000  # of a stretch, in a record of its own
_SLOWER = 2  # times the mean: a stretch whose steps took longer is a reason to look at once
_DEEPEST, _NEXT = 4, 1 << 32  # passes over such loaders within each other, and between their keys
_OFTEN = BLOCK // 2  # passes without gradients in a block: they are a part of every step
_BITS = (1 << 64) - 1  # of a random number; the generator is our own: the program's random numbers stay as they are


class Governor:
    """The recording of one loop's steps on one thread. ``left``: steps of the stretch's piece that are still to come;
    ``owner``: the pass of the loop that is under way."""

    __slots__ = (
        "_at", "_before", "_evals", "_full", "_length", "_mean", "_random", "_rest", "_since", "_steps", "k", "left",
        "owner",
    )  # fmt: skip

    def __init__(self, at):
        self.k = 1
        self.owner = None
        self.left = self._length = self._since = 0  # steps of the stretch's piece, and when it began
        self._rest = 0  # steps of its further pieces
        self._full = self._steps = self._before = 0  # of the block, and its time (ns) in earlier passes of the loop
        self._at = at  # when the block, or this pass of the loop, began
        self._mean = 0  # time (ns) of a step, at the last look
        self._evals = 0  # passes without gradients before the block
        self._random = at

    def begin(self, ring, at, owner):
        """A pass of the loop begins at ``at`` (ns)."""
        self.owner = owner
        bare = ring.governors.get(0)
        if bare is not None:
            bare.end(ring, at, 0)
        self._at = at
        self.left = self._length = self._rest = ring.skip = 0

    def step(self, ring, at):
        """A step that was recorded in full ended at ``at`` (ns): maybe begin a stretch."""
        self._full += 1
        self._steps += 1
        if self._full == BLOCK:
            self._look(ring, at)
        if self.k > 1:
            self._random = (self._random * 6364136223846793005 + 1442695040888963407) & _BITS
            self._rest = (self._random >> 33) % (2 * self.k - 1)
            if self._rest:
                self._next_piece(ring, at)
                if ring.clock is not None:
                    ring.clock.pause()

    def _next_piece(self, ring, at):
        self.left = self._length = min(self._rest, PIECE_NS // self._mean or 1)
        self._rest -= self.left
        self._since = at
        ring.skip = HITS

    def _look(self, ring, at):
        self._adapt((self._before + at - self._at) // self._steps)
        evals = ring.count(signals.EVAL)
        ring.infers = evals - self._evals >= _OFTEN
        self._at, self._evals = at, evals
        self._full = self._steps = self._before = 0

    def _adapt(self, mean):
        """Choose k for steps of ``mean`` ns."""
        self._mean = max(mean, 1)
        # The square: hooks may take 20 us of a short step, so there fewer may be recorded in full.
        self.k = min(MOST, -(-SLOW_NS * SLOW_NS // (self._mean * self._mean))) if _is_alone() else 1

    def passed(self, ring, loop):
        """A step that was not recorded in full has ended."""
        self.left -= 1
        if self.left > 0:
            ring.skip = HITS
            return
        rest, at = self._rest, now()
        mean = (at - self._since) // (self._length or 1)
        self.end(ring, at, loop)
        if mean > _SLOWER * self._mean:  # do not wait for a whole block of such steps
            self._adapt(mean)
        elif rest:
            self._rest = rest
            self._next_piece(ring, at)
            return
        if ring.clock is not None:  # the next step is recorded in full
            ring.clock.mark(ring, signals.DEVICE_END | (signals.DATA_WAIT if loop else signals.OPTIMIZER), at)

    def last(self, ring, loader, flags):
        """The next() that ends the loop was in a stretch, and ends that, too; returns when (ns)."""
        self.left -= 1
        at = now()
        self.end(ring, at, loader)
        ring.put(signals.DATA_WAIT, flags, at, at, loader)
        return at

    def end(self, ring, at, loop, flags=0):
        """End the stretch at ``at`` (ns), if there is one. ``loop``: a loader's id, 0 for a loop without one."""
        done = self._length - self.left
        self.left = self._rest = ring.skip = 0
        if done:
            self._steps += done
            ring.skipped(done, self._since, at, loop, flags)
        self._length = 0

    def leave(self, ring):
        """The program ends, in a stretch of a loop of which nothing says where it ended: about when its steps had."""
        done = self._length - self.left
        self.end(ring, min(now(), self._since + done * self._mean), 0)

    def pause(self, at):
        """The pass of the loop ended at ``at`` (ns)."""
        self._before += at - self._at
        self._at = at
        self.owner = None


def governor_of(recorder, ring, loop, at):
    """The governor of a loop; ``loop``: where its loader is made, 0 without one. None: all steps are recorded."""
    if recorder.options.get("window"):  # the device window is about consecutive steps
        return None
    for nested in range(_DEEPEST):
        found = ring.governors.get(loop + nested * _NEXT)
        if found is None:
            found = ring.governors[loop + nested * _NEXT] = Governor(at)
        if found.owner is None:  # else a pass of such a loader is under way: one function may make all loaders
            return found
    return None


def _is_alone():
    """Whether this process trains alone: the steps of several ranks are compared one by one."""
    distributed = sys.modules.get("torch.distributed")
    return distributed is None or not (distributed.is_available() and distributed.is_initialized())
