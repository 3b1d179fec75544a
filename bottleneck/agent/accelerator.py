"""The accelerator that the program uses: the events of its queue, found through the torch that the program imported.

An accelerator is asynchronous: the host queues work and goes on. An event is a point in the queue that says when the
device got there. torch's generic events do nothing on devices that others add to it, so we use those of the device's
own module, as ``torch.cuda`` (NVIDIA and AMD), ``torch.xpu``, and the module of such an added device. Not Apple's:
reading the time of their events waits for the device.

Nothing here touches a device that the program has not touched itself.
"""

import sys

from .unpatched import get_ident


class Accelerator:
    """A device in use. ``event()`` makes an event that keeps the time; its methods are those of ``torch.cuda.Event``.

    ``capturing``: threads that are inside the capture of a graph. Meanwhile no thread may make, record or query an
    event: that would break the capture.
    """

    def __init__(self, name, module):
        self.name = name
        self.module = module
        self.capturing = set()
        self.index = None  # of the device whose queue is followed; None: the current one
        self._captures = getattr(module, "is_current_stream_capturing", None)

    def event(self):
        return self.module.Event(enable_timing=True)

    def record(self, event):
        """Put the event into the queue of the device that is followed."""
        if self.index is None:
            event.record()
        else:
            event.record(self.module.current_stream(self.index))

    def held(self):
        """Bytes of this process's tensors on each device that has any; None if this torch does not say."""
        ask = getattr(self.module, "memory_allocated", None)
        try:
            return None if ask is None else {n: held for n in range(self.module.device_count()) if (held := ask(n))}
        except Exception:  # an allocator of the program's own may not count
            return None

    def choose(self, held):
        """Follow the device that has most of the tensors: it need not be the current one."""
        index, current = max(held, key=held.get), self.module.current_device()
        if not held.get(current):
            self.index = index
        return current if self.index is None else index

    def may_be_asked(self):
        """Whether events may be used now: no graph is being captured."""
        return not self.capturing and not (self._captures is not None and self._captures())

    def graphs(self):
        """The classes whose ``capture_begin`` and ``capture_end`` enclose a capture."""
        owners = self.module, getattr(sys.modules.get("torch"), "accelerator", None)
        found = {value for owner in owners for name, value in vars(owner or object).items() if name.endswith("Graph")}
        return [graph for graph in found if isinstance(graph, type) and hasattr(graph, "capture_begin")]

    def begins(self, args=(), kwargs=None):
        """A capture begins in this thread."""
        self.capturing.add(get_ident())

    def begun(self, token=None, result=None, failed=False):
        """It has begun, unless that failed."""
        if failed:
            self.ended()

    def ended(self, token=None, result=None, failed=False):
        """The capture of this thread is over."""
        self.capturing.discard(get_ident())


def in_use():
    """The accelerator on which the program has begun to work; None if there is none, or if it cannot be timed."""
    name, module = module_in_use("Event", "current_stream")
    return None if module is None else Accelerator(name, module)


def module_in_use(*needed):
    """(name, module of torch) for the device on which the program has begun to work, if the module has what is needed;
    ("", None) otherwise."""
    torch = sys.modules.get("torch")
    for name in ("cuda", "xpu", _added(torch)):
        module = getattr(torch, name, None)
        started = getattr(module, "is_initialized", None)
        if started is not None and all(hasattr(module, each) for each in needed) and started():
            return name, module
    return "", None


def _added(torch):
    """The name of the device that another package adds to torch."""
    name = getattr(getattr(torch, "_C", None), "_get_privateuse1_backend_name", None)
    return "" if name is None else name()
