"""Sequence lengths and padding, measured in one of 16 batches that a DataLoader returns or a model infers; on a device
also the batch's bytes.

Covers token ids and masks only: 2-D integer tensors on the CPU. A row ends where its padding starts. We read little
data, so torch starts no threads for it. We read nothing while the program itself watches torch's operations with a mode
or a profiler, which would see ours.
"""

import sys

from ...agent.recorder import is_users_exception
from .carried import note_carried

_FIRST_MASK, _MASK = 7, 15  # one batch in 8 of the first 256, then one in 16
_FIRST_LOOKS, _LOOKS = 32, 256  # after this many, half as often
_BLANKS = 3  # after this many reads without tokens, give up on the loader
_ROWS, _VALUES = 32, 32767  # read per batch; torch uses several threads above that
_WHOLE = ("torch.int64", "torch.int32", "torch.int16", "torch.uint8", "torch.bool")


class Batches:
    """Call ``look()`` in steps where ``step & mask`` is 0."""

    def __init__(self, recorder, torch, least_rows=2):
        self._least_rows = least_rows
        self.mask = _FIRST_MASK
        self._recorder = recorder
        self._torch = torch
        self._whole = [getattr(torch, name.rpartition(".")[2]) for name in _WHOLE]
        self._left = {}  # loader -> remaining reads without tokens before we give up
        self._looks = 0

    def look(self, batch, loader, time_ns):
        """Note the batch that starts the step at ``time_ns``. Our errors never propagate."""
        left = self._left.get(loader, _BLANKS)
        if left <= 0 and self._recorder.clock is None:
            return
        try:
            watched = is_watched(self._torch)
            if self._recorder.clock is not None and not watched:
                note_carried(self._recorder, self._torch, [value for _, value in _fields(batch)], loader, time_ns)
            if left <= 0:
                return
            found = None if watched else self._lengths(batch)
            if found is None:
                self._left[loader] = left - 1
                return
            rows, width, lengths = found
            self._recorder.note("batch", loader=loader, time_ns=time_ns, rows=rows, width=width, lengths=lengths)
            self._left[loader] = _BLANKS
            self._looks += 1
            if self._looks == _FIRST_LOOKS:
                self.mask = _MASK
            elif not self._looks % _LOOKS:
                self.mask = 2 * self.mask + 1
        except BaseException as error:
            if is_users_exception(error):
                raise
            self._left = dict.fromkeys(self._left, 0)
            self._left[loader] = 0
            self._recorder.fail("batches", "look", error)

    def _lengths(self, batch):
        """(rows, width, lengths of some rows); None if there are no tokens."""
        fields = _fields(batch)
        mask = next((value for name, value in fields if name == "attention_mask"), None)
        if self._is_tokens(mask):
            rows, width = mask.shape
            some = mask[: max(1, min(_ROWS, _VALUES // width))]
            return int(rows), int(width), [int(n) for n in (some != 0).sum(1).tolist()]
        for _, value in fields:
            if type(value) is self._torch.Tensor and value.dim() > 1:
                return self._padded(value) if self._is_tokens(value) else None
        return None

    def _is_tokens(self, value):
        if type(value) is not self._torch.Tensor or value.dim() != 2 or value.dtype not in self._whole:
            return False
        rows, width = value.shape
        strided = value.layout is self._torch.strided and value.device.type == "cpu"
        return strided and rows >= self._least_rows and 4 <= width <= _VALUES

    def _padded(self, value):
        rows, width = value.shape
        some = value[: max(1, min(_ROWS, _VALUES // width))]
        last = some[:, -1:]
        # The length of the run of equal values at the end of each row.
        runs = (some == last).flip(1).to(self._torch.int32).cumprod(1).sum(1).tolist()
        ends = last.flatten().tolist()
        padded = [(run, end) for run, end in zip(runs, ends) if 1 < run < width]
        if not padded:
            return int(rows), int(width), [int(width)] * len(runs)
        pad = max(padded)[1]
        return int(rows), int(width), [int(width - run if end == pad else width) for run, end in zip(runs, ends)]


def is_watched(torch):
    """Whether the program watches torch's operations with a mode or a profiler, which would see ours."""
    for name in ("_len_torch_dispatch_stack", "_len_torch_function_stack"):
        depth = getattr(torch._C, name, None)
        if depth is not None and depth():
            return True
    return torch.autograd._profiler_enabled()


def _fields(batch, depth=2):
    """(name, value) of each part of a batch. Only builtin containers, so that we never call the user's code."""
    if _is_user_dict(batch):
        batch = vars(batch).get("data")
    if isinstance(batch, dict):
        found = list(dict.items(batch))
    elif isinstance(batch, tuple):
        found = [("", value) for value in tuple.__iter__(batch)]
    elif isinstance(batch, list):
        found = [("", value) for value in list.__iter__(batch)]
    else:
        return [("", batch)]
    if depth == 1:
        return found
    return [inner for name, value in found for inner in (_fields(value, 1) if _holds(value) else [(name, value)])]


def _holds(value):
    return isinstance(value, (dict, tuple, list)) or _is_user_dict(value)


def _is_user_dict(value):
    """As what the tokenizers of Hugging Face return."""
    data = sys.modules.get("collections")
    return data is not None and isinstance(value, data.UserDict)
