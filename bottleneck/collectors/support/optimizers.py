"""Describes each optimizer: the line that made it, its class, how it iterates over parameters, and their sizes.

We look at an optimizer twice: when it is created, and in its first step, when the gradients exist.
"""

import sys

from ...agent.recorder import is_users_exception

_MAX_NOTES = 32  # optimizers noted per process
_PARAMETERS = 50_000  # inspected per optimizer


class Optimizers:
    """Writes the notes "optimizer" of one process. A failure here stops only these notes."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._sites = {}
        self._left = _MAX_NOTES

    def made(self, optimizer):
        """Remember the line that creates an optimizer."""
        if self._left and len(self._sites) < _MAX_NOTES:
            self._sites[id(optimizer)] = self._recorder.site(3)

    def note(self, optimizer):
        """Note an optimizer at the start of its first step."""
        if not self._left:
            return
        self._left -= 1
        try:
            self._recorder.note("optimizer", site=self._sites.get(id(optimizer), 0), **_describe(optimizer))
        except BaseException as error:
            if is_users_exception(error):
                raise
            self._left = 0
            self._recorder.fail("optimizers", "step", error)


def _describe(optimizer):
    """Builtins only. ``sizes``: (bit length of the number of values, tensors of that size with a gradient), sorted."""
    owner = type(optimizer)
    groups = optimizer.param_groups
    sizes, devices, looked = {}, set(), 0
    for group in groups:
        for parameter in group["params"]:
            looked += 1
            if parameter.grad is not None and looked <= _PARAMETERS:
                bits = int(parameter.numel()).bit_length()
                sizes[bits] = sizes.get(bits, 0) + 1
                devices.add(parameter.device.type)
    return {
        # Only torch's own optimizers: we do not know what the step of another one does.
        "name": owner.__name__ if owner.__module__.startswith("torch.optim.") else "",
        "momentum": any(bool(group.get("momentum")) for group in groups),
        "fused": any(bool(group.get("fused")) for group in groups),
        "can_fuse": "fused" in optimizer.defaults,
        "foreach": any(bool(group.get("foreach")) for group in groups),
        "groups": len(groups),
        "device": devices.pop() if len(devices) == 1 else "",
        "sizes": sorted(sizes.items()),
        "torch": str(sys.modules["torch"].__version__),
    }
