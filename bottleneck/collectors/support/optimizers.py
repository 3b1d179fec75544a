"""What each optimizer is: the line that made it, its class, how it goes over its parameters, how large these are.

Looked at twice in an optimizer's life: when it is made, and in its first step, when the gradients are there.
"""

import sys

from ...agent.recorder import is_users_exception

_MAX_NOTES = 32  # optimizers noted in a process
_PARAMETERS = 50_000  # looked at in one optimizer


class Optimizers:
    """The notes "optimizer" of one process. A failure here ends these notes and nothing else."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._sites = {}
        self._left = _MAX_NOTES

    def made(self, optimizer):
        """An optimizer is being made: where."""
        if self._left and len(self._sites) < _MAX_NOTES:
            self._sites[id(optimizer)] = self._recorder.site(3)

    def note(self, optimizer):
        """An optimizer begins its first step."""
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
    """Builtins only. ``sizes``: (bits of the number of values, how many tensors with a gradient), by bits."""
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
        # torch's own only: nobody knows what another one's step does.
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
