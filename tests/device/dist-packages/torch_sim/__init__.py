"""A simulated asynchronous device for tests: ``device="sim"`` in a program that otherwise stays as it is.

With this folder on ``PYTHONPATH``, torch loads it by itself. Its tensors are plain ``torch.Tensor`` objects of torch's
device type for backends made elsewhere (``privateuse1``), so that autograd, modules and optimizers work. The host
computes each result at once, on small tensors, and the device is only busy with it: the launch returns, the work is
queued in ``_timeline``, and the host waits where it would on a real device: for values, for copies from pageable
memory, for a full queue. ``torch.sim`` has the functions that ``torch.cuda`` has.
With ``TORCH_SIM_DEVICES=2`` there are two, ``sim:0`` and ``sim:1``. Only the first computes gradients: torch's autograd
knows of no more than one device of a backend that is written in Python.
"""

import sys

from . import _timeline

_NAME = "sim"


def autoload():
    """Called by torch at the end of its import."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    from . import _kernels

    _setup_privateuseone_for_python_backend(_NAME, _kernels.as_module(sys.modules["torch"], _timeline))
    _kernels.register()
