"""Call stacks, each written to the side file once and known by a number from then on."""

from itertools import count

from ...agent.files import runs_cells
from ...agent.frames import OURS, function_of, line_of

DEPTH = 100  # frames kept, innermost first
MAX_STACKS = 4096  # kept whole; a later one is kept as its innermost line and the user's, and there may be as many
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
        return self.number(*self.walk(frame))

    def walk(self, frame):
        """What ``number`` wants of the stack from ``frame`` outwards. No file is touched: the GIL stays with us."""
        key = []
        inner = frame
        while frame is not None and len(key) < 2 * DEPTH:
            # Neither the hash of a code object nor its line numbers: both cost more than the rest of a sample.
            key.append(id(frame.f_code))
            key.append(frame.f_lasti)
            frame = frame.f_back
        place = tuple(key)
        lines = None
        if place not in self._seen:
            lines = []
            while inner is not None and len(lines) < len(key) // 2:
                lines.append((inner.f_code, line_of(inner)))
                inner = inner.f_back
        return place, lines

    def walk_all(self, frames):
        """The same of frames that no link joins, such as those of coroutines that await one another."""
        frames = frames[:DEPTH]
        place = tuple([part for frame in frames for part in (id(frame.f_code), frame.f_lasti)])
        return place, None if place in self._seen else [(frame.f_code, line_of(frame)) for frame in frames]

    def number(self, place, lines):
        """Id of what a walk found, whose frames may be gone by now."""
        return self._seen[place] if lines is None else self._learn(place, lines)

    def _learn(self, place, lines):
        kept = []
        codes = self._codes
        importing = False
        outermost = None
        for code, line in lines:
            known = codes.get(id(code)) or self._know(code)
            if known[7]:
                outermost = len(kept)
            # A module imported by a module goes through a handful of frames of importlib: one of them says it all.
            if not (known[4] or (importing and known[3])):
                kept.append((known, line))
            importing = known[3] or (importing and known[4])
        kept = kept[:outermost]
        found = self._stacks.get(_key(kept))
        if found is None and len(self._stacks) >= MAX_STACKS:
            kept = _folded(kept)
            found = self._stacks.get(_key(kept))
        if found is None:
            if len(self._stacks) >= 2 * MAX_STACKS:
                return 0
            fresh = next(self._ids)
            found = self._stacks.setdefault(_key(kept), fresh)
            if found == fresh:
                frames = [(known[0], known[1], line, known[2], known[6]) for known, line in kept]
                self._recorder.note("stack", id=found, frames=frames)
        if len(self._seen) < MAX_SEEN:
            self._seen[place] = found
        return found

    def _know(self, code):
        """(function, file, is it the user's, importlib's, ours, code object, is it a generator's, does it run cells).

        The code object is kept alive by it, so that its id stays its own.
        """
        name = code.co_filename
        known = (
            function_of(code),
            self._recorder.files.name(name),
            self._recorder.is_user(code),
            name.startswith("<frozen importlib"),
            name.startswith(OURS),
            code,
            bool(code.co_flags & _GENERATOR),
            runs_cells(code),
        )
        return self._codes.setdefault(id(code), known)


def _key(kept):
    return tuple([(id(known), line) for known, line in kept])


def _folded(kept):
    """The innermost line, and the innermost one of the user's."""
    user = next((at for at, (known, _) in enumerate(kept) if known[2]), 0)
    return [kept[at] for at in sorted({0, user})] if kept else []
