"""Interns call stacks: each is written to the side file once and then referred to by its id."""

from itertools import count

from ...agent.files import runs_cells
from ...agent.frames import BY_VALUE, function_of, is_ours, line_of

DEPTH = 100  # frames kept, innermost first
MAX_STACKS = 4096  # stored in full; up to as many later ones keep only their innermost line and the user's
MAX_SEEN = 16384
_GENERATOR = 0x20  # inspect.CO_GENERATOR
FIRST_ID = 10_000  # above the recorder's own ids, which are below 4,097


class StackTable:
    """The stacks of one process."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._stacks = {}
        self._seen = {}
        self._codes = {}
        self._by_value = {}  # place and checksum of a function that came by value -> the first such one
        self._ids = count(FIRST_ID)

    def __len__(self):
        return len(self._stacks)

    def id_of(self, frame):
        """Id of the stack from ``frame`` outwards; 0 if full. The signal handler and the thread may both call it."""
        return self.number(*self.walk(frame))

    def walk(self, frame):
        """The arguments of ``number`` for the stack from ``frame`` outwards. Touches no file, so we keep the GIL."""
        key = []
        inner = frame
        while frame is not None and len(key) < 2 * DEPTH:
            # Use neither the code object's hash nor its line table: each costs more than the rest of a sample.
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
        """Like ``walk``, for frames that are not linked, such as those of coroutines awaiting one another."""
        frames = frames[:DEPTH]
        place = tuple([part for frame in frames for part in (id(frame.f_code), frame.f_lasti)])
        return place, None if place in self._seen else [(frame.f_code, line_of(frame)) for frame in frames]

    def number(self, place, lines):
        """Id of the stack from a walk; its frames may be gone by now."""
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
            # Each nested import adds several importlib frames: keep one of them.
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
        # A code object that is not kept may leave its id to another one.
        if len(self._seen) < MAX_SEEN and all(id(code) in codes for code, _ in lines):
            self._seen[place] = found
        return found

    def _know(self, code):
        """(function, file, is user's, is importlib's, is ours, code object, is a generator, runs notebook cells).

        It keeps the code object alive, so that its id is not reused; of functions that came by value only the first of
        each, since every task may bring a new one.
        """
        name = code.co_filename
        if name == BY_VALUE:
            place = place_of(code)
            if place in self._by_value:
                return self._by_value[place]
            if len(self._by_value) < MAX_STACKS:
                note_by_value(self._recorder, code, place[2])
        known = (
            function_of(code),
            self._recorder.files.name(name),
            self._recorder.is_user(code),
            name.startswith("<frozen importlib"),
            is_ours(name),
            code,
            bool(code.co_flags & _GENERATOR),
            runs_cells(code),
        )
        known = self._codes.setdefault(id(code), known)
        if name == BY_VALUE:
            self._by_value[place] = known
        return known


def place_of(code):
    """What is the same in all copies of a function that came by value."""
    from zlib import crc32  # few processes need it

    return code.co_name, code.co_firstlineno, crc32(code.co_code)


def note_by_value(recorder, code, checksum):
    """Note how a function without a file can be found in the user's: cloudpickle sends neither file nor text."""
    first = code.co_firstlineno
    lines = [line for _, _, line in code.co_lines() if line] if hasattr(code, "co_lines") else []
    names = [str(each) for each in (code.co_names + code.co_varnames)[:50]]
    recorder.note(
        "by_value", function=function_of(code), first=first, last=max(lines, default=first), names=names,
        checksum=checksum
    )  # fmt: skip


def _key(kept):
    return tuple([(id(known), line) for known, line in kept])


def _folded(kept):
    """Reduce a stack to its innermost line and the user's innermost line."""
    user = next((at for at, (known, _) in enumerate(kept) if known[2]), 0)
    return [kept[at] for at in sorted({0, user})] if kept else []
