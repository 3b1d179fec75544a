"""The open phase of a thread, for the sampler: as its hooks have set it, or else by its frames."""

from .. import signals

_DEEPEST = 256  # frames in which we look for a phase


class Phases:
    """The phases of this process's threads. In a step that is not recorded in full, most hooks set none."""

    def __init__(self, rings):
        self._rings = rings
        self._marked = {}

    def mark(self, code, phase):
        """``phase(frame)`` is the phase of a thread with a frame of ``code`` in a step that is not recorded in full."""
        self._marked[id(code)] = code, phase  # the code object must stay, and its id with it

    def of(self, thread, frame):
        """The innermost open phase of a thread that is at ``frame``."""
        ring = self._rings.get(thread)
        if ring is None:
            return signals.NONE
        found = ring.phase
        if found or not ring.skip:
            return found
        depth = 0
        while frame is not None and not found and depth < _DEEPEST:
            known = self._marked.get(id(frame.f_code))
            found = known[1](frame) if known is not None else signals.NONE
            frame = frame.f_back
            depth += 1
        return found
