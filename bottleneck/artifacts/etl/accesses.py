"""User functions that get or set the values or rows of a table one by one, as the samples show them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from ... import signals
from ...recording.intervals import Spans
from ...recording.model import Frame, Recording, Site
from ..run.stacks import Stacks
from .spans import Span, complement, merged

MIN_ELEMENT_SAMPLES = 5  # samples in element access: each call takes microseconds, so there were thousands
_INDEXING = ("/pandas/core/indexing.py", "/pandas/core/frame.py", "/pandas/core/series.py")
#: pandas functions that get or set one value or row, and those that work on many.
_ELEMENT = frozenset(("_get_value", "_set_value", "fast_xs", "xs", "_is_scalar_access"))
_MANY = frozenset(
    "take _getbool_axis _getitem_bool_array _getitem_iterable _get_listlike_indexer _get_indexer_strict "
    "_get_slice_axis _slice _getitem_multilevel".split()
)


@dataclass(frozen=True)
class Access:
    """A user function that gets or sets the values or rows of a table one by one; sampled seconds inside pandas.

    ``spans``: when it did so, in ns of the run's clock.
    """

    site: Site
    seconds: float
    samples: int
    spans: tuple[Span, ...]


def accesses_of(recording: Recording, stacks: Stacks, taken: Spans) -> tuple[Access, ...]:
    """User functions whose samples outside phases and ``taken`` lie in pandas' element access."""
    starts, ends = complement(taken, recording).T
    kinds = {stack: _access(frames) for stack, frames in stacks.frames.items()}
    found: dict[tuple[str, str], list[tuple[int, int, int, bool]]] = {}
    rows = stacks.rows[(stacks.rows["flags"] & 0xFF) == signals.NONE]
    at = np.searchsorted(starts, rows["t1"], side="left") - 1
    for row in rows[(at >= 0) & (rows["t1"] <= ends[at])] if len(starts) else ():
        kind = kinds.get(int(row["arg"]))
        if kind is not None:
            user, single = kind
            found.setdefault((user.file, user.function), []).append((int(row["t0"]), int(row["t1"]), user.line, single))
    accesses = []
    for (file, function), samples in found.items():
        if sum(single for *_, single in samples) >= MIN_ELEMENT_SAMPLES:
            lines: dict[int, int] = {}
            for start, end, line, _ in samples:
                lines[line] = lines.get(line, 0) + end - start
            site = Site(file, max(lines, key=lambda line: lines[line]), function)
            spans = tuple(merged([(start, end) for start, end, *_ in samples]))
            accesses.append(Access(site, sum(lines.values()) / 1e9, len(samples), spans))
    return tuple(accesses)


def _access(frames: tuple[Frame, ...]) -> tuple[Frame, bool] | None:
    """(the user's frame, whether it surely accesses one value or row), for a stack in which pandas indexes a table."""
    library = list(takewhile(lambda frame: not frame.user, frames))
    if not library or len(library) == len(frames) or not library[-1].file.replace("\\", "/").endswith(_INDEXING):
        return None
    names = {frame.function.rpartition(".")[2] for frame in library}
    if library[-1].function.rpartition(".")[2] not in ("__getitem__", "__setitem__") or names & _MANY:
        return None
    return frames[len(library)], bool(names & _ELEMENT)
