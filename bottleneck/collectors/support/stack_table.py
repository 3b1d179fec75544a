"""Call stacks, each written to the side file once and known by a number from then on."""

import os
from itertools import count

from ...agent.frames import OURS, line_of

DEPTH = 100  # frames kept, innermost first
MAX_STACKS = 4096
MAX_SEEN = 16384
_GENERATOR = 0x20  # inspect.CO_GENERATOR
FIRST_ID = 10_000  # apart from the ids that the recorder itself gives (below 4,097)


class StackTable:
    """The stacks of one process."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._stacks = {}
        self._seen = {}
        self._codes = {}
        self._ids = count(FIRST_ID)

    def __len__(self):
        return len(self._stacks)

    def id_of(self, frame):
        """Id of the stack from ``frame`` outwards, 0 when too many. Safe from the handler and the thread at once."""
        key = []
        inner = frame
        while frame is not None and len(key) < 2 * DEPTH:
            # Neither the hash of a code object nor its line numbers: both cost more than the rest of a sample.
            key.append(id(frame.f_code))
            key.append(frame.f_lasti)
            frame = frame.f_back
        place = tuple(key)
        found = self._seen.get(place)
        return found if found is not None else self._learn(place, inner)

    def _learn(self, place, frame):
        kept = []
        codes = self._codes
        left = len(place) // 2
        importing = False
        while frame is not None and left:
            left -= 1
            code = frame.f_code
            known = codes.get(id(code)) or self._know(code)
            # A module imported by a module goes through a handful of frames of importlib: one of them says it all.
            if not (known[4] or (importing and known[3])):
                kept.append((known, line_of(frame)))
            importing = known[3] or (importing and known[4])
            frame = frame.f_back
        by_line = tuple([(id(known), line) for known, line in kept])
        found = self._stacks.get(by_line)
        if found is None:
            if len(self._stacks) >= MAX_STACKS:
                return 0
            fresh = next(self._ids)
            found = self._stacks.setdefault(by_line, fresh)
            if found == fresh:
                frames = [(known[0], known[1], line, known[2], known[6]) for known, line in kept]
                self._recorder.note("stack", id=found, frames=frames)
        if len(self._seen) < MAX_SEEN:
            self._seen[place] = found
        return found

    def _know(self, code):
        """(function, file, whether it is the user's, importlib's, ours, code object, whether it is a generator's).

        The code object is kept alive by it, so that its id stays its own.
        """
        name = code.co_filename
        known = (
            getattr(code, "co_qualname", code.co_name),
            name if name.startswith(("<", "/")) else os.path.abspath(name),
            self._recorder.is_user(code),
            name.startswith("<frozen importlib"),
            name.startswith(OURS),
            code,
            bool(code.co_flags & _GENERATOR),
        )
        return self._codes.setdefault(id(code), known)
