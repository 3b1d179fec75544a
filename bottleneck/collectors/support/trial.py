"""What a run of ``bottleneck try`` does beside recording: other arguments for one call, and the losses.

``override`` has ``file``, ``line``, ``function`` and ``values``: calls of the function from that line get these
arguments, whatever the program gives. Losses are what backward starts from, where that is one number on the CPU: to
read one from a device would wait for it. They go to a file of the process, eight bytes each.
"""

import json
import os
import sys
from struct import pack

from ...agent.recorder import is_users_exception
from .. import dress
from .hooking import unseen

_MOST_FRAMES = 8  # between the line and the function: decorators, subclasses


def follow(recorder, path):
    """A function to call after each import of a watched module. Raises what reading the file raises."""
    with open(path, encoding="utf-8") as file:
        asked = json.load(file)
    override = asked.get("override")
    todo = {"override": override is not None, "losses": bool(asked.get("losses"))}

    def imported(name):
        try:
            if todo["override"] and override["function"].startswith(name + "."):
                todo["override"] = not _replace(override, name)
            if todo["losses"] and name == "torch":
                todo["losses"] = False
                _note_losses(sys.modules["torch"], asked["losses"])
        except BaseException as error:
            if is_users_exception(error):
                raise
            recorder.fail("trial", "attach", error)

    return imported


def _replace(override, name):
    """Whether the function is there, and calls of it from the line get the values now."""
    *path, last = override["function"][len(name) + 1 :].split(".")
    owner = sys.modules[name]
    for part in path:
        owner = getattr(owner, part, None)
    found = getattr(owner, last, None)
    if found is None:
        return False
    if isinstance(found, type):
        setattr(found, "__init__", _with_values(getattr(found, "__init__"), override, 1))  # noqa: B009, B010
    else:
        setattr(owner, last, _with_values(found, override, 0))
    return True


def _with_values(original, override, first):
    from inspect import signature

    names = list(signature(original).parameters)[first:]
    values = override["values"]
    files = {override["file"], os.path.realpath(override["file"])}

    def called(*args, **kwargs):
        if _is_called_from(files, override["line"]):
            given = list(args)
            for name, value in values.items():
                at = first + names.index(name) if name in names else len(given)
                if at < len(given):
                    given[at] = value
                else:
                    kwargs[name] = value
            args = tuple(given)
        return original(*args, **kwargs)

    return dress(unseen(called, original), original)


def _is_called_from(files, line):
    frame = sys._getframe(2)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return False
        if frame.f_lineno == line and frame.f_code.co_filename in files:
            return True
        frame = frame.f_back
    return False


def _note_losses(torch, folder):
    original = torch.autograd.backward
    opened = {}

    def backward(*args, **kwargs):
        try:
            start = args[0] if args else kwargs.get("tensors")
            if isinstance(start, torch.Tensor) and start.numel() == 1 and start.device.type == "cpu":
                pid = os.getpid()
                if pid not in opened:
                    opened[pid] = os.open(os.path.join(folder, "%d.losses" % pid), os.O_WRONLY | os.O_CREAT, 0o600)
                os.write(opened[pid], pack("d", float(start.detach())))
        except Exception:
            pass  # no loss then
        return original(*args, **kwargs)

    torch.autograd.backward = dress(unseen(backward, original), original)
